//! nginx, which tells for each request the port it came from and the bytes of
//! both directions.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::lab::{Background, Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

/// A running nginx. Serves files by their size, `/bytes/1000`, and takes
/// uploads by PUT to `/upload/NAME`.
pub struct Nginx {
    server: Background,
    dir: PathBuf,
}

/// One line of the access log.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the request came from, as nginx sees it: translated.
    pub remote_addr: IpAddr,
    /// The translated port.
    pub remote_port: u16,
    /// nginx's own number for the connection.
    pub connection: u64,
    /// Bytes from the client: request line, header, body.
    pub request_length: u64,
    /// Bytes to the client: status line, header, body.
    pub bytes_sent: u64,
    /// The request line.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
}

impl Nginx {
    /// The client closes first here: nginx keeps connections alive.
    pub const KEEPALIVE: u16 = 80;
    /// nginx closes first here, after one answer.
    pub const ONE_SHOT: u16 = 8080;
    /// The files that are there from the start.
    pub const SIZES: [u64; 5] = [0, 1, 1_000, 100_000, 10_000_000];

    /// Starts nginx in the remote.
    pub fn start(lab: &Lab) -> Result<Self> {
        let dir = lab.dir().join("nginx");
        fs::create_dir_all(dir.join("files/bytes"))?;
        fs::create_dir_all(dir.join("files/upload"))?;
        let conf = dir.join("nginx.conf");
        fs::write(&conf, configuration(&dir.display().to_string()))?;
        let mut command = lab.command(Ns::Remote, "nginx");
        // -e: the log of the time before the configuration is read.
        command
            .arg("-e")
            .arg(dir.join("error.log"))
            .arg("-c")
            .arg(&conf);
        let nginx = Self {
            server: Background::start(command, &dir, "nginx")?,
            dir,
        };
        for size in Self::SIZES {
            nginx.publish(size)?;
        }
        for port in [Self::KEEPALIVE, Self::ONE_SHOT] {
            lab.wait_listening(Ns::Remote, port)
                .with_context(|| format!("nginx says: {}", nginx.complaints()))?;
        }
        Ok(nginx)
    }

    /// Makes a file of this size available; returns its path in an URL.
    pub fn publish(&self, size: u64) -> Result<String> {
        let path = format!("/bytes/{size}");
        let file = self.dir.join("files").join(&path[1..]);
        if !file.exists() {
            fs::write(file, crate::traffic::payload(size))?;
        }
        Ok(path)
    }

    /// The access log so far. nginx writes a line when a request is done, which
    /// can be after the client has its last byte.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let text = fs::read_to_string(self.dir.join("access.log"))?;
        // The last line may be in the writing.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(parse).collect()
    }

    /// Waits for a log line that fits.
    pub fn wait_for_request(&self, what: &str, fits: impl Fn(&Request) -> bool) -> Result<Request> {
        wait_until(PATIENCE, &format!("nginx's log line of {what}"), || {
            Ok(self.requests()?.into_iter().find(&fits))
        })
    }

    /// Leaves nginx to its lab.
    pub fn leave_running(self) {
        self.server.leave_running();
    }

    fn complaints(&self) -> String {
        let log = fs::read_to_string(self.dir.join("error.log")).unwrap_or_default();
        self.server.stderr() + &log
    }
}

fn configuration(dir: &str) -> String {
    let servers = [(Nginx::KEEPALIVE, "60s"), (Nginx::ONE_SHOT, "0")]
        .map(|(port, keepalive)| server(dir, port, keepalive))
        .concat();
    format!(
        r#"
daemon off;
user root;
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
events {{ worker_connections 8192; }}
http {{
    log_format truth escape=json '{{"remote_addr":"$remote_addr","remote_port":$remote_port,'
        '"connection":$connection,"request_length":$request_length,"bytes_sent":$bytes_sent,'
        '"request":"$request","status":$status}}';
    access_log {dir}/access.log truth;
    default_type application/octet-stream;
    sendfile on;
    keepalive_requests 100000;
    client_max_body_size 0;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
{servers}}}
"#
    )
}

fn server(dir: &str, port: u16, keepalive: &str) -> String {
    format!(
        r#"    server {{
        listen {port} backlog=4096;
        listen [::]:{port} backlog=4096;
        keepalive_timeout {keepalive};
        root {dir}/files;
        location /upload/ {{ dav_methods PUT; }}
    }}
"#
    )
}

fn parse(line: &str) -> Result<Request> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("nginx: {line}"))?;
    let text = |name: &str| {
        value[name]
            .as_str()
            .with_context(|| format!("{name} in {line}"))
    };
    let number = |name: &str| {
        value[name]
            .as_u64()
            .with_context(|| format!("{name} in {line}"))
    };
    Ok(Request {
        remote_addr: text("remote_addr")?.parse()?,
        remote_port: number("remote_port")?.try_into()?,
        connection: number("connection")?,
        request_length: number("request_length")?,
        bytes_sent: number("bytes_sent")?,
        request: text("request")?.to_owned(),
        status: number("status")?.try_into()?,
    })
}

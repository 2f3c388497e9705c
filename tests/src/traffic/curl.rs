//! curl, whose own counts must agree with those of nginx.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

use super::{payload, unique_tag};
use crate::lab::{Family, Lab, Ns, output};
use crate::server::Nginx;
use crate::truth::{Count, Truth};
use crate::wait::PATIENCE;

/// What curl is to report, in this order.
const REPORT: &str = "%{local_port} %{size_request} %{size_upload} %{size_header} %{size_download}";

/// Fetches a file of this size with one request on one connection, from one of
/// nginx's two ports.
pub fn fetch(
    lab: &Lab,
    nginx: &Nginx,
    client: Ns,
    family: Family,
    port: u16,
    size: u64,
) -> Result<Truth> {
    let path = nginx.publish(size)?;
    let request = Request {
        client,
        family,
        port,
        path,
        label: format!("curl get {size} B"),
    };
    request.make(lab, nginx, &[])
}

/// Uploads a file of this size with one request on one connection.
pub fn upload(lab: &Lab, nginx: &Nginx, client: Ns, family: Family, size: u64) -> Result<Truth> {
    let tag = unique_tag();
    let file = lab.dir().join(&tag);
    fs::write(&file, payload(size))?;
    let path = format!("/upload/{tag}");
    let label = format!("curl put {size} B");
    let request = Request {
        client,
        family,
        port: Nginx::KEEPALIVE,
        path,
        label,
    };
    // Without this header curl waits for a permission to send the body.
    let file = file.display().to_string();
    request.make(lab, nginx, &["--upload-file", &file, "--header", "Expect:"])
}

struct Request {
    client: Ns,
    family: Family,
    port: u16,
    path: String,
    label: String,
}

impl Request {
    fn make(self, lab: &Lab, nginx: &Nginx, options: &[&str]) -> Result<Truth> {
        let Self {
            client,
            family,
            port,
            path,
            label,
        } = self;
        let remote = SocketAddr::new(Ns::Remote.address(family), port);
        let tag = unique_tag();
        let mut curl = lab.command(client, "curl");
        // -q: not what the user's .curlrc says.
        curl.args([
            "-q",
            "--silent",
            "--show-error",
            "--fail",
            "--globoff",
            "--noproxy",
            "*",
        ]);
        curl.args([
            "--max-time",
            &PATIENCE.as_secs().to_string(),
            "--output",
            "/dev/null",
            "--write-out",
            REPORT,
        ]);
        let report = output(
            curl.args(options)
                .arg(format!("http://{remote}{path}?{tag}")),
        )?;
        let numbers: Vec<u64> = report
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [client_port, request, upload, header, download] = numbers[..] else {
            bail!("curl reports {report:?}");
        };
        let seen = nginx.wait_for_request(&tag, |request| request.request.contains(&tag))?;
        ensure!(seen.status < 300, "nginx answers {}", seen.status);
        Ok(Truth {
            label,
            client: client.address(family),
            client_port: Some(client_port.try_into().context("no port")?),
            remote,
            translated: seen.remote_addr,
            translated_port: Some(seen.remote_port),
            sent: Count::of(request + upload, seen.request_length),
            received: Count::of(seen.bytes_sent, header + download),
            reasons: &["fin"],
        })
    }
}

//! A half-closed transfer between two socats: the client sends and shuts down
//! writing, the remote answers only then.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::{payload, unique_tag};
use crate::lab::{Family, Lab, Ns, translated};
use crate::server::HalfClose;
use crate::truth::{Count, Truth};

/// Sends so many bytes (at least a tag's) and reads the answer.
pub fn transfer(
    lab: &Lab,
    server: &HalfClose,
    client: Ns,
    family: Family,
    bytes: u64,
) -> Result<Truth> {
    let remote = SocketAddr::new(Ns::Remote.address(family), HalfClose::PORT);
    let tag = unique_tag();
    let mut question = tag.clone().into_bytes();
    question.extend(payload(bytes.saturating_sub(tag.len() as u64)));
    let file = lab.dir().join(&tag);
    fs::write(&file, &question)?;

    let mut socat = lab.command(client, "socat");
    // -d -d: says its own port. -t: how long one direction may outlive the other.
    socat
        .args(["-d", "-d", "-t", "60", "-"])
        .arg(format!("TCP:{remote}"));
    let done = socat
        .stdin(fs::File::open(&file)?)
        .stdout(Stdio::piped())
        .output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "socat: {said}");
    let client_port = said
        .lines()
        .find_map(own_port)
        .with_context(|| format!("no port: {said}"))?;
    let (translated_port, got) = server.wait_for_request(tag.as_bytes())?;

    Ok(Truth {
        label: format!("half-close {} B", question.len()),
        client: client.address(family),
        client_port: Some(client_port),
        remote,
        translated: translated(family),
        translated_port: Some(translated_port),
        sent: Count::of(question.len() as u64, got),
        received: Count::of(server.answer_bytes, done.stdout.len() as u64),
        reasons: &["fin"],
    })
}

/// `… successfully connected from local address AF=2 192.168.17.11:40001`
fn own_port(line: &str) -> Option<u16> {
    let (_, address) = line.split_once("connected from local address ")?;
    address.rsplit_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::own_port;

    #[test]
    fn socat_names_its_port() {
        let line = "N successfully connected from local address AF=10 [fd00:17::11]:40001";
        assert_eq!(own_port(line), Some(40001));
    }
}

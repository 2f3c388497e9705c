//! What the kernel says of a socket that is still there.

use anyhow::{Context, Result, ensure};

use crate::lab::{Lab, Ns};

/// Payload bytes that the only connection on this port sent more than once
/// (`tcpi_bytes_retrans`).
pub fn retransmitted_bytes(lab: &Lab, ns: Ns, port: u16) -> Result<u64> {
    let said = lab.run(ns, &format!("ss -Htni sport = :{port}"))?;
    ensure!(
        said.matches("bytes_sent:").count() == 1,
        "not one connection on port {port}: {said}"
    );
    // ss leaves out what is 0.
    let Some((_, rest)) = said.split_once("bytes_retrans:") else {
        return Ok(0);
    };
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits
        .unwrap_or_default()
        .parse()
        .with_context(|| format!("bytes_retrans in {said}"))
}

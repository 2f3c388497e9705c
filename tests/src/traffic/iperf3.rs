//! iperf3, at full speed. Its data streams are counted by both ends; its
//! control connection is not, and only has to be there.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::lab::{Family, Lab, Ns, output, translated};
use crate::server::Iperf3;
use crate::truth::{Count, Truth};
use crate::wait::PATIENCE;

/// What each data stream sends first, from the client: iperf3's `COOKIE_SIZE`,
/// which it leaves out of its own counts.
const COOKIE_BYTES: u64 = 37;

/// Which test to run.
#[derive(Clone, Debug)]
pub struct Test {
    /// From where.
    pub client: Ns,
    /// Over which protocol.
    pub family: Family,
    /// Which way the data goes.
    pub direction: Direction,
    /// How many streams at once.
    pub streams: u32,
    /// iperf3's own words for how much: `-n 100M`, `-t 10`.
    pub amount: &'static str,
}

/// The way of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From client to remote.
    Upload,
    /// From remote to client.
    Download,
}

/// Runs a test; the truth of each data stream, and of the control connection.
///
/// A download by amount (`-n`) is exact. In an upload the server closes as soon
/// as its client calls the end, with data still under way: what was on the wire
/// is then only known to lie between what the two ends count.
pub fn run(lab: &Lab, server: &Iperf3, test: &Test) -> Result<Vec<Truth>> {
    let remote = SocketAddr::new(Ns::Remote.address(test.family), server.port);
    let mut command = lab.command(test.client, "iperf3");
    let patience_ms = PATIENCE.as_millis().to_string();
    command.args([
        "--json",
        "--get-server-output",
        "--connect-timeout",
        &patience_ms,
    ]);
    command.args([
        "-c",
        &remote.ip().to_string(),
        "-p",
        &server.port.to_string(),
    ]);
    command
        .args(["-P", &test.streams.to_string()])
        .args(test.amount.split(' '));
    if test.direction == Direction::Download {
        command.arg("-R");
    }
    let report: Value = serde_json::from_str(&output(&mut command)?)?;
    let mut truths = streams(test, remote, &report)
        .with_context(|| format!("in what iperf3 reports: {report:#}"))?;
    truths.push(control(test, remote));
    Ok(truths)
}

fn streams(test: &Test, remote: SocketAddr, report: &Value) -> Result<Vec<Truth>> {
    let connected = list(report, "/start/connected")?;
    let seen = list(report, "/server_output_json/start/connected")?;
    let counted = list(report, "/end/streams")?;
    // Streams open one after the other, so both ends list them in one order.
    let mut truths = Vec::new();
    for ((client, server), counts) in connected.iter().zip(seen).zip(counted) {
        let data = Count::of(
            number(counts, "/sender/bytes")?,
            number(counts, "/receiver/bytes")?,
        );
        let (sent, received) = match test.direction {
            Direction::Upload => (with_cookie(data), Count::Exact(0)),
            Direction::Download => (Count::Exact(COOKIE_BYTES), data),
        };
        truths.push(Truth {
            label: format!("iperf3 {:?}", test.direction).to_lowercase(),
            client_port: Some(port(client, "/local_port")?),
            translated_port: Some(port(server, "/remote_port")?),
            sent,
            received,
            ..control(test, remote)
        });
    }
    Ok(truths)
}

fn control(test: &Test, remote: SocketAddr) -> Truth {
    Truth {
        label: "iperf3 control".to_owned(),
        client: test.client.address(test.family),
        client_port: None,
        remote,
        translated: translated(test.family),
        translated_port: None,
        sent: Count::Unknown,
        received: Count::Unknown,
        // A receiver that closes while data is still to be read sends RST.
        reasons: &["fin", "rst"],
    }
}

fn with_cookie(data: Count) -> Count {
    match data {
        Count::Exact(bytes) => Count::Exact(bytes + COOKIE_BYTES),
        Count::Between(least, most) => Count::Between(least + COOKIE_BYTES, most + COOKIE_BYTES),
        Count::UpTo(_) | Count::Unknown => data,
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> Result<&'a Vec<Value>> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .with_context(|| format!("no {pointer}"))
}

fn number(value: &Value, pointer: &str) -> Result<u64> {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .with_context(|| format!("no {pointer}"))
}

fn port(value: &Value, pointer: &str) -> Result<u16> {
    Ok(number(value, pointer)?.try_into()?)
}

//! One capture of several interfaces of the gateway, and the records that
//! `nat-acct replay` makes from it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::agent;
use crate::captured;
use crate::lab::{Background, Lab, Ns, output};
use crate::wait::{PATIENCE, wait_until};

/// A running capture. Dropping it ends it.
pub struct Capture {
    process: Background,
    interfaces: Vec<&'static str>,
    file: PathBuf,
}

impl Capture {
    /// Captures these interfaces of the gateway, with their names.
    pub fn start(lab: &Lab, interfaces: Vec<&'static str>) -> Result<Self> {
        let file = lab.dir().join("capture.pcapng");
        let mut command = lab.command(Ns::Gateway, "dumpcap");
        for interface in &interfaces {
            command.args(["-i", interface, "-s", "96", "-B", "64", "-p"]);
        }
        command.args(["-N", "2000000", "-C", "800000000", "-w"]);
        command.arg(&file);
        let process = Background::start(command, lab.dir(), "dumpcap")?;
        wait_until(PATIENCE, "the capture to begin", || {
            Ok(process.stderr().contains("File: ").then_some(()))
        })?;
        Ok(Self {
            process,
            interfaces,
            file,
        })
    }

    /// Ends the capture, which must have missed nothing, and replays it with
    /// these arguments.
    pub fn stop_and_replay(mut self, lab: &Lab, args: &[String]) -> Result<Vec<Value>> {
        captured::wait_for_all(lab, &self.interfaces, &self.file)?;
        self.process.terminate()?;
        let lost = self.process.stderr();
        ensure!(lost.contains("received/dropped"), "no figures:\n{lost}");
        let lossless = lost
            .lines()
            .filter(|line| line.contains("received/dropped"))
            .all(|line| line.contains("/0 (pcap:0/"));
        ensure!(lossless, "the capture is not whole:\n{lost}");
        // A thread of dumpcap for each interface: on a busy machine, they write in turns of any
        // length.
        let sorted = self.file.with_extension("sorted");
        output(Command::new("reordercap").args([&self.file, &sorted]))?;
        let records = lab.dir().join("replayed.jsonl");
        let replay = Command::new(agent::binary()?)
            .arg("replay")
            .arg(&sorted)
            .args(args)
            .arg("--output")
            .arg(&records)
            .output()?;
        let said = String::from_utf8_lossy(&replay.stderr);
        ensure!(replay.status.success(), "replay failed:\n{said}");
        let lines = std::fs::read_to_string(&records)?;
        let parse = |line| serde_json::from_str(line).context("a line that is no JSON");
        lines.lines().map(parse).collect()
    }
}

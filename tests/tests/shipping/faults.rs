//! What happens to a shipper, its receiver and the file of records; every record must come through.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Background, wait_until};
use nix::sys::signal::Signal;

use crate::output::Output;

/// Records in each piece; some are more than one batch.
const PIECE: usize = 1_500;

/// A shipper or a receiver: can be stopped, and started again where it was.
pub trait Side {
    fn start(&mut self) -> Result<()>;
    fn stop(&mut self) -> Result<()>;
}

/// A shipper can also be killed.
pub trait Shipper: Side {
    /// Gives its process away, if it runs.
    fn take(&mut self) -> Option<Background>;

    fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.take() {
            process.signal(Signal::SIGKILL)?;
            process.wait(PATIENCE)?;
        }
        Ok(())
    }
}

/// A receiver says what has come through.
pub trait Receiver: Side {
    /// How many different records.
    fn records(&self) -> Result<usize>;
    /// That these are all, by their `event.id`, and nothing else is there.
    fn check(&self, written: &BTreeMap<String, String>) -> Result<()>;
    /// While it is away: returns when the shipper has tried to send, where that can be seen.
    fn wait_for_try(&self) -> Result<()> {
        Ok(())
    }
}

/// Which files a shipper reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The one that is being written, and the others.
    All,
    /// Those that were rotated away.
    Rotated,
}

/// Both sides are running, and nothing was written. Stops each of them, and both, rotating meanwhile,
/// and then kills the shipper while the receiver is away.
pub fn every_record_arrives<S: Shipper>(
    reads: Reads,
    output: &mut Output,
    shipper: &mut S,
    receiver: &mut impl Receiver,
) -> Result<()> {
    while_one_is_away(reads, output, shipper, receiver)?;
    while_both_are_away(reads, output, shipper, S::stop, receiver)?;
    while_both_are_away(reads, output, shipper, S::kill, receiver)
}

/// The same, but for both.
pub fn while_one_is_away(
    reads: Reads,
    output: &mut Output,
    shipper: &mut impl Side,
    receiver: &mut impl Receiver,
) -> Result<()> {
    write_and_rotate(output)?;
    wait_for_all(reads, output, receiver).context("with both running")?;

    receiver.stop()?;
    write_and_rotate(output)?;
    receiver.start()?;
    wait_for_all(reads, output, receiver).context("after the receiver was away")?;

    shipper.stop()?;
    write_and_rotate(output)?;
    shipper.start()?;
    wait_for_all(reads, output, receiver).context("after the shipper was away")
}

fn while_both_are_away<S: Shipper>(
    reads: Reads,
    output: &mut Output,
    shipper: &mut S,
    end: fn(&mut S) -> Result<()>,
    receiver: &mut impl Receiver,
) -> Result<()> {
    receiver.stop()?;
    write_and_rotate(output)?;
    // Now it has a batch in its hands.
    receiver.wait_for_try()?;
    end(shipper)?;
    write_and_rotate(output)?;
    shipper.start()?;
    output.tear()?;
    output.write(PIECE)?;
    receiver.start()?;
    wait_for_all(reads, output, receiver).context("after both were away")
}

fn write_and_rotate(output: &mut Output) -> Result<()> {
    output.write(PIECE)?;
    output.rotate()?;
    output.write(PIECE)
}

fn wait_for_all(reads: Reads, output: &mut Output, receiver: &impl Receiver) -> Result<()> {
    if reads == Reads::Rotated {
        output.rotate()?;
    }
    let mut count = 0;
    wait_until(PATIENCE, "all records", || {
        count = receiver.records()?;
        Ok((count >= output.written().len()).then_some(()))
    })
    .with_context(|| format!("{count} of {} have arrived", output.written().len()))?;
    receiver.check(output.written())
}

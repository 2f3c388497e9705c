//! How an agent ends: its connections are recorded, or left to the next one.

use anyhow::Result;
use tokio::task::JoinHandle;

use super::driver::Driver;
use crate::{record::End, source::live::grace};

/// Has what is due written, and leaves the rest to the next agent.
pub(super) async fn leave(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    harvest(driver, grace).await?;
    driver.close().await
}

/// Has the records of the connections that are still open written.
pub(super) async fn finish(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    driver.stop(End::AgentStop)?;
    harvest(driver, grace).await?;
    loop {
        if driver.begin_grace() {
            let grace = tokio::task::spawn_blocking(grace::wait);
            harvest(driver, Some(grace)).await?;
        } else if driver.has_retiring() {
            driver.wait_for_room().await;
        } else {
            return driver.close().await;
        }
    }
}

/// Waits for the grace period, if there is one, and reads what it was for.
async fn harvest(driver: &mut Driver, grace: Option<JoinHandle<()>>) -> Result<()> {
    if let Some(grace) = grace {
        grace.await?;
        driver.end_grace();
    }
    while driver.has_harvest() {
        driver.harvest()?;
        driver.pump()?;
    }
    Ok(())
}

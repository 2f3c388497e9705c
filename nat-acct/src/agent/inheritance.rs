//! An agent of another version has left connections, which cannot go on here: they become records.

use anyhow::{Context as _, Result};
use tracing::warn;

use super::{Config, addresses, boot, recorder::Recorder};
use crate::{
    clock,
    engine::{Engine, Event, Request, Timeouts},
    record::{Account, End, Run, Stamp},
    sink::Sink,
    source::live::{Inherited, Live, Remains, Settings},
};

/// Takes the programs of that agent off, and has its connections recorded.
pub(super) async fn settle(config: &Config, inherited: &Inherited) -> Result<()> {
    warn!("what lives on is of another version: its connections are recorded and end here");
    let settings = Settings {
        max_connections: 1,
        ..config.settings
    };
    // What cannot be loaded does not end what is there.
    let tick_ns = Live::load(&settings, None)?.tick_ns();
    let [inside, outside] = inherited.interfaces();
    let boot_id = boot::id()?;
    let stamp = Stamp::new(clock::read(), &inside, &outside)
        .telling(config.remotes)
        .of_boot(boot_id)
        .of_run(Run::of_tables(boot_id, inherited.number()));
    let sink = Sink::open(config.output.clone())?;
    let mut recorder = Recorder::start(sink, stamp, config.format, None)?;
    let mut remains = inherited.detach(tick_ns)?;
    let timeouts = Timeouts {
        close_on_first_fin: inherited.closes_on_first_fin(),
        ..config.timeouts
    };
    for (closed, number) in close(timeouts, &mut remains)? {
        while recorder.room() == 0 {
            recorder.wait_or_give_up().await;
        }
        recorder.record(&closed, number);
    }
    recorder.finish().await?;
    inherited.remove()
}

fn close(timeouts: Timeouts, remains: &mut Remains) -> Result<Vec<(Account, u64)>> {
    let mut engine = Engine::new(timeouts);
    engine.set_local_addresses(addresses::local());
    let now_ns = clock::monotonic_ns();
    for facts in remains.facts() {
        engine.handle_event(Event::Seen(facts), now_ns);
    }
    engine.handle_sightings(remains.outside_syns(), now_ns);
    engine.stop(End::AgentStop);
    let mut records = Vec::new();
    while let Some(request) = engine.poll_request() {
        answer(&mut engine, remains, &request, now_ns)?;
        while let Some(closed) = engine.poll_record() {
            let number = remains.record_number(closed.slot);
            records.push((closed, number.context("a record without a connection")?));
        }
    }
    Ok(records)
}

fn answer(engine: &mut Engine, remains: &Remains, request: &Request, now_ns: u64) -> Result<()> {
    match *request {
        Request::Look(slot) => {
            if let Some(facts) = remains.facts_of(slot) {
                engine.handle_event(Event::Seen(facts), now_ns);
            }
        }
        Request::Retire(slot) => {
            if let Some(harvested) = remains.harvest(slot)? {
                engine.handle_event(harvested, now_ns);
            }
        }
        Request::NoteSharedIsn(slot) => remains.note_shared_isn(slot),
        Request::ForgetReset(slot) => remains.forget_reset(slot),
        Request::ForgetOutside(_) => {}
    }
    Ok(())
}

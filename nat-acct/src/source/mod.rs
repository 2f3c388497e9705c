//! Where the engine's events come from.

pub mod live;
pub mod memory;

use nat_acct_common::{
    flow::Facts,
    layout::{ConnectionEvent, Event, OutsideEvent, OutsideSyn},
};

use crate::engine;

/// What the engine is to hear of an event; nothing of a connection of which there are no `facts` any more.
fn heard(event: Event, facts: impl FnOnce(u32) -> Option<Facts>) -> Option<engine::Event> {
    match event {
        Event::Outside(OutsideEvent { key, at_ns }) => {
            Some(engine::Event::OutsideSyn(key, OutsideSyn::at(at_ns)))
        }
        Event::Connection(ConnectionEvent { slot }) => facts(slot).map(engine::Event::Seen),
    }
}

//! The table of packet cases: a few frames each, and what must come of them. A case says nothing of
//! how its frames reach the parser and the flow step: the runners of `tests/packets` show it by
//! interfaces, by test runs in the kernel, and by captures, and must agree.

mod endings;
mod expect;
mod extension;
mod frame;
mod ip;
mod link;
mod malformed;
mod matching;
mod opening;
mod reuse;
mod scene;
mod segmentation;
mod shape;
mod talk;
mod tcp;

pub use expect::{Connection, Outcome, Sums};
pub use frame::{Frame, Says, Side};
pub use scene::{Case, Round};

use crate::shapes::Way;
use scene::Scene;

/// The name of a case, and what is sent.
type Entry = (&'static str, fn(&mut Scene));

const THEMES: [(&str, &[Entry]); 9] = [
    ("Packets: link layer", link::CASES),
    ("Packets: IP headers", ip::CASES),
    ("Packets: TCP", tcp::CASES),
    ("Packets: segmentation offload", segmentation::CASES),
    ("Packets: malformed", malformed::CASES),
    ("Sequence numbers: opening", opening::CASES),
    ("Sequence numbers: matching", matching::CASES),
    ("Sequence numbers: re-use", reuse::CASES),
    ("Sequence numbers: ending", endings::CASES),
];

/// The cases that can be shown in this way, with frames of at most `largest_frame` bytes. Each has
/// addresses of its own, so they can share an agent.
#[must_use]
pub fn all(way: Way, largest_frame: usize) -> Vec<Case> {
    let entries = THEMES
        .iter()
        .flat_map(|(theme, entries)| entries.iter().map(move |entry| (*theme, *entry)));
    let cases = (1..).zip(entries).map(|(number, (theme, (name, play)))| {
        let mut scene = Scene::new(number, largest_frame);
        play(&mut scene);
        scene.end(theme, name)
    });
    cases.filter(|case| case.can_be_shown(way)).collect()
}

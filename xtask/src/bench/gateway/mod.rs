//! Programs that run in the gateway of the lab while traffic passes: how each is started, when it is
//! ready, and what CPU it takes. All of it, the traffic too, is on one CPU, as if
//! that were the whole gateway: what a program takes is missing to the traffic.

mod contestant;
mod cpu;
mod page;
mod ran;
mod ready;
mod rounds;
mod running;
mod setup;

pub use contestant::{Contestant, Program, natlog, nothing, ours, present};
pub use cpu::{Clock, kernel_thread, of_children};
pub use page::{CONFIDENCE, Rounds, page};
pub use ran::Ran;
pub use ready::Ready;
pub use rounds::{clean, run};
pub use running::Running;
pub use setup::set_up;

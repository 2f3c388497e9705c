//! The gateway lab: network namespaces with real programs in them, traffic
//! through the gateway, and the truth about it as the endpoints tell it.
//! Nothing here but [`ignored`] looks into the agent: [`agent::Agent`] starts it
//! as a user would and reads the records it writes.

#![deny(unsafe_code)]

pub mod agent;
pub mod agreement;
pub mod capture;
pub mod captured;
pub mod cases;
pub mod clickhouse;
pub mod crowd;
pub mod detach;
pub mod fdinfo;
pub mod ignored;
pub mod lab;
pub mod maps;
pub mod notified;
pub mod privilege;
pub mod processor;
pub mod random;
pub mod refusal;
pub mod rotated;
pub mod scrape;
pub mod seccomp;
pub mod server;
pub mod shapes;
pub mod syns;
pub mod tcpdump;
pub mod traffic;
pub mod truth;
pub mod used;
pub mod wait;
pub mod watch;

pub use agent::Agent;
pub use capture::Capture;
pub use clickhouse::ClickHouse;
pub use detach::detach;
pub use lab::{Background, Family, Lab, Ns};
pub use privilege::{in_a_lab, require_root};
pub use random::Random;
pub use truth::{Count, Truth};
pub use wait::wait_until;
pub use watch::Watch;

//! Replay of captures: all forms that captures have, what may be wrong with them, and whether the
//! records say what is in them. Captures are written by these tests, but for the worked example.

mod broken;
mod clocks;
mod compressed;
mod damaged;
mod formats;
mod growth;
mod links;
mod program;
mod senders;
mod sides;
mod standard_input;
mod traffic;
mod tshark;
mod worked_example;
mod writers;

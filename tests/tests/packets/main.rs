//! The table of packet cases, shown in three ways that must agree with it, and so with each other;
//! and a fourth opinion on what the frames say.

mod capture;
mod hooks;
mod live;
mod release;
mod replay;
mod test_run;
mod third_opinion;
mod verdict;
mod wires;

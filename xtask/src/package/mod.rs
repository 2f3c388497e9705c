//! The Debian package: made, looked at, and tried in a machine of its own.

pub mod deb;
mod disk;
pub mod pages;
pub mod test;

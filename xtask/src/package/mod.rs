//! The Debian package.

pub mod deb;
pub mod pages;

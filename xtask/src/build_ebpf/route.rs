//! The two ways to get the object.

/// A way to get the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Debian's packages, with `core` ready-made.
    Debian,
    /// rustup's nightly, which builds `core` from source.
    Rustup,
}

//! The formats of a record. What is in each is the worry of its own module.

/// How a record is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Names of the Elastic Common Schema, nested.
    #[default]
    Ecs,
    /// Flat, short names.
    Compact,
}

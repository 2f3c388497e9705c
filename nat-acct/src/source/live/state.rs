//! How it stands with each interface, for those who ask.

use super::change::Hooks;

/// An interface that was asked for, and how it stands with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceState {
    /// Its name.
    pub name: String,
    /// `inside` or `outside`.
    pub side: &'static str,
    /// How the programs are attached; `None` if not both are.
    pub hooks: Option<Hooks>,
    /// Why not.
    pub trouble: Option<String>,
    /// Whether it carries packets that a program does not see.
    pub hides_packets: bool,
    /// The flowtables that take packets past it.
    pub flowtables: Vec<String>,
}

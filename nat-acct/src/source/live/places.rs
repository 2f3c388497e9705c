//! Where programs are to be attached.

use anyhow::Result;

use super::{Hook, links::Links};

/// The interfaces of both sides, and the hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Names of the inside interfaces.
    pub inside: Vec<String>,
    /// Names of the outside interfaces.
    pub outside: Vec<String>,
    /// `None` for the best hook that the kernel has.
    pub hook: Option<Hook>,
}

impl Places {
    /// Says whether all interfaces exist and none is on top of another, before anything is loaded
    /// for them.
    ///
    /// # Errors
    ///
    /// When it is not so, or the kernel does not tell.
    pub fn check(&self) -> Result<()> {
        let links = Links::read()?;
        let names = self.inside.iter().chain(&self.outside);
        let names: Vec<_> = names.map(String::as_str).collect();
        names.iter().try_for_each(|name| links.check(name, &names))
    }
}

//! The files that the agent goes on using, by Landlock. A kernel that knows less of it shuts out
//! less.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

/// What is asked for; the least kernel that has all of it is Linux 6.12.
const ABI_WANTED: ABI = ABI::V6;
/// Read whenever a counter that each processor has is cleared, and before attaching.
const READ: [&str; 2] = ["/sys/devices/system/cpu", "/proc/version_signature"];

/// Which files stay.
#[derive(Debug, Default)]
pub(in crate::agent) struct Files {
    /// Directories in which files may be made, written, renamed and removed.
    pub(in crate::agent) written: Vec<PathBuf>,
    /// Directories and files that may be read.
    pub(in crate::agent) read: Vec<PathBuf>,
    /// Directories in which files may be removed.
    pub(in crate::agent) removed: Vec<PathBuf>,
}

impl Files {
    /// Shuts all others out, for good; says how far the kernel does so.
    pub(super) fn shut_others_out(&self) -> Result<&'static str, RulesetError> {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI_WANTED))?
            .handle_access(AccessNet::from_all(ABI_WANTED))?
            .scope(Scope::Signal)?
            .create()?;
        let in_written = AccessFs::from_all(ABI_WANTED) & !AccessFs::Execute;
        let in_read = AccessFs::ReadFile | AccessFs::ReadDir;
        let ruleset = allow(ruleset, &self.written, in_written)?;
        let ruleset = allow(ruleset, &self.read, in_read)?;
        let ruleset = allow(ruleset, &READ, in_read)?;
        let ruleset = allow(ruleset, &self.removed, AccessFs::RemoveFile.into())?;
        Ok(match ruleset.restrict_self()?.ruleset {
            RulesetStatus::FullyEnforced => "whole",
            RulesetStatus::PartiallyEnforced => "as far as this kernel has it",
            RulesetStatus::NotEnforced => "none",
        })
    }
}

/// What is not there needs no permission.
fn allow(
    mut ruleset: RulesetCreated,
    paths: &[impl AsRef<Path>],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    for path in paths {
        let path = path.as_ref();
        let Ok(opened) = PathFd::new(path) else {
            continue;
        };
        let access = if path.is_dir() {
            access
        } else {
            access & AccessFs::from_file(ABI_WANTED)
        };
        ruleset = ruleset.add_rule(PathBeneath::new(opened, access))?;
    }
    Ok(ruleset)
}

//! Which TC programs are attached to an interface, as the kernel tells. Older
//! bpftools know nothing of TCX, so the kernel is asked for those directly.

use anyhow::{Context, Result, ensure};
use aya::programs::{ProgramError, ProgramInfo, SchedClassifier, TcAttachType};
use aya::sys::SyscallError;
use nix::libc;

use super::{Lab, Ns};

/// A place for TC programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// What the interface receives.
    Ingress,
    /// What it sends.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// Its name in the command line of `tc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// The agent's option for each hook that this kernel has.
#[must_use]
pub fn of_kernel() -> &'static [&'static str] {
    if has_tcx() {
        &["tcx", "clsact"]
    } else {
        &["clsact"]
    }
}

/// Whether this kernel has TCX (Linux 6.6). If not, says that what needs it is
/// skipped.
#[must_use]
pub fn has_tcx() -> bool {
    let has = matches!(query("lo", Direction::Ingress), Ok(Some(_)));
    if !has {
        eprintln!("SKIPPED in part, this kernel has no TCX");
    }
    has
}

/// The names of the TCX programs, in the order in which they run. A kernel without TCX has none.
pub fn tcx(lab: &Lab, ns: Ns, device: &str, direction: Direction) -> Result<Vec<String>> {
    lab.enter(ns, || {
        let programs = query(device, direction)?.unwrap_or_default();
        let name = |program: &ProgramInfo| {
            let name = program.name_as_str().unwrap_or("?");
            format!("{name} {}", program.id())
        };
        Ok(programs.iter().map(name).collect())
    })
}

/// `None` from a kernel that does not know what is asked for.
fn query(device: &str, direction: Direction) -> Result<Option<Vec<ProgramInfo>>> {
    let hook = match direction {
        Direction::Ingress => TcAttachType::Ingress,
        Direction::Egress => TcAttachType::Egress,
    };
    match SchedClassifier::query_tcx(device, hook) {
        Ok((_revision, programs)) => Ok(Some(programs)),
        Err(ProgramError::SyscallError(SyscallError { io_error, .. }))
            if io_error.raw_os_error() == Some(libc::EINVAL) =>
        {
            Ok(None)
        }
        Err(error) => {
            Err(error).with_context(|| format!("cannot ask for the programs of {device}"))
        }
    }
}

/// The filters of the clsact qdisc, as `tc` prints them.
pub fn filters(lab: &Lab, ns: Ns, device: &str, direction: Direction) -> Result<String> {
    let direction = direction.name();
    lab.run(ns, &format!("tc filter show dev {device} {direction}"))
}

/// All that is attached to these interfaces, by whomever, and their qdiscs.
pub fn all(lab: &Lab, ns: Ns, devices: &[&str]) -> Result<Vec<String>> {
    let mut all = vec![lab.run(ns, "bpftool net")?];
    for device in devices {
        all.push(lab.run(ns, &format!("tc qdisc show dev {device}"))?);
        for direction in Direction::ALL {
            let programs = tcx(lab, ns, device, direction)?;
            all.push(format!("tcx {device} {}: {programs:?}", direction.name()));
            all.push(filters(lab, ns, device, direction)?);
        }
    }
    Ok(all)
}

/// No program of the agent's is attached to these interfaces.
pub fn ensure_none_of_ours(lab: &Lab, devices: &[&str]) -> Result<()> {
    let attached = all(lab, Ns::Gateway, devices)?;
    let is_ours = |text: &String| text.contains("side_");
    ensure!(!attached.iter().any(is_ours), "{attached:#?}");
    Ok(())
}

//! Attaching the programs to the interfaces: by TCX where the kernel has it, else as filters of a
//! clsact qdisc. Other programs and an existing qdisc are left alone.

use std::fmt;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramError, SchedClassifier, TcAttachType,
        tc::{self, NlOptions, SchedClassifierLink, TcAttachOptions, TcError},
    },
    sys::SyscallError,
};

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// TCX (Linux 6.6).
    Tcx,
    /// A filter of the clsact qdisc.
    Clsact,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcx => "tcx",
            Self::Clsact => "clsact",
        })
    }
}

/// Which side of the gateway an interface is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Inside,
    Outside,
}

impl Side {
    /// The side's element of the map INTERFACES.
    pub(super) const fn element(self) -> u32 {
        match self {
            Self::Inside => 0,
            Self::Outside => 1,
        }
    }

    const fn programs(self) -> [(&'static str, TcAttachType); 2] {
        match self {
            Self::Inside => [
                ("inside_ingress", TcAttachType::Ingress),
                ("inside_egress", TcAttachType::Egress),
            ],
            Self::Outside => [
                ("outside_ingress", TcAttachType::Ingress),
                ("outside_egress", TcAttachType::Egress),
            ],
        }
    }
}

/// The programs on one interface. They are detached when this is dropped.
pub(super) struct Attached {
    pub(super) hook: Hook,
    _links: Vec<SchedClassifierLink>,
}

/// Attaches both programs of `side` to `interface`, by the hook that is `wanted` or else the best.
pub(super) fn attach(
    ebpf: &mut Ebpf,
    interface: &str,
    side: Side,
    wanted: Option<Hook>,
) -> Result<Attached> {
    let mut hook = Hook::Tcx;
    let mut links = Vec::new();
    for (name, direction) in side.programs() {
        let program: &mut SchedClassifier = ebpf
            .program_mut(name)
            .with_context(|| format!("the eBPF object has no program {name}"))?
            .try_into()?;
        let (used, link) = attach_program(program, interface, direction, wanted)
            .with_context(|| format!("cannot attach {name} to {interface}"))?;
        hook = used;
        links.push(link);
    }
    Ok(Attached {
        hook,
        _links: links,
    })
}

fn attach_program(
    program: &mut SchedClassifier,
    interface: &str,
    direction: TcAttachType,
    wanted: Option<Hook>,
) -> Result<(Hook, SchedClassifierLink)> {
    let hook = wanted.unwrap_or(Hook::Tcx);
    let id = match hook {
        Hook::Tcx => program.attach_with_options(interface, direction, tcx(direction)),
        Hook::Clsact => {
            add_clsact(interface)?;
            let options = TcAttachOptions::Netlink(NlOptions::default());
            program.attach_with_options(interface, direction, options)
        }
    };
    match id {
        Ok(id) => Ok((hook, program.take_link(id)?)),
        Err(error) if wanted.is_none() && is_unsupported(&error) => {
            attach_program(program, interface, direction, Some(Hook::Clsact))
        }
        Err(error) => Err(error.into()),
    }
}

/// First on ingress and last on egress: next to the wire, so that on the outside the addresses
/// are those that the remote sees, whatever other programs do.
fn tcx(direction: TcAttachType) -> TcAttachOptions {
    TcAttachOptions::TcxOrder(match direction {
        TcAttachType::Ingress => LinkOrder::first(),
        TcAttachType::Egress | TcAttachType::Custom(_) => LinkOrder::last(),
    })
}

/// A kernel without TCX does not know the attach type: EINVAL.
fn is_unsupported(error: &ProgramError) -> bool {
    matches!(
        error,
        ProgramError::SyscallError(SyscallError { io_error, .. })
            if io_error.raw_os_error() == Some(libc::EINVAL)
    )
}

fn add_clsact(interface: &str) -> Result<()> {
    match tc::qdisc_add_clsact(interface) {
        Ok(()) | Err(TcError::AlreadyAttached) => Ok(()),
        Err(TcError::NetlinkError(error)) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        Err(error) => Err(error).context("cannot add the clsact qdisc"),
    }
}

//! Programs on the TCX hook (Linux 6.6). A link holds ours; it goes with its interface, and
//! somebody else may detach it.

#![expect(
    unsafe_code,
    reason = "a system call that aya makes only for who may see all programs"
)]

use std::{
    ffi::CString,
    fs, io,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use anyhow::Result;
use aya::programs::{
    LinkOrder, ProgramError, SchedClassifier,
    links::{FdLink, PinnedLink},
    tc::{SchedClassifierLink, TcAttachOptions},
};
use nat_acct_common::layout::Direction;

use super::{Place, Target, attach_type};
use crate::source::live::bpf;

// Numbers of include/uapi/linux/bpf.h.
const BPF_OBJ_GET: libc::c_int = 7;
const BPF_PROG_QUERY: libc::c_int = 16;
const BPF_LINK_DETACH: libc::c_int = 34;
const BPF_TCX_INGRESS: u32 = 46;
const BPF_TCX_EGRESS: u32 = 47;
/// The kernel's limit (include/linux/bpf_mprog.h, BPF_MPROG_MAX).
const MAX_PROGRAMS: usize = 64;

/// `union bpf_attr` for `BPF_PROG_QUERY`.
#[repr(C)]
#[derive(Default)]
struct Query {
    index: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    programs: u64,
    count: u32,
    padding: u32,
    program_attach_flags: u64,
    links: u64,
    link_attach_flags: u64,
    revision: u64,
}

/// `union bpf_attr` for `BPF_OBJ_GET`.
#[repr(C)]
#[derive(Default)]
struct Get {
    path: u64,
    descriptor: u32,
    flags: u32,
}

/// `union bpf_attr` for `BPF_LINK_DETACH`.
#[repr(C)]
struct Detach {
    link: u32,
}

/// A program on the hook. It is detached when this is dropped, unless its link is pinned.
pub(super) struct Held {
    _link: SchedClassifierLink,
    pin: Option<PathBuf>,
}

impl Held {
    pub(super) fn detach(self) {
        if let Some(pin) = self.pin {
            // One that is gone is what was wanted.
            let _ = unpin(&pin);
        }
    }
}

/// Takes a program off whose link is pinned. After that and a grace period, it does not run any more: when
/// the pin is removed and nothing else, the kernel takes it off some time later.
pub(crate) fn unpin(pin: &Path) -> io::Result<()> {
    // A link is without its program if the interface has gone.
    let _ = detach(pin);
    fs::remove_file(pin)
}

fn detach(pin: &Path) -> io::Result<()> {
    let path = CString::new(pin.as_os_str().as_bytes())?;
    let mut get = Get {
        path: path.as_ptr() as u64,
        ..Get::default()
    };
    // SAFETY: `get` is laid out as the kernel wants it, and names a path that lives through the call.
    let link = unsafe { bpf::call(BPF_OBJ_GET, &mut get) }?;
    // SAFETY: nobody else has the descriptor that the kernel has just returned.
    let link = unsafe { OwnedFd::from_raw_fd(link as libc::c_int) };
    let mut detach = Detach {
        link: link.as_raw_fd().cast_unsigned(),
    };
    // SAFETY: `detach` is laid out as the kernel wants it, and names a descriptor that is open.
    unsafe { bpf::call(BPF_LINK_DETACH, &mut detach) }?;
    Ok(())
}

/// Attaches `program`. If there is a link in `pin` that is on the interface, the program takes the
/// place of the one that is there, without a packet between them; else the link is put there.
pub(super) fn attach(
    program: &mut SchedClassifier,
    target: Target<'_>,
    place: Place,
    pin: Option<&Path>,
) -> Result<Held> {
    let pinned = pin.map(|pin| adopt(program, target, pin)).transpose()?;
    let link = match (pinned.flatten(), pin) {
        (Some(link), _) => link,
        (None, Some(pin)) => pinned_at(pin, attach_new(program, target, place)?)?,
        (None, None) => attach_new(program, target, place)?,
    };
    Ok(Held {
        _link: link,
        pin: pin.map(Path::to_owned),
    })
}

fn attach_new(
    program: &mut SchedClassifier,
    target: Target<'_>,
    place: Place,
) -> Result<SchedClassifierLink, ProgramError> {
    let order = TcAttachOptions::TcxOrder(match place {
        Place::First => LinkOrder::first(),
        Place::Last => LinkOrder::last(),
    });
    let id = program.attach_with_options(target.interface, attach_type(target.direction), order)?;
    program.take_link(id)
}

fn adopt(
    program: &mut SchedClassifier,
    target: Target<'_>,
    pin: &Path,
) -> Result<Option<SchedClassifierLink>> {
    if let Some(link) = find(target, pin)? {
        let id = program.attach_to_link(link.try_into()?)?;
        return Ok(Some(program.take_link(id)?));
    }
    if pin.exists() {
        // It went with an interface of the same name, or somebody has detached it.
        fs::remove_file(pin)?;
    }
    Ok(None)
}

/// The link in `pin`, if it is where one is to be attached.
pub(super) fn find(target: Target<'_>, pin: &Path) -> Result<Option<FdLink>> {
    if !pin.exists() {
        return Ok(None);
    }
    let link = FdLink::from(PinnedLink::from_pin(pin)?);
    let attached = link.info()?.program_id();
    let is_there = programs(target.index, target.direction)?.contains(&attached);
    Ok(is_there.then_some(link))
}

fn pinned_at(pin: &Path, link: SchedClassifierLink) -> Result<SchedClassifierLink> {
    let link = FdLink::try_from(link)?.pin(pin)?;
    Ok(FdLink::from(link).try_into()?)
}

/// The numbers of the programs on the hook, in the order in which they run.
pub(super) fn programs(index: u32, direction: Direction) -> io::Result<Vec<u32>> {
    let mut programs = [0u32; MAX_PROGRAMS];
    let mut query = Query {
        index,
        attach_type: match direction {
            Direction::Ingress => BPF_TCX_INGRESS,
            Direction::Egress => BPF_TCX_EGRESS,
        },
        programs: programs.as_mut_ptr() as u64,
        count: MAX_PROGRAMS as u32,
        ..Query::default()
    };
    // SAFETY: `query` is laid out as the kernel wants it, and names a buffer of `count` numbers;
    // both live through the call.
    unsafe { bpf::call(BPF_PROG_QUERY, &mut query) }?;
    Ok(programs[..query.count as usize].to_vec())
}

/// The names of the programs with these numbers, if we may see other people's programs.
pub(super) fn names(
    interface: &str,
    direction: Direction,
    programs: &[u32],
) -> Vec<Option<String>> {
    let (_, known) =
        SchedClassifier::query_tcx(interface, attach_type(direction)).unwrap_or_default();
    let name = |number: &u32| {
        let program = known.iter().find(|program| program.id() == *number)?;
        program.name_as_str().map(str::to_owned)
    };
    programs.iter().map(name).collect()
}

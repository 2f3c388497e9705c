//! Attaching the programs to an interface: by TCX where the kernel has it, else as filters of a
//! clsact qdisc. Other programs and an existing qdisc are left alone.

mod chain;
mod clsact;
mod filters;
mod tcx;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    programs::{ProgramError, SchedClassifier, TcAttachType},
    sys::SyscallError,
};
use nat_acct_common::layout::Direction;
use tracing::info;

use chain::Member;
pub(super) use clsact::{Owner, remove_owners};
use filters::Translation;
pub(super) use tcx::unpin;

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// TCX (Linux 6.6).
    Tcx,
    /// A filter of the clsact qdisc.
    Clsact,
}

impl Hook {
    /// What goes on from agent to agent.
    pub(super) const fn number(hook: Option<Self>) -> u64 {
        match hook {
            None => 0,
            Some(Self::Tcx) => 1,
            Some(Self::Clsact) => 2,
        }
    }

    /// The inverse of [`Self::number`].
    pub(super) const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Tcx),
            2 => Some(Self::Clsact),
            _ => None,
        }
    }
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
pub enum Side {
    /// Before translation.
    Inside,
    /// After it.
    Outside,
}

impl Side {
    pub(super) const ALL: [Self; 2] = [Self::Inside, Self::Outside];

    /// The side's element of the map INTERFACES.
    pub(super) const fn element(self) -> u32 {
        match self {
            Self::Inside => 0,
            Self::Outside => 1,
        }
    }

    /// The name in paths.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
        }
    }

    const fn program(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Inside, Direction::Ingress) => "inside_ingress",
            (Self::Inside, Direction::Egress) => "inside_egress",
            (Self::Outside, Direction::Ingress) => "outside_ingress",
            (Self::Outside, Direction::Egress) => "outside_egress",
        }
    }

    /// On the outside, addresses are to be those of the wire, whatever other programs do to them.
    /// On the inside, every packet is to be counted, and one that ends the chain would hide it:
    /// many programs return `TC_ACT_OK`, few translate there.
    const fn place(self, direction: Direction) -> Place {
        match (self, direction) {
            (Self::Outside, Direction::Egress) => Place::Last,
            (Self::Inside | Self::Outside, Direction::Ingress)
            | (Self::Inside, Direction::Egress) => Place::First,
        }
    }
}

/// Where among the programs of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Last,
}

/// A program on an interface. It is detached when this is dropped, unless it is to live on.
pub(super) struct Attachment {
    interface: String,
    index: u32,
    side: Side,
    direction: Direction,
    /// The kernel's number of our program.
    program: u32,
    held: Held,
}

enum Held {
    Tcx(tcx::Held),
    Clsact(clsact::Held),
}

/// An interface to attach to.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) interface: &'a str,
    pub(super) index: u32,
    pub(super) side: Side,
    pub(super) direction: Direction,
}

/// Attaches the program for `target`, by the hook that is `wanted` or else the best. If it is to
/// live on, `pin` is where its link is or will be.
pub(super) fn attach(
    ebpf: &mut Ebpf,
    target: Target<'_>,
    wanted: Option<Hook>,
    owner: &Owner,
    pin: Option<PathBuf>,
) -> Result<Attachment> {
    let Target {
        interface,
        index,
        side,
        direction,
    } = target;
    let name = side.program(direction);
    let program: &mut SchedClassifier = ebpf
        .program_mut(name)
        .with_context(|| format!("the eBPF object has no program {name}"))?
        .try_into()?;
    let removed = clsact::remove_stale(interface, index, direction)?;
    if removed > 0 {
        let direction = direction.name();
        info!(
            ?interface,
            direction, removed, "removed what a killed agent had left"
        );
    }
    let held = attach_program(program, target, wanted, owner, pin)
        .with_context(|| format!("cannot attach {name} to {interface}"))?;
    Ok(Attachment {
        interface: interface.to_owned(),
        index,
        side,
        direction,
        program: program.info()?.id(),
        held,
    })
}

fn attach_program(
    program: &mut SchedClassifier,
    target: Target<'_>,
    wanted: Option<Hook>,
    owner: &Owner,
    pin: Option<PathBuf>,
) -> Result<Held> {
    let Target {
        index,
        side,
        direction,
        ..
    } = target;
    let place = side.place(direction);
    let wanted = found(target, owner, pin.as_deref())?.or(wanted);
    let hook = match wanted {
        Some(hook) => hook,
        None if place == Place::Last && is_translated_later(index, direction)? => Hook::Clsact,
        None => Hook::Tcx,
    };
    if hook == Hook::Tcx {
        match tcx::attach(program, target, place, pin.as_deref()) {
            Err(error) if wanted.is_none() && is_unsupported(&error) => {}
            result => {
                let held = result?;
                clsact::remove_owners(target.interface, index, direction, owner)?;
                return Ok(Held::Tcx(held));
            }
        }
    }
    let lives_on = pin.is_some();
    if let Some(pin) = pin {
        // One that is gone is what was wanted.
        let _ = tcx::unpin(&pin);
    }
    clsact::attach(program, target, place, owner, lives_on).map(Held::Clsact)
}

/// How the program of the agent before this one is attached, if it lives on. Another hook beside it
/// would count all twice.
fn found(target: Target<'_>, owner: &Owner, pin: Option<&Path>) -> Result<Option<Hook>> {
    if clsact::find(target, owner)?.is_some() {
        return Ok(Some(Hook::Clsact));
    }
    let link = pin.map(|pin| tcx::find(target, pin)).transpose()?.flatten();
    Ok(link.map(|_| Hook::Tcx))
}

/// Whether a filter of clsact, which is behind all of TCX, may change addresses.
fn is_translated_later(index: u32, direction: Direction) -> io::Result<bool> {
    let filters = filters::of(index, direction)?;
    let mut foreign = filters.iter().filter(|filter| !clsact::is_agents(filter));
    Ok(foreign.any(|filter| filter.translation() != Translation::None))
}

impl Attachment {
    /// Takes the program off, also one that was to live on.
    pub(super) fn detach(self) {
        match self.held {
            Held::Tcx(held) => held.detach(),
            Held::Clsact(held) => held.detach(),
        }
    }

    /// How the program is attached.
    pub(super) fn hook(&self) -> Hook {
        match self.held {
            Held::Tcx(_) => Hook::Tcx,
            Held::Clsact(_) => Hook::Clsact,
        }
    }

    /// What the program looks at.
    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether the program is still on the interface.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        Ok(match self.held {
            Held::Tcx(_) => tcx::programs(self.index, self.direction)?.contains(&self.program),
            Held::Clsact(_) => filters::of(self.index, self.direction)?
                .iter()
                .any(|filter| filter.program == Some(self.program)),
        })
    }

    /// The programs of others that are before ours, and can hide packets from it.
    pub(super) fn before(&self) -> io::Result<Vec<String>> {
        let (before, _) = self.others()?;
        Ok(before.into_iter().map(|member| member.label).collect())
    }

    /// The programs of others that may change addresses between ours and the wire. On the inside,
    /// where ours is before all others, only those that are likely to: most BPF programs do not.
    pub(super) fn towards_the_wire(&self) -> io::Result<Vec<String>> {
        let (before, behind) = self.others()?;
        let others = match self.direction {
            Direction::Ingress => before,
            Direction::Egress => behind,
        };
        let translates = |member: &Member| match member.translation {
            Translation::None => false,
            Translation::Unknown => self.side == Side::Outside,
            Translation::Likely => true,
        };
        let translating = others.into_iter().filter(translates);
        Ok(translating.map(|member| member.label).collect())
    }

    /// The programs that no agent has attached, before and behind ours.
    fn others(&self) -> io::Result<(Vec<Member>, Vec<Member>)> {
        let mut before = chain::read(&self.interface, self.index, self.direction, self.program)?;
        let is_ours = |member: &Member| member.program == Some(self.program);
        let ours = before.iter().position(is_ours).unwrap_or(before.len());
        let mut behind = before.split_off(ours);
        for others in [&mut before, &mut behind] {
            others.retain(|member| !member.is_agents && !is_ours(member));
        }
        Ok((before, behind))
    }
}

fn is_our_name(name: &str) -> bool {
    let mut sides = Side::ALL.into_iter();
    sides.any(|side| {
        Direction::ALL
            .map(|direction| side.program(direction))
            .contains(&name)
    })
}

const fn attach_type(direction: Direction) -> TcAttachType {
    match direction {
        Direction::Ingress => TcAttachType::Ingress,
        Direction::Egress => TcAttachType::Egress,
    }
}

/// A kernel without TCX does not know the attach type: EINVAL.
fn is_unsupported(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(ProgramError::SyscallError(SyscallError { io_error, .. }))
            if io_error.raw_os_error() == Some(libc::EINVAL)
    )
}

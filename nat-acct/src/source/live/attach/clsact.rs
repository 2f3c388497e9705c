//! Programs as filters of a clsact qdisc, for kernels without TCX. A filter outlives whoever
//! attached it, so ours carry a handle that says whose they are: while its owner lives, it holds
//! an abstract socket of that name, which belongs to the network namespace as the filters do. A
//! qdisc is never removed, and of filters only ours and those of a dead agent.

use std::{
    io, mem,
    ops::RangeInclusive,
    os::fd::{AsRawFd as _, OwnedFd},
};

use anyhow::{Context as _, Result, bail};
use aya::programs::{
    ProgramError, SchedClassifier,
    links::Link as _,
    tc::{self, NlOptions, SchedClassifierLink, TcAttachOptions, TcHandle},
};
use nat_acct_common::layout::Direction;
use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket},
};

use super::{
    Place, Target, attach_type,
    filters::{self, Filter},
    is_our_name,
};

/// The kernel numbers filters from 1, so nobody else has such a handle by chance.
const HANDLES: RangeInclusive<u32> = 0x4e00_0000..=0x4eff_ffff;
/// The same for filters that live on when their agent ends.
const LASTING_HANDLES: RangeInclusive<u32> = 0x4f00_0000..=0x4fff_ffff;
/// As early or as late as leaves room for those who want to be earlier or later still. Filters
/// of one priority must be of one kind, so the very first and last are left to others.
const FIRST: u16 = 2;
const LAST: u16 = 0xfffe;

/// Who has attached a filter: an agent that lives.
pub(crate) struct Owner {
    handle: u32,
    _name: OwnedFd,
}

impl Owner {
    /// Takes a handle that nobody has, for filters that live on or not.
    pub(crate) fn new(lives_on: bool) -> Result<Self> {
        let handles = if lives_on { LASTING_HANDLES } else { HANDLES };
        loop {
            let mut random = [0; 4];
            getrandom::fill(&mut random).context("cannot draw a random handle")?;
            let handle = handles.start() | u32::from_ne_bytes(random) >> 8;
            if let Some(name) = take_name(handle)? {
                let _name = name;
                return Ok(Self { handle, _name });
            }
        }
    }
}

impl Owner {
    /// Takes the handle of an agent that has ended.
    pub(crate) fn succeed(handle: u32) -> Result<Self> {
        let name = take_name(handle)?;
        let _name = name.context("the agent that made the maps still runs")?;
        Ok(Self { handle, _name })
    }

    pub(crate) fn handle(&self) -> u32 {
        self.handle
    }
}

/// Takes the name that goes with a handle; `None` if a living agent has it.
fn take_name(handle: u32) -> io::Result<Option<OwnedFd>> {
    let name = format!("nat-acct/filters/{handle:08x}");
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    match bind(
        socket.as_raw_fd(),
        &UnixAddr::new_abstract(name.as_bytes())?,
    ) {
        Ok(()) => Ok(Some(socket)),
        Err(Errno::EADDRINUSE) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A filter of ours.
pub(super) struct Held {
    link: Option<SchedClassifierLink>,
    index: u32,
    direction: Direction,
    program: u32,
    lives_on: bool,
}

impl Held {
    pub(super) fn detach(mut self) {
        self.lives_on = false;
    }
}

impl Drop for Held {
    /// If another filter has taken its place, that one stays.
    fn drop(&mut self) {
        let Some(link) = self.link.take() else {
            return;
        };
        if self.lives_on {
            return mem::forget(link);
        }
        let is_ours = |filter: &Filter| {
            filter.program == Some(self.program)
                && link
                    .priority()
                    .is_ok_and(|priority| priority == filter.priority)
                && link
                    .handle()
                    .is_ok_and(|handle| u32::from(handle) == filter.handle)
        };
        match filters::of(self.index, self.direction) {
            Ok(filters) if filters.iter().any(is_ours) => drop(link),
            Ok(_) | Err(_) => mem::forget(link),
        }
    }
}

/// The filter of the same owner that is where one is to be attached.
pub(super) fn find(target: Target<'_>, owner: &Owner) -> io::Result<Option<Filter>> {
    let filters = filters::of(target.index, target.direction)?;
    let is_owners = |filter: &Filter| filter.handle == owner.handle && is_agents(filter);
    Ok(filters.into_iter().find(is_owners))
}

/// Attaches `program`. If there is a filter of the same owner, the program takes its place without
/// a packet between them.
pub(super) fn attach(
    program: &mut SchedClassifier,
    target: Target<'_>,
    place: Place,
    owner: &Owner,
    lives_on: bool,
) -> Result<Held> {
    let Target {
        interface,
        index,
        direction,
        ..
    } = target;
    add_qdisc(interface, index)?;
    let number = program.info()?.id();
    let handle = TcHandle::from(owner.handle);
    let id = if let Some(filter) = find(target, owner)? {
        program.attach_to_link(SchedClassifierLink::attached(
            interface,
            attach_type(direction),
            filter.priority,
            handle,
            None,
        )?)?
    } else {
        let options = TcAttachOptions::Netlink(NlOptions {
            priority: priority(place, &filters::of(index, direction)?),
            handle,
            classid: None,
        });
        program.attach_with_options(interface, attach_type(direction), options)?
    };
    Ok(Held {
        link: Some(program.take_link(id)?),
        index,
        direction,
        program: number,
        lives_on,
    })
}

/// Filters in a qdisc of the kind ingress would all be in the way in, those for egress too.
fn add_qdisc(interface: &str, index: u32) -> Result<()> {
    match filters::qdisc(index)?.as_deref() {
        Some("clsact") => Ok(()),
        Some(other) => bail!(
            "{interface} has a qdisc of the kind {other}, which leaves no room for clsact: \
             replace it by clsact, which does the same and more"
        ),
        None => tc::qdisc_add_clsact(interface).context("cannot add the clsact qdisc"),
    }
}

fn priority(place: Place, filters: &[Filter]) -> u16 {
    let foreign = || filters.iter().filter(|filter| !is_agents(filter));
    let is_free = |wanted: &u16| foreign().all(|filter| filter.priority != *wanted);
    let (best, any) = match place {
        Place::First => (
            (1..=FIRST)
                .rev()
                .find(|wanted| foreign().all(|filter| filter.priority > *wanted)),
            (1..=u16::MAX).find(is_free),
        ),
        Place::Last => (
            (LAST..=u16::MAX).find(|wanted| foreign().all(|filter| filter.priority < *wanted)),
            (1..=u16::MAX).rev().find(is_free),
        ),
    };
    best.or(any).unwrap_or_default()
}

/// Whether a filter was attached by an agent, be it this one, another, or one that is dead.
pub(super) fn is_agents(filter: &Filter) -> bool {
    let handles = [HANDLES, LASTING_HANDLES];
    handles
        .iter()
        .any(|handles| handles.contains(&filter.handle))
        && filter.name.as_deref().is_some_and(is_our_name)
}

/// Removes the filters that a killed agent has left on an interface.
pub(super) fn remove_stale(interface: &str, index: u32, direction: Direction) -> Result<usize> {
    let mut removed = 0;
    for filter in filters::of(index, direction)? {
        if !is_agents(&filter) || LASTING_HANDLES.contains(&filter.handle) {
            continue;
        }
        // The name is held until the filter is gone, lest two remove it.
        let Some(_name) = take_name(filter.handle)? else {
            continue;
        };
        let was_there = remove(interface, direction, &filter);
        removed += usize::from(was_there.context("cannot remove a filter of a killed agent")?);
    }
    Ok(removed)
}

/// Removes the filter that an agent before this one has left, where none of clsact is to be now.
pub(crate) fn remove_owners(
    interface: &str,
    index: u32,
    direction: Direction,
    owner: &Owner,
) -> Result<()> {
    for filter in filters::of(index, direction)? {
        if filter.handle == owner.handle && is_agents(&filter) {
            remove(interface, direction, &filter)?;
        }
    }
    Ok(())
}

/// Tells whether the filter was still there.
fn remove(interface: &str, direction: Direction, filter: &Filter) -> Result<bool> {
    let link = SchedClassifierLink::attached(
        interface,
        attach_type(direction),
        filter.priority,
        TcHandle::from(filter.handle),
        None,
    )?;
    match link.detach() {
        Ok(()) => Ok(true),
        Err(ProgramError::NetlinkError(error)) if error.raw_os_error() == Some(libc::ENOENT) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_first_or_last_whatever_others_have_taken() {
        for (others, first, last) in [
            (&[][..], FIRST, LAST),
            (&[10, 49_152], FIRST, LAST),
            (&[2, 3], 1, LAST),
            (&[1, 2, 4], 3, LAST),
            (&[0xfffe], FIRST, 0xffff),
            (&[0xfffe, 0xffff], FIRST, 0xfffd),
        ] {
            let filters: Vec<_> = others.iter().map(|&priority| foreign(priority)).collect();
            assert_eq!(priority(Place::First, &filters), first, "{others:?}");
            assert_eq!(priority(Place::Last, &filters), last, "{others:?}");
        }
    }

    #[test]
    fn another_agents_filter_is_no_obstacle() {
        let agents = Filter {
            name: Some("inside_ingress".to_owned()),
            handle: *HANDLES.start(),
            ..foreign(FIRST)
        };
        assert_eq!(priority(Place::First, &[agents]), FIRST);
    }

    #[test]
    fn a_name_is_taken_while_its_owner_lives() {
        let owner = Owner::new(false).expect("sockets are to be had");
        let handle = owner.handle;
        assert!(HANDLES.contains(&handle));
        assert!(take_name(handle).expect("no other error").is_none());
        drop(owner);
        assert!(take_name(handle).expect("no other error").is_some());
    }

    fn foreign(priority: u16) -> Filter {
        Filter {
            priority,
            handle: 1,
            kind: "bpf".to_owned(),
            ..Filter::default()
        }
    }
}

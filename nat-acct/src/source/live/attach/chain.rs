//! All programs that see a packet in one direction of an interface, in their order: those of TCX,
//! then those of clsact.

use std::io;

use nat_acct_common::layout::Direction;

use super::{
    clsact,
    filters::{self, Translation},
    is_our_name, tcx,
};

/// A program or filter in the chain.
pub(super) struct Member {
    /// What to call it.
    pub(super) label: String,
    /// The kernel's number of its program, if it has one.
    pub(super) program: Option<u32>,
    /// Whether an agent attached it, this one or another.
    pub(super) is_agents: bool,
    pub(super) translation: Translation,
}

/// Asks the kernel. A kernel without TCX has none of its programs. Names are only asked for if there are
/// others than `ours`.
pub(super) fn read(
    interface: &str,
    index: u32,
    direction: Direction,
    ours: u32,
) -> io::Result<Vec<Member>> {
    let programs = tcx::programs(index, direction).unwrap_or_default();
    let names = if programs.iter().all(|&program| program == ours) {
        vec![None; programs.len()]
    } else {
        tcx::names(interface, direction, &programs)
    };
    let programs = programs.iter().zip(names).map(|(&number, name)| Member {
        label: match &name {
            Some(name) => format!("program {number} {name:?}"),
            None => format!("program {number}"),
        },
        program: Some(number),
        is_agents: name.is_some_and(|name| is_our_name(&name)),
        translation: Translation::Unknown,
    });
    let filters = filters::of(index, direction)?;
    let filters = filters.into_iter().map(|filter| Member {
        label: filter.to_string(),
        program: filter.program,
        is_agents: clsact::is_agents(&filter),
        translation: filter.translation(),
    });
    Ok(programs.chain(filters).collect())
}

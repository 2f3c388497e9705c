//! The filters of the clsact qdisc of an interface, whoever has put them there, in the order in
//! which they see a packet (kernel: net/sched/cls_api.c).

use std::{fmt, io};

use nat_acct_common::layout::Direction;

use crate::netlink::{self, Attributes, Family, Message, number, text};

/// `struct tcmsg`: family, interface, handle, parent, priority and protocol.
const HEADER_BYTES: usize = 20;
// Kinds of messages and attributes of include/uapi/linux/rtnetlink.h and pkt_cls.h.
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_CHAIN: u16 = 11;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_ID: u16 = 11;
const TCA_ACT_KIND: u16 = 1;
/// Where the actions of a filter are, by its kind. Those of bpf without direct action are there,
/// too.
const ACTIONS: [(&str, u16); 7] = [
    ("basic", 4),
    ("bpf", 1),
    ("flow", 9),
    ("flower", 3),
    ("fw", 4),
    ("matchall", 2),
    ("u32", 7),
];
/// Actions that change addresses and ports, or, in the case of pedit, are there to be used so.
const TRANSLATING_ACTIONS: [&str; 3] = ["ct", "nat", "pedit"];

/// The number of clsact, and of the ingress qdisc that takes its place.
const CLSACT: u32 = 0xffff_0000;

/// Whether a program changes addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Translation {
    None,
    /// It is a BPF program, which can.
    Unknown,
    Likely,
}

/// A filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) priority: u16,
    pub(super) handle: u32,
    pub(super) kind: String,
    /// The name that whoever attached a BPF program gave it.
    pub(super) name: Option<String>,
    /// The kernel's number of its program; none for classic BPF.
    pub(super) program: Option<u32>,
    pub(super) actions: Vec<String>,
}

impl Filter {
    /// What is known of it. Classic BPF cannot translate.
    pub(super) fn translation(&self) -> Translation {
        let has = |wanted: &[&str]| {
            self.actions
                .iter()
                .any(|action| wanted.contains(&action.as_str()))
        };
        if has(&TRANSLATING_ACTIONS) {
            Translation::Likely
        } else if self.program.is_some() || has(&["bpf"]) {
            Translation::Unknown
        } else {
            Translation::None
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter {} pref {}", self.kind, self.priority)?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        self.actions
            .iter()
            .try_for_each(|action| write!(f, " action {action}"))
    }
}

/// The filters of one direction; none if there is no qdisc for them.
pub(super) fn of(index: u32, direction: Direction) -> io::Result<Vec<Filter>> {
    let request = header(index, 0, parent(direction));
    let filters = netlink::dump(Family::Route, libc::RTM_GETTFILTER, &request, filter);
    match filters {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(Vec::new()),
        result => result,
    }
}

/// The kind of the qdisc that is where clsact belongs: clsact itself, or ingress.
pub(super) fn qdisc(index: u32) -> io::Result<Option<String>> {
    let request = header(index, 0, 0);
    let qdiscs = netlink::dump(Family::Route, libc::RTM_GETQDISC, &request, |message| {
        let is_meant =
            number(message.body, 4) == Some(index) && number(message.body, 8) == Some(CLSACT);
        let kind = message.attributes(HEADER_BYTES).get(TCA_KIND).map(text);
        kind.filter(|_| is_meant)
    });
    Ok(qdiscs?.into_iter().next())
}

/// The class of clsact that the filters of a direction belong to.
fn parent(direction: Direction) -> u32 {
    CLSACT
        | match direction {
            Direction::Ingress => 0xfff2,
            Direction::Egress => 0xfff3,
        }
}

fn header(index: u32, handle: u32, parent: u32) -> Vec<u8> {
    let words = [0, index, handle, parent, 0];
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

fn filter(message: &Message<'_>) -> Option<Filter> {
    let attributes = message.attributes(HEADER_BYTES);
    let chain = attributes.get(TCA_CHAIN).and_then(|chain| number(chain, 0));
    let handle = number(message.body, 8)?;
    // Other chains are reached from the first only. Without a handle it is not a filter, but what
    // holds those of one priority.
    if chain.unwrap_or(0) != 0 || handle == 0 {
        return None;
    }
    let kind = attributes.get(TCA_KIND).map(text)?;
    let options = attributes.nested(TCA_OPTIONS);
    let is_bpf = kind == "bpf";
    let of_bpf = |attribute| options.get(attribute).filter(|_| is_bpf);
    Some(Filter {
        priority: (number(message.body, 16)? >> 16) as u16,
        handle,
        name: of_bpf(TCA_BPF_NAME).map(text),
        program: of_bpf(TCA_BPF_ID).and_then(|id| number(id, 0)),
        actions: actions(&kind, options),
        kind,
    })
}

fn actions(kind: &str, options: Attributes<'_>) -> Vec<String> {
    let Some((_, attribute)) = ACTIONS.iter().find(|(other, _)| *other == kind) else {
        return Vec::new();
    };
    let actions = options.nested(*attribute);
    let kind_of = |(_, action)| Attributes(action).get(TCA_ACT_KIND).map(text);
    actions.filter_map(kind_of).collect()
}

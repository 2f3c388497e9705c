//! Which interfaces the programs work on. User space writes it before it attaches them, and again
//! when an interface comes back with another index. The programs write when they last ran. Each has its
//! own copy, and what it writes comes to the other by [`Interfaces::exchange`].

use crate::{
    memory::Shared,
    packet::{Link, Vlan},
};

/// The most interfaces of one side.
pub const MAX_INTERFACES: usize = 16;

/// The most ifb devices that are known.
pub const MAX_IFBS: usize = 16;

/// The interfaces of one side, inside or outside; a place in the list is an interface's number.
#[repr(C)]
pub struct Interfaces {
    list: [Interface; MAX_INTERFACES],
    /// Numbers of the ifb devices; 0 behind the last.
    ifbs: [Shared<u32>; MAX_IFBS],
}

const _: () = assert!(MAX_INTERFACES <= 1 << (u32::BITS - Properties::BELOW_NUMBER));
const _: () = assert!(size_of::<Interfaces>() == 16 * MAX_INTERFACES + 4 * MAX_IFBS);

/// Whether a packet comes from the wire or goes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// What the interface receives.
    Ingress,
    /// What it sends.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// The name that `tc` and `bpftool` use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// What is known of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// The kernel's number of it.
    pub index: u32,
    /// What its frames start with.
    pub link: Link,
    /// Whether it hands frames for other hosts to what is above it: a port to its bridge, the
    /// parent of a macvlan to that. Elsewhere such frames are there only because somebody looks
    /// at all frames, and the IP stack drops them.
    pub serves_others: bool,
}

/// An interface of a side.
#[repr(C)]
pub struct Interface {
    /// The kernel's number of the interface; 0 behind the last, [`NOBODY`] for one that is gone.
    index: Shared<u32>,
    properties: Shared<Properties>,
    /// When a program last ran, in ticks, by [`Direction`].
    ran_ticks: [Shared<u32>; 2],
}

/// What programs know of the interface of a packet, in one word. They read the number, too, instead of
/// counting to it: verifiers before Linux 6.4 follow all that comes after once for each value that they
/// know.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Properties(u32);

impl Properties {
    const IP: u32 = 1;
    const SERVES_OTHERS: u32 = 1 << 1;
    /// How many bits are below the number: as many as in a [`Zone`](super::Zone).
    const BELOW_NUMBER: u32 = Vlan::BITS;

    const fn new(number: u32, description: Description) -> Self {
        let link = match description.link {
            Link::Ethernet => 0,
            Link::Ip => Self::IP,
        };
        let serves_others = match description.serves_others {
            false => 0,
            true => Self::SERVES_OTHERS,
        };
        Self(number << Self::BELOW_NUMBER | link | serves_others)
    }

    /// Our number of the interface: its place in the list.
    #[inline(always)]
    pub const fn number(self) -> u32 {
        self.0 >> Self::BELOW_NUMBER
    }

    /// What its frames start with.
    #[inline(always)]
    pub const fn link(self) -> Link {
        if self.0 & Self::IP == 0 {
            Link::Ethernet
        } else {
            Link::Ip
        }
    }

    /// See [`Description::serves_others`].
    #[inline(always)]
    pub const fn serves_others(self) -> bool {
        self.0 & Self::SERVES_OTHERS != 0
    }
}

/// No interface has this number: the kernel's are positive as `int`.
const NOBODY: u32 = u32::MAX;

impl Interfaces {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            list: [const { Interface::new() }; MAX_INTERFACES],
            ifbs: [const { Shared::new(0) }; MAX_IFBS],
        }
    }

    /// Takes over what user space has written into its copy, and writes there when each program last
    /// ran.
    #[inline(always)]
    pub fn exchange(&self, user_space: &Self) {
        for (ours, theirs) in self.list.iter().zip(&user_space.list) {
            ours.exchange(theirs);
        }
        for (ours, theirs) in self.ifbs.iter().zip(&user_space.ifbs) {
            ours.set(theirs.get());
        }
    }

    /// The interface with the kernel's number `index`.
    #[inline(always)]
    pub fn find(&self, index: u32) -> Option<&Interface> {
        for interface in &self.list {
            let listed = interface.index.get();
            if listed == index {
                return Some(interface);
            }
            if listed == 0 {
                return None;
            }
        }
        None
    }

    /// The interface with our number `number`.
    pub fn get(&self, number: usize) -> Option<&Interface> {
        self.list.get(number)
    }

    /// Whether the interface with the kernel's number `index` is an ifb device. Such a device
    /// gives a packet that was redirected to it back to the interface that it was taken from,
    /// where the programs see it again.
    #[inline(always)]
    pub fn is_ifb(&self, index: u32) -> bool {
        for ifb in &self.ifbs {
            let listed = ifb.get();
            if listed == 0 {
                return false;
            }
            if listed == index {
                return true;
            }
        }
        false
    }

    /// Writes the numbers of the ifb devices.
    pub fn set_ifbs(&self, indices: impl Iterator<Item = u32>) {
        let indices = indices.chain(core::iter::repeat(0));
        for (ifb, index) in self.ifbs.iter().zip(indices) {
            ifb.set(index);
        }
    }
}

impl Default for Interfaces {
    fn default() -> Self {
        Self::new()
    }
}

impl Interface {
    const fn new() -> Self {
        Self {
            index: Shared::new(0),
            properties: Shared::new(Properties(0)),
            ran_ticks: [const { Shared::new(0) }; 2],
        }
    }

    #[inline(always)]
    fn exchange(&self, user_space: &Self) {
        self.properties.set(user_space.properties.get());
        self.index.set(user_space.index.get());
        for (ours, theirs) in self.ran_ticks.iter().zip(&user_space.ran_ticks) {
            theirs.set(ours.get());
        }
    }

    /// What is known of it.
    #[inline(always)]
    pub fn properties(&self) -> Properties {
        self.properties.get()
    }

    /// Notes that a program runs now. Processors share the line, so it is written at most once a
    /// tick.
    #[inline(always)]
    pub fn runs(&self, direction: Direction, now_ticks: u32) {
        let ran_ticks = &self.ran_ticks[direction as usize];
        if ran_ticks.get() != now_ticks {
            ran_ticks.set(now_ticks);
        }
    }

    /// When a program last ran, in ticks.
    pub fn ran_ticks(&self, direction: Direction) -> u32 {
        self.ran_ticks[direction as usize].get()
    }

    /// Writes what is known of the interface with our number `number`.
    pub fn set(&self, number: u32, description: Description) {
        self.properties.set(Properties::new(number, description));
        self.index.set(description.index);
    }

    /// Forgets the number of an interface that is gone, which may become another's.
    pub fn vacate(&self) {
        self.index.set(NOBODY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_gone_hides_no_other() {
        let interfaces = Interfaces::default();
        for (number, index) in [(0, 7), (1, 8)] {
            let interface = interfaces.get(number).expect("room for it");
            interface.set(
                number as u32,
                Description {
                    index,
                    link: Link::Ip,
                    serves_others: false,
                },
            );
        }
        let number = |index| Some(interfaces.find(index)?.properties().number());
        interfaces.get(0).expect("it is there").vacate();
        assert_eq!((number(7), number(8), number(9)), (None, Some(1), None));
    }

    #[test]
    fn each_side_gets_what_the_other_writes() {
        let (programs, user_space) = (Interfaces::new(), Interfaces::new());
        let user_spaces = user_space.get(3).expect("room for it");
        let description = Description {
            index: 7,
            link: Link::Ethernet,
            serves_others: true,
        };
        for number in 0..3 {
            user_space.get(number).expect("room for it").vacate();
        }
        user_spaces.set(3, description);
        user_space.set_ifbs([4].into_iter());
        programs.exchange(&user_space);
        let found = programs.find(7).expect("it was told");
        assert_eq!(found.properties(), Properties::new(3, description));
        assert!(programs.is_ifb(4));

        found.runs(Direction::Egress, 11);
        programs.exchange(&user_space);
        let ran = Direction::ALL.map(|direction| user_spaces.ran_ticks(direction));
        assert_eq!(ran, [0, 11]);

        user_spaces.vacate();
        programs.exchange(&user_space);
        assert!(programs.find(7).is_none());
    }

    #[test]
    fn properties_are_told_apart() {
        for number in [0, MAX_INTERFACES as u32 - 1] {
            for (link, serves_others) in [(Link::Ethernet, true), (Link::Ip, false)] {
                let description = Description {
                    index: 7,
                    link,
                    serves_others,
                };
                let properties = Properties::new(number, description);
                assert_eq!(properties.number(), number);
                assert_eq!(properties.link(), link);
                assert_eq!(properties.serves_others(), serves_others);
            }
        }
    }

    #[test]
    fn ifb_devices_come_and_go() {
        let interfaces = Interfaces::default();
        interfaces.set_ifbs([3, 4].into_iter());
        interfaces.set_ifbs([5].into_iter());
        let known = [0, 3, 4, 5].map(|index| interfaces.is_ifb(index));
        assert_eq!(known, [false, false, false, true]);
    }
}

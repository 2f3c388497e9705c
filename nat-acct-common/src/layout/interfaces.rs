//! Which interfaces the programs work on. User space writes it before it attaches them, and again
//! when an interface comes back with another index.

use crate::{memory::Shared, packet::Link};

/// The most interfaces of one side.
pub const MAX_INTERFACES: usize = 16;

/// The interfaces of one side, inside or outside; a place in the list is an interface's number.
#[repr(C)]
#[derive(Default)]
pub struct Interfaces([Interface; MAX_INTERFACES]);

const _: () = assert!(size_of::<Interfaces>() == 8 * MAX_INTERFACES);

#[repr(C)]
#[derive(Default)]
struct Interface {
    /// The kernel's number of the interface; 0 for none.
    index: Shared<u32>,
    /// A [`Link`] as number.
    link: Shared<u32>,
}

impl Interfaces {
    /// Our number of the interface with the kernel's number `index`, and what its frames start
    /// with.
    #[inline(always)]
    pub fn find(&self, index: u32) -> Option<(u32, Link)> {
        for (number, interface) in self.0.iter().enumerate() {
            let listed = interface.index.get();
            if listed == index {
                let link = if interface.link.get() == Link::Ip as u32 {
                    Link::Ip
                } else {
                    Link::Ethernet
                };
                return Some((number as u32, link));
            }
            if listed == 0 {
                return None;
            }
        }
        None
    }

    /// Writes the interface with our number `number`.
    pub fn set(&self, number: usize, index: u32, link: Link) {
        if let Some(interface) = self.0.get(number) {
            interface.link.set(link as u32);
            interface.index.set(index);
        }
    }
}

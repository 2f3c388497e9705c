//! The newer format: sections of blocks, each with its length before and behind it. A block that
//! is damaged inside is passed over; a length that is wrong ends the reading.

mod describe;
mod order;

use pcap_parser::pcapng::{
    BOM_MAGIC, EPB_MAGIC, IDB_MAGIC, OptionCode, PcapNGOption, SHB_MAGIC, SPB_MAGIC,
};

use self::order::Order;
use super::{Direction, Interface, Kind, Located, Step, trouble::Troubles, window::Window};

/// Type, length, and the length again.
const LEAST_BYTES: usize = 12;
/// More than this has no block of which we want to know; Wireshark believes no more either.
const MAX_BYTES: u32 = 16 << 20;
/// Where the packet begins in an enhanced and in a simple packet block.
const ENHANCED_HEADER: usize = 28;
const SIMPLE_HEADER: usize = 12;
/// The option of an enhanced packet block that tells its direction.
const FLAGS: OptionCode = OptionCode(2);

/// Where we are in a capture.
#[derive(Default)]
pub(super) struct Pcapng {
    order: Order,
    /// For each interface of the section, its place among all interfaces.
    section: Vec<usize>,
    /// A simple packet has no time of its own: it gets that of the packet before it.
    last_ns: u64,
}

impl Pcapng {
    /// Whether a section begins here.
    pub(super) fn is_next(window: &mut Window) -> bool {
        window.want(4) && window.available().starts_with(&SHB_MAGIC.to_le_bytes())
    }

    #[inline]
    pub(super) fn step(
        &mut self,
        window: &mut Window,
        interfaces: &mut Vec<Interface>,
        troubles: &mut Troubles,
    ) -> Step {
        if !window.want(LEAST_BYTES) {
            return Step::end_of(window, troubles);
        }
        if Self::is_next(window) && !self.begin_section(window.available()) {
            return Step::give_up(Kind::ByteOrder, window, troubles);
        }
        let length = self.order.number(window.available(), 4);
        if length < LEAST_BYTES as u32 || !length.is_multiple_of(4) || length > MAX_BYTES {
            return Step::give_up(Kind::Length(length), window, troubles);
        }
        let length = length as usize;
        if !window.want(length) {
            return Step::end_of(window, troubles);
        }
        let block = &window.available()[..length];
        let behind = self.order.number(block, length - 4);
        if behind as usize != length {
            return Step::give_up(Kind::Length(behind), window, troubles);
        }
        let offset = window.offset();
        let taken = self.block(block, interfaces);
        let whole = window.advance(length);
        match taken {
            Ok(None) => Step::Other,
            Ok(Some(found)) => {
                if found.bytes.len() as u32 > found.original_len {
                    troubles.note(Kind::BeyondOriginal, offset);
                }
                if is_beyond_snap_len(&found, &interfaces[found.interface]) {
                    troubles.note(Kind::BeyondSnapLength, offset);
                }
                let bytes = whole.start + found.bytes.start..whole.start + found.bytes.end;
                Step::Packet(Located {
                    offset,
                    bytes,
                    ..found
                })
            }
            Err(kind) => {
                troubles.note(kind, offset);
                Step::Other
            }
        }
    }

    /// Forgets the section before, and takes on the byte order of this one.
    fn begin_section(&mut self, block: &[u8]) -> bool {
        self.section.clear();
        let order = [Order::Little, Order::Big];
        let found = order
            .into_iter()
            .find(|order| order.number(block, 8) == BOM_MAGIC);
        self.order = found.unwrap_or_default();
        found.is_some()
    }

    /// What is in a block; the packet's bytes are counted from the beginning of the block.
    #[inline]
    fn block(
        &mut self,
        block: &[u8],
        interfaces: &mut Vec<Interface>,
    ) -> Result<Option<Located>, Kind> {
        match self.order.number(block, 0) {
            EPB_MAGIC => self.enhanced_packet(block, interfaces).map(Some),
            SPB_MAGIC => self.simple_packet(block, interfaces).map(Some),
            IDB_MAGIC => {
                let number = self.section.len() as u32;
                let interface = describe::interface(self.order, block, number)?;
                self.section.push(place_of(interface, interfaces));
                Ok(None)
            }
            // Names, statistics, secrets, and what will be thought of.
            _ => Ok(None),
        }
    }

    #[inline]
    fn enhanced_packet(&mut self, block: &[u8], interfaces: &[Interface]) -> Result<Located, Kind> {
        let packet = self.order.enhanced_packet(block).ok_or(Kind::Block)?;
        let (place, interface) = self.interface(packet.if_id, interfaces)?;
        let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
        self.last_ns = interface.clock.ns(units);
        Ok(Located {
            offset: 0,
            interface: place,
            time_ns: self.last_ns,
            link: interface.link,
            direction: self.direction(&packet.options),
            bytes: ENHANCED_HEADER..ENHANCED_HEADER + packet.caplen as usize,
            original_len: packet.origlen,
        })
    }

    fn simple_packet(&self, block: &[u8], interfaces: &[Interface]) -> Result<Located, Kind> {
        let packet = self.order.simple_packet(block).ok_or(Kind::Block)?;
        let (place, interface) = self.interface(0, interfaces)?;
        let limit = match interface.snap_len {
            0 => u32::MAX,
            snap_len => snap_len,
        };
        let captured_len = packet.origlen.min(limit) as usize;
        Ok(Located {
            offset: 0,
            interface: place,
            time_ns: self.last_ns,
            link: interface.link,
            direction: None,
            bytes: SIMPLE_HEADER..SIMPLE_HEADER + captured_len.min(packet.data.len()),
            original_len: packet.origlen,
        })
    }

    #[inline]
    fn interface<'a>(
        &self,
        number: u32,
        interfaces: &'a [Interface],
    ) -> Result<(usize, &'a Interface), Kind> {
        let place = self.section.get(number as usize);
        let place = *place.ok_or(Kind::UnknownInterface)?;
        let interface = interfaces.get(place).ok_or(Kind::UnknownInterface)?;
        Ok((place, interface))
    }

    /// The lowest two bits of the flags.
    #[inline]
    fn direction(&self, options: &[PcapNGOption<'_>]) -> Option<Direction> {
        let flags = options.iter().find(|option| option.code == FLAGS)?;
        let flags = flags.value().get(..4)?;
        match self.order.number(flags, 0) & 3 {
            1 => Some(Direction::In),
            2 => Some(Direction::Out),
            _ => None,
        }
    }
}

#[inline]
fn is_beyond_snap_len(found: &Located, interface: &Interface) -> bool {
    interface.snap_len != 0 && found.bytes.len() as u32 > interface.snap_len
}

/// The place of an interface that is described. Sections of one capture describe the same ones
/// again and again.
fn place_of(interface: Interface, interfaces: &mut Vec<Interface>) -> usize {
    let known = interfaces.iter().position(|known| *known == interface);
    known.unwrap_or_else(|| {
        interfaces.push(interface);
        interfaces.len() - 1
    })
}

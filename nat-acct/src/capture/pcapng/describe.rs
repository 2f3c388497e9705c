//! The description of an interface. Its clock is read from the options here, because the crate
//! knows no resolutions of 2^-n and reads offsets in one byte order only.

use pcap_parser::pcapng::{OptionCode, PcapNGOption};

use super::Order;
use crate::capture::{Interface, Kind, Link, clock::Clock};

/// Microseconds, where nothing is said.
const USUAL_RESOLUTION: u8 = 6;

pub(super) fn interface(order: Order, block: &[u8], number: u32) -> Result<Interface, Kind> {
    let description = order.interface(block).ok_or(Kind::Block)?;
    let options = Options(&description.options);
    let resolution = options.value(OptionCode::IfTsresol);
    let resolution = resolution.and_then(|value| value.first().copied());
    let offset_s = options.value(OptionCode::IfTsoffset);
    let offset_s = offset_s.and_then(|value| value.first_chunk().copied());
    let clock = Clock::new(
        resolution.unwrap_or(USUAL_RESOLUTION),
        offset_s.map_or(0, |bytes| order.long_number(bytes)),
    );
    Ok(Interface {
        number,
        name: options.value(OptionCode::IfName).and_then(name),
        link: Link::from_number(description.linktype.0 as u32),
        snap_len: description.snaplen,
        clock,
    })
}

struct Options<'a>(&'a [PcapNGOption<'a>]);

impl Options<'_> {
    fn value(&self, code: OptionCode) -> Option<&[u8]> {
        let option = self.0.iter().find(|option| option.code == code)?;
        option.as_bytes().ok()
    }
}

/// Some writers end it with a zero, as in C.
fn name(bytes: &[u8]) -> Option<String> {
    let name = String::from_utf8_lossy(bytes);
    let name = name.trim_end_matches('\0');
    (!name.is_empty()).then(|| name.to_owned())
}

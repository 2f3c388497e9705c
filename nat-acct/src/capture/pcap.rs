//! The classic format: a header, then packets, each behind a header of its own. Nothing marks
//! where a packet begins, so behind a damaged one there is nothing to be found.

use pcap_parser::{
    LegacyPcapBlock, PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::{
    Interface, Kind, Link, Located, Step, clock::Clock, trouble::Troubles, window::Window,
};

const HEADER_BYTES: usize = 24;
/// What the link type leaves of its field: above are the length of a frame check sequence and its
/// flag.
const LINK_TYPE: u32 = 0x03ff_ffff;
/// The most that tcpdump captures of a packet (its MAXIMUM_SNAPLEN), whatever a header says.
const USUAL_SNAP_LEN: u32 = 262_144;
/// The most that is believed of a snap length.
const MAX_PACKET_BYTES: u32 = 16 << 20;

pub(super) struct Pcap {
    parse: Parse,
    header_bytes: usize,
    big_endian: bool,
    nanoseconds: bool,
    link: Link,
    snap_len: u32,
    max_bytes: u32,
}

type Parse =
    for<'a> fn(&'a [u8]) -> pcap_parser::nom::IResult<&'a [u8], LegacyPcapBlock<'a>, Error<'a>>;
type Error<'a> = pcap_parser::PcapError<&'a [u8]>;

impl Pcap {
    /// Reads the header, if there is one.
    pub(super) fn begin(window: &mut Window) -> Option<(Self, Interface)> {
        if !window.want(HEADER_BYTES) {
            return None;
        }
        let (_, header) = parse_pcap_header(window.available()).ok()?;
        window.advance(HEADER_BYTES);
        let pcap = Self::new(&header);
        let interface = Interface {
            number: 0,
            name: None,
            link: pcap.link,
            snap_len: pcap.snap_len,
            clock: Clock::MICROSECONDS,
        };
        Some((pcap, interface))
    }

    /// Whether what is available, too short for a header, is the beginning of one.
    pub(super) fn begins(window: &Window) -> bool {
        let mut header = [0; HEADER_BYTES];
        let available = window.available();
        let length = available.len().min(HEADER_BYTES);
        header[..length].copy_from_slice(&available[..length]);
        length >= 4 && parse_pcap_header(&header).is_ok()
    }

    fn new(header: &PcapHeader) -> Self {
        let parse = match (header.is_bigendian(), header.is_modified_format()) {
            (true, _) => parse_pcap_frame_be as Parse,
            (false, false) => parse_pcap_frame,
            (false, true) => parse_pcap_frame_modified,
        };
        Self {
            parse,
            header_bytes: if header.is_modified_format() { 24 } else { 16 },
            big_endian: header.is_bigendian(),
            nanoseconds: header.is_nanosecond_precision(),
            link: Link::from_number(header.network.0 as u32 & LINK_TYPE),
            snap_len: header.snaplen,
            max_bytes: header.snaplen.clamp(USUAL_SNAP_LEN, MAX_PACKET_BYTES),
        }
    }

    #[inline]
    pub(super) fn step(&mut self, window: &mut Window, troubles: &mut Troubles) -> Step {
        if !window.want(self.header_bytes) {
            return Step::end_of(window, troubles);
        }
        let captured_len = self.captured_len(window.available());
        if captured_len > self.max_bytes {
            return Step::give_up(Kind::Length(captured_len), window, troubles);
        }
        let whole_len = self.header_bytes + captured_len as usize;
        if !window.want(whole_len) {
            return Step::end_of(window, troubles);
        }
        let Ok((_, packet)) = (self.parse)(window.available()) else {
            return Step::give_up(Kind::Length(captured_len), window, troubles);
        };
        let (time_ns, original_len) = (self.time_ns(&packet), packet.origlen);
        let offset = window.offset();
        if captured_len > self.snap_len && self.snap_len != 0 {
            troubles.note(Kind::BeyondSnapLength, offset);
        }
        if captured_len > original_len {
            troubles.note(Kind::BeyondOriginal, offset);
        }
        let whole = window.advance(whole_len);
        Step::Packet(Located {
            offset,
            interface: 0,
            time_ns,
            link: self.link,
            direction: None,
            bytes: whole.start + self.header_bytes..whole.end,
            original_len,
        })
    }

    /// The length is looked at before it is believed.
    #[inline]
    fn captured_len(&self, bytes: &[u8]) -> u32 {
        let field = [bytes[8], bytes[9], bytes[10], bytes[11]];
        if self.big_endian {
            u32::from_be_bytes(field)
        } else {
            u32::from_le_bytes(field)
        }
    }

    #[inline]
    fn time_ns(&self, packet: &LegacyPcapBlock<'_>) -> u64 {
        let fraction_ns = if self.nanoseconds { 1 } else { 1_000 };
        u64::from(packet.ts_sec) * 1_000_000_000 + u64::from(packet.ts_usec) * fraction_ns
    }
}

//! From packet captures to packets: pcap and pcapng, compressed or not, from files and pipes. It
//! knows interfaces, times and link types; it knows nothing of IP or of connections.
//!
//! A [`Capture`] never fails half-way: what could be read is handed out, and what went wrong is
//! kept as [`Trouble`], with its offset, for whoever has to tell.

mod clock;
mod interface;
mod interrupt;
mod link;
mod pcap;
mod pcapng;
mod read_bytes;
mod trouble;
mod window;

use std::{
    fs::File,
    io::{self, Read},
    ops::Range,
    path::Path,
};

pub use self::{
    interface::Interface,
    link::{Direction, Link, Payload},
    read_bytes::ReadBytes,
    trouble::{Kind, Trouble},
};
use self::{pcap::Pcap, pcapng::Pcapng, trouble::Troubles, window::Window};
use crate::one_line::one_line;

/// A packet as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Which of [`Capture::interfaces`] captured it.
    pub interface: usize,
    /// What the capture says of that interface.
    pub description: &'a Interface,
    /// When, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What it starts with.
    pub link: Link,
    /// Where it went, if the capture says so.
    pub direction: Option<Direction>,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
    /// How long it was on the wire, in bytes.
    pub original_len: u32,
}

/// A capture, read from its beginning to its end.
pub struct Capture {
    name: String,
    window: Window,
    format: Format,
    interfaces: Vec<Interface>,
    troubles: Troubles,
    read_bytes: ReadBytes,
    /// Of the packet that was handed out last.
    last: (Link, u64),
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Ended,
}

/// A packet whose bytes are in the window.
struct Located {
    /// Where its header is in the capture.
    offset: u64,
    interface: usize,
    time_ns: u64,
    link: Link,
    direction: Option<Direction>,
    bytes: Range<usize>,
    original_len: u32,
}

/// What a look at the window brought.
enum Step {
    Packet(Located),
    Other,
    End,
}

impl Capture {
    /// Opens the capture in a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened. What is in it shows when it is read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self::read(&path.to_string_lossy(), file))
    }

    /// Reads the capture from standard input. SIGINT and SIGTERM end it: whoever writes it, `tcpdump`
    /// say, may have got the same signal, and what was read until then is worth its records.
    pub fn standard_input() -> Self {
        Self::read("standard input", interrupt::Input::default())
    }

    /// Reads the capture from `reader`, which messages call `name`. Waits for its first bytes.
    pub fn read(name: &str, reader: impl Read + 'static) -> Self {
        let read_bytes = ReadBytes::default();
        let counted = read_bytes.count(reader);
        let mut capture = Self {
            name: one_line(name),
            window: Window::new(crate::compression::plain(counted)),
            format: Format::Ended,
            interfaces: Vec::new(),
            troubles: Troubles::default(),
            read_bytes,
            last: (Link::Ethernet, 0),
        };
        capture.format = capture.recognise();
        capture
    }

    /// What messages call the capture; one line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interfaces that have been described so far.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Whether the format is pcapng, in which several interfaces have their names.
    pub fn is_pcapng(&self) -> bool {
        matches!(self.format, Format::Pcapng(_))
    }

    /// What went wrong so far.
    pub fn troubles(&self) -> &[Trouble] {
        self.troubles.list()
    }

    /// How much of the file has been read, compressed as it is.
    pub fn read_bytes(&self) -> &ReadBytes {
        &self.read_bytes
    }

    /// The next packet, or `None` when there is none, for whatever reason.
    #[expect(
        clippy::should_implement_trait,
        reason = "a packet borrows the capture"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<Packet<'_>> {
        let located = self.locate()?;
        self.last = (located.link, located.offset);
        Some(Packet {
            interface: located.interface,
            description: &self.interfaces[located.interface],
            time_ns: located.time_ns,
            link: located.link,
            direction: located.direction,
            bytes: self.window.bytes(located.bytes),
            original_len: located.original_len,
        })
    }

    /// Notes that the last packet was of a link type that is not understood.
    pub fn note_link_type(&mut self) {
        if let (Link::Unknown(number), offset) = self.last {
            self.troubles.note(Kind::LinkType(number), offset);
        }
    }

    #[inline]
    fn locate(&mut self) -> Option<Located> {
        loop {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.step(&mut self.window, &mut self.troubles),
                Format::Pcapng(pcapng) => {
                    pcapng.step(&mut self.window, &mut self.interfaces, &mut self.troubles)
                }
                Format::Ended => return None,
            };
            match step {
                Step::Packet(located) => return Some(located),
                Step::Other => {}
                Step::End => {
                    self.format = Format::Ended;
                    return None;
                }
            }
        }
    }

    fn recognise(&mut self) -> Format {
        let window = &mut self.window;
        if Pcapng::is_next(window) {
            return Format::Pcapng(Pcapng::default());
        }
        if let Some((pcap, interface)) = Pcap::begin(window) {
            self.interfaces.push(interface);
            return Format::Pcap(pcap);
        }
        let kind = match window.take_error() {
            Some(error) => Kind::unreadable(&error),
            None if window.available().is_empty() => Kind::Empty,
            None if Pcap::begins(window) => Kind::CutOff,
            None => Kind::NoCapture,
        };
        self.troubles.note(kind, window.offset());
        Format::Ended
    }
}

impl Step {
    /// The end of the input, in the middle of something unless nothing is left.
    fn end_of(window: &mut Window, troubles: &mut Troubles) -> Self {
        if let Some(error) = window.take_error() {
            troubles.note(Kind::unreadable(&error), window.offset());
        } else if !window.available().is_empty() {
            troubles.note(Kind::CutOff, window.offset());
        }
        Self::End
    }

    /// The end, because what follows cannot be understood.
    fn give_up(kind: Kind, window: &Window, troubles: &mut Troubles) -> Self {
        troubles.note(kind, window.offset());
        Self::End
    }
}

//! From the command line's inputs to streams. A capture that cannot be opened costs only what is
//! in it.

use super::{
    Config,
    config::{Input, Source, Which},
    direction::Directions,
    networks::Networks,
    seen::Side,
    sides::{self, Sides},
    stream::Stream,
};
use crate::capture::Capture;

/// The captures, and what to call the interfaces.
pub(super) struct Opened {
    pub streams: Vec<Stream>,
    pub inside_names: Vec<String>,
    pub outside_names: Vec<String>,
    /// Why captures could not be opened.
    pub complaints: Vec<String>,
    /// Whether there is a capture of the inside.
    pub has_inside: bool,
    /// Whether all captures of the outside were opened, and there are any.
    pub has_outside: bool,
    /// Zero, unless captures may have been written by different clocks.
    pub clock_slack_ns: u64,
}

pub(super) fn open(config: &Config) -> Opened {
    match &config.input {
        Input::One {
            capture,
            inside,
            outside,
        } => one(config, capture, inside, outside),
        Input::Several { inside, outside } => several(config, inside, outside),
    }
}

fn one(config: &Config, source: &Source, inside: &[Which], outside: &[Which]) -> Opened {
    let mut opened = Opened::nothing(0);
    let sides = Sides::by_interface(inside, outside);
    opened.has_outside = !outside.is_empty();
    opened.add(config, source, sides, 0);
    let Some(stream) = opened.streams.first() else {
        return opened;
    };
    opened.has_inside = true;
    let described = stream.capture().interfaces();
    let name = |which: &Which| stream.sides().name(which, described);
    opened.inside_names = inside.iter().map(name).collect();
    opened.outside_names = outside.iter().map(name).collect();
    opened
}

/// The captures of the outside are read ahead, so that a SYN is known there when its opening
/// comes, whichever clock is fast.
fn several(config: &Config, inside: &[Source], outside: &[Source]) -> Opened {
    let mut opened = Opened::nothing(config.clock_slack_ns);
    for (zone, source) in (0..).zip(inside) {
        let name = opened.add(config, source, Sides::Whole(Side::Inside(zone)), 0);
        opened.inside_names.push(name);
    }
    let before = opened.streams.len();
    opened.has_inside = before > 0;
    for (zone, source) in (0..).zip(outside) {
        let sides = Sides::Whole(Side::Outside(zone));
        let name = opened.add(config, source, sides, config.clock_slack_ns);
        opened.outside_names.push(name);
    }
    let opened_outside = opened.streams.len() - before;
    opened.has_outside = opened_outside == outside.len() && !outside.is_empty();
    opened
}

impl Opened {
    fn nothing(clock_slack_ns: u64) -> Self {
        Self {
            streams: Vec::new(),
            inside_names: Vec::new(),
            outside_names: Vec::new(),
            complaints: Vec::new(),
            has_inside: false,
            has_outside: false,
            clock_slack_ns,
        }
    }

    /// Adds a capture, read as far as its first segment, and returns its interface's name.
    fn add(&mut self, config: &Config, source: &Source, sides: Sides, ahead_ns: u64) -> String {
        let capture = match source {
            Source::Standard => Ok(Capture::standard_input()),
            Source::File(path) => Capture::open(path),
        };
        let capture = match capture {
            Ok(capture) => capture,
            Err(error) => {
                self.complaints
                    .push(format!("cannot open {source}: {error}"));
                return source.stem();
            }
        };
        let directions =
            Directions::new(Networks::new(&config.inside_nets, &config.local_addresses));
        let mut stream = Stream::new(capture, sides, directions, config.mtu, ahead_ns);
        stream.due_ns();
        let name = sides::name_of_whole(source, stream.capture().interfaces());
        self.streams.push(stream);
        name
    }
}

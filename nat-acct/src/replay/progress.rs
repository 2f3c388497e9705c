//! A bar on standard error that shows how much of the files has been read, if somebody watches.

use std::fs;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{config::Source, stream::Stream};

/// Looking at it costs time.
const PACKETS: u32 = 1 << 16;

pub(super) struct Progress {
    bar: ProgressBar,
    packets: u32,
}

impl Progress {
    /// A bar as long as the files are; none for standard input, which has no length.
    pub(super) fn new<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Self {
        let lengths = sources.into_iter().map(length_bytes);
        let bar = match lengths.sum::<Option<u64>>() {
            // Hidden where standard error is no terminal.
            Some(bytes) => ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()),
            None => ProgressBar::hidden(),
        };
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {eta} left")
        {
            bar.set_style(style);
        }
        Self { bar, packets: 0 }
    }

    #[inline]
    pub(super) fn show(&mut self, streams: &[Stream]) {
        self.packets += 1;
        if self.packets >= PACKETS {
            self.packets = 0;
            let read = streams
                .iter()
                .map(|stream| stream.capture().read_bytes().get());
            self.bar.set_position(read.sum());
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn length_bytes(source: &Source) -> Option<u64> {
    let Source::File(path) = source else {
        return None;
    };
    let metadata = fs::metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}

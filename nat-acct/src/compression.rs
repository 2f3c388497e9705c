//! Compressed input, recognised by what it starts with, whatever it is called. A file may
//! consist of several gzip members or zstd frames: that is what appending to it makes.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;

/// RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// RFC 8878, section 3.1.1.
const ZSTD: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// The three bytes that end the number of a skippable frame (RFC 8878, section 3.1.2), with which
/// parallel compressors begin.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

const BUFFER_BYTES: usize = 128 * 1024;

/// The decompressed bytes of `reader`, whose first bytes this waits for.
pub(crate) fn plain(mut reader: impl Read + 'static) -> Box<dyn Read> {
    let (beginning, error) = beginning(&mut reader);
    if let Some(error) = error {
        return Box::new(Cursor::new(beginning).chain(Failing(Some(error))));
    }
    let is_gzip = beginning.starts_with(&GZIP);
    let is_zstd = beginning.starts_with(&ZSTD)
        || beginning.len() == 4 && beginning[0] >> 4 == 5 && beginning[1..] == ZSTD_SKIPPABLE;
    let whole = Cursor::new(beginning).chain(reader);
    if is_gzip {
        let buffered = BufReader::with_capacity(BUFFER_BYTES, whole);
        return Box::new(MultiGzDecoder::new(buffered));
    }
    if is_zstd {
        let buffered = BufReader::with_capacity(BUFFER_BYTES, whole);
        return match zstd::Decoder::with_buffer(buffered) {
            Ok(decoder) => Box::new(decoder),
            Err(error) => Box::new(Failing(Some(error))),
        };
    }
    Box::new(whole)
}

/// The first four bytes, or fewer where there are no more.
fn beginning(reader: &mut impl Read) -> (Vec<u8>, Option<io::Error>) {
    let mut bytes = [0; 4];
    let mut length = 0;
    while length < bytes.len() {
        match reader.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (bytes[..length].to_vec(), Some(error)),
        }
    }
    (bytes[..length].to_vec(), None)
}

/// Says once why it cannot read, then nothing.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

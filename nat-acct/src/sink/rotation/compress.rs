//! A file becomes a compressed one beside it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// That of zstd itself.
const LEVEL: i32 = 0;

/// Compresses `from` to `to`, which appears when it is whole and safe. Until then it is `partial`.
pub(super) fn compress(from: &Path, partial: &Path, to: &Path) -> io::Result<()> {
    let mut plain = File::open(from)?;
    let metadata = plain.metadata()?;
    let compressed = File::create(partial)?;
    compressed.set_permissions(metadata.permissions())?;
    let mut encoder = zstd::Encoder::new(compressed, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(metadata.len()))?;
    io::copy(&mut plain, &mut encoder)?;
    encoder.finish()?.sync_all()?;
    fs::rename(partial, to)
}

//! Layouts of another build, as its manifest tells them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use nat_acct_common::layout::{Described, NAME_BYTES, described_fields, overwrite};

/// Where the manifest is in the map INSTANCE: behind the version.
const MANIFEST: usize = 4;
const COUNT_BYTES: usize = 4;
const LINE_BYTES: usize = NAME_BYTES + 8;

/// Offset and size of each field, by name.
pub(super) struct Layout(BTreeMap<String, (usize, usize)>);

impl Layout {
    /// Of the element of the map INSTANCE.
    pub(super) fn read(instance: &[u8]) -> Option<Self> {
        let (count, lines) = instance.get(MANIFEST..)?.split_at_checked(COUNT_BYTES)?;
        let count = number(count)?;
        let lines: Vec<_> = lines.chunks_exact(LINE_BYTES).take(count).collect();
        let all: Option<BTreeMap<_, _>> = lines.iter().map(|line| field(line)).collect();
        all.filter(|all| all.len() == count).map(Self)
    }

    /// Sees to it that values of this layout can be taken as they are.
    pub(super) fn ensure_same<T: Described>(&self) -> Result<()> {
        let is_same = described_fields::<T>()
            .all(|field| self.0.get(field.name) == Some(&(field.offset, field.size)));
        ensure!(is_same, "its {} is laid out otherwise", T::NAME);
        Ok(())
    }

    /// Of a build with other fields, or fields in other places.
    #[cfg(test)]
    pub(super) fn of(fields: &[(&str, (usize, usize))]) -> Self {
        let named = |&(name, place): &(&str, _)| (name.to_owned(), place);
        Self(fields.iter().map(named).collect())
    }

    /// Bytes before a field.
    pub(super) fn offset(&self, field: &str) -> Option<usize> {
        self.0.get(field).map(|&(offset, _)| offset)
    }

    /// Has a field have the name that it has here.
    pub(super) fn rename(&mut self, [there, here]: [&str; 2]) {
        if let Some(place) = self.0.remove(there) {
            self.0.insert(here.to_owned(), place);
        }
    }

    /// Bytes of a value of this layout.
    pub(super) fn size_of<T: Described>(&self) -> Result<usize> {
        let whole = self.0.get(T::NAME);
        let (_, size) = whole.with_context(|| format!("it has no {}", T::NAME))?;
        Ok(*size)
    }

    /// The value that another build wrote as `bytes`; fields that it did not know are 0.
    pub(super) fn translate<T: Described + Default>(&self, bytes: &[u8]) -> Result<T> {
        let mut value = T::default();
        for field in T::FIELDS {
            let Some(&(offset, size)) = self.0.get(field.name) else {
                continue;
            };
            let old = bytes.get(offset..).and_then(|rest| rest.get(..size));
            let old = old.filter(|old| old.len() == field.size);
            let old = old.with_context(|| format!("its {} is of another size", field.name))?;
            overwrite(&mut value, field.offset, old);
        }
        Ok(value)
    }
}

fn field(line: &[u8]) -> Option<(String, (usize, usize))> {
    let (name, place) = line.split_at_checked(NAME_BYTES)?;
    let len = name.iter().position(|&byte| byte == 0)?;
    let name = std::str::from_utf8(&name[..len]).ok()?;
    let (offset, size) = place.split_at_checked(4)?;
    Some((name.to_owned(), (number(offset)?, number(size)?)))
}

fn number(bytes: &[u8]) -> Option<usize> {
    Some(u32::from_ne_bytes(bytes.try_into().ok()?) as usize)
}

#[cfg(test)]
mod tests {
    use nat_acct_common::layout::{Connection, Manifest, OutsideSyn};

    use super::*;

    const OPENED: (usize, usize) = (16, 8);

    #[test]
    fn a_field_is_found_where_it_was() {
        let layout = Layout::of(&[
            ("connection.opened_ns", OPENED),
            ("connection.gone", (0, 8)),
        ]);
        let mut bytes = [0xff; 24];
        bytes[16..].copy_from_slice(&7u64.to_ne_bytes());
        let connection: Connection = layout.translate(&bytes).expect("it is all there");
        assert_eq!(connection.opened_ns.get(), 7);
        assert_eq!(connection.rst_ns.get(), 0);
    }

    #[test]
    fn a_field_of_another_size_is_not_misread() {
        for place in [(16, 4), (16, 9), (20, 8)] {
            let layout = Layout::of(&[("connection.opened_ns", place)]);
            assert!(
                layout.translate::<Connection>(&[0; 24]).is_err(),
                "{place:?}"
            );
        }
    }

    #[test]
    fn other_places_are_not_the_same() {
        let whole = ("outside_syn", (0, 16));
        let first = ("outside_syn.first_ns", (0, 8));
        let same = Layout::of(&[whole, first, ("outside_syn.last_ns", (8, 8))]);
        assert!(same.ensure_same::<OutsideSyn>().is_ok());
        let swapped = [
            ("outside_syn.first_ns", (8, 8)),
            ("outside_syn.last_ns", (0, 8)),
        ];
        for fields in [&[whole, first][..], &[&[whole], &swapped[..]].concat()] {
            assert!(Layout::of(fields).ensure_same::<OutsideSyn>().is_err());
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let manifest = Manifest::default();
        manifest.describe();
        // SAFETY: integers without padding, all of them initialised.
        let bytes = unsafe {
            std::slice::from_raw_parts((&raw const manifest).cast::<u8>(), size_of_val(&manifest))
        };
        let layout = Layout::read(&[&[0; MANIFEST], bytes].concat()).expect("it is whole");
        assert!(layout.ensure_same::<Connection>().is_ok());
        assert!(layout.ensure_same::<OutsideSyn>().is_ok());
        assert!(Layout::read(bytes).is_none());
        assert!(Layout::read(&bytes[..100]).is_none());
    }
}

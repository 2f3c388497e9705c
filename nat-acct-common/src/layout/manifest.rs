//! Where the fields of a layout are, written beside the maps: by it, a build with another layout
//! finds those that it knows. A field that a build does not find there is 0 to it, so 0 has to mean
//! "not known"; and a field that comes to mean something else gets another name.

use super::{Bucket, Connection, Instance, OutsideKey, OutsideSyn, Volume};
use crate::memory::Shared;

/// Bytes of a name, padded with zeros.
pub const NAME_BYTES: usize = 40;
/// Lines that a manifest has room for.
const MOST_LINES: usize = 64;

/// A layout whose fields a manifest tells.
pub trait Described {
    /// The name of the layout.
    const NAME: &'static str;
    /// Its fields.
    const FIELDS: &'static [Field];
}

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name of the layout, a dot, and name of the field.
    pub name: &'static str,
    /// Bytes before it.
    pub offset: usize,
    /// Its bytes.
    pub size: usize,
}

/// Lines for all layouts of a build; the map INSTANCE has it at the same place in every build.
#[repr(C)]
pub struct Manifest {
    count: Shared<u32>,
    lines: [Line; MOST_LINES],
}

/// A field, or as a whole a layout.
#[repr(C)]
#[derive(Default)]
struct Line {
    name: [Name; NAME_BYTES / 8],
    offset: Shared<u32>,
    size: Shared<u32>,
}

type Name = [Shared<u8>; 8];

const _: () = assert!(size_of::<Manifest>() == 4 + MOST_LINES * (NAME_BYTES + 8));

impl Default for Manifest {
    fn default() -> Self {
        Self {
            count: Shared::new(0),
            lines: core::array::from_fn(|_| Line::default()),
        }
    }
}

impl Manifest {
    /// Tells the layouts of this build.
    pub fn describe(&self) {
        let written = self.lines.iter().zip(fields());
        let count = written.map(|(line, field)| line.set(&field)).count();
        self.count.set(count as u32);
    }
}

impl Line {
    fn set(&self, field: &Field) {
        let cells = self.name.as_flattened();
        for (cell, byte) in cells.iter().zip(field.name.bytes()) {
            cell.set(byte);
        }
        self.offset.set(field.offset as u32);
        self.size.set(field.size as u32);
    }
}

/// What this build's manifest tells.
pub fn fields() -> impl Iterator<Item = Field> {
    of::<Instance>()
        .chain(of::<Connection>())
        .chain(of::<Bucket>())
        .chain(of::<Volume>())
        .chain(of::<OutsideKey>())
        .chain(of::<OutsideSyn>())
}

/// A layout as a whole, and its fields.
pub fn of<T: Described>() -> impl Iterator<Item = Field> {
    let whole = Field {
        name: T::NAME,
        offset: 0,
        size: size_of::<T>(),
    };
    core::iter::once(whole).chain(T::FIELDS.iter().copied())
}

/// Size of the field that a function returns.
pub(super) const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// Implements [`Described`].
macro_rules! described {
    ($layout:ty as $name:literal: $($field:ident),+ $(,)?) => {
        impl $crate::layout::Described for $layout {
            const NAME: &'static str = $name;
            const FIELDS: &'static [$crate::layout::Field] = &[$($crate::layout::Field {
                name: concat!($name, ".", stringify!($field)),
                offset: core::mem::offset_of!($layout, $field),
                size: $crate::layout::manifest::size_of_field(|all: &$layout| &all.$field),
            }),+];
        }
    };
}
pub(super) use described;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_all_fields_and_their_names() {
        assert!(fields().count() <= MOST_LINES);
        assert!(fields().all(|field| field.name.len() < NAME_BYTES));
    }
}

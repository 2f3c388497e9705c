//! VLAN identifiers, wherever the kernel or a capture has put the tags.

/// The VLAN that a frame belongs to: the identifiers of its two innermost tags, or none. Two
/// networks with the same addresses may share an interface as VLANs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vlan(u32);

/// Identifier in a tag's control information (IEEE 802.1Q, 9.6).
const ID: u16 = 0x0fff;
const ID_BITS: u32 = 12;

impl Vlan {
    /// No VLAN.
    pub const NONE: Self = Self(0);
    /// How many bits [`Self::to_bits`] has.
    pub(crate) const BITS: u32 = 2 * ID_BITS;

    /// The VLAN inside this one that a tag names by its control information. Identifier 0 names
    /// none: such a tag has a priority only.
    #[inline(always)]
    pub const fn tagged(self, control: u16) -> Self {
        match control & ID {
            0 => self,
            id => Self(self.0 << ID_BITS & ((1 << Self::BITS) - 1) | id as u32),
        }
    }

    /// The identifiers, the outer one first; 0 for none.
    pub const fn ids(self) -> [u16; 2] {
        [(self.0 >> ID_BITS) as u16, self.0 as u16 & ID]
    }

    #[inline(always)]
    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::Vlan;

    #[test]
    fn the_two_innermost_tags_count() {
        let vlan = Vlan::NONE;
        assert_eq!(vlan.ids(), [0, 0]);
        let vlan = vlan.tagged(0x6007);
        assert_eq!(vlan.ids(), [0, 7]);
        assert_eq!(vlan.tagged(0xe000), vlan, "a priority is no VLAN");
        let vlan = vlan.tagged(4094);
        assert_eq!(vlan.ids(), [7, 4094]);
        assert_eq!(vlan.tagged(1).ids(), [4094, 1]);
    }
}

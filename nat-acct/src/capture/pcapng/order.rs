//! The byte order of a section. Blocks are parsed by the crate's functions, one for each order;
//! they are given whole blocks, so what they cannot parse is damaged.

use pcap_parser::pcapng::{
    EnhancedPacketBlock, InterfaceDescriptionBlock, SimplePacketBlock,
    parse_enhancedpacketblock_be, parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_simplepacketblock_be, parse_simplepacketblock_le,
};

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Order {
    #[default]
    Little,
    Big,
}

impl Order {
    /// The number at `at`, which is there.
    #[inline]
    pub(super) fn number(self, bytes: &[u8], at: usize) -> u32 {
        let field = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(field),
            Self::Big => u32::from_be_bytes(field),
        }
    }

    pub(super) fn long_number(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn enhanced_packet(self, block: &[u8]) -> Option<EnhancedPacketBlock<'_>> {
        let parsed = match self {
            Self::Little => parse_enhancedpacketblock_le(block),
            Self::Big => parse_enhancedpacketblock_be(block),
        };
        Some(parsed.ok()?.1)
    }

    pub(super) fn simple_packet(self, block: &[u8]) -> Option<SimplePacketBlock<'_>> {
        let parsed = match self {
            Self::Little => parse_simplepacketblock_le(block),
            Self::Big => parse_simplepacketblock_be(block),
        };
        Some(parsed.ok()?.1)
    }

    pub(super) fn interface(self, block: &[u8]) -> Option<InterfaceDescriptionBlock<'_>> {
        let parsed = match self {
            Self::Little => parse_interfacedescriptionblock_le(block),
            Self::Big => parse_interfacedescriptionblock_be(block),
        };
        Some(parsed.ok()?.1)
    }
}

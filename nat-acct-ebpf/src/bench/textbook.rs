//! Accounting as it is mostly written: the kernel's hash map says which slot a 4-tuple has, and
//! the slot is one of a per-CPU array. It knows IPv4 without options, and no connection's beginning
//! or end.

use core::{mem, ptr};

use aya_ebpf::{
    macros::map,
    maps::{HashMap, PerCpuArray},
    programs::TcContext,
};
use network_types::{eth::EthHdr, ip::IpProto};

/// The slot of each 4-tuple: both addresses, and both ports, as they are in a packet of the client.
#[map]
static SLOTS: HashMap<[u32; 3], u32> = HashMap::with_max_entries(1, 0);

#[map]
static SUMS: PerCpuArray<Sums> = PerCpuArray::with_max_entries(1, 0);

/// Payload, bytes and packets.
pub type Sums = [u64; 3];

/// The headers of IPv4 (RFC 791) and TCP (RFC 9293).
#[repr(C)]
struct Headers {
    version: u8,
    tos: u8,
    total_len: u16,
    id_and_fragment: [u16; 2],
    ttl: u8,
    protocol: u8,
    checksum: u16,
    addresses: [u32; 2],
    ports: u32,
    numbers: [u32; 2],
    offset: u8,
    flags: u8,
}

/// What there is to count.
pub struct Counted {
    /// Both addresses, and both ports, as they are in the packet.
    pub key: [u32; 3],
    pub payload: u64,
    pub bytes: u64,
    pub flags: u8,
}

/// Reads a packet.
#[inline(always)]
pub fn read(context: &TcContext) -> Option<Counted> {
    let start = context.data() + EthHdr::LEN;
    if start + mem::size_of::<Headers>() > context.data_end() {
        return None;
    }
    // SAFETY: within the packet, by the line above; x86 and ARM read words wherever they are.
    let headers = unsafe { ptr::read(start as *const Headers) };
    if headers.version != 0x45 || headers.protocol != IpProto::Tcp as u8 {
        return None;
    }
    let [source, destination] = headers.addresses;
    let bytes = u64::from(u16::from_be(headers.total_len));
    Some(Counted {
        key: [source, destination, headers.ports],
        payload: bytes.wrapping_sub(20 + u64::from(headers.offset >> 4) * 4),
        bytes,
        flags: headers.flags,
    })
}

#[inline(always)]
pub fn count(context: &TcContext) -> Option<()> {
    let counted = read(context)?;
    // SAFETY: copied at once, and nobody changes it.
    let slot = *unsafe { SLOTS.get(counted.key) }?;
    let sums = SUMS.get_ptr_mut(slot)?;
    // SAFETY: this processor's own.
    add(unsafe { &mut *sums }, &counted);
    Some(())
}

/// The three additions.
#[inline(always)]
pub fn add([payload, bytes, packets]: &mut Sums, counted: &Counted) {
    *payload += counted.payload;
    *bytes += counted.bytes;
    *packets += 1;
}

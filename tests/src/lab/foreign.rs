//! Other people's TC programs: a few instructions each, wrapped into an object
//! file, loaded and attached by this process.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::programs::tc::{NlOptions, TcAttachOptions};
use aya::programs::{LinkOrder, SchedClassifier, TcAttachType};

use super::hooks::Direction;
use super::{INSIDE, Lab, Ns, OUTSIDE};

/// A program, as its machine code: eight bytes an instruction (RFC 9669).
pub type Code = Vec<[u8; 8]>;

/// The name that `bpftool` shows.
pub const NAME: &str = "foreign";

const SECTION: &str = "classifier";
/// Bytes of an ELF header, of a section header and of a symbol.
const ELF_HEADER: usize = 64;
const SECTION_HEADER: usize = 64;

/// Returns this number and does nothing else: 0 (`TC_ACT_OK`, `TCX_PASS`) ends
/// the chain, -1 goes on.
#[must_use]
pub fn returns(verdict: i32) -> Code {
    let [a, b, c, d] = verdict.to_le_bytes();
    vec![[0xb7, 0, 0, 0, a, b, c, d], [0x95, 0, 0, 0, 0, 0, 0, 0]]
}

/// Changes the source or destination address of TCP over IPv4 that has this one
/// to the other, and goes on.
#[must_use]
pub fn translates(field: Field, from: Ipv4Addr, to: Ipv4Addr) -> Code {
    const IP_CHECKSUM: i32 = 14 + 10;
    const TCP_CHECKSUM: i32 = 14 + 20 + 16;
    const PSEUDO_HEADER: i32 = 0x10;
    let address = 14
        + match field {
            Field::Source => 12,
            Field::Destination => 16,
        };
    let number = |address: Ipv4Addr| i32::from_ne_bytes(address.octets());
    let instruction = |code: u8, registers: u8, offset: i16, value: i32| {
        let mut bytes = [code, registers, 0, 0, 0, 0, 0, 0];
        bytes[2..4].copy_from_slice(&offset.to_le_bytes());
        bytes[4..8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let set = |register: u8, value: i32| instruction(0xb4, register, 0, value);
    let context = instruction(0xbf, 0x61, 0, 0);
    let call = |helper: i32| instruction(0x85, 0, 0, helper);
    vec![
        instruction(0xbf, 0x16, 0, 0),
        // Unless it is IPv4, TCP, and has the address, to the end.
        instruction(0x28, 0, 0, 12),
        instruction(0x56, 0, 24, 0x0800),
        instruction(0x30, 0, 0, 14 + 9),
        instruction(0x56, 0, 22, 6),
        instruction(0x20, 0, 0, address),
        instruction(0x56, 0, 20, i32::from_be_bytes(from.octets())),
        // bpf_l3_csum_replace(skb, IP_CHECKSUM, from, to, 4)
        context,
        set(2, IP_CHECKSUM),
        set(3, number(from)),
        set(4, number(to)),
        set(5, 4),
        call(10),
        // bpf_l4_csum_replace(skb, TCP_CHECKSUM, from, to, 4 | PSEUDO_HEADER)
        context,
        set(2, TCP_CHECKSUM),
        set(3, number(from)),
        set(4, number(to)),
        set(5, 4 | PSEUDO_HEADER),
        call(11),
        // bpf_skb_store_bytes(skb, address, &to, 4, 0)
        instruction(0x62, 0x0a, -4, number(to)),
        context,
        set(2, address),
        instruction(0xbf, 0xa3, 0, 0),
        instruction(0x07, 3, 0, -4),
        set(4, 4),
        set(5, 0),
        call(9),
        // The jumps lead here.
        set(0, -1),
        instruction(0x95, 0, 0, 0),
    ]
}

/// A field of the IPv4 header.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// The source address.
    Source,
    /// The destination address.
    Destination,
}

/// A program on a hook, for as long as this lives.
pub struct Foreign {
    _object: Ebpf,
    number: u32,
}

impl Foreign {
    /// The kernel's number of the program.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

/// Attaches a program as a filter of clsact, for as long as the lab lives.
pub fn attach_clsact(
    lab: &Lab,
    device: &str,
    direction: Direction,
    priority: u16,
    code: &Code,
) -> Result<()> {
    let options = TcAttachOptions::Netlink(NlOptions {
        priority,
        ..NlOptions::default()
    });
    // There may be one already.
    let _ = lab.run(Ns::Gateway, &format!("tc qdisc add dev {device} clsact"));
    // Dropped, it would look for the filter in the wrong namespace.
    attach(lab, device, direction, options, code).map(std::mem::forget)
}

/// Attaches a program by TCX, before or behind all that is there.
pub fn attach_tcx(
    lab: &Lab,
    device: &str,
    direction: Direction,
    order: LinkOrder,
    code: &Code,
) -> Result<Foreign> {
    attach(
        lab,
        device,
        direction,
        TcAttachOptions::TcxOrder(order),
        code,
    )
}

/// Attaches a program by TCX wherever the agent attaches, behind all that is there.
pub fn attach_everywhere(lab: &Lab, code: &Code) -> Result<Vec<Foreign>> {
    let hooks = [INSIDE, OUTSIDE]
        .into_iter()
        .flat_map(|device| Direction::ALL.map(|direction| (device, direction)));
    hooks
        .map(|(device, direction)| attach_tcx(lab, device, direction, LinkOrder::last(), code))
        .collect()
}

fn attach(
    lab: &Lab,
    device: &str,
    direction: Direction,
    options: TcAttachOptions,
    code: &Code,
) -> Result<Foreign> {
    let mut object = Ebpf::load(&object(code)).context("cannot load the foreign program")?;
    let program = object
        .program_mut(NAME)
        .context("it is not in its object")?;
    let program: &mut SchedClassifier = program.try_into()?;
    program.load()?;
    let number = program.info()?.id();
    let hook = match direction {
        Direction::Ingress => TcAttachType::Ingress,
        Direction::Egress => TcAttachType::Egress,
    };
    lab.enter(Ns::Gateway, || {
        program.attach_with_options(device, hook, options)?;
        Ok(())
    })?;
    Ok(Foreign {
        _object: object,
        number,
    })
}

/// An object file with this code as a classifier.
fn object(code: &Code) -> Vec<u8> {
    let code = code.concat();
    let license = b"GPL\0".to_vec();
    let strings = format!("\0{NAME}\0").into_bytes();
    // A null symbol, then a global function in section 1.
    let symbol = [
        &1u32.to_le_bytes()[..],
        &[0x12, 0],
        &1u16.to_le_bytes(),
        &0u64.to_le_bytes(),
        &(code.len() as u64).to_le_bytes(),
    ];
    let symbols = [vec![0; 24], symbol.concat()].concat();
    let names = ["", SECTION, "license", ".symtab", ".strtab", ".shstrtab"];
    let section_names = names.map(|name| format!("{name}\0")).concat().into_bytes();
    // Kind, flags, content, link, info, size of an entry.
    let sections: [(u32, u64, Vec<u8>, u32, u32, u64); 6] = [
        (0, 0, Vec::new(), 0, 0, 0),
        (1, 6, code, 0, 0, 0),
        (1, 3, license, 0, 0, 0),
        (2, 0, symbols, 4, 1, 24),
        (3, 0, strings, 0, 0, 0),
        (3, 0, section_names, 0, 0, 0),
    ];
    let mut headers = Vec::new();
    let mut contents = Vec::new();
    let mut name_at = 0u32;
    for ((kind, flags, content, link, info, entry), name) in sections.into_iter().zip(names) {
        let offset = ELF_HEADER + contents.len();
        let size = content.len() as u64;
        headers.extend(name_at.to_le_bytes());
        headers.extend(kind.to_le_bytes());
        for number in [flags, 0, offset as u64, size] {
            headers.extend(number.to_le_bytes());
        }
        headers.extend(link.to_le_bytes());
        headers.extend(info.to_le_bytes());
        headers.extend(8u64.to_le_bytes());
        headers.extend(entry.to_le_bytes());
        contents.extend(content);
        contents.resize(contents.len().next_multiple_of(8), 0);
        name_at += name.len() as u32 + 1;
    }
    // 64 bit, little endian, relocatable, for BPF (machine 247).
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    elf.resize(16, 0);
    elf.extend([1, 0, 247, 0, 1, 0, 0, 0]);
    elf.extend([0; 16]);
    elf.extend(((ELF_HEADER + contents.len()) as u64).to_le_bytes());
    elf.extend([0; 4]);
    let sizes = [
        ELF_HEADER,
        0,
        0,
        SECTION_HEADER,
        names.len(),
        names.len() - 1,
    ];
    elf.extend(sizes.iter().flat_map(|&size| (size as u16).to_le_bytes()));
    [elf, contents, headers].concat()
}

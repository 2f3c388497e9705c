//! What a forwarded segment and a transfer take in a gateway in which a program runs, beside another one in
//! which none does.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use super::Args;
use super::site::{Gateway, Site};
use crate::bench::gateway::{Contestant, nothing};

/// Segments that one of both forwards, before the other one does: some milliseconds, as what else the
/// machine does changes faster than one should think.
pub const BURST: u64 = 2_048;

/// Something that was measured in both gateways at the same time.
#[derive(Clone, Copy)]
pub struct Beside {
    /// Where the program runs.
    pub its: f64,
    /// In parts of where none does.
    pub ratio: f64,
}

pub struct Figures {
    /// Of a forwarded packet: by the sender's thread, in which it is forwarded, the kernel's thread
    /// for packets, and the program.
    pub packet_cpu_ns: Beside,
    pub bits_per_second: Beside,
    /// Of both ends of iperf3, the kernel's thread and the program.
    pub gigabit_cpu_ms: Beside,
}

/// Once in each of both: no two are equally fast, even if the same runs in them.
pub fn measure(
    [one, other]: &[Site; 2],
    contestant: &Contestant,
    args: &Args,
) -> Result<(Figures, String)> {
    let turn = |with: &Site, without: &Site, is_first: bool| {
        turn(
            [with.start(contestant)?, without.start(&nothing())?],
            is_first,
            args,
        )
    };
    let turns = [turn(one, other, true)?, turn(other, one, false)?];
    let mean = |of: fn(&Figures) -> Beside| Beside::mean(turns.each_ref().map(of));
    let figures = Figures {
        packet_cpu_ns: mean(|turn| turn.packet_cpu_ns),
        bits_per_second: mean(|turn| turn.bits_per_second),
        gigabit_cpu_ms: mean(|turn| turn.gigabit_cpu_ms),
    };
    let said = figures.to_string();
    Ok((figures, said))
}

/// The first one of them has the program; `is_first` says whether its transfer is.
fn turn(mut both: [Gateway; 2], is_first: bool, args: &Args) -> Result<Figures> {
    let packet_cpu_ns = packets(&mut both, args.packets)?;
    let [its, without] = &mut both;
    let transfers = if is_first {
        [its.download()?, without.download()?]
    } else {
        let without = without.download()?;
        [its.download()?, without]
    };
    for gateway in both {
        gateway.end()?;
    }
    Ok(Figures {
        packet_cpu_ns,
        bits_per_second: Beside::of(transfers.each_ref().map(|one| one.bits_per_second)),
        gigabit_cpu_ms: Beside::of(transfers.map(|one| one.cpu.as_secs_f64() * 1e12 / one.bits)),
    })
}

fn packets(both: &mut [Gateway; 2], packets: u64) -> Result<Beside> {
    let before = [both[0].program()?, both[1].program()?];
    let mut bursts = [Duration::ZERO; 2];
    for burst in 0..packets.div_ceil(BURST) {
        // Each of them is the first one every other time.
        let first = (burst % 2) as usize;
        for place in [first, 1 - first] {
            bursts[place] += both[place].burst(BURST)?;
        }
    }
    let mut each = [0.0; 2];
    for place in 0..2 {
        let gateway = &mut both[place];
        let arrived = gateway.arrived()?.together() as f64;
        let cpu = bursts[place] + gateway.program()? - before[place];
        each[place] = cpu.as_secs_f64() * 1e9 / arrived;
    }
    Ok(Beside::of(each))
}

impl Beside {
    fn of([its, without]: [f64; 2]) -> Self {
        Self {
            its,
            ratio: its / without,
        }
    }

    fn mean([one, other]: [Self; 2]) -> Self {
        Self {
            its: one.its.midpoint(other.its),
            ratio: (one.ratio * other.ratio).sqrt(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:5.0} ns CPU a packet, {:.3} of none; {:5.2} Gbit/s, {:.2}; {:6.1} ms CPU a Gbit, {:.2}",
            self.packet_cpu_ns.its,
            self.packet_cpu_ns.ratio,
            self.bits_per_second.its / 1e9,
            self.bits_per_second.ratio,
            self.gigabit_cpu_ms.its,
            self.gigabit_cpu_ms.ratio,
        )
    }
}

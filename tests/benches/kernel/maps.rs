//! The programs and their maps: those of the agent, loaded as the agent does it, and those of the
//! bench.

use std::fs;

use anyhow::{Context, Result};
use aya::maps::{Array, HashMap, MapData, ProgramArray, RingBuf};
use aya::programs::{ProgramFd, SchedClassifier};
use aya::util::nr_cpus;
use aya::{Ebpf, EbpfLoader};
use nat_acct::source::live::{Live, Places, Settings};
use nat_acct_common::layout::buckets_for;
use nat_acct_tests::{Lab, Ns};

use crate::frames::{GATEWAY, textbook_key};

/// The namespace; the lab's own interface in it has no part in this.
pub const NS: Ns = Ns::Client1;
pub const INSIDE: &str = "in0";
pub const OUTSIDE: &str = "out0";
/// Room for the events of as many openings as are made in a row.
const RING_BYTES: u32 = 1 << 28;

/// Makes the interfaces that the programs of the agent are attached to. No packet comes there.
pub fn make_interfaces(lab: &Lab) -> Result<()> {
    for device in [INSIDE, OUTSIDE] {
        let add = format!("ip link add {device} address {GATEWAY} type veth peer name {device}p");
        lab.run(NS, &add)?;
    }
    Ok(())
}

/// The agent's programs.
pub fn agent(max_connections: u32) -> Result<Live> {
    let settings = Settings {
        max_connections,
        ring_bytes: RING_BYTES,
        close_on_first_fin: false,
        log_level: tracing::Level::INFO,
    };
    let mut live = Live::load(&settings, None)?;
    live.attach(&Places {
        inside: vec![INSIDE.to_owned()],
        outside: vec![OUTSIDE.to_owned()],
        hook: None,
    })?;
    Ok(live)
}

/// The bench's programs.
pub struct Bench {
    ebpf: Ebpf,
    plan: Array<MapData, [u32; 8]>,
    measured: ProgramArray<MapData>,
    missed: Array<MapData, u32>,
    opened: Array<MapData, u32>,
    told: RingBuf<MapData>,
}

impl Bench {
    /// Loads them; the textbook's map gets so many connections.
    pub fn load(object: &str, connections: u32) -> Result<Self> {
        let object = fs::read(object).with_context(|| format!("cannot read {object}"))?;
        // As many as in the flow table, which has some to spare besides.
        let buckets = buckets_for(connections);
        let processors = nr_cpus().map_err(|(_, error)| error)? as u32;
        let mut ebpf = EbpfLoader::new()
            .override_global("BUCKET_MASK", &(buckets - 1), true)
            .map_max_entries("BUCKETS", buckets)
            .map_max_entries("PARTS", buckets * processors)
            .map_max_entries("SLOTS", connections)
            .map_max_entries("SUMS", connections)
            .map_max_entries("OPENED", connections)
            .map_max_entries("OPENED_SUMS", connections)
            .map_max_entries("NOTED", connections)
            .map_max_entries("TOLD", RING_BYTES)
            .load(&object)?;
        for (_, program) in ebpf.programs_mut() {
            let program: &mut SchedClassifier = program.try_into()?;
            program.load()?;
        }
        let mut take = |name| ebpf.take_map(name).with_context(|| format!("no {name}"));
        let plan = Array::try_from(take("PLAN")?)?;
        let missed = Array::try_from(take("MISSED")?)?;
        let opened = Array::try_from(take("NEXT")?)?;
        let told = RingBuf::try_from(take("TOLD")?)?;
        let measured = ProgramArray::try_from(take("MEASURED")?)?;
        let mut slots: HashMap<_, [u32; 3], u32> = HashMap::try_from(take("SLOTS")?)?;
        for number in 0..connections {
            slots.insert(textbook_key(number), number, 0)?;
        }
        Ok(Self {
            ebpf,
            plan,
            measured,
            missed,
            opened,
            told,
        })
    }

    /// Takes what the programs have told.
    pub fn drain(&mut self) {
        while self.told.next().is_some() {}
    }

    /// How many connections were opened for the textbook.
    pub fn opened(&self) -> Result<u32> {
        Ok(self.opened.get(&0, 0)?)
    }

    /// Has the next packets drawn by this plan (see the program's), and seen by this program.
    pub fn prepare(&mut self, plan: [u32; 8], measured: &ProgramFd) -> Result<()> {
        self.plan.set(0, plan, 0)?;
        self.measured.set(0, measured, 0)?;
        Ok(())
    }

    /// Packets for which the table with counters in its buckets had no place.
    pub fn missed(&self) -> Result<u32> {
        Ok(self.missed.get(&0, 0)?)
    }

    pub fn program(&self, name: &str) -> Result<&SchedClassifier> {
        let program = self.ebpf.program(name).with_context(|| name.to_owned())?;
        Ok(program.try_into()?)
    }
}

//! Two hundred thousand connections that are open at the same time: what each
//! takes in memory, and what an agent costs that has nothing to do.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader};
use nat_acct_tests::lab::{Hints, PacketSocket};
use nat_acct_tests::{Agent, Lab, Ns, agent, in_a_lab, memory, wait_until};

const CONNECTIONS: u32 = 200_000;
/// The namespace; the lab's own interface in it has no part in this.
const NS: Ns = Ns::Client1;
const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 2];
const REMOTE: [u8; 4] = [198, 18, 0, 80];
/// What becomes of the clients' address and port.
const TRANSLATED: [u8; 4] = [203, 0, 113, 1];
const FIRST_PORT: u32 = 1_024;
const PORTS: (u16, u16) = (5_000, 80);
/// So long it is watched doing nothing.
const IDLE: Duration = Duration::from_secs(10);
/// A hundredth of a processor.
const MOST_IDLE_CPU: Duration = Duration::from_millis(100);
/// Bytes of the agent's own memory for each connection.
const MOST_BYTES: u64 = 160;

#[test]
fn two_hundred_thousand() -> Result<()> {
    in_a_lab(|lab| {
        for (near, address) in [("in0", "address 02:00:00:00:00:01"), ("out0", "")] {
            let add = format!("ip link add {near} {address} type veth peer name {near}-far");
            lab.run(NS, &add)?;
            for end in [near, &format!("{near}-far")] {
                lab.run(NS, &format!("ip link set {end} up"))?;
            }
        }
        let mut command = lab.command(NS, agent::binary()?);
        command.args(["run", "--inside", "in0", "--outside", "out0"]);
        command.args(["--max-connections", &(CONNECTIONS + 1_000).to_string()]);
        // Before an event is lost, a sweep is not due.
        command.args(["--ring-bytes", &(64 << 20).to_string()]);
        let mut agent = Agent::spawn_command(lab, command)?;
        agent.wait_attached()?;
        let pid = agent.process().pid();

        // What is the process's alone: the maps it shares with the kernel.
        let own_bytes = || memory::bytes(pid, "RssAnon");
        let before = own_bytes()?;
        open(lab)?;
        settle(pid)?;
        let each = own_bytes()?.saturating_sub(before) / u64::from(CONNECTIONS);
        let busy = cpu(pid)?;
        std::thread::sleep(IDLE);
        let busy = cpu(pid)? - busy;
        let kernel = maps_bytes(pid)? / u64::from(CONNECTIONS);
        eprintln!(
            "of a connection {each} bytes in the agent, {kernel} in the kernel; {busy:?} of a \
             processor in {IDLE:?}"
        );
        assert!(each > 0 && each < MOST_BYTES, "{each} bytes a connection");
        assert!(busy < MOST_IDLE_CPU, "{busy:?} in {IDLE:?}");
        ensure!(!agent.log().contains("WARN"), "{}", agent.log());
        Ok(())
    })
}

/// SYN, SYN-ACK and ACK of each, and the SYN as it leaves.
fn open(lab: &Lab) -> Result<()> {
    let plain = Hints {
        linear: 0,
        cut: None,
    };
    lab.enter(NS, || {
        let from_client = PacketSocket::open("in0-far")?;
        let to_client = PacketSocket::open("in0")?;
        let to_remote = PacketSocket::open("out0")?;
        for number in 0..CONNECTIONS {
            let client = (0x0a00_0000 + number).to_be_bytes();
            let (own, other) = PORTS;
            let inward = |seq| {
                let ip = PacketBuilder::ethernet2(CLIENT, GATEWAY).ipv4(client, REMOTE, 64);
                ip.tcp(own, other, seq, 64_000)
            };
            let port = FIRST_PORT + number % (u32::from(u16::MAX) - FIRST_PORT);
            let translated = PacketBuilder::ethernet2(GATEWAY, CLIENT).ipv4(TRANSLATED, REMOTE, 63);
            let translated = translated
                .tcp(port.try_into()?, other, number, 64_000)
                .syn();
            let outward = PacketBuilder::ethernet2(GATEWAY, CLIENT).ipv4(REMOTE, client, 64);
            let answer = outward.tcp(other, own, 7, 64_000).syn().ack(number + 1);
            from_client.send(&bytes(inward(number).syn())?, plain)?;
            to_remote.send(&bytes(translated)?, plain)?;
            to_client.send(&bytes(answer)?, plain)?;
            from_client.send(&bytes(inward(number + 1).ack(8))?, plain)?;
        }
        Ok(())
    })
}

fn bytes(segment: PacketBuilderStep<TcpHeader>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    segment.write(&mut bytes, &[])?;
    Ok(bytes)
}

/// Waits until the agent has taken it all in: it does hardly anything any more.
fn settle(pid: u32) -> Result<()> {
    let mut last = cpu(pid)?;
    wait_until(
        Duration::from_secs(60),
        "the agent to have nothing to do",
        || {
            std::thread::sleep(Duration::from_secs(1));
            let now = cpu(pid)?;
            let busy = now - std::mem::replace(&mut last, now);
            Ok((busy < Duration::from_millis(50)).then_some(()))
        },
    )
}

/// What the maps take that it holds (kernel: kernel/bpf/syscall.c, `bpf_map_show_fdinfo`).
fn maps_bytes(pid: u32) -> Result<u64> {
    let mut maps = BTreeMap::new();
    for fd in std::fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        let info = std::fs::read_to_string(fd?.path())?;
        let number = |key: &str| -> Option<u64> {
            let value = info.lines().find_map(|line| line.strip_prefix(key))?;
            value.trim().parse().ok()
        };
        if let (Some(id), Some(bytes)) = (number("map_id:"), number("memlock:")) {
            maps.insert(id, bytes);
        }
    }
    Ok(maps.values().sum())
}

/// What the process has used of processors: user and system time, in ticks of
/// 10 ms (proc(5), fields 14 and 15).
fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(10 * ticks))
}

//! What is meant: a command whose options agree with each other. It knows nothing of the machine
//! but its page size; that an interface is there is found out when it is used.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsString,
    path::PathBuf,
};

use jiff::SignedDuration;
use nat_acct_common::layout::MAX_INTERFACES;
use tracing::Level;

use super::{
    UsageError, accounting,
    args::{Args, Command, ConfigCommand, HookArg, LandlockArg, LogLevelArg, RunArgs},
    store::StoreCommand,
};
use crate::{
    agent::{Address, DetachConfig, StatusConfig},
    engine::{Interim, Timeouts},
    record::{Format, Remotes},
    replay,
    sink::{Output, Rotation},
    store::ImportConfig,
    who::WhoConfig,
};

/// A command to carry out.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    /// Account the connections of this gateway.
    Run(RunConfig),
    /// End what lives on.
    Detach(DetachConfig),
    /// Say how it stands with an agent.
    Status(StatusConfig),
    /// Account the connections in captures.
    Replay(replay::Config),
    /// Put records into a store.
    Import(ImportConfig),
    /// Throw records of a store away that are older than this.
    Keep(PathBuf, SignedDuration),
    /// Check the store in a directory.
    CheckStore(PathBuf),
    /// Say who had a translated address.
    Who(WhoConfig),
    /// Print the JSON Schema of a format.
    Schema(Format),
    /// Check a configuration file.
    CheckConfig(PathBuf),
    /// Print a configuration file.
    DefaultConfig,
}

/// How to account.
#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    /// The interfaces before translation, one at least; none of them twice.
    pub inside: Vec<OsString>,
    /// The interfaces after translation, one at least; none of them twice or inside.
    pub outside: Vec<OsString>,
    /// Where records go.
    pub output: Output,
    /// When that is rotated, if it is.
    pub rotation: Option<Rotation>,
    /// How they look.
    pub format: Format,
    /// What they say of remotes.
    pub remotes: Remotes,
    /// The most connections at a time.
    pub max_connections: u32,
    /// When a connection ends.
    pub timeouts: Timeouts,
    /// Of which connections that go on there are records.
    pub interim: Interim,
    /// Size of the ring buffer in bytes: a power of two, and whole pages.
    pub ring_bytes: u32,
    /// Where programs and maps live on when the agent ends.
    pub pin: Option<PathBuf>,
    /// Where the programs are attached.
    pub hook: HookChoice,
    /// Where metrics are told, if they are.
    pub metrics: Option<Address>,
    /// The unix socket at which `nat-acct status` asks, if it can.
    pub status_socket: Option<PathBuf>,
    /// Whether the agent shuts itself out of files that it does not go on using.
    pub landlock: bool,
    /// The least grave events that are logged.
    pub log_level: Level,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
    /// All options by name, as they would be typed: what has changed is seen by these.
    pub options: BTreeMap<String, Vec<OsString>>,
}

/// Where the programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HookChoice {
    /// TCX where the kernel has it, else clsact.
    #[default]
    Auto,
    /// TCX.
    Tcx,
    /// Filters of a clsact qdisc.
    Clsact,
}

impl Invocation {
    /// What `args` mean on a machine with pages of `page_bytes`.
    pub fn new(args: Args, page_bytes: u32) -> Result<Self, UsageError> {
        match args.command {
            Command::Run(args) => RunConfig::new(args, page_bytes).map(Self::Run),
            Command::Detach(args) => Ok(Self::Detach(DetachConfig {
                pin: args.pin,
                output: args.output.into(),
                format: args.format.into(),
                remotes: accounting::remotes(args.no_destination),
                log_level: args.log_level.into(),
            })),
            Command::Status(args) => Ok(Self::Status(StatusConfig {
                socket: args.status_socket,
                pin: args.pin,
                json: args.json,
            })),
            Command::Replay(args) => super::replay::config(args).map(Self::Replay),
            Command::Store(StoreCommand::Import(args)) => {
                super::store::import_config(args).map(Self::Import)
            }
            Command::Store(StoreCommand::Keep(args)) => Ok(Self::Keep(args.store.store, args.age)),
            Command::Store(StoreCommand::Check(args)) => Ok(Self::CheckStore(args.store)),
            Command::Who(args) => Ok(Self::Who(super::who::config(args))),
            Command::Schema(args) => Ok(Self::Schema(args.format.into())),
            Command::Config(ConfigCommand::Check { file }) => Ok(Self::CheckConfig(file)),
            Command::Config(ConfigCommand::Default) => Ok(Self::DefaultConfig),
        }
    }
}

impl RunConfig {
    /// What `args` mean on a machine with pages of `page_bytes`.
    pub fn new(args: RunArgs, page_bytes: u32) -> Result<Self, UsageError> {
        check_interfaces(&args.inside, &args.outside)?;
        check_ring(args.ring_bytes, page_bytes)?;
        let output = args.accounting.output.clone().into();
        Ok(Self {
            rotation: args.rotation.meant(&output)?,
            output,
            inside: args.inside,
            outside: args.outside,
            timeouts: args.accounting.timeouts(),
            interim: args.accounting.interim(),
            remotes: args.accounting.remotes(),
            format: args.accounting.format.into(),
            max_connections: args.max_connections,
            ring_bytes: args.ring_bytes,
            pin: args.pin,
            hook: args.hook.into(),
            metrics: args.metrics.into(),
            status_socket: args.status_socket,
            landlock: args.landlock == LandlockArg::Auto,
            log_level: args.log_level.into(),
            file: args.config,
            options: BTreeMap::new(),
        })
    }
}

/// A packet seen by two programs of one side would count twice, and one seen by both sides would
/// be its own translation.
fn check_interfaces(inside: &[OsString], outside: &[OsString]) -> Result<(), UsageError> {
    let mut seen = HashSet::new();
    for (side, names) in [("--inside", inside), ("--outside", outside)] {
        if names.len() > MAX_INTERFACES {
            return Err(UsageError::ManyInterfaces(side, MAX_INTERFACES));
        }
        if names.iter().any(|name| name.is_empty()) {
            return Err(UsageError::NamelessInterface(side));
        }
        let twice = names.iter().find(|name| !seen.insert(*name));
        if let Some(name) = twice {
            let first_side = if inside.contains(name) {
                "--inside"
            } else {
                side
            };
            return Err(UsageError::InterfaceTwice(first_side, side, name.clone()));
        }
    }
    Ok(())
}

fn check_ring(ring_bytes: u32, page_bytes: u32) -> Result<(), UsageError> {
    // A page is a power of two, too: no smaller one is a multiple of it, and every larger one is.
    if ring_bytes.is_power_of_two() && ring_bytes >= page_bytes {
        Ok(())
    } else {
        Err(UsageError::RingSize(ring_bytes, page_bytes))
    }
}

impl From<HookArg> for HookChoice {
    fn from(typed: HookArg) -> Self {
        match typed {
            HookArg::Auto => Self::Auto,
            HookArg::Tcx => Self::Tcx,
            HookArg::Clsact => Self::Clsact,
        }
    }
}

impl From<LogLevelArg> for Level {
    fn from(typed: LogLevelArg) -> Self {
        match typed {
            LogLevelArg::Error => Self::ERROR,
            LogLevelArg::Warn => Self::WARN,
            LogLevelArg::Info => Self::INFO,
            LogLevelArg::Debug => Self::DEBUG,
            LogLevelArg::Trace => Self::TRACE,
        }
    }
}

//! What was typed, option by option. The doc comments are the help text; the defaults stand here
//! and nowhere else.

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum, value_parser};

use super::{
    accounting::{AccountingArgs, FormatArg},
    file::DEFAULT_FILE,
    metrics::{MetricsArg, parse_metrics},
    replay::ReplayArgs,
    rotation::RotationArgs,
    store::StoreCommand,
    who::WhoArgs,
};

pub(super) const DEFAULT_PIN: &str = "/sys/fs/bpf/nat-acct";
pub(super) const DEFAULT_STATUS_SOCKET: &str = "/run/nat-acct/status";

/// Accounts every TCP connection that a NAT gateway translates, from inside the kernel.
///
/// nat-acct watches the interfaces of a gateway before and after the translation of addresses, and
/// writes one JSON record for each TCP connection when it has closed: who it was, what address and
/// port it had outside, and how many bytes went each way.
#[derive(Debug, Parser)]
#[command(
    name = "nat-acct",
    bin_name = "nat-acct",
    version,
    arg_required_else_help = false
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command with its options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Account the connections of this gateway until SIGINT or SIGTERM.
    ///
    /// The programs are attached beside those of others and detached at the end; traffic is never
    /// changed. Records go to the output, log lines to standard error.
    Run(RunArgs),
    /// End what lives on of an agent that ran with `--pin`.
    ///
    /// The programs are detached, and the connections that are still open become records with the
    /// reason `agent-stop`. An agent that still runs has to be stopped before.
    Detach(DetachArgs),
    /// Say how it stands with an agent, and whether somebody must act.
    ///
    /// An agent with a `--status-socket` is asked. Where none answers, the tables of one with `--pin`
    /// tell what they can. The exit status is 0 if an agent runs and all is well, 3 if none runs, 4 if
    /// somebody must act, and 1 if that could not be found out.
    Status(StatusArgs),
    /// Account the connections in packet captures of a gateway.
    ///
    /// Captures are pcap or pcapng, also compressed by gzip or zstd. Either each holds one side:
    /// `replay --inside FILE --outside FILE`; or one holds both, and its interfaces tell:
    /// `replay FILE --inside br0 --outside eth1`. Records go to the output; what is wrong with the
    /// input, and a summary, to standard error.
    Replay(ReplayArgs),
    /// Keep records where they are found by translated address and time.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Say which client had a translated address and port at some time.
    ///
    /// All candidates are told, the nearest first. Exit status: 0 there are candidates, 1 nobody, and no
    /// record of that time is missing, 2 an error, 3 no answer: none was found, but records may be
    /// missing.
    Who(WhoArgs),
    /// Print the JSON Schema of a format of records.
    Schema(SchemaArgs),
    /// Check a configuration file, or print one to begin with.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// What to do about configuration files.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether `run --config FILE` would take a file.
    Check {
        /// The file.
        #[arg(default_value = DEFAULT_FILE)]
        file: PathBuf,
    },
    /// Print a configuration for a service, with every key, its help and its default.
    Default,
}

/// The options of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// A configuration file: TOML, whose keys are the long options of `run`. What is given on the
    /// command line wins. SIGHUP has it read again; what can change while the agent runs does, and
    /// the log says what cannot.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// An interface on the clients' side, before translation. May be given up to 16 times.
    #[arg(long, value_name = "IF", required = true)]
    pub inside: Vec<OsString>,

    /// An interface towards the remotes, after translation. May be given up to 16 times.
    #[arg(long, value_name = "IF", required = true)]
    pub outside: Vec<OsString>,

    /// What both `run` and `replay` are told of records.
    #[command(flatten)]
    pub accounting: AccountingArgs,

    /// When the output is rotated.
    #[command(flatten)]
    pub rotation: RotationArgs,

    /// How many connections are followed at a time. This sets how much kernel memory is used;
    /// connections beyond it are not recorded, but counted.
    #[arg(long, value_name = "N", default_value_t = 65_536,
          value_parser = value_parser!(u32).range(1..=16_777_216))]
    pub max_connections: u32,

    /// Size of the ring buffer for events from the kernel in bytes: a power of two, at least one
    /// page. An event that does not fit is made up for by a sweep; its record comes later.
    #[arg(long, value_name = "N", default_value_t = 1_048_576,
          value_parser = value_parser!(u32).range(1..=1_073_741_824))]
    pub ring_bytes: u32,

    /// A directory of a BPF file system, such as /sys/fs/bpf/nat-acct. With it, programs and
    /// counters live on when the agent ends or is killed, and the next agent adopts them: no packet
    /// goes uncounted, no record is lost. `nat-acct detach` ends them.
    #[arg(long, value_name = "DIR")]
    pub pin: Option<PathBuf>,

    /// How the programs are attached. Filters of other tools that end the chain come before clsact
    /// filters of ours, but behind TCX.
    #[arg(long, value_name = "HOOK", value_enum, default_value_t)]
    pub hook: HookArg,

    /// Where to tell metrics to Prometheus: a loopback address with a port, such as 127.0.0.1:9199,
    /// or the path of a unix socket; by HTTP, at /metrics. No address of a connection is among them.
    #[arg(long, value_name = "off|ADDRESS:PORT|PATH", default_value = "off",
          value_parser = parse_metrics)]
    pub metrics: MetricsArg,

    /// A unix socket at which `nat-acct status` asks the agent. It is made for the owner and the
    /// group, and its directory, if that is missing.
    #[arg(long, value_name = "PATH")]
    pub status_socket: Option<PathBuf>,

    /// Whether the agent, once attached, shuts itself out of all files but those that it goes on
    /// using: those around the directory of the output, which may have to be taken anew, and those in
    /// the directories of `--pin` and `--config`.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub landlock: LandlockArg,

    /// The least grave events that are logged.
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevelArg,
}

/// The options of `status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The socket that the agent was given.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_STATUS_SOCKET)]
    pub status_socket: PathBuf,

    /// The directory that the agent was given.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_PIN)]
    pub pin: PathBuf,

    /// Say all of it as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// The options of `detach`.
#[derive(Debug, clap::Args)]
pub struct DetachArgs {
    /// The configuration file of the agent, for what is not given here.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The directory that the agent was given.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_PIN)]
    pub pin: PathBuf,

    /// Where the records go: a file, which is made or added to, or `-` for standard output.
    #[arg(long, value_name = "-|FILE", default_value = "-")]
    pub output: OsString,

    /// How the records look. `nat-acct schema` describes each format.
    #[arg(long, value_enum, default_value_t)]
    pub format: FormatArg,

    /// Leave the address and port of the remote out of the records.
    #[arg(long)]
    pub no_destination: bool,

    /// The least grave events that are logged.
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevelArg,
}

/// A place to attach to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HookArg {
    /// TCX where the kernel has it, else clsact.
    #[default]
    Auto,
    /// TCX (Linux 6.6 and later).
    Tcx,
    /// Filters of a clsact qdisc, which is added if there is none.
    Clsact,
}

/// Whether files are shut out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LandlockArg {
    /// Where the kernel has Landlock (Linux 5.13 and later, if it is enabled).
    #[default]
    Auto,
    /// Never.
    Off,
}

/// The options of `schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Which format to describe.
    #[arg(value_enum)]
    pub format: FormatArg,
}

/// How grave an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevelArg {
    /// What ends the agent.
    Error,
    /// What somebody must act on.
    Warn,
    /// What the agent does.
    #[default]
    Info,
    /// What explains a record; names addresses.
    Debug,
    /// Every event.
    Trace,
}

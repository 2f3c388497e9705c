//! The command `nat-acct`: reads the command line, and has the library do what is meant.

mod offline;

use std::{env, ffi::OsString, process::ExitCode};

use anyhow::{Result, anyhow, bail};
use nat_acct::{
    agent::{self, State, Status},
    cli::{self, HookChoice, Invocation, Refusal, RunConfig, exit},
    log, record,
    replay::{self, Outcome},
    source::live::{Hook, Places, Settings},
};

fn main() -> ExitCode {
    match cli::parse(env::args_os()) {
        Ok(Invocation::Run(run)) => report(self::run(run)),
        Ok(Invocation::Detach(config)) => {
            log::init(config.log_level);
            report(agent::detach(&config))
        }
        Ok(Invocation::Status(config)) => report_status(agent::status(&config)),
        Ok(Invocation::Replay(config)) => report_outcome(replay::run(&config)),
        Ok(Invocation::Import(config)) => offline::import(&config),
        Ok(Invocation::Keep(store, age)) => offline::keep(store, age),
        Ok(Invocation::CheckStore(store)) => offline::check(&store),
        Ok(Invocation::Who(config)) => offline::who(&config),
        Ok(Invocation::Schema(format)) => report_answer(schema(format)),
        Ok(Invocation::CheckConfig(path)) => {
            exit::answered(&format!("{} is in order\n", path.display()))
        }
        Ok(Invocation::DefaultConfig) => exit::answered(&cli::default_config()),
        Err(refusal) => exit::refused(&refusal),
    }
}

fn run(run: RunConfig) -> Result<()> {
    log::init(run.log_level);
    agent::run(&agent_config(run)?, &read_again)
}

/// The words of the command line stay what they were; the file that they name may have changed.
fn read_again() -> Result<agent::Config> {
    match cli::parse(env::args_os()) {
        Ok(Invocation::Run(run)) => agent_config(run),
        Err(Refusal::Usage { error, .. }) => Err(error.into()),
        Ok(_) | Err(Refusal::Answer(_)) => bail!("the command line is not what it was"),
    }
}

fn schema(format: record::Format) -> Result<String> {
    let mut schema = serde_json::to_string_pretty(&record::schema(format))?;
    schema.push('\n');
    Ok(schema)
}

fn report(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => exit::DONE.into(),
        Err(error) => exit::runtime(&error),
    }
}

fn report_outcome(result: Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Complete | Outcome::OutputClosed) => exit::DONE.into(),
        Ok(Outcome::InputLost) => exit::RUNTIME.into(),
        Err(error) => exit::runtime(&error),
    }
}

fn report_answer(result: Result<String>) -> ExitCode {
    match result {
        Ok(text) => exit::answered(&text),
        Err(error) => exit::runtime(&error),
    }
}

fn report_status(result: Result<Status>) -> ExitCode {
    match result {
        Ok(Status { text, state }) => exit::answered_with(
            &text,
            match state {
                State::Well => exit::DONE,
                State::Troubled => exit::TROUBLED,
                State::CountingOnly | State::Absent => exit::NOT_RUNNING,
            },
        ),
        Err(error) => exit::runtime(&error),
    }
}

fn agent_config(run: RunConfig) -> Result<agent::Config> {
    Ok(agent::Config {
        places: Places {
            inside: names(run.inside)?,
            outside: names(run.outside)?,
            hook: hook(run.hook),
        },
        output: run.output,
        rotation: run.rotation,
        format: run.format,
        remotes: run.remotes,
        timeouts: run.timeouts,
        interim: run.interim,
        settings: Settings {
            max_connections: run.max_connections,
            ring_bytes: run.ring_bytes,
            close_on_first_fin: run.timeouts.close_on_first_fin,
            log_level: run.log_level,
        },
        pin: run.pin,
        metrics: run.metrics,
        status_socket: run.status_socket,
        landlock: run.landlock,
        file: run.file,
        options: run.options,
    })
}

fn hook(choice: HookChoice) -> Option<Hook> {
    match choice {
        HookChoice::Auto => None,
        HookChoice::Tcx => Some(Hook::Tcx),
        HookChoice::Clsact => Some(Hook::Clsact),
    }
}

/// The kernel allows other names, but attaching takes text.
fn names(names: Vec<OsString>) -> Result<Vec<String>> {
    let text = |name: OsString| {
        let refused = |name| anyhow!("the interface name {name:?} is not UTF-8");
        name.into_string().map_err(refused)
    };
    names.into_iter().map(text).collect()
}

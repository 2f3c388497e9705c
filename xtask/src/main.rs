//! What people who work on nat-acct do again and again: `cargo xtask …`.

#![deny(unsafe_code)]

mod agent;
mod apt;
mod archive;
mod bench;
mod build_ebpf;
mod built;
mod demo;
mod fixtures;
mod fuzz;
mod kernels;
mod lab;
mod lint;
mod package;
mod process;
mod shapes;
mod shipping;
mod suite;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, shows and tests nat-acct")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the kernel programs; install the toolchain for it where possible
    BuildEbpf(build_ebpf::Args),
    /// Make or remove a NAT gateway in network namespaces, to try things in
    #[command(subcommand)]
    Lab(lab::Command),
    /// Show the agent at work on real traffic and check every number it writes
    Demo,
    /// Run all tests; what follows goes to `cargo test`
    Test(test::Args),
    /// Make the captures of the worked example again, from its text
    Fixtures(fixtures::Args),
    /// Look for input that breaks the parser, the capture reader or the engine
    Fuzz(fuzz::Args),
    /// Measure speed and memory beside other programs
    Bench(bench::Args),
    /// Write manual pages, completions and the default configuration to target/pages
    Pages,
    /// Make the Debian package
    Deb,
    /// Check format and lints
    Lint,
}

fn main() -> ExitCode {
    let done = match Xtask::parse().command {
        Command::BuildEbpf(args) => build_ebpf::run(&args),
        Command::Lab(command) => lab::run(command),
        Command::Demo => demo::run(),
        Command::Test(args) => test::run(&args),
        Command::Fixtures(args) => fixtures::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Pages => package::pages::write().map(|_| ()),
        Command::Deb => package::deb::make(),
        Command::Lint => lint::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

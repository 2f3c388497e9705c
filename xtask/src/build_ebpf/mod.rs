//! `cargo xtask build-ebpf`: finds out which of two toolchains for the kernel
//! programs is there, installs what is missing where it may, and builds.

mod facts;
mod plan;
mod route;
mod step;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use facts::Facts;
use plan::Plan;
use route::Route;
use step::Step;

use crate::apt;
use crate::process::root;

#[derive(clap::Args)]
pub struct Args {
    /// Only show what each of the two ways would do here
    #[arg(long)]
    print: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if args.print {
        print(&facts::gather());
        return Ok(());
    }
    ensure()
}

/// Builds the kernel programs; quick when nothing has changed.
pub fn ensure() -> Result<()> {
    let facts = up_to_date()?;
    match plan::choose(&facts) {
        Plan::Do(route, steps) => carry_out(&facts, route, &steps),
        Plan::Ask(ways) => {
            eprintln!("The toolchain for the kernel programs is not complete, and cannot be");
            eprintln!(
                "completed from here. Run one of these, then `cargo xtask build-ebpf` again:"
            );
            for (route, steps) in ways {
                eprintln!("\n{}", shown(&facts, route, &steps));
            }
            bail!("the kernel programs are not built")
        }
    }
}

/// Builds the kernel programs, and those that a benchmark runs beside them; returns where the latter
/// are.
pub fn ensure_for_bench() -> Result<PathBuf> {
    ensure()?;
    let Plan::Do(route, _) = plan::choose(&facts::gather()) else {
        bail!("the toolchain that has just built is gone");
    };
    step::build_for_bench(route).run()?;
    let target = format!("target/ebpf/{}/release/nat-acct-bench", facts::TARGET);
    Ok(root().join(target))
}

/// What is there, after apt has learned of newer packages where that may change the plan.
fn up_to_date() -> Result<Facts> {
    let facts = facts::gather();
    if !plan::wants_newer_lists(&facts) {
        return Ok(facts);
    }
    println!("==> apt knows no compiler that is new enough: it may have old lists");
    apt::update()?;
    Ok(facts::gather())
}

fn carry_out(facts: &Facts, route: Route, steps: &[Step]) -> Result<()> {
    let count = steps.len();
    for (number, step) in (1..).zip(steps) {
        println!("==> step {number}/{count}: {}", step.purpose());
        step.run(route, facts)
            .with_context(|| format!("step {number}/{count}: {}", step.purpose()))?;
    }
    Ok(())
}

fn print(facts: &Facts) {
    println!("found: {facts:#?}");
    for route in [Route::Debian, Route::Rustup] {
        println!("\n{}", shown(facts, route, &plan::steps(facts, route)));
    }
    match plan::choose(facts) {
        Plan::Do(route, _) => println!("\nchosen: {route:?}"),
        Plan::Ask(_) => println!("\nchosen: neither; it takes a person to install one"),
    }
}

/// What a person would type to walk a route.
fn shown(facts: &Facts, route: Route, steps: &[Step]) -> String {
    let lines = steps
        .iter()
        .map(|step| format!("\n    {}", step.shown(route, facts)));
    heading(route).to_owned() + &lines.collect::<String>()
}

fn heading(route: Route) -> &'static str {
    match route {
        Route::Debian => "Debian 12 or later, with its security updates:",
        Route::Rustup => "with rustup (https://rustup.rs):",
    }
}

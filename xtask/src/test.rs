//! `cargo xtask test`: sets up what is missing, builds what the tests run, and
//! runs them all, the lab included.

use anyhow::Result;
use nat_acct_tests::agent::BINARY;
use nat_acct_tests::privilege::is_root;
use nat_acct_tests::shapes::NOTES;

use crate::kernels;
use crate::process::{Cmd, cargo};
use crate::suite::Suite;
use crate::{agent, build_ebpf, package, shapes, shipping, tools};

/// Tests of the lab are whole gateways under load; many at a time would only
/// measure each other.
const MOST_THREADS: usize = 4;

#[derive(clap::Args)]
pub struct Args {
    /// Write `docs/SHAPES.md` from what the tests have shown, instead of checking it; with
    /// `--kernel`, `docs/KERNELS.md`
    #[arg(long)]
    shapes: bool,
    /// Run a selection on the kernel of this Debian suite, in a virtual machine, instead of all
    /// tests here; may be given several times
    #[arg(long, value_name = "SUITE", value_enum)]
    kernel: Vec<Suite>,
    /// The same on the kernels of all suites
    #[arg(long, conflicts_with = "kernel")]
    kernels: bool,
    /// Instead, the Debian package in a virtual machine with systemd
    #[arg(long, conflicts_with_all = ["kernel", "kernels"])]
    package: bool,
    /// Run the tests of shipping alone, those with ClickHouse included
    #[arg(long, conflicts_with_all = ["kernel", "kernels", "package", "shapes"])]
    shipping: bool,
    /// Arguments for `cargo test`; with `--kernel`, words that the names of tests contain
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

pub fn run(args: &Args) -> Result<()> {
    if args.shipping {
        return of_shipping(args);
    }
    if is_root() {
        tools::ensure()?;
    } else {
        println!("==> not root: the lab's tests will say that they are skipped");
    }
    if args.package {
        return package::test::run();
    }
    build_ebpf::ensure()?;
    let agent = agent::build()?;
    if args.kernels || !args.kernel.is_empty() {
        let plan = kernels::Plan {
            suites: if args.kernels {
                &Suite::ALL
            } else {
                &args.kernel
            },
            words: &args.cargo,
            write_page: args.shapes,
        };
        return kernels::run(&plan, &agent);
    }
    shipping::ensure_shippers()?;
    println!("==> the tests");
    let mut test = Cmd::new(&cargo())
        .arg("test")
        .args(args.cargo.iter().map(String::as_str));
    test = test.env(BINARY, agent.display().to_string());
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        test = test.env("RUST_TEST_THREADS", threads().to_string());
    }
    let notes = shapes::fresh_notes()?;
    test.env(NOTES, notes.display().to_string()).run()?;
    if args.shapes {
        shapes::write(&notes)
    } else if is_root() && args.cargo.is_empty() {
        shapes::check(&notes)
    } else {
        // Not all tests have run, so there is less to be seen than the page says.
        Ok(())
    }
}

fn of_shipping(args: &Args) -> Result<()> {
    build_ebpf::ensure()?;
    let agent = agent::build()?;
    shipping::ensure_shippers()?;
    shipping::ensure_clickhouse()?;
    println!("==> the tests of shipping");
    Cmd::new(&cargo())
        .args(["test", "-p", "nat-acct-tests", "--test", "shipping", "--"])
        .arg("--include-ignored")
        .args(args.cargo.iter().map(String::as_str))
        .env(BINARY, agent.display().to_string())
        .run()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS))
}

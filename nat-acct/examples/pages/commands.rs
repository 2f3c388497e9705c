//! A manual page of each command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use nat_acct::cli::{DEFAULT_FILE, exit};
use roff::{Roff, bold, roman};

use super::SOURCE;

/// Those of `command` and of what is below it, by the names of their files.
pub fn pages(command: &Command) -> io::Result<Vec<(String, String)>> {
    let name = name(command);
    let mut page = Vec::new();
    Man::new(command.clone()).source(SOURCE).render(&mut page)?;
    let more = if command.get_name() == name {
        of_the_program()
    } else {
        see_also()
    };
    let text = String::from_utf8_lossy(&page).into_owned() + &more.to_roff();
    let mut all = vec![(format!("{name}.1"), text)];
    for below in command.get_subcommands() {
        all.extend(pages(below)?);
    }
    Ok(all)
}

/// `nat-acct-config-check`, say.
pub fn name(command: &Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name()).to_owned()
}

fn of_the_program() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in [
        (
            exit::DONE,
            "All was done, or nobody reads the output any more.",
        ),
        (
            exit::RUNTIME,
            "Something failed; one line on standard error says what.",
        ),
        (
            exit::USAGE,
            "The command line or the configuration is wrong.",
        ),
    ] {
        page.control("TP", []);
        page.text([bold(status.to_string())]);
        page.text([roman(meaning)]);
    }
    page.control("SH", ["FILES"]);
    for (file, meaning) in [
        (
            DEFAULT_FILE,
            "The configuration of the service; see nat-acct.toml(5).",
        ),
        ("/var/log/nat-acct/nat-acct.jsonl", "Its records."),
        (
            "/sys/fs/bpf/nat-acct",
            "Its programs and tables, which live on when it ends.",
        ),
    ] {
        page.control("TP", []);
        page.text([bold(file)]);
        page.text([roman(meaning)]);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("nat-acct.toml"),
        roman("(5), "),
        bold("nft"),
        roman("(8), "),
        bold("jq"),
        roman("(1)"),
    ]);
    page
}

fn see_also() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("nat-acct"),
        roman("(1), "),
        bold("nat-acct.toml"),
        roman("(5)"),
    ]);
    page
}

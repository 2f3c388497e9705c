//! Writes what a package has besides the program into a directory: manual pages, completions and
//! the configuration to begin with. All of it is made from the definition of the command line.
//!
//! `cargo xtask pages` runs it.

mod commands;
mod configuration;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use nat_acct::cli::{self, Args};

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];
/// What a page says that it belongs to.
const SOURCE: &str = concat!("nat-acct ", env!("CARGO_PKG_VERSION"));

fn main() -> io::Result<()> {
    let dir = env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.ok_or_else(|| io::Error::other("usage: pages DIRECTORY"))?;
    fs::create_dir_all(&dir)?;
    for (name, text) in pages()? {
        fs::write(dir.join(name), text)?;
    }
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut program(), "nat-acct", &dir)?;
    }
    fs::write(dir.join("nat-acct.toml"), cli::default_config())?;
    list(&dir)
}

/// The manual pages, by the names of their files.
fn pages() -> io::Result<Vec<(String, String)>> {
    let mut pages = commands::pages(&program())?;
    pages.push(("nat-acct.toml.5".to_owned(), configuration::page()));
    Ok(pages)
}

fn program() -> Command {
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    program
}

/// What there is now, for whoever runs this.
fn list(dir: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name());
    }
    names.sort();
    names.iter().for_each(|name| println!("{}", name.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_every_command_is_explained_on_its_page() {
        let pages = pages().expect("the pages");
        let mut open = vec![program()];
        let mut options = 0;
        while let Some(command) = open.pop() {
            let page = page(&pages, &format!("{}.1", commands::name(&command)));
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let help = arg.get_long_help().or_else(|| arg.get_help());
                let help = help.map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} has no help", arg.get_id());
                let Some(long) = arg.get_long() else { continue };
                let entry = format!("\\-\\-{}\\fR", long.replace('-', "\\-"));
                assert!(
                    page.contains(&entry),
                    "{} has no --{long}",
                    command.get_name()
                );
                options += 1;
            }
            open.extend(command.get_subcommands().cloned());
        }
        assert!(options > 30, "only {options} options");
    }

    #[test]
    fn every_key_is_explained_on_the_page_of_the_configuration() {
        let pages = pages().expect("the pages");
        let page = page(&pages, "nat-acct.toml.5");
        for key in cli::keys() {
            let entry = format!("\\fB{}\\fR = ", key.name.replace('-', "\\-"));
            assert!(page.contains(&entry), "no key {}", key.name);
        }
    }

    fn page<'a>(pages: &'a [(String, String)], name: &str) -> &'a str {
        let found = pages.iter().find(|(page, _)| page == name);
        &found.unwrap_or_else(|| panic!("no page {name}")).1
    }
}

//! Packages that are downloaded and unpacked, not installed. apt works in a directory of its own,
//! so it needs no root and changes nothing of the machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::Cmd;
use crate::suite::Suite;

const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Where a machine that names no mirror of Debian gets its packages.
const MIRROR: &str = "http://deb.debian.org/debian";

/// An archive, and the directory for what comes from it.
pub struct Archive {
    dir: PathBuf,
}

impl Archive {
    /// The packages that this machine would install.
    pub fn of_this_machine(dir: &Path) -> Result<Self> {
        Self::new(dir, "")
    }

    /// The packages of a suite, as new as the mirror has them.
    pub fn of_suite(dir: &Path, suite: Suite) -> Result<Self> {
        let lists = dir.join("lists");
        let sources = dir.join("sources.list");
        fs::create_dir_all(&lists)?;
        let source = format!("deb [signed-by={KEYS}] {} {suite} main\n", mirror());
        fs::write(&sources, source)?;
        let archive = Self::new(
            dir,
            &format!(
                "Dir::Etc::SourceList \"{}\";\n\
                 Dir::Etc::SourceParts \"/dev/null\";\n\
                 Dir::State::Lists \"{}\";\n\
                 Dir::State::Status \"/dev/null\";\n\
                 APT::Architecture \"amd64\";\n",
                sources.display(),
                lists.display()
            ),
        )?;
        archive.apt("apt-get update").run()?;
        Ok(archive)
    }

    fn new(dir: &Path, settings: &str) -> Result<Self> {
        let archive = Self {
            dir: dir.to_owned(),
        };
        let packages = archive.packages();
        fs::create_dir_all(packages.join("partial"))
            .with_context(|| format!("cannot make {}", packages.display()))?;
        // As root, apt would change to a user that may not write here.
        let ours = format!(
            "Dir::Cache \"{}\";\n\
             Dir::Cache::Archives \"{}\";\n\
             Acquire::Languages \"none\";\n\
             APT::Sandbox::User \"root\";\n\
             Debug::NoLocking \"1\";\n",
            dir.display(),
            packages.display()
        );
        fs::write(archive.settings(), settings.to_owned() + &ours)?;
        Ok(archive)
    }

    /// The names of the package and of all that it depends on, directly or not.
    pub fn with_dependencies(&self, package: &str) -> Result<Vec<String>> {
        let ask = self
            .apt("apt-cache depends --recurse --important")
            .arg(package);
        let listed = ask
            .ask()
            .with_context(|| format!("the archive has no package {package}"))?;
        // What a package depends on is indented below its name.
        let is_name = |line: &&str| line.starts_with(|first: char| first.is_ascii_alphanumeric());
        Ok(listed.lines().filter(is_name).map(str::to_owned).collect())
    }

    /// Downloads these packages and unpacks them; returns where.
    pub fn unpack(&self, packages: &[String]) -> Result<PathBuf> {
        let download = self.apt("apt-get download").within(self.packages());
        download.args(packages.iter().map(String::as_str)).run()?;
        self.unpack_downloaded()
    }

    /// The same, with what these packages need and this machine lacks.
    pub fn unpack_with_dependencies(&self, packages: &[&str]) -> Result<PathBuf> {
        // What an installation would remove stays: nothing is installed.
        self.apt("apt-get install --download-only -y --no-install-recommends")
            .args(packages.iter().copied())
            .run()?;
        self.unpack_downloaded()
    }

    fn unpack_downloaded(&self) -> Result<PathBuf> {
        let root = self.dir.join("root");
        fs::create_dir_all(&root)?;
        for entry in fs::read_dir(self.packages())? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "deb") {
                let unpack = Cmd::new("dpkg-deb -x")
                    .arg(file.display().to_string())
                    .arg(root.display().to_string());
                unpack.ask().with_context(|| format!("`{unpack}` failed"))?;
                fs::remove_file(file)?;
            }
        }
        Ok(root)
    }

    fn apt(&self, command_line: &str) -> Cmd {
        Cmd::new(command_line)
            .arg("-q")
            .env("APT_CONFIG", self.settings().display().to_string())
    }

    fn settings(&self) -> PathBuf {
        self.dir.join("apt.conf")
    }

    fn packages(&self) -> PathBuf {
        self.dir.join("packages")
    }
}

/// The mirror that this machine is set up with.
pub fn mirror() -> String {
    let ask = Cmd::new("apt-get indextargets --format $(SITE)");
    let sites = ask.arg("Created-By: Packages").arg("Label: Debian").ask();
    let first = sites.as_deref().and_then(|sites| sites.lines().next());
    first.unwrap_or(MIRROR).to_owned()
}

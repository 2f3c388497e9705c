//! Taking a lab down, be it one's own or one that a killed run left behind.
//! Errors are passed over: what is gone is gone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DEFAULT_NAME, Ns, bpf_dir, dir_of, disk, netns_of};

/// Removes a lab by name: the processes in its namespaces (they keep the
/// namespace alive), the namespaces, its directory.
pub fn remove(name: &str) {
    for netns in Ns::ALL.map(|ns| netns_of(name, ns)) {
        if Path::new("/run/netns").join(&netns).exists() {
            for pid in pids(&netns) {
                let _ = kill(pid, Signal::SIGKILL);
            }
            let _ = ip(&["netns", "delete", &netns]);
        }
    }
    bpf_dir::unmount(&dir_of(name));
    disk::unmount(&dir_of(name));
    let _ = fs::remove_dir_all(dir_of(name));
}

/// Removes the labs whose process no longer lives. The one that a person made
/// by hand stays.
pub fn sweep() {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return;
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    for netns in names {
        if let Some((lab, pid)) = lab_and_pid(&netns)
            && !Path::new("/proc").join(pid).exists()
        {
            remove(lab);
        }
    }
}

/// `nat-acct-<pid>-<count>-<suffix>` into the lab's name and the pid.
fn lab_and_pid(netns: &str) -> Option<(&str, &str)> {
    let (lab, suffix) = netns.rsplit_once('-')?;
    let (pid, count) = lab
        .strip_prefix(DEFAULT_NAME)?
        .strip_prefix('-')?
        .split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_ours = Ns::ALL.iter().any(|ns| ns.suffix() == suffix);
    (is_ours && is_number(pid) && is_number(count)).then_some((lab, pid))
}

/// The processes in the namespace. This one, which may have a thread in there,
/// is not among them.
fn pids(netns: &str) -> Vec<Pid> {
    let own = std::process::id().cast_signed();
    ip(&["netns", "pids", netns])
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .filter(|&pid| pid != own)
        .map(Pid::from_raw)
        .collect()
}

fn ip(args: &[&str]) -> Option<String> {
    let done = Command::new("ip")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::lab_and_pid;

    #[test]
    fn only_labs_of_a_process_are_swept() {
        assert_eq!(
            lab_and_pid("nat-acct-77-0-gw"),
            Some(("nat-acct-77-0", "77"))
        );
        assert_eq!(
            lab_and_pid("nat-acct-77-12-remote"),
            Some(("nat-acct-77-12", "77"))
        );
        assert_eq!(lab_and_pid("nat-acct-gw"), None, "the lab made by hand");
        assert_eq!(lab_and_pid("nat-acct-77-0-other"), None);
        assert_eq!(lab_and_pid("another-77-0-gw"), None);
    }
}

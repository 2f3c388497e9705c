//! The facts of the machine without which its figures say nothing.

use std::fs;

use crate::process::Cmd;

/// One line each.
pub fn facts() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    vec![
        format!("CPU: {}, {cores} cores{}", processor(), virtual_machine()),
        format!("Kernel: {}", ask("uname -srm")),
        format!("System: {}", system()),
    ]
}

/// The CPU that is measured on: the last one, for the first has most interrupts.
pub fn cpu_to_measure_on() -> usize {
    std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1)
}

/// The model, as the kernel tells it.
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| "unknown".to_owned());
    match (field("cpu family"), field("model\t")) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number})"),
        _ => model,
    }
}

fn virtual_machine() -> &'static str {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let is_virtual = info.split_whitespace().any(|word| word == "hypervisor");
    if is_virtual {
        " of a virtual machine"
    } else {
        ""
    }
}

fn system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_owned()
}

fn ask(command: &str) -> String {
    let answer = Cmd::new(command).ask().unwrap_or_default();
    answer.trim().to_owned()
}

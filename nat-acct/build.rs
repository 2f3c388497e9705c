//! Finds the eBPF object that `cargo xtask build-ebpf` made, to be embedded in the binary.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=NAT_ACCT_EBPF_OBJECT");
    let object = env::var_os("NAT_ACCT_EBPF_OBJECT").map_or_else(default_object, PathBuf::from);
    println!("cargo::rerun-if-changed={}", object.display());
    if object.is_file() {
        println!("cargo::rustc-env=NAT_ACCT_EBPF_OBJECT={}", object.display());
    } else {
        println!("cargo::error=the eBPF object is missing; make it with: cargo xtask build-ebpf");
    }
}

fn default_object() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    PathBuf::from(manifest).join("../target/ebpf/bpfel-unknown-none/release/nat-acct")
}

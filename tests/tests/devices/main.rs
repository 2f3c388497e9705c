//! Inside and outside as devices that not every kernel has. Where it has not, a test says that it
//! is skipped; `cargo xtask test --kernels` runs these tests on kernels that have all of them.

mod bond;
mod gateway;
mod ppp;
mod tunnel;
mod vlan;

//! The store: records in SQLite, made from their lines and to be made again from them. It is a
//! directory with a file for each hour in which connections were recorded, and an index of them. It
//! knows records, not the kernel.

mod age;
mod check;
mod files;
mod import;
mod keep;
mod lines;
mod numbers;
mod query;

pub use self::{
    age::parse_age,
    check::{Checked, CheckedRun, check},
    files::{DEFAULT_DIR, Dir},
    import::{ImportConfig, Imported, Input, import},
    keep::{KeepConfig, Kept, keep},
    lines::{Line, Lines},
    numbers::{Gap, Numbers},
    query::{Found, Store, Wanted},
};

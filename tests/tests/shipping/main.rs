//! Records on their way to other programs, by the files of contrib/: the shippers run for real, and
//! so does ClickHouse. What is large is asked for by `cargo xtask test --shipping`.

mod clickhouse;
mod connections;
mod directory;
mod endpoint;
mod faults;
mod http;
mod kafka;
mod output;
mod programs;
mod received;
mod rsyslog;
mod syslog_ng;

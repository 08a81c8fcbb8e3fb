//! How long a boot takes, what messages cost, and how many instructions.
//!
//! Owns the method: a floor kernel in the same run, rows interleaved in random
//! order, warm-up, medians with intervals, and gates on instruction counts
//! only, for those repeat exactly where milliseconds do not. The arithmetic,
//! the budgets and the reports are pure; `wall`, `counts` and `work` boot
//! machines. Only `cmd/bench_boot.rs`, `cmd/bench_ipc.rs`
//! and `cmd/ci.rs` call in here.

pub mod baseline;
pub mod budgets;
pub mod counts;
pub mod document;
pub mod environment;
pub mod histogram;
pub mod html;
pub mod ipc;
pub mod machine_code;
pub mod machines;
mod plot;
pub mod report;
pub mod scaling;
pub mod schedule;
pub mod stats;
pub mod table;
pub mod wall;
pub mod work;

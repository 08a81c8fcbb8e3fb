//! `cargo xtask`: the one door. Turns a command line into one call of a command.
//!
//! Owns the exit code and nothing else: parsing lives in `flags.rs` and
//! `grammar.rs`, behaviour in `cmd/`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::cmd::main(std::env::args_os().skip(1).collect())
}

//! `cargo xtask`: the one door. Turns a command line into one call of a command.
//!
//! Owns the exit code and nothing else: parsing lives in `flags.rs` and
//! `grammar.rs`, behaviour in `cmd/`.

use std::process::ExitCode;

use xtask::toolchain::identity;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(failed) = identity::stand_in(&words) {
        return failed;
    }
    xtask::cmd::main(words)
}

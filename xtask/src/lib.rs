//! The library behind `cargo xtask`, so that tests can use it piece by piece.
//!
//! Owns nothing but the list of its modules. `main.rs` is the only program;
//! the integration tests in `xtask/tests` call the same modules.

pub mod argv;
pub mod bench;
pub mod c_programs;
pub mod ci;
pub mod cli;
pub mod cmd;
pub mod compile;
pub mod completions;
pub mod context;
pub mod docker;
pub mod elf;
pub mod emulator;
pub mod failure;
pub mod finalise;
pub mod flags;
pub mod git;
pub mod grammar;
pub mod help;
pub mod image;
pub mod interrupt;
pub mod lint;
pub mod lock;
pub mod machine;
pub mod peer;
pub mod process;
pub mod product;
pub mod programs;
pub mod project;
pub mod reproduce;
pub mod run;
pub mod settings;
pub mod setup;
pub mod sizes;
pub mod sources;
pub mod summary;
pub mod system;
pub mod testing;
pub mod tidy;
pub mod tiny;
pub mod toolchain;
pub mod tools;
pub mod ui;

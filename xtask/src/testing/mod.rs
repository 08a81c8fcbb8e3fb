//! `cargo xtask test`: the four rings of tests and what is said about them.
//!
//! Owns everything between the person's selection and the last line of the
//! run. The pure half (verdict, selection, matrix, parsers, reports) is tested
//! on its own; the rings build, boot and collect. Only `cmd/test.rs` and
//! `cmd/ci.rs` call in here.

pub mod case;
pub mod ktest_log;
pub mod libtest;
pub mod matrix;
pub mod report;
pub mod saved;
pub mod select;
pub mod verdict;

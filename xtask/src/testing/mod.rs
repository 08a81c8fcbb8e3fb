//! `cargo xtask test`: the five rings of tests and what is said about them.
//!
//! Owns everything between the person's selection and the last line of the
//! run. The pure half (verdict, selection, matrix, parsers, reports) is tested
//! on its own; the rings build, boot and collect. Only `cmd/test.rs` and
//! `cmd/ci.rs` call in here.

pub mod artifacts;
pub mod case;
pub mod fuzzing;
pub mod job;
pub mod ktest_log;
pub mod libtest;
pub mod logs;
pub mod matrix;
pub mod misdeeds;
pub mod readme;
pub mod rejudge;
pub mod report;
pub mod rings;
pub mod routines;
pub mod runner;
pub mod saved;
pub mod select;
pub mod shell_log;
pub mod suite;
pub mod system_log;
pub mod trials;
pub mod verdict;

/// A context for unit tests: quiet, in this work tree.
#[cfg(test)]
fn test_context() -> crate::context::Context {
    use crate::project::Project;
    use crate::settings::{GlobalFlags, Settings};
    use crate::ui::{Ui, Verbosity};

    let nowhere = std::path::Path::new("/nowhere/exov6.toml");
    let (settings, _) =
        Settings::load(nowhere, GlobalFlags::default()).expect("defaults always load");
    crate::context::Context {
        ui: Ui::new(Verbosity::Quiet, crate::cli::Color::Never),
        project: Project::find().expect("tests run inside the work tree"),
        settings,
        deadline: None,
        dry_run: false,
        offline: true,
        setup_allowed: false,
    }
}

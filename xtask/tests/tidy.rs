//! The house is tidy: `cargo xtask tidy` as a test.

use xtask::cli::Color;
use xtask::context::Context;
use xtask::project::Project;
use xtask::settings::{GlobalFlags, Settings};
use xtask::tidy::tree::Tree;
use xtask::tidy::{Severity, check};
use xtask::ui::{Ui, Verbosity};

#[test]
fn this_work_tree_breaks_no_rule() {
    let project = Project::find().expect("tests run inside the work tree");
    let globals = GlobalFlags {
        color: Some(Color::Never),
        timeout: None,
        offline: None,
    };
    let no_file = project.target().join("no-settings.toml");
    let (settings, _) = Settings::load(&no_file, globals).expect("the defaults");
    let cx = Context {
        ui: Ui::new(Verbosity::Quiet, Color::Never),
        project,
        settings,
        deadline: None,
        dry_run: false,
        offline: true,
        setup_allowed: false,
    };
    let tree = Tree::read(&cx).expect("our own files");
    assert!(
        tree.files.contains_key("xtask/tests/tidy.rs"),
        "found itself"
    );
    let violations: Vec<_> = check(&tree)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Violation)
        .map(|finding| finding.to_string())
        .collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

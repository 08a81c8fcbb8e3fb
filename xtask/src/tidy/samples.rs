//! For each rule, trees that break it, and some that only look so.

use proptest::prelude::*;

use super::tree::{Commit, File, Tree};
use super::{RULES, Severity, check};

/// Trees of one file that break a rule: rule, path, text, words of the message.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    ("module-doc", "a.rs", "// no doc\n", "does not open"),
    ("module-doc", "a.rs", "//!\n//! late\n", "does not open"),
    ("drawer", "x/utils.rs", "//! U.\n", "`utils`"),
    ("drawer", "x/common/y.rs", "//! U.\n", "`common`"),
    (
        "shell-length",
        "x.sh",
        "#!/bin/sh\necho hello\n",
        "does not end in the tool",
    ),
    (
        "dependency-reason",
        "Cargo.toml",
        "[workspace.dependencies]\nx = \"1\"\n",
        "`x` has no reason",
    ),
    (
        "dependency-reason",
        "a/Cargo.toml",
        "[dev-dependencies]\nx = \"1\"\n",
        "`x` has a version",
    ),
    (
        "pure-crate",
        "kernel/core/src/lib.rs",
        "//! C.\n// #![forbid(unsafe_code)]\n",
        "forbid",
    ),
    (
        "arch-wall",
        "kernel/src/mm/a.rs",
        "//! A.\nuse core::arch::asm;\n",
        "`core::arch`",
    ),
    (
        "arch-wall",
        "kernel/src/a.rs",
        "//! A.\nfn f() { x86::io::outb(1, 2) }\n",
        "`x86::`",
    ),
    ("arch-wall", "user/a.s", "nop\n", "assembly"),
    (
        "hand-off",
        "kernel/src/a.rs",
        "//! A.\nuse bootloader_api::BootInfo;\n",
        "bootloader_api",
    ),
    (
        "safety-comment",
        "a.rs",
        "//! A.\nfn f() {\n    unsafe { g() }\n}\n",
        "unsafe block",
    ),
    (
        "safety-comment",
        "a.rs",
        "//! A.\nunsafe impl Send for A {}\n",
        "unsafe impl",
    ),
    (
        "safety-comment",
        "a.rs",
        "//! A.\nfn f() {\n    // SAFETY: x\n    a();\n    unsafe { g() }\n}\n",
        "unsafe block",
    ),
    ("allow", "a.rs", "//! A.\n#![allow(dead_code)]\n", "allow"),
    (
        "allow",
        "a.rs",
        "//! A.\n#[cfg_attr(x, allow(dead_code))]\nfn f() {}\n",
        "allow",
    ),
    (
        "static-mut",
        "a.rs",
        "//! A.\npub static mut X: u8 = 0;\n",
        "static mut",
    ),
    (
        "unwrap",
        "a.rs",
        "//! A.\nfn f() { g().unwrap() }\n",
        "unwrap",
    ),
    (
        "getter",
        "a.rs",
        "//! A.\nfn get_size() -> u8 { 1 }\n",
        "`get_size`",
    ),
    (
        "sleep",
        "a.rs",
        "//! A.\nfn f() { std::thread::sleep(d) }\n",
        "sleeps",
    ),
    (
        "sleep",
        "tests/a.rs",
        "//! A.\nfn f() { thread::sleep(d) }\n",
        "sleeps",
    ),
    (
        "document-end",
        "docs/a.md",
        "# A\n\nChecked by:\n",
        "who checks",
    ),
    (
        "document-end",
        "docs/b/a.md",
        "Checked by: x\n\nMore.\n",
        "who checks",
    ),
    (
        "document-path",
        "docs/a.md",
        "See `docs/b.md`.\n\nChecked by: x\n",
        "`docs/b.md`",
    ),
    (
        "document-path",
        "README.md",
        "See `nowhere.rs`.\n",
        "`nowhere.rs`",
    ),
    (
        "document-link",
        "docs/a.md",
        "[b](b.md#c)\n\nChecked by: x\n",
        "`b.md`",
    ),
    (
        "document-command",
        "README.md",
        "Type `cargo xtask qmeu`.\n",
        "qmeu",
    ),
    (
        "document-command",
        "README.md",
        "```sh\ncargo xtask qemu \\\n  --cpu z80\n```\n",
        "z80",
    ),
    (
        "document-command",
        "README.md",
        "    cargo xtask tidy --harder\n",
        "--harder",
    ),
];

/// Trees of one file that break no rule, though a careless reader might say so.
const FINE: &[(&str, &str)] = &[
    ("boot/a.rs", "//! A.\nuse core::arch::asm;\n"),
    ("xtask/src/a.rs", "//! A.\nuse iced_x86::Code; // x86::io\n"),
    (
        "boot/src/hand_off.rs",
        "//! A.\nuse bootloader_api::BootInfo;\n",
    ),
    ("boot/tests/a.rs", "//! A.\nuse bootloader_api::BootInfo;\n"),
    ("a.rs", "//! A.\nfn f(x: &'static mut u8) {}\n"),
    (
        "a.rs",
        "//! Never .unwrap() or thread::sleep.\nconst X: &str = \"static mut #[allow(x)]\";\n",
    ),
    (
        "a.rs",
        "//! A.\n#[cfg(test)]\nmod tests {\n    fn f() { g().unwrap() }\n}\n",
    ),
    (
        "a.rs",
        "//! A.\nfn f() {\n    // SAFETY: it is.\n    let x =\n        unsafe { g() };\n}\n",
    ),
    (
        "a.rs",
        "//! A.\n/// # Safety\n/// Do not.\nunsafe fn f() {}\n",
    ),
    (
        "a.rs",
        "//! A.\n#[expect(dead_code, reason = \"x\")]\nfn f() {}\n",
    ),
    (
        ".ci/run",
        "#!/usr/bin/env bash\ncargo xtask setup\nexec cargo xtask test\n",
    ),
    (
        "Cargo.toml",
        "[workspace.dependencies]\nx = \"1\" # why\ny = { path = \"y\" }\n",
    ),
    (
        "README.md",
        "`cargo xtask`, `cargo xtask <command>`, `README.md:3`, `and/or`, `x.elf`\n",
    ),
    (
        "README.md",
        "```sh\ncargo xtask qemu --expect 'kdb>' --send cpus # answers\n```\n",
    ),
    (
        "docs/a.md",
        "`docs/a.md` `target/x` [r](../docs/a.md) [w](https://x)\n\nChecked by: `cargo xtask tidy`\n",
    ),
];

fn words(tree: &Tree) -> Vec<(&'static str, String)> {
    check(tree)
        .into_iter()
        .map(|finding| (finding.rule, finding.to_string()))
        .collect()
}

#[test]
fn every_sample_breaks_its_rule_and_no_other() {
    for (rule, path, text, message) in BROKEN {
        let found = words(&Tree::of([File::new(*path, *text)]));
        assert_eq!(found.len(), 1, "{path}: {text:?}: {found:?}");
        assert_eq!(found[0].0, *rule, "{found:?}");
        assert!(
            found[0].1.starts_with(path) && found[0].1.contains(message),
            "{found:?}"
        );
    }
}

#[test]
fn what_only_looks_wrong_passes() {
    for (path, text) in FINE {
        let found = words(&Tree::of([File::new(*path, *text)]));
        assert_eq!(found, [], "{path}: {text:?}");
    }
}

#[test]
fn long_files_are_a_smell_and_then_too_long() {
    for (lines, severity) in [
        (400, None),
        (401, Some(Severity::Warning)),
        (601, Some(Severity::Violation)),
    ] {
        let text = format!("//! Long.\n{}", "// x\n".repeat(lines - 1));
        let found = check(&Tree::of([File::new("a.rs", text)]));
        assert_eq!(
            found.first().map(|finding| finding.severity),
            severity,
            "{lines}"
        );
    }
    let shell = format!("#!/bin/sh\n{}exec cargo xtask ci\n", "# x\n".repeat(19));
    assert_eq!(
        words(&Tree::of([File::new("a.sh", shell)]))[0].0,
        "shell-length"
    );
    let tagline = format!("//! {}\n", "x".repeat(81));
    assert_eq!(
        words(&Tree::of([File::new("a.rs", tagline)]))[0].0,
        "module-doc"
    );
}

const KERNEL: &str = "//! K.\n//! ```text\n//! arch  chips\n//! mm    memory\n//! ipc   ports\n//! ```\nmod arch;\nmod ipc;\npub(crate) mod mm;\n";

#[test]
fn a_layer_names_only_those_above_it() {
    let of = |path: &str, text: &str| {
        let tree = Tree::of([
            File::new("kernel/src/main.rs", KERNEL),
            File::new(path, format!("//! M.\n{text}\n")),
        ]);
        words(&tree)
    };
    for (path, text) in [
        ("kernel/src/mm/heap.rs", "use crate::ipc::Port;"),
        (
            "kernel/src/mm/heap.rs",
            "use crate::{arch::Page, ipc::{self}};",
        ),
        ("kernel/src/mm/heap.rs", "fn f() { super::super::ipc::f() }"),
        ("kernel/src/mm/mod.rs", "use super::ipc;"),
        ("kernel/src/arch.rs", "fn f() { crate::mm::f() }"),
    ] {
        let found = of(path, text);
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert_eq!(found[0].0, "layers");
        assert!(found[0].1.starts_with(&format!("{path}:2: ")), "{found:?}");
    }
    for (path, text) in [
        (
            "kernel/src/ipc/mod.rs",
            "use crate::{arch, mm::{heap, ipc}};",
        ),
        ("kernel/src/mm/heap.rs", "use super::ipc; // of mm"),
        (
            "kernel/src/mm/heap.rs",
            "use kernel_core::ipc; use mycrate::ipc;",
        ),
    ] {
        assert_eq!(of(path, text), [], "{path}: {text}");
    }
}

#[test]
fn the_list_of_layers_is_the_list_of_modules() {
    let more = format!("{KERNEL}mod extra;\n");
    let found = words(&Tree::of([File::new("kernel/src/main.rs", more)]));
    assert!(found[0].1.contains("`extra` has no place"), "{found:?}");
    let less = KERNEL.replace("mod ipc;\n", "");
    let found = words(&Tree::of([File::new("kernel/src/main.rs", less)]));
    assert!(
        found[0].1.contains("names `ipc`, and there is no such"),
        "{found:?}"
    );
}

#[test]
fn subjects_fit_into_a_log() {
    let commit = |subject: &str| Tree {
        commits: vec![Commit {
            hash: "abc".into(),
            subject: subject.into(),
        }],
        ..Tree::default()
    };
    assert_eq!(words(&commit("Say what it does")), []);
    for subject in ["x".repeat(73), "Say it.".to_owned()] {
        let found = words(&commit(&subject));
        assert_eq!(found[0].0, "commit-subject");
        assert!(found[0].1.starts_with("commit abc: "), "{found:?}");
    }
}

#[test]
fn every_rule_has_a_sample() {
    let elsewhere = ["file-length", "layers", "commit-subject"];
    for rule in RULES {
        let here = BROKEN.iter().any(|(name, ..)| *name == rule.name);
        assert!(
            here || elsewhere.contains(&rule.name),
            "{} is not proven",
            rule.name
        );
    }
}

#[test]
fn unsafe_is_counted_in_code_only() {
    let text = "//! unsafe\nunsafe fn f() { unsafe { g() } } // unsafe\n";
    let tree = Tree::of([File::new("a.rs", text), File::new("b.rs", "//! B.\n")]);
    assert_eq!(super::count_unsafe(&tree), (2, 1));
}

proptest! {
    #[test]
    fn no_tree_makes_it_panic(
        rust in "[a-z:{}'\"/*#!\\[\\]()\n `é]{0,200}",
        words in prop::collection::vec(
            prop::sample::select(vec![
                "unsafe", "{", "}", "crate::", "super::", "mod ", ";", "\n", "//!", "```", "`",
                "](", ")", "cargo xtask", " ", "\\", "'", "\"", "fn get_", "#[allow(", "docs/",
                "#!/bin/sh", "=", "[dependencies]", "Checked by:", "/*", "r#", "\u{e9}",
            ]),
            0..60,
        ),
    ) {
        for text in [rust, words.concat()] {
            let files = ["kernel/src/main.rs", "kernel/src/a/b.rs", "README.md", "docs/a.md", "Cargo.toml", "run"];
            check(&Tree::of(files.map(|path| File::new(path, text.clone()))));
        }
    }
}

//! The proof of same bytes can fail: a planted path and a planted time are found.
//!
//! Builds a kernel and a program of a few lines twice; the other tests build
//! nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use xtask::programs;
use xtask::project::Project;

/// A work tree with a kernel of a few lines, below the target folder; gone at
/// the end.
struct Tree(PathBuf);

const WORKSPACE: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"kernel\", \"user/programs\"]\n\
    [profile.dev]\ndebug = false\nincremental = false\n";
const PACKAGE: &str = "[package]\nname = \"kernel\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
/// A script that says when it ran.
const SCRIPT: &str = "fn main() { println!(\"cargo::rustc-env=BUILT_AT={}\", \
    std::time::UNIX_EPOCH.elapsed().expect(\"after 1970\").as_nanos()); }";
/// It says where and when it was built.
const KERNEL: &str = r#"
    #![no_std]
    #![no_main]
    #[unsafe(link_section = ".ksyms")]
    #[used]
    static TABLE: [u8; 24] = [0; 24];
    #[unsafe(no_mangle)]
    extern "C" fn multiboot_entry() -> ! {
        let planted = concat!("built in ", env!("CARGO_MANIFEST_DIR"), " at ", env!("BUILT_AT"));
        core::hint::black_box(planted);
        loop {}
    }
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
"#;
const LINK: &str = "ENTRY(multiboot_entry)
    PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); ksyms PT_LOAD FLAGS(4); }
    SECTIONS {
        . = 0x100000;
        .text : { *(.text .text.*) } :text
        . = ALIGN(4096);
        .rodata : { *(.rodata .rodata.*) } :data
        .data : { *(.data .data.* .got .got.* .bss .bss.*) } :data
        . = ALIGN(4096);
        .ksyms : { KEEP(*(.ksyms)) } :ksyms
        /DISCARD/ : { *(.eh_frame .eh_frame_hdr .comment .note.*) }
    }";

const PROGRAMS: &str =
    "[package]\nname = \"user-programs\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
/// It does nothing, always in the same way.
const HELLO: &str = r#"
    #![no_std]
    #![no_main]
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        loop {}
    }
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
"#;
const USER_LINK: &str = "ENTRY(_start)
    SECTIONS {
        . = 0x08048000;
        .text : { *(.text .text.*) }
        /DISCARD/ : { *(.eh_frame .eh_frame_hdr .comment .note.*) }
    }";

impl Tree {
    fn plant(test: &str) -> Self {
        let project = Project::find().expect("tests run inside the work tree");
        let dir = project
            .target()
            .join(format!("reproduce-test-{}-{test}", std::process::id()));
        let tree = Tree(dir);
        let of_project = |file: &str| {
            fs::read_to_string(project.root().join(file)).expect("a file of this work tree")
        };
        let (target, toolchain) = (
            of_project("i686-exov6.json"),
            of_project("rust-toolchain.toml"),
        );
        // One program under all names.
        let names = programs::for_people().map(|program| program.name);
        let bins =
            names.map(|name| format!("[[bin]]\nname = \"{name}\"\npath = \"hello/main.rs\"\n"));
        let programs = PROGRAMS.to_owned() + &bins.collect::<String>();
        for (file, text) in [
            ("i686-exov6.json", target.as_str()),
            ("rust-toolchain.toml", &toolchain),
            ("Cargo.toml", WORKSPACE),
            ("kernel/Cargo.toml", PACKAGE),
            ("kernel/build.rs", SCRIPT),
            ("kernel/src/main.rs", KERNEL),
            ("kernel/link.ld", LINK),
            ("user/programs/Cargo.toml", programs.as_str()),
            ("user/programs/hello/main.rs", HELLO),
            ("user/link.ld", USER_LINK),
        ] {
            let path = tree.0.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        tree
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let output = command(&self.0)
            .args(words)
            .output()
            .expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().expect("it exits by itself");
        (code, text(output.stdout), text(output.stderr))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .env("CARGO_MANIFEST_DIR", root.join("xtask"))
        .env_remove("CARGO_TARGET_DIR");
    command
}

#[test]
fn a_planted_path_and_a_planted_time_are_reported() {
    let tree = Tree::plant("planted");
    let (code, stdout, stderr) = tree.run(&["reproduce", "--host", "--dev", "--json"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("gave different bytes"), "{stderr}");
    let document: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(document["same"], false);
    let found = document["pairs"][0]["differences"]
        .as_array()
        .expect("a list");
    let of = |file: &str, section: &str| {
        let is = |one: &&Value| one["file"] == file && one["section"] == section;
        let one = found.iter().find(is);
        one.unwrap_or_else(|| panic!("{file} {section} is not in {found:#?}"))
    };
    let planted = of("kernel.debug", ".rodata");
    for (side, path) in [("left", "host-"), ("right", "path to the/same tree")] {
        let text = planted[side]["text"].as_str().expect("text");
        assert!(text.contains(path), "{side} shows {text}");
    }
    assert!(stderr.contains("kernel.elf segment "), "{stderr}");
    assert!(stderr.contains("manifest.json offset "), "{stderr}");
}

#[test]
fn an_engine_that_must_be_there_is_asked_before_anything_is_built() {
    let project = Project::find().expect("tests run inside the work tree");
    let output = command(project.root())
        .args(["reproduce", "--require-docker", "--engine", "docker"])
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(!stderr.contains(" build "), "something was built: {stderr}");
}

#[test]
fn what_excludes_each_other_is_refused() {
    let project = Project::find().expect("tests run inside the work tree");
    for (words, why) in [
        (
            &["--host", "--platform", "linux/386"][..],
            "exclude each other",
        ),
        (&["--dev"], "optimised kernel only"),
    ] {
        let output = command(project.root())
            .arg("reproduce")
            .args(words)
            .output()
            .expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
}

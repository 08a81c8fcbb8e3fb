//! Images: the same bytes every time, read back, and bootable.
//!
//! Needs xorriso, GRUB and e2fsprogs, as the command itself does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use xtask::cli::Color;
use xtask::context::Context;
use xtask::emulator::outcome::End;
use xtask::emulator::session::{Limits, Session};
use xtask::emulator::spec::{Boot, MachineSpec};
use xtask::failure::Exit;
use xtask::image::ext2::{self, Content};
use xtask::image::iso::{self, Iso};
use xtask::image::{Module, epoch};
use xtask::project::Project;
use xtask::settings::{GlobalFlags, Settings};
use xtask::ui::{Ui, Verbosity};

/// A folder of this test alone; gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("exov6-image-{}-{test}", std::process::id()));
        fs::create_dir_all(&dir).expect("a temporary folder");
        Folder(dir)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("its folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    fn context(&self) -> Context {
        let globals = GlobalFlags {
            color: Some(Color::Never),
            timeout: None,
            offline: None,
        };
        let (settings, _) =
            Settings::load(&self.0.join("no-settings.toml"), globals).expect("the defaults");
        Context {
            ui: Ui::new(Verbosity::Quiet, Color::Never),
            project: Project::at(&self.0),
            settings,
            deadline: None,
            dry_run: false,
            offline: true,
            setup_allowed: false,
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("our folder");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().expect("the tool is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A tree with what trips naive image makers: names, modes, links, order.
fn plant(dir: &Folder, name: &str, order: &[&str]) -> PathBuf {
    let root = dir.0.join(name);
    fs::create_dir_all(root.join("empty folder")).expect("a folder");
    for file in order {
        dir.file(
            &format!("{name}/{file}"),
            format!("text of {file}").as_bytes(),
        );
    }
    let program = root.join("bin/init");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a mode");
    std::os::unix::fs::symlink("bin/init", root.join("init")).expect("a link");
    root
}

const FILES: [&str; 5] = ["bin/init", "etc/a \"quoted\" name", "z", "a", "etc/<12>"];

#[test]
fn ext2_is_the_same_from_the_same_files_whenever_and_by_whomever_made() {
    let dir = Folder::new("ext2");
    let first = plant(&dir, "first", &FILES);
    let mut backwards = FILES;
    backwards.reverse();
    let second = plant(&dir, "second", &backwards);
    // Another umask, another day.
    fs::set_permissions(second.join("z"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let touched = Command::new("touch")
        .args(["-d", "2001-02-03"])
        .arg(second.join("a"))
        .status();
    assert!(touched.expect("touch is everywhere").success());

    let cx = dir.context();
    let image = |root: &Path, name: &str| {
        let path = dir.0.join(name);
        let written = ext2::write(&cx, Content::Folder(root), &path).expect(name);
        assert_eq!(written.bytes % (1 << 20), 0, "whole MiB");
        assert_eq!(written.files, FILES.len() + 1);
        (written.sha256, fs::read(&path).expect("the image"))
    };
    let (sha_a, bytes_a) = image(&first, "a.ext2");
    let (sha_b, bytes_b) = image(&second, "b.ext2");
    let different = bytes_a.iter().zip(&bytes_b).position(|(a, b)| a != b);
    assert_eq!(different, None, "first different byte");
    assert_eq!(sha_a, sha_b);

    let date = format!("0x{:08x}:00000000", epoch().expect("a date").seconds());
    let stat = output_of(
        Command::new("/sbin/debugfs")
            .args(["-R", "stat /bin/init"])
            .arg(dir.0.join("a.ext2")),
    );
    assert!(
        stat.contains("Mode:  0755") && stat.contains("User:     0"),
        "{stat}"
    );
    assert_eq!(stat.matches(&date).count(), 4, "all four dates: {stat}");
    // Nothing unfinished is left over.
    let left: Vec<_> = dir
        .names()
        .into_iter()
        .filter(|name| name.contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn ext2_grows_with_its_content() {
    let dir = Folder::new("grows");
    for (name, bytes) in [("small", 10), ("big", 9 << 20)] {
        dir.file(&format!("{name}/file"), &vec![0xA5; bytes]);
        for number in 0..300 {
            dir.file(&format!("{name}/many/{number}-{}", "x".repeat(200)), b"");
        }
        let output = dir.0.join(format!("{name}.ext2"));
        let root = dir.0.join(name);
        let written = ext2::write(&dir.context(), Content::Folder(&root), &output).expect(name);
        assert!(written.bytes > bytes as u64, "{name}");
        assert!(
            written.bytes < 2 * bytes as u64 + (2 << 20),
            "{name}: {}",
            written.bytes
        );
    }
}

#[test]
fn an_image_that_cannot_be_made_leaves_nothing() {
    let dir = Folder::new("refused");
    let socket = dir.0.join("root/socket");
    dir.file("root/file", b"");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let cx = dir.context();
    let output = dir.0.join("out.ext2");
    let failure =
        ext2::write(&cx, Content::Folder(&dir.0.join("root")), &output).expect_err("a socket");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.what.contains("root/socket"), "{failure}");
    let failure =
        ext2::write(&cx, Content::Folder(&dir.0.join("none")), &output).expect_err("no folder");
    assert_eq!(failure.exit, Exit::Usage);
    let iso = Iso {
        kernel: &dir.0.join("no-kernel"),
        append: "",
        modules: &[],
        root: None,
    };
    let failure = iso::write(&cx, &iso, &output).expect_err("no kernel");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(!output.exists());
}

/// Prints the command line that GRUB hands over and the module's first byte on
/// COM1, then leaves QEMU with 33.
fn kernel() -> Vec<u8> {
    let code: &[u8] = &[
        0x8B, 0x73, 0x10, // mov esi, [ebx+16]: the command line
        0x66, 0xBA, 0xF8, 0x03, // mov dx, COM1
        0xAC, // next: lodsb
        0x84, 0xC0, // test al, al
        0x74, 0x03, // jz done
        0xEE, // out dx, al
        0xEB, 0xF8, // jmp next
        0x8B, 0x4B, 0x18, // done: mov ecx, [ebx+24]: the modules
        0x8B, 0x01, // mov eax, [ecx]: start of the first
        0x8A, 0x00, // mov al, [eax]
        0xEE, // out dx, al
        0x83, 0xC2, 0x05, // add dx, 5
        0xEC, // wait: in al, dx
        0xA8, 0x40, // test al, TEMT
        0x74, 0xFB, // jz wait
        0xB0, 0x10, // mov al, 0x10
        0xE6, 0xF4, // out 0xf4, al
        0xEB, 0xFE, // jmp .
    ];
    let size = 96 + u32::try_from(code.len()).expect("short");
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0".to_vec();
    for word in [1, 0x10_0060, 52, 0, 0, 0x0020_0034, 0x0028_0001, 0] {
        file.extend(u32::to_le_bytes(word));
    }
    for word in [1, 0, 0x10_0000, 0x10_0000, size, size, 7, 0x1000] {
        file.extend(u32::to_le_bytes(word));
    }
    for word in [0x1BAD_B002, 0, 0xE452_4FFE_u32] {
        file.extend(word.to_le_bytes());
    }
    file.extend(code);
    file
}

#[test]
fn the_cd_is_the_same_every_time_and_boots_with_words_and_modules() {
    let dir = Folder::new("iso");
    let kernel = dir.file("tiny.elf", &kernel());
    let module = Module {
        file: dir.file("sub/init", b"M!"),
        arguments: "--flag".to_owned(),
    };
    let root = plant(&dir, "root", &["bin/init", "b", "a"]);
    let iso = Iso {
        kernel: &kernel,
        append: "console=serial a(b)",
        modules: std::slice::from_ref(&module),
        root: Some(&root),
    };
    let cx = dir.context();
    let (a, b) = (dir.0.join("a.iso"), dir.0.join("b.iso"));
    let written = iso::write(&cx, &iso, &a).expect("a CD");
    let touched = Command::new("touch")
        .args(["-d", "2001-02-03"])
        .arg(&kernel)
        .status();
    assert!(touched.expect("touch is everywhere").success());
    let again = iso::write(&cx, &iso, &b).expect("a CD");
    assert_eq!(written.sha256, again.sha256);
    assert_eq!(
        written.files,
        1 + 1 + 1 + 3 + 1,
        "kernel, grub.cfg, module, root's files and link"
    );

    let listing = output_of(
        Command::new("xorriso")
            .args(["-no_rc", "-indev"])
            .arg(&a)
            .args(["-find", "/", "-type", "f"]),
    );
    for name in [
        "/boot/kernel.elf",
        "/boot/grub/grub.cfg",
        "/modules/0/init",
        "/root/bin/init",
    ] {
        assert!(
            listing.contains(&format!("'{name}'")),
            "{name} is not in {listing}"
        );
    }

    let session = Session::start(&cx, &machine(&a), Limits::default()).expect("QEMU is installed");
    let outcome = session.finish();
    let said: Vec<_> = outcome.serial.iter().map(|line| &line.text).collect();
    assert_eq!(outcome.end, End::Exited(33), "{said:?}");
    assert_eq!(said, ["console=serial a(b)M"], "and nothing from GRUB");
}

#[test]
fn a_cd_with_no_bootable_kernel_says_why_on_the_serial_line() {
    let dir = Folder::new("bad-iso");
    let cx = dir.context();
    let iso = Iso {
        kernel: &dir.file("bad.elf", &[0; 9000]),
        append: "",
        modules: &[],
        root: None,
    };
    let cd = dir.0.join("bad.iso");
    iso::write(&cx, &iso, &cd).expect("a CD");
    let mut session =
        Session::start(&cx, &machine(&cd), Limits::default()).expect("QEMU is installed");
    let complaint = Regex::new("error: no multiboot header found").expect("a pattern");
    let found = session.wait_for(&complaint).map(|_| ());
    let outcome = session.stop();
    assert_eq!(found, Ok(()), "{:?}", outcome.serial);
}

fn machine(cd: &Path) -> MachineSpec {
    MachineSpec::new(Boot::Iso(cd.to_owned()))
}

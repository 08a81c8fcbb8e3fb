//! What an engine is sent, and what comes back.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use super::{docker, root, succeed, xtask};

/// The most that may be sent.
const MOST: u64 = 5 << 20;

/// The work tree as an engine gets it, as a tar archive.
fn context() -> Vec<u8> {
    let root = root();
    let mut command = docker(&["buildx", "build", "--file", "-"]);
    command
        .args(["--output", "type=tar,dest=-"])
        .arg(&root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("docker starts");
    let mut pipe = child.stdin.take().expect("asked for");
    pipe.write_all(b"FROM scratch\nCOPY . /\n")
        .expect("it reads its Dockerfile");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    output.stdout
}

fn names(archive: &[u8]) -> BTreeSet<String> {
    let mut tar = Command::new("tar")
        .arg("--list")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar starts");
    let mut pipe = tar.stdin.take().expect("asked for");
    let archive = archive.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&archive));
    let output = tar.wait_with_output().expect("tar ends");
    writer.join().expect("no panic").expect("tar reads all");
    let text = String::from_utf8(output.stdout).expect("names");
    text.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs a container engine"]
fn the_engine_gets_what_the_build_needs_and_little_else() {
    let archive = context();
    let bytes = archive.len() as u64;
    assert!(bytes < MOST, "the engine is sent {bytes} bytes");
    let sent = names(&archive);
    let tracked = succeed(
        Command::new("git")
            .args(["ls-files", "boot", "kernel", "xtask", "Cargo.toml"])
            .args(["Cargo.lock", "i686-exov6.json", ".cargo"])
            .current_dir(root()),
    );
    let tracked = String::from_utf8(tracked.stdout).expect("names");
    for name in tracked.lines() {
        if !name.ends_with(".proptest-regressions") {
            assert!(sent.contains(name), "{name} is not sent");
        }
    }
    for name in &sent {
        let unwanted = ["target/", ".git/", "docs/", ".github/"];
        assert!(
            !unwanted.iter().any(|folder| name.starts_with(folder)),
            "{name} is sent"
        );
    }
}

#[test]
#[ignore = "needs a container engine"]
fn a_second_build_is_all_cached_quick_and_the_callers() {
    let words = ["docker-build", "--target", "export", "--json"];
    succeed(&mut xtask(&words));
    let output = succeed(&mut xtask(&words));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["all_cached"], true, "{document:#}");
    let elapsed = document["elapsed_ms"].as_u64().expect("a number");
    assert!(elapsed < 10_000, "it took {elapsed} ms");
    let folder = document["builds"][0]["output"].as_str().expect("a path");
    let ours = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(folder).expect("it was made") {
        let meta = entry.expect("an entry").metadata().expect("it is there");
        assert_eq!(meta.uid(), ours);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("layers were cached"), "{said}");
}

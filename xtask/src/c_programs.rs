//! Programs in C, compiled from GNU Mach's public headers.
//!
//! Owns which there are and how they are compiled: by the machine's C compiler,
//! for i386, with nothing but those headers. They show that what was written for
//! GNU Mach runs; nothing else needs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::peer;
use crate::run;

/// Each is a file of `user/c`, compiled with `run.c` and `arch/start.S`.
pub const ALL: &[&str] = &["hello", "message", "bench"];

const COMPILER: &str = "cc";
const FLAGS: &[&str] = &[
    "-m32",
    "-march=i586",
    "-Os",
    "-ffreestanding",
    "-fno-builtin",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-nostdinc",
    "-static",
    "-Wl,-melf_i386",
    "-Wl,-Tuser/link.ld",
    "-Wl,--build-id=none",
];

/// Compiles a program: where it is.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) without a compiler for i386 or
/// without the headers, [`Exit::BuildFailed`](crate::failure::Exit::BuildFailed) if
/// the compiler refuses it.
pub fn build(cx: &Context, name: &str) -> Result<PathBuf> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = built.get(name) {
        return Ok(file.clone());
    }
    let file = compile(cx, name)?;
    built.insert(name.to_owned(), file.clone());
    Ok(file)
}

/// What this run compiled: an emulator may be reading it.
static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());

fn compile(cx: &Context, name: &str) -> Result<PathBuf> {
    let own = own_headers(cx)?;
    let headers = peer::headers(cx)?;
    let folder = cx.project.target().join("c-programs");
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    let file = folder.join(name);
    let mut command = Command::new(COMPILER);
    command.args(FLAGS).arg("-isystem").arg(headers);
    command.arg("-isystem").arg(own).arg("-o").arg(&file);
    command
        .arg(format!("user/c/{name}.c"))
        .args(["user/c/run.c", "user/c/arch/start.S"])
        .current_dir(cx.project.root());
    let output = run::output(cx, &mut command)?;
    match output.status.success() {
        true => Ok(file),
        false => {
            let what = format!(
                "user/c/{name}.c does not compile:\n{}",
                output.stderr.trim()
            );
            Err(Failure::build_failed(what))
        }
    }
}

/// The folder of the compiler's own headers, if it makes code for i386.
fn own_headers(cx: &Context) -> Result<String> {
    let missing = |what: &str| {
        let mend = "on Debian: sudo apt-get install gcc, on an x86 machine";
        Failure::missing(what, mend)
    };
    if run::program(COMPILER.as_ref()).is_none() {
        return Err(missing("there is no C compiler here"));
    }
    let mut ask = Command::new(COMPILER);
    ask.args(["-m32", "-ffreestanding", "-print-file-name=include"]);
    let output = run::output(cx, &mut ask)?;
    let mut try_it = Command::new(COMPILER);
    try_it.args(["-m32", "-ffreestanding", "-E", "-x", "c", "/dev/null"]);
    let works = output.status.success() && run::output(cx, &mut try_it)?.status.success();
    match works {
        true => Ok(output.stdout.trim().to_owned()),
        false => Err(missing("the C compiler makes no code for i386")),
    }
}

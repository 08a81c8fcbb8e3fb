//! A command of this tool, run inside a container of the test image.
//!
//! Owns what such a container is given: the clone, a target folder of its own,
//! the caller's identity, and those settings that mean the same inside.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::build;
use super::choices::Stage;
use super::container::{Connected, Container, Identity};
use super::engine::{Client, Engine, Platform};
use super::running::{self, Ended, Io};
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::run;
use crate::settings;

/// Whether a container gets /dev/kvm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kvm {
    /// It does.
    Given,
    /// It does not.
    Withheld,
}

/// What is to run where.
#[derive(Debug)]
pub struct Session<'a> {
    /// The command that asked, for the container's name: `run`, `smoke`.
    pub purpose: &'a str,
    /// The platform of the container.
    pub platform: Platform,
    /// Whether it gets /dev/kvm.
    pub kvm: Kvm,
    /// A folder that it may read as /kernel.
    pub kernel: Option<PathBuf>,
    /// The words after `cargo xtask`.
    pub words: Vec<OsString>,
}

/// Settings that name things of this machine, which mean nothing inside.
const OF_THIS_MACHINE: [&str; 2] = ["EXOV6_QEMU", "EXOV6_KERNEL_TOOLCHAIN"];

/// Counts the containers of this process.
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Session<'_> {
    /// Runs it to its end; `None` in a dry run.
    pub fn run(
        self,
        cx: &Context,
        engine: &Engine,
        io: Io,
        deadline: Option<Instant>,
    ) -> Result<Option<Ended>> {
        check_reach(&std::env::var("DOCKER_HOST").unwrap_or_default())?;
        let image = build::ensure(cx, engine, self.platform, Stage::Test)?;
        let boot = running::boot_id();
        let container = self.container(cx, engine, image, &boot, &io)?;
        if cx.dry_run {
            let mut command = engine.command();
            cx.ui.echo(command.args(container.create(engine.client)));
            let mut command = engine.command();
            cx.ui.echo(command.args(container.start()));
            return Ok(None);
        }
        let target = &container.target;
        std::fs::create_dir_all(target).doing(format_args!("making {}", target.display()))?;
        running::remove_orphans(cx, engine, &boot)?;
        running::run(cx, engine, &container, io, deadline).map(Some)
    }

    fn container(
        self,
        cx: &Context,
        engine: &Engine,
        image: String,
        boot: &str,
        io: &Io,
    ) -> Result<Container> {
        let owner = std::process::id();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let all_terminals = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Ok(Container {
            name: format!("exov6-{}-{owner}-{number}", self.purpose),
            image,
            platform: self.platform,
            identity: identity(cx, engine)?,
            root: cx.project.root().to_owned(),
            target: build::folder(cx, self.platform).join("target"),
            kernel: self.kernel,
            kvm: match self.kvm {
                Kvm::Given => Some(kvm_group(Path::new("/dev/kvm"))?),
                Kvm::Withheld => None,
            },
            handed_on: handed_on(),
            connected: match io {
                Io::Ours if all_terminals => Connected::Terminal,
                _ => Connected::Pipes,
            },
            owner,
            boot: boot.to_owned(),
            words: self.words,
        })
    }
}

/// What the exit code of a container means for us: the same.
///
/// # Errors
/// With the exit code of what ran inside, which has said why.
pub fn pass_on(ended: &Ended) -> Result<()> {
    let code = running::code(ended.status);
    match (Exit::of(code), code) {
        (Some(Exit::Done), _) => Ok(()),
        (Some(exit), _) => Err(Failure::told(exit)),
        (None, 137) => Err(Failure::failed("the container was killed")
            .mend("by somebody else, or because memory ran out: dmesg would say so")),
        (None, 143) => Err(Failure::failed(
            "the container was ended by SIGTERM, not by us",
        )),
        (None, code) => Err(Failure::failed(format!(
            "what ran in the container ended with {code}"
        ))),
    }
}

/// A folder of ours means nothing to an engine on another machine.
fn check_reach(host: &str) -> Result<()> {
    let far = ["tcp://", "ssh://", "http://", "https://"];
    if far.iter().any(|scheme| host.starts_with(scheme)) {
        return Err(Failure::usage(
            format!("DOCKER_HOST is {host}: an engine elsewhere cannot mount this clone"),
            "unset DOCKER_HOST to use this machine's engine; docker-build works with both",
        ));
    }
    Ok(())
}

/// The caller. A rootless engine maps its root to the caller, so there it is
/// root that owns nothing but the caller's files.
fn identity(cx: &Context, engine: &Engine) -> Result<Identity> {
    let caller = Identity::User(
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    if cx.dry_run || engine.client == Client::Podman {
        return Ok(caller);
    }
    let mut command = engine.command();
    command.args(["info", "--format", "{{.SecurityOptions}}"]);
    let output = run::output(cx, &mut command)?;
    if !output.status.success() {
        return Err(running::refused(&output.stderr));
    }
    Ok(match output.stdout.contains("name=rootless") {
        true => Identity::MappedRoot,
        false => caller,
    })
}

fn handed_on() -> Vec<String> {
    let set = |name: &str| std::env::var_os(name).is_some();
    let ours = settings::NAMES
        .iter()
        .map(|name| format!("EXOV6_{}", name.to_uppercase()));
    let others = [
        "CI",
        "NO_COLOR",
        "RUST_BACKTRACE",
        "SOURCE_DATE_EPOCH",
        "TERM",
    ];
    ours.filter(|name| !OF_THIS_MACHINE.contains(&name.as_str()))
        .chain(others.map(str::to_owned))
        .filter(|name| set(name))
        .collect()
}

/// The group that may open /dev/kvm.
///
/// # Errors
/// [`Exit::Missing`] if there is none, or if the caller may not open it: the
/// container would only fail later.
fn kvm_group(device: &Path) -> Result<u32> {
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(device);
    match opened.and_then(|file| file.metadata()) {
        Ok(meta) => Ok(meta.gid()),
        Err(error) => Err(Failure::missing(
            format!("--kvm was asked for, and {}: {error}", device.display()),
            "leave --kvm out: QEMU's translator needs nothing; else load the module kvm \
             and join the group kvm",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn ended(code: i32) -> Result<()> {
        pass_on(&Ended {
            status: ExitStatus::from_raw(code << 8),
            stdout: String::new(),
        })
    }

    #[test]
    fn every_exit_code_of_ours_comes_through() {
        for exit in Exit::ALL {
            let passed = ended(i32::from(exit.code()));
            assert_eq!(
                passed.map_or_else(|failure| failure.exit, |()| Exit::Done),
                exit
            );
        }
        let killed = ended(137).expect_err("it was killed");
        assert!(killed.what.contains("killed"), "{killed}");
        assert!(ended(77).expect_err("no code of ours").what.contains("77"));
    }

    #[test]
    fn an_engine_elsewhere_is_refused() {
        for host in ["", "unix:///var/run/docker.sock"] {
            check_reach(host).expect(host);
        }
        assert_eq!(check_reach("ssh://u@h").expect_err("far").exit, Exit::Usage);
    }

    #[test]
    fn no_kvm_is_said_before_anything_is_made() {
        let failure = kvm_group(Path::new("/nowhere/kvm")).expect_err("there is none");
        assert_eq!(failure.exit, Exit::Missing);
    }
}

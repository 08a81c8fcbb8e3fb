//! Starting Docker's daemon, where this machine has somebody who starts daemons.
//!
//! Owns the choice between systemd and an init script. Started by either, the
//! daemon is the machine's and outlives us; without either it is nobody's, and
//! a person is told what to type.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use super::apt;
use super::packages::Privilege;
use crate::context::Context;
use crate::docker::diagnosis::Trouble;
use crate::docker::engine::{self, Client};
use crate::failure::{Doing, Failure, Result};
use crate::run;
use crate::ui;

/// Where the daemon listens.
const SOCKET: &str = "/var/run/docker.sock";
/// How long it may take to answer, once started.
const PATIENCE: Duration = Duration::from_secs(90);

/// Who starts daemons here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Init {
    Systemd,
    Script,
    Nobody,
}

fn init() -> Init {
    if Path::new("/run/systemd/system").is_dir() {
        Init::Systemd
    } else if Path::new("/etc/init.d/docker").is_file()
        && run::program(Path::new("service")).is_some()
    {
        Init::Script
    } else {
        Init::Nobody
    }
}

/// The command that starts it, if anybody does that here.
fn start_words(init: Init, privilege: Privilege) -> Option<Vec<&'static str>> {
    let words: &[&str] = match init {
        Init::Systemd => &["systemctl", "start", "docker"],
        Init::Script => &["service", "docker", "start"],
        Init::Nobody => return None,
    };
    let sudo: &[&str] = match privilege {
        Privilege::Root => &[],
        Privilege::Sudo | Privilege::Nobody => &["sudo", "-n"],
    };
    Some(sudo.iter().chain(words).copied().collect())
}

/// Makes sure that Docker's daemon answers, starting it if it does not.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing), with what a person can do
/// about it.
pub fn start(cx: &Context) -> Result<()> {
    match engine::ask(cx, Client::Docker)? {
        Ok(_) => Ok(()),
        Err(trouble) if is_ours(&trouble) => run_it(cx),
        Err(trouble) => Err(trouble.failure()),
    }
}

/// Whether this is a daemon of this machine that is not running.
pub fn is_ours(trouble: &Trouble) -> bool {
    let elsewhere = std::env::var_os("DOCKER_HOST").is_some();
    matches!(trouble, Trouble::NoDaemon(at) if !elsewhere && at.ends_with("/run/docker.sock"))
}

/// Prints the command that would start it.
pub fn dry_run(cx: &Context) -> Result<()> {
    if let Some(command) = command(cx)? {
        cx.ui
            .print(format_args!("{}\n", ui::command_line(&command)));
    }
    Ok(())
}

fn command(cx: &Context) -> Result<Option<Command>> {
    let words = start_words(init(), apt::privilege(cx)?);
    let Some((program, rest)) = words.as_deref().and_then(<[_]>::split_first) else {
        return Ok(None);
    };
    let mut command = Command::new(program);
    command.args(rest);
    Ok(Some(command))
}

fn run_it(cx: &Context) -> Result<()> {
    let Some(mut command) = command(cx)? else {
        return Err(Failure::missing(
            "Docker's daemon does not run, and neither systemd nor an init script is here to start it",
            "start it yourself, and leave it running: sudo dockerd\n\
             inside a container or a chroot that may be impossible; then use the host's engine, \
             or podman: --engine podman",
        ));
    };
    let watch = Watch::on_socket()?;
    let status = run::to_end(cx, &mut command)?;
    if !status.success() {
        return Err(not_started(&format!(
            "`{}` failed",
            ui::command_line(&command)
        )));
    }
    let _progress = cx.ui.progress("waiting for Docker's daemon to answer");
    let deadline = Instant::now() + cx.remaining()?.unwrap_or(PATIENCE).min(PATIENCE);
    loop {
        // A daemon that listens lets its callers wait until it is ready.
        let listens = UnixStream::connect(SOCKET).is_ok();
        match engine::ask(cx, Client::Docker)? {
            Ok(_) => return Ok(()),
            Err(trouble) if !is_ours(&trouble) => return Err(trouble.failure()),
            Err(_) => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || (!listens && !watch.changed_within(left)?) {
            return Err(not_started(
                "Docker's daemon was started, but does not answer",
            ));
        }
    }
}

fn not_started(what: &str) -> Failure {
    Failure::missing(
        what,
        "see why: sudo journalctl --unit docker; without systemd: sudo tail /var/log/docker.log\n\
         inside a container or a chroot it cannot run; use podman there: --engine podman",
    )
}

/// Looks out for the socket while the daemon comes up.
struct Watch(rustix::fd::OwnedFd);

impl Watch {
    fn on_socket() -> Result<Self> {
        let doing = "watching for the daemon's socket";
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
            .doing(doing)?;
        let folder = Path::new(SOCKET).parent().unwrap_or(Path::new("/"));
        inotify::add_watch(
            &watch,
            folder,
            inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO,
        )
        .doing(doing)?;
        Ok(Watch(watch))
    }

    /// Waits for a new file beside the socket; `false` if none came in time.
    fn changed_within(&self, left: Duration) -> Result<bool> {
        let timeout = Timespec::try_from(left).ok();
        let mut waited = [PollFd::new(&self.0, PollFlags::IN)];
        let ready = poll(&mut waited, timeout.as_ref()).doing("waiting for the daemon's socket")?;
        let mut events = [0_u8; 4096];
        // Emptied, or the next wait would end at once; what came is looked for.
        while rustix::io::read(&self.0, &mut events).is_ok_and(|count| count > 0) {}
        Ok(ready > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_is_started_by_whoever_starts_daemons() {
        let line = |init, privilege| start_words(init, privilege).map(|words| words.join(" "));
        assert_eq!(
            line(Init::Systemd, Privilege::Root).as_deref(),
            Some("systemctl start docker")
        );
        assert_eq!(
            line(Init::Script, Privilege::Sudo).as_deref(),
            Some("sudo -n service docker start")
        );
        assert_eq!(line(Init::Nobody, Privilege::Root), None);
    }

    #[test]
    fn only_this_machines_daemon_is_started() {
        assert!(!is_ours(&Trouble::NoPermission));
        assert!(!is_ours(&Trouble::NoDaemon("unix:///nowhere".to_owned())));
        let here = Trouble::NoDaemon("unix:///var/run/docker.sock".to_owned());
        assert_eq!(is_ours(&here), std::env::var_os("DOCKER_HOST").is_none());
    }
}

//! Starting Docker's daemon, by whoever starts daemons on this machine.
//!
//! Owns the choice between systemd, the init script and doing it ourselves.
//! Started by any of them, the daemon is the machine's and outlives us.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
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
const PATIENCE: Duration = Duration::from_secs(40);

/// Who starts the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starter {
    /// systemd.
    Systemd,
    /// The init script.
    Script,
    /// We do, and leave it to itself: in a container or a chroot nobody else
    /// will, and the script wants limits that it may not be given there.
    Ourselves,
}

fn starters() -> Vec<Starter> {
    if Path::new("/run/systemd/system").is_dir() {
        return vec![Starter::Systemd];
    }
    match run::program(Path::new("service")) {
        Some(_) => vec![Starter::Script, Starter::Ourselves],
        None => vec![Starter::Ourselves],
    }
}

/// The command by which it is started.
fn start_words(starter: Starter, privilege: Privilege, log: &Path) -> Vec<String> {
    let sudo: &[&str] = match privilege {
        Privilege::Root => &[],
        Privilege::Sudo | Privilege::Nobody => &["sudo", "-n"],
    };
    let by_hand = format!("exec dockerd >{} 2>&1 </dev/null", ui::quote(log));
    let words: &[&str] = match starter {
        Starter::Systemd => &["systemctl", "start", "docker"],
        Starter::Script => &["service", "docker", "start"],
        Starter::Ourselves => &["setsid", "--fork", "sh", "-c", &by_hand],
    };
    sudo.iter()
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect()
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
    if let Some(starter) = starters().first() {
        let command = command(cx, *starter)?;
        cx.ui
            .print(format_args!("{}\n", ui::command_line(&command)));
    }
    Ok(())
}

fn log(cx: &Context) -> PathBuf {
    cx.project.target().join("docker").join("dockerd.log")
}

fn command(cx: &Context, starter: Starter) -> Result<Command> {
    let words = start_words(starter, apt::privilege(cx)?, &log(cx));
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words);
    Ok(command)
}

fn run_it(cx: &Context) -> Result<()> {
    let log = log(cx);
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).doing(format_args!("making {}", folder.display()))?;
    }
    let watch = Watch::on_socket()?;
    let mut last = None;
    for starter in starters() {
        let mut command = command(cx, starter)?;
        if starter == Starter::Ourselves {
            cx.ui.say(format_args!(
                "nobody else starts daemons here: dockerd is started and left to itself; \
                 what it says goes to {}",
                cx.project.shown(&log)
            ));
        }
        if run::to_end(cx, &mut command)?.success() {
            return wait(cx, &watch, starter);
        }
        last = Some(ui::command_line(&command));
    }
    let what = format!("`{}` failed", last.unwrap_or_default());
    Err(not_started(cx, &what, Starter::Systemd))
}

fn wait(cx: &Context, watch: &Watch, starter: Starter) -> Result<()> {
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
            let what = "Docker's daemon was started, but does not answer";
            return Err(not_started(cx, what, starter));
        }
    }
}

fn not_started(cx: &Context, what: &str, starter: Starter) -> Failure {
    let why = match starter {
        Starter::Systemd => "sudo journalctl --unit docker".to_owned(),
        Starter::Script => "sudo tail /var/log/docker.log".to_owned(),
        Starter::Ourselves => format!("tail {}", cx.project.shown(&log(cx))),
    };
    let mend = format!(
        "see why: {why}\n\
         inside a container or a chroot it may have no way to run; then use the host's engine, \
         or podman: --engine podman"
    );
    Failure::missing(what, mend)
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
        let line =
            |starter, privilege| start_words(starter, privilege, Path::new("/t/a b")).join(" ");
        assert_eq!(
            line(Starter::Systemd, Privilege::Root),
            "systemctl start docker"
        );
        assert_eq!(
            line(Starter::Script, Privilege::Sudo),
            "sudo -n service docker start"
        );
        assert_eq!(
            line(Starter::Ourselves, Privilege::Root),
            "setsid --fork sh -c exec dockerd >'/t/a b' 2>&1 </dev/null"
        );
    }

    #[test]
    fn somebody_is_always_there_to_start_it() {
        assert!(!starters().is_empty());
    }

    #[test]
    fn only_this_machines_daemon_is_started() {
        assert!(!is_ours(&Trouble::NoPermission));
        assert!(!is_ours(&Trouble::NoDaemon("unix:///nowhere".to_owned())));
        let here = Trouble::NoDaemon("unix:///var/run/docker.sock".to_owned());
        assert_eq!(is_ours(&here), std::env::var_os("DOCKER_HOST").is_none());
    }
}

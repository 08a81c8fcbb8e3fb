//! A daemon of a case's own, to take away from it what a case needs to miss.
//!
//! Owns its life: its images, its socket, its network, and the small file system
//! it may be given. It ends before its case does, and is killed if we are.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::lab::{Lab, Outcome, Stop};
use crate::failure::Doing;
use crate::process::{self, Group};
use crate::run;
use crate::ui;

/// How long it may take until it listens.
const STARTED: Duration = Duration::from_secs(60);
/// How long it may take to end its own children.
const ENDED: Duration = Duration::from_secs(20);

/// The daemon.
pub(super) struct Daemon {
    socket: PathBuf,
    mount: Option<PathBuf>,
    data: PathBuf,
    child: process::Child,
}

impl Daemon {
    /// Starts one whose images go to a file system of `mib` MiB, or to a folder.
    pub(super) fn start(lab: &Lab<'_>, mib: Option<u32>) -> std::result::Result<Self, Stop> {
        let skipped = |why: &str| Err(Stop::Skipped(why.to_owned()));
        if !rustix::process::geteuid().is_root() {
            return skipped("only root can start a daemon for this case");
        }
        let Some(program) = run::program(Path::new("dockerd")) else {
            return skipped("dockerd is not on this machine");
        };
        let data = lab.folder.join("data");
        fs::create_dir_all(&data).doing("making a folder")?;
        let mut mount = None;
        if let Some(mib) = mib {
            let mut command = Command::new("mount");
            command.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "exov6"]);
            if lab.ask(command.arg(&data)).is_err() {
                return skipped("this machine mounts no tmpfs");
            }
            mount = Some(data.clone());
        }
        let socket = lab.folder.join("s");
        // In a network of its own: a daemon that is told to have no bridge
        // removes the one it finds, and that is the machine's.
        let mut command = Command::new("unshare");
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
        command
            .args(["--net", "--"])
            .arg(program)
            .arg(option("data-root", &data))
            .arg(option("exec-root", &lab.folder.join("exec")))
            .arg(option("pidfile", &lab.folder.join("pid")))
            .arg(format!("--host=unix://{}", socket.display()))
            .args(["--iptables=false", "--ip-forward=false", "--ip-masq=false"])
            .arg("--log-level=info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        lab.note(format!("$ {}", ui::command_line(&command)));
        let (send, events) = mpsc::channel();
        let on_end = send.clone();
        let spawned = process::spawn(command, Group::Own, Vec::new(), move |_| {
            drop(on_end.send(None));
        });
        let mut child = spawned.doing("starting dockerd")?;
        if let Some(pipe) = child.stderr.take() {
            // Read to its end, or a full pipe would stop the daemon.
            let body = move || {
                for line in BufReader::new(pipe)
                    .lines()
                    .map_while(std::result::Result::ok)
                {
                    drop(send.send(Some(line)));
                }
            };
            thread::Builder::new()
                .spawn(body)
                .doing("starting a thread")?;
        }
        let daemon = Daemon {
            socket,
            mount,
            data,
            child,
        };
        let mut last = String::new();
        loop {
            match events.recv_timeout(STARTED) {
                Ok(Some(line)) if line.contains("API listen on") => return Ok(daemon),
                Ok(Some(line)) => last = line,
                _ => return skipped(&format!("a second dockerd does not start here: {last}")),
            }
        }
    }

    /// Its address.
    pub(super) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Its client.
    pub(super) fn command(&self, lab: &Lab<'_>) -> Command {
        let mut command = lab.engine.command();
        command.env("DOCKER_HOST", self.host());
        command
    }

    /// Leaves only this much of its file system.
    pub(super) fn fill_up(&self, leave_kib: u64) -> Outcome {
        let stat = rustix::fs::statvfs(&self.data).doing("asking for free space")?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let path = self.data.join("filler");
        let mut file = fs::File::create(&path).doing("making a file")?;
        let chunk = vec![0_u8; 1 << 16];
        let mut left = free.saturating_sub(leave_kib * 1024);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            file.write_all(&chunk[..count])
                .doing("filling a file system")?;
            left -= count as u64;
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked, and given time: only then it ends its own containers.
        self.child.signal(Signal::TERM);
        let deadline = Instant::now() + ENDED;
        if self.child.wait_until(deadline).is_none() {
            self.child.signal(Signal::KILL);
            self.child.wait();
        }
        if let Some(mount) = &self.mount {
            let mut command = Command::new("umount");
            // Whoever still looks at it lets go of it later.
            drop(command.arg("--lazy").arg(mount).status());
        }
    }
}

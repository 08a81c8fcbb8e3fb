//! Child processes that never outlive us.
//!
//! Owns the only way this tool starts an emulator or a debugger. A [`Child`]
//! is in its own process group, dies with us even when we are killed with
//! SIGKILL, and is reaped before [`Child::end`] or its drop return.
//!
//! **Invariants:** the thread that forks lives as long as the child, because
//! PR_SET_PDEATHSIG fires when that *thread* ends. The process id is used only
//! before the child is reaped, so a signal never reaches a stranger.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// What to call this process's own files where others have theirs: its number,
/// and in a container, where many have the same one, the container's as well.
pub fn own_name() -> String {
    /// The space of process numbers in which the machine itself runs.
    const FIRST: &str = "pid:[4026531836]";
    let number = process::id();
    match std::fs::read_link("/proc/self/ns/pid") {
        Ok(space) if space.as_os_str() != FIRST => {
            let space = space.to_string_lossy();
            let digits = space.trim_matches(|c: char| !c.is_ascii_digit());
            format!("{number}-{digits}")
        }
        _ => number.to_string(),
    }
}

/// How long a child may take to end after SIGTERM.
pub const GRACE: Duration = Duration::from_millis(500);

/// Which process group the child is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Its own: a Ctrl-C at our terminal does not reach it.
    Own,
    /// Ours: it may use our terminal. Only for debuggers and screens people
    /// look at.
    Ours,
}

/// A running child.
#[derive(Debug)]
pub struct Child {
    /// Its input, if the command asked for a pipe.
    pub stdin: Option<ChildStdin>,
    /// Its output, if the command asked for a pipe.
    pub stdout: Option<ChildStdout>,
    /// Its errors, if the command asked for a pipe.
    pub stderr: Option<ChildStderr>,
    pid: Pid,
    group: Group,
    life: Arc<Life>,
    keeper: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Life {
    /// `None` as long as the process id is ours to use. Set, by the keeper
    /// alone, in the same critical section in which the child is reaped.
    ended: Mutex<Option<ExitStatus>>,
    changed: Condvar,
}

impl Life {
    fn ended(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts `command`. `inherited` are the descriptors that the child gets
/// beside 0, 1 and 2, under the same numbers. `on_end` is called, on another
/// thread, once the child is reaped.
pub fn spawn(
    mut command: Command,
    group: Group,
    inherited: Vec<OwnedFd>,
    on_end: impl FnOnce(ExitStatus) + Send + 'static,
) -> io::Result<Child> {
    if group == Group::Own {
        command.process_group(0);
    }
    die_with_parent(
        &mut command,
        inherited.iter().map(AsRawFd::as_raw_fd).collect(),
    );
    let life = Arc::new(Life::default());
    let keepers_life = Arc::clone(&life);
    let (tell_start, start) = mpsc::sync_channel(1);
    let keeper = thread::Builder::new()
        .name("keeper".into())
        .spawn(move || {
            let spawned = command.spawn();
            // The child has its own copies now. Ours must go, or we would hold
            // the far ends of our own sockets open and never see them close.
            drop(inherited);
            drop(command);
            match spawned {
                Ok(mut child) => {
                    let pipes = (
                        Pid::from_child(&child),
                        child.stdin.take(),
                        child.stdout.take(),
                        child.stderr.take(),
                    );
                    // If nobody listens, the spawning thread is gone and so are we.
                    let _ = tell_start.send(Ok(pipes));
                    let status = keep(child, group, &keepers_life);
                    on_end(status);
                }
                Err(error) => {
                    let _ = tell_start.send(Err(error));
                }
            }
        })?;
    let started = start
        .recv()
        .map_err(|_| io::Error::other("the thread that starts children ended"))?;
    let (pid, stdin, stdout, stderr) = started?;
    Ok(Child {
        stdin,
        stdout,
        stderr,
        pid,
        group,
        life,
        keeper: Some(keeper),
    })
}

/// Waits for the end of `child`, ends what is left of its group, and reaps it.
fn keep(mut child: process::Child, group: Group, life: &Life) -> ExitStatus {
    let pid = Pid::from_child(&child);
    // Only looks: until it is reaped the number cannot go to another process.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), look) {}
    let mut ended = life.ended();
    if group == Group::Own {
        // Fails when nobody is left, which is what we want.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
    // It has ended, so this returns at once. An error would mean that someone
    // else reaped our child; the status is then lost, and not a success.
    let status = child
        .wait()
        .unwrap_or_else(|_| ExitStatus::from_raw(1 << 8));
    *ended = Some(status);
    life.changed.notify_all();
    status
}

impl Child {
    /// Its process id, for messages.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends `signal` to it, and to its group if that is its own. Does
    /// nothing once it has ended.
    pub fn signal(&self, signal: Signal) {
        let ended = self.life.ended();
        if ended.is_none() {
            // Can only fail with "no such process", and that is as good.
            let _ = match self.group {
                Group::Own => rustix::process::kill_process_group(self.pid, signal),
                Group::Ours => rustix::process::kill_process(self.pid, signal),
            };
        }
    }

    /// Waits until it is reaped, but not beyond `deadline`.
    pub fn wait_until(&self, deadline: Instant) -> Option<ExitStatus> {
        let mut ended = self.life.ended();
        loop {
            if ended.is_some() {
                return *ended;
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.life.changed.wait_timeout(ended, left);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until it is reaped, however long that takes.
    pub fn wait(&self) -> ExitStatus {
        let mut ended = self.life.ended();
        loop {
            if let Some(status) = *ended {
                return status;
            }
            ended = self
                .life
                .changed
                .wait(ended)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends it: SIGTERM, `grace`, SIGKILL; returns when it is reaped.
    pub fn end(&mut self, grace: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        if self.wait_until(Instant::now() + grace).is_none() {
            self.signal(Signal::KILL);
        }
        let status = self.wait();
        if let Some(keeper) = self.keeper.take() {
            // A panic in `on_end` was reported by its own thread.
            let _ = keeper.join();
        }
        status
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end(GRACE);
    }
}

fn die_with_parent(command: &mut Command, inherited: Vec<RawFd>) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // If the parent died before the line above, nobody would tell us.
        if rustix::process::getppid() != Some(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        for &descriptor in &inherited {
            // SAFETY: the parent keeps the owners of these descriptors until
            // `spawn` has returned, so they are open in this copy of it.
            let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
            rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty())?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure only makes system calls and
    // reads memory it owns; it neither allocates nor takes a lock.
    unsafe { command.pre_exec(prepare) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    #[test]
    fn the_end_is_reported_once_and_with_its_status() {
        let (tell, told) = mpsc::channel();
        let report = move |status: ExitStatus| tell.send(status.code()).expect("the test waits");
        let child = spawn(shell("exit 33"), Group::Own, Vec::new(), report).expect("sh starts");
        assert_eq!(child.wait().code(), Some(33));
        assert_eq!(told.recv(), Ok(Some(33)));
        assert!(told.recv().is_err(), "reported twice");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = spawn(
            Command::new("/nowhere/qemu"),
            Group::Own,
            Vec::new(),
            |_| (),
        )
        .expect_err("there is none");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_ignores_sigterm_is_killed_with_its_children() {
        // The grandchild holds the pipe: only when it is gone too, it closes.
        let mut child = spawn(
            shell("trap '' TERM; echo up; (trap '' TERM; exec tail -f /dev/null) & wait"),
            Group::Own,
            Vec::new(),
            |_| (),
        )
        .expect("sh starts");
        let mut output = BufReader::new(child.stdout.take().expect("asked for"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a pipe reads");
        assert_eq!(line, "up\n");
        let status = child.end(Duration::from_millis(50));
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).expect("the pipe closed");
    }

    #[test]
    fn dropping_ends_and_reaps_it() {
        let child = spawn(
            shell("exec tail -f /dev/null"),
            Group::Own,
            Vec::new(),
            |_| (),
        )
        .expect("tail starts");
        let pid = child.pid;
        drop(child);
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let error = rustix::process::waitid(WaitId::Pid(pid), look)
            .expect_err("it is no child of ours any more");
        assert_eq!(error, rustix::io::Errno::CHILD);
    }

    #[test]
    fn it_ends_on_a_panic() {
        let pid = std::panic::catch_unwind(|| {
            let child = spawn(
                shell("exec tail -f /dev/null"),
                Group::Own,
                Vec::new(),
                |_| (),
            )
            .expect("tail starts");
            std::panic::panic_any(child.pid)
        })
        .expect_err("it panics")
        .downcast::<Pid>()
        .expect("the pid");
        assert!(
            rustix::process::test_kill_process(*pid).is_err(),
            "it still runs"
        );
    }
}

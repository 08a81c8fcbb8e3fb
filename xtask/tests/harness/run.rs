//! One run of the built tool against a kernel, watched from outside.
//!
//! Every run gives its QEMU a name nobody else uses, so that this test finds
//! its own among all those that may run on the machine.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};
use wait_timeout::ChildExt;
use xtask::tiny::Behaviour;

/// When a test gives up on the tool itself: far beyond every deadline here.
pub(crate) const HOPELESS: Duration = Duration::from_secs(60);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The tool, about to run or running.
pub(crate) struct Run {
    /// The name its QEMU carries.
    pub(crate) marker: String,
    folder: PathBuf,
}

/// What the tool left behind.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
}

impl Run {
    pub(crate) fn new() -> Run {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("exov6-harness-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(&marker);
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Run { marker, folder }
    }

    /// A file of this run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a kernel and returns its path.
    pub(crate) fn kernel(&self, bytes: &[u8]) -> PathBuf {
        let path = self.path("kernel.elf");
        fs::write(&path, bytes).expect("the temporary folder is writable");
        path
    }

    /// `cargo xtask qemu` with these words, on the kernel of this behaviour.
    pub(crate) fn qemu(&self, behaviour: Behaviour, words: &[&str]) -> Command {
        let kernel = self.kernel(&behaviour.elf());
        self.qemu_with(&kernel, words)
    }

    /// The same, on a kernel file that may be anything.
    pub(crate) fn qemu_with(&self, kernel: &std::path::Path, words: &[&str]) -> Command {
        let mut command = self.tool(kernel, words);
        command.args(["--", "-name", &self.marker]);
        command
    }

    /// The same with an emulator that has no names.
    pub(crate) fn bochs(&self, behaviour: Behaviour, words: &[&str]) -> Command {
        let kernel = self.kernel(&behaviour.elf());
        self.tool(&kernel, words)
    }

    /// `cargo xtask gdb` with these words. Its QEMU has no name, but its
    /// kernel is a file of this run.
    pub(crate) fn gdb(&self, behaviour: Behaviour, words: &[&str]) -> Command {
        let kernel = self.kernel(&behaviour.elf());
        let mut command = self.plain_tool();
        command
            .args(["gdb", "--smp", "1", "--kernel"])
            .arg(kernel)
            .args(words);
        command
    }

    fn tool(&self, kernel: &std::path::Path, words: &[&str]) -> Command {
        let mut command = self.plain_tool();
        command.args(["qemu", "--kernel"]).arg(kernel);
        if !words.contains(&"--smp") {
            command.args(["--smp", "1"]);
        }
        command.args(words);
        command
    }

    fn plain_tool(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        // Whoever runs the tests may have settings of their own.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("EXOV6_") {
                command.env_remove(name);
            }
        }
        // Files of its own in a target folder of its own.
        command.env("CARGO_TARGET_DIR", &self.folder);
        command
            .args(["--no-setup", "--color", "never"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn to_its_end(&self, command: Command) -> Ended {
        Watched::start(command).end()
    }

    /// The QEMUs of this run, which should be none or one.
    pub(crate) fn emulators(&self) -> Vec<Pid> {
        let processes = fs::read_dir("/proc").expect("Linux has /proc").flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        numbers
            .filter(|number| self.is_emulator(*number))
            .filter_map(Pid::from_raw)
            .collect()
    }

    fn is_emulator(&self, number: i32) -> bool {
        // Gone since it was listed, or somebody else's: not ours.
        let Ok(line) = fs::read(format!("/proc/{number}/cmdline")) else {
            return false;
        };
        let mut words = line.split(|byte| *byte == 0);
        let program = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        // As its name, or as the folder of its kernel.
        program.contains("qemu-system")
            && words.any(|word| String::from_utf8_lossy(word).contains(&self.marker))
    }

    /// Its one QEMU.
    pub(crate) fn emulator(&self) -> Pid {
        let all = self.emulators();
        assert_eq!(all.len(), 1, "{} has {all:?}", self.marker);
        all[0]
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        // Here, so that no test can forget it.
        if !thread::panicking() {
            assert_eq!(self.emulators(), [], "{} left a QEMU behind", self.marker);
        }
    }
}

/// The tool while it runs.
pub(crate) struct Watched {
    child: Child,
    lines: Receiver<String>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    started: Instant,
}

impl Watched {
    pub(crate) fn start(mut command: Command) -> Watched {
        let started = Instant::now();
        let mut child = command.spawn().expect("the tool was built with this test");
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let stdout = thread::spawn(move || {
            let mut all = String::new();
            for line in stdout.lines().map_while(Result::ok) {
                all.push_str(&line);
                all.push('\n');
                let _ = tell.send(line);
            }
            all
        });
        let mut stderr = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || {
            let mut all = String::new();
            let _ = stderr.read_to_string(&mut all);
            all
        });
        Watched {
            child,
            lines,
            stdout: Some(stdout),
            stderr: Some(stderr),
            started,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the guest.
    pub(crate) fn wait_for_line(&self, wanted: &str) {
        let deadline = Instant::now() + HOPELESS;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self
                .lines
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("`{wanted}` never came"));
            // GRUB clears the screen on the same line.
            if line.trim_end().ends_with(wanted) {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    pub(crate) fn end(mut self) -> Ended {
        let status = self.child.wait_timeout(HOPELESS).expect("a child of ours");
        let Some(status) = status else {
            let _ = self.child.kill();
            let _ = self.child.wait();
            panic!("the tool did not end within {HOPELESS:?}");
        };
        let elapsed = self.started.elapsed();
        let text = |thread: Option<JoinHandle<String>>| {
            thread
                .map(|thread| thread.join().expect("reading a pipe"))
                .unwrap_or_default()
        };
        Ended {
            status,
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
            elapsed,
        }
    }
}

impl Ended {
    /// Checks the exit code, what the message says, and that it took no
    /// longer than `deadline` and a little for a loaded machine.
    pub(crate) fn assert(&self, code: i32, says: &str, deadline: Duration) {
        let shown = format!(
            "{}\n--- stdout\n{}--- stderr\n{}",
            self.status, self.stdout, self.stderr
        );
        assert_eq!(self.status.signal(), None, "{shown}");
        assert_eq!(self.status.code(), Some(code), "{shown}");
        assert!(self.stderr.contains(says), "`{says}` is not in:\n{shown}");
        let most = deadline + Duration::from_secs(3);
        assert!(
            self.elapsed <= most,
            "it took {:?}, more than {most:?}\n{shown}",
            self.elapsed
        );
    }
}

/// Waits until a process has ended, whoever's child it is.
pub(crate) fn wait_for_end_of(process: Pid) {
    let Ok(handle) = rustix::process::pidfd_open(process, PidfdFlags::empty()) else {
        return; // it has ended already
    };
    let mut sources = [PollFd::new(&handle, PollFlags::IN)];
    let limit = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    let ready = rustix::event::poll(&mut sources, Some(&limit)).expect("polling");
    assert_eq!(ready, 1, "process {process:?} still runs");
}

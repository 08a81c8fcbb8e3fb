//! Gives the terminal back even when we are killed with SIGKILL.
//!
//! Owns one shell that waits on a pipe from us. A word through the pipe tells
//! it that all is well; the pipe's end without a word tells it that we died,
//! and then it puts the terminal's old settings back.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A background process may set the terminal only if it ignores SIGTTOU.
const SCRIPT: &str = "trap '' TTOU INT HUP TERM QUIT\n\
                      read word || { stty \"$0\" <&1; echo; echo 'terminal restored'; }";

/// The waiting shell, until this is dropped.
#[derive(Debug)]
pub struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Watches over the terminal at standard input, with its settings of now.
    ///
    /// # Errors
    /// If there is no `stty` or no shell. The terminal is then still given
    /// back by everything but SIGKILL.
    pub fn watch() -> io::Result<Guardian> {
        let terminal = || io::stdin().as_fd().try_clone_to_owned().map(Stdio::from);
        let settings = Command::new("stty")
            .arg("-g")
            .stdin(terminal()?)
            .stderr(Stdio::null())
            .output()?;
        let settings = String::from_utf8_lossy(&settings.stdout).trim().to_owned();
        if settings.is_empty() {
            return Err(io::Error::other("stty says nothing about the terminal"));
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, &settings]);
        command
            .stdin(Stdio::piped())
            .stdout(terminal()?)
            .stderr(Stdio::null());
        // Not in our group, or what kills the group kills it as well.
        command.process_group(0);
        Ok(Guardian {
            shell: command.spawn()?,
        })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // Fails only if somebody ended the shell, and then it does nothing.
            let _ = pipe.write_all(b"well\n");
        }
        let _ = self.shell.wait();
    }
}

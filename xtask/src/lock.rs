//! One folder, one builder at a time, whoever starts them.
//!
//! Owns a lock file in the folder. The kernel forgets the lock when its holder
//! ends, however it ends, so nothing is ever left locked.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};

/// The right to build into a folder, until dropped.
#[derive(Debug)]
pub struct Lock {
    /// Open as long as the lock is held; closing it gives the lock back.
    _file: File,
}

impl Lock {
    /// Waits until nobody else builds into `dir`.
    ///
    /// # Errors
    /// [`Exit::Deadline`](crate::failure::Exit::Deadline) if that takes longer
    /// than the whole command may.
    pub fn take(cx: &Context, dir: &Path) -> Result<Self> {
        let path = dir.join(".exov6-lock");
        let doing = format!("locking {}", path.display());
        std::fs::create_dir_all(dir).doing(&doing)?;
        let file = File::create(&path).doing(&doing)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(Lock { _file: file });
        }
        cx.ui.say("waiting for another build to end");
        let left = cx.remaining()?.unwrap_or(Duration::MAX);
        let (tell, told) = sync_channel(1);
        // A thread waits, for waiting for a lock knows no deadline. If time
        // runs out it is left behind; it ends with the program.
        thread::spawn(move || {
            let locked = flock(&file, FlockOperation::LockExclusive).map(|()| file);
            // Nobody listens any more once time has run out.
            let _ = tell.send(locked);
        });
        match told.recv_timeout(left) {
            Ok(locked) => Ok(Lock {
                _file: locked.doing(&doing)?,
            }),
            Err(RecvTimeoutError::Timeout) => Err(Failure::deadline(format!(
                "another build still held {}",
                path.display()
            ))
            .mend("give more time with --timeout")),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::failed(format!("{doing} failed: its thread ended")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn folder(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("exov6-lock-{name}-{}", std::process::id()))
    }

    #[test]
    fn the_second_waits_for_the_first() {
        let dir = folder("second");
        let first = Lock::take(&Context::of_a_test(None), &dir).expect("nobody else has it");
        let (tell, told) = sync_channel(1);
        let theirs = dir.clone();
        let second = thread::spawn(move || {
            let taken = Lock::take(&Context::of_a_test(None), &theirs);
            tell.send(()).expect("the test waits");
            taken.map(|_| ())
        });
        assert_eq!(
            told.recv_timeout(Duration::from_millis(100)),
            Err(RecvTimeoutError::Timeout),
            "both have it"
        );
        drop(first);
        second.join().expect("no panic").expect("it was given back");
        std::fs::remove_dir_all(&dir).expect("it was made above");
    }

    #[test]
    fn waiting_ends_with_the_deadline() {
        let dir = folder("deadline");
        let _first = Lock::take(&Context::of_a_test(None), &dir).expect("nobody else has it");
        let failure = Lock::take(&Context::of_a_test(Some(Duration::from_millis(50))), &dir)
            .expect_err("it is held");
        assert_eq!(failure.exit, Exit::Deadline, "{failure}");
        std::fs::remove_dir_all(&dir).expect("it was made above");
    }
}

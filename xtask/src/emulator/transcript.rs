//! What an emulator itself says, apart from its guest.
//!
//! Owns the text of one emulator's standard error, or of Bochs' terminal. A
//! thread of its own takes it in, so the emulator never waits for a reader.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::failure::{Doing, Result};

/// The text so far.
#[derive(Debug, Default)]
pub struct Transcript {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    bytes: Vec<u8>,
    readers: usize,
}

impl Transcript {
    /// Takes in everything from `source` until it ends.
    pub fn drain(self: &Arc<Self>, mut source: impl Read + Send + 'static) -> Result<()> {
        self.said().readers += 1;
        let transcript = Arc::clone(self);
        let body = move || {
            let mut buffer = [0; 4096];
            // The far end of a pseudo-terminal closes with an error, which is
            // an end as well.
            while let Ok(length @ 1..) = source.read(&mut buffer) {
                transcript.said().bytes.extend_from_slice(&buffer[..length]);
                transcript.changed.notify_all();
            }
            transcript.said().readers -= 1;
            transcript.changed.notify_all();
        };
        thread::Builder::new()
            .name("transcript".into())
            .spawn(body)
            .doing("starting a thread")?;
        Ok(())
    }

    /// The text so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.said().bytes).replace("\r\n", "\n")
    }

    /// How much there is so far, in bytes.
    pub fn length(&self) -> usize {
        self.said().bytes.len()
    }

    /// Waits until `wanted` comes at or after the byte `from`, and returns the
    /// text between the two. `None` once `deadline` has passed, or when
    /// nothing more can come.
    pub fn wait_for(&self, wanted: &str, from: usize, deadline: Instant) -> Option<String> {
        let mut said = self.said();
        loop {
            let text = String::from_utf8_lossy(said.bytes.get(from..)?).into_owned();
            if let Some(at) = text.find(wanted) {
                return Some(text[..at].to_owned());
            }
            if said.readers == 0 {
                return None;
            }
            said = self.changed(said, deadline)?;
        }
    }

    /// Waits until nothing more can come.
    pub fn wait_for_end(&self, deadline: Instant) {
        let mut said = self.said();
        while said.readers > 0 {
            match self.changed(said, deadline) {
                Some(again) => said = again,
                None => return,
            }
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed<'a>(
        &self,
        said: MutexGuard<'a, Said>,
        deadline: Instant,
    ) -> Option<MutexGuard<'a, Said>> {
        let left = deadline.checked_duration_since(Instant::now())?;
        let waited = self.changed.wait_timeout(said, left);
        Some(waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn everything_is_taken_in_and_found() {
        let transcript = Arc::new(Transcript::default());
        let deadline = Instant::now() + Duration::from_secs(10);
        transcript
            .drain("one\r\ntwo\r\n> ".as_bytes())
            .expect("a thread starts");
        assert_eq!(
            transcript.wait_for("> ", 0, deadline).as_deref(),
            Some("one\r\ntwo\r\n")
        );
        transcript.wait_for_end(deadline);
        assert_eq!(transcript.text(), "one\ntwo\n> ");
        assert_eq!(transcript.wait_for("never", 0, deadline), None);
    }
}

//! The two threads between a session and its guest: one listens, one types.
//!
//! Owns no state of its own. The guest is always listened to, so it never
//! waits for us; what is typed waits in a queue, so we never wait for it.

use std::io::{Read, Write};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;

use crate::failure::{Doing, Result};

/// What comes from the guest.
#[derive(Debug)]
pub enum Said {
    /// These bytes, then.
    Bytes(Instant, Vec<u8>),
    /// Nothing more.
    Nothing,
}

/// Tells of everything the guest says, and writes it to the copies at once.
pub fn listen(
    mut console: Box<dyn Read + Send>,
    mut copies: Vec<Box<dyn Write + Send>>,
    tell: impl Fn(Said) + Send + 'static,
) -> Result<()> {
    let body = move || {
        let mut buffer = [0; 4096];
        // The far end of a pseudo-terminal closes with an error.
        while let Ok(length @ 1..) = console.read(&mut buffer) {
            let at = Instant::now();
            let said = &buffer[..length];
            // A reader that went away gets no more; the run goes on.
            copies.retain_mut(|copy| copy.write_all(said).and_then(|()| copy.flush()).is_ok());
            tell(Said::Bytes(at, said.to_vec()));
        }
        tell(Said::Nothing);
    };
    thread::Builder::new()
        .name("console".into())
        .spawn(body)
        .doing("starting a thread")?;
    Ok(())
}

/// A queue in front of the guest's input, for a guest that does not read must
/// not stop us.
pub fn type_into(mut keyboard: Box<dyn Write + Send>) -> Result<Sender<Vec<u8>>> {
    let (sender, queue) = mpsc::channel::<Vec<u8>>();
    let body = move || {
        for bytes in queue {
            if keyboard
                .write_all(&bytes)
                .and_then(|()| keyboard.flush())
                .is_err()
            {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("keyboard".into())
        .spawn(body)
        .doing("starting a thread")?;
    Ok(sender)
}

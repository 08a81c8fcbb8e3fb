//! What is typed, for tasks that read the console device.
//!
//! Owns the bytes that nobody has read, and the requests that wait for some.
//! Called by the monitor, which has the keyboard until a task opens the device,
//! and by the routines.
//!
//! **Invariants**: there are readers only while there are no bytes, as
//! `take_or_wait` and `typed` leave it.

use alloc::collections::VecDeque;

use crate::ipc::Request;
use crate::sync::{TaskLock, rank};

/// Bytes that are kept for readers to come.
const TYPED_AHEAD: usize = 256;
/// Requests that wait at most: what a task can make the kernel keep.
const MOST_READERS: usize = 64;

/// A request for input.
pub(crate) struct Reader {
    pub(crate) request: Request,
    /// Bytes that it wants at most; not none.
    pub(crate) wanted: usize,
    pub(crate) form: Form,
}

/// How its answer carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    InLine,
    OutOfLine,
}

/// Bytes for a reader.
pub(crate) struct Input {
    bytes: [u8; TYPED_AHEAD],
    count: usize,
}

impl Input {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

struct Terminal {
    typed: VecDeque<u8>,
    readers: VecDeque<Reader>,
    /// How often it was opened and not closed.
    opens: u32,
}

static TERMINAL: TaskLock<rank::Terminal, Terminal> = TaskLock::new(Terminal {
    typed: VecDeque::new(),
    readers: VecDeque::new(),
    opens: 0,
});

/// A task opens it: what is typed goes to its readers from now on. Tells whether
/// there is memory for that.
pub(crate) fn open() -> bool {
    let mut terminal = TERMINAL.lock();
    // Once and for all: after this neither grows.
    let has_room = terminal.typed.try_reserve_exact(TYPED_AHEAD).is_ok()
        && terminal.readers.try_reserve_exact(MOST_READERS).is_ok();
    if has_room {
        terminal.opens = terminal.opens.saturating_add(1);
    }
    has_room
}

/// A task closes it.
pub(crate) fn close() {
    let mut terminal = TERMINAL.lock();
    terminal.opens = terminal.opens.saturating_sub(1);
}

/// Whether tasks have it open.
pub(crate) fn is_open() -> bool {
    TERMINAL.lock().opens > 0
}

/// A byte was typed. The reader that it ends the wait of is given back with it;
/// a byte too many is lost.
pub(crate) fn typed(byte: u8) -> Option<(Reader, Input)> {
    let mut terminal = TERMINAL.lock();
    if let Some(reader) = terminal.readers.pop_front() {
        let mut bytes = [0; TYPED_AHEAD];
        bytes[0] = byte;
        return Some((reader, Input { bytes, count: 1 }));
    }
    if terminal.typed.len() < TYPED_AHEAD && terminal.typed.capacity() >= TYPED_AHEAD {
        terminal.typed.push_back(byte);
    }
    None
}

/// Takes what has been typed, for the reader that is given back with it, or lets
/// that wait.
///
/// # Errors
///
/// Too many wait already: the reader.
pub(crate) fn take_or_wait(reader: Reader) -> Result<Option<(Reader, Input)>, Reader> {
    let mut terminal = TERMINAL.lock();
    let count = reader.wanted.min(terminal.typed.len());
    if count > 0 {
        return Ok(Some((reader, terminal.take(count))));
    }
    if terminal.readers.len() >= MOST_READERS.min(terminal.readers.capacity()) {
        return Err(reader);
    }
    terminal.readers.push_back(reader);
    Ok(None)
}

/// Takes up to `wanted` bytes of what has been typed.
pub(crate) fn take(wanted: usize) -> Input {
    let mut terminal = TERMINAL.lock();
    let count = wanted.min(terminal.typed.len());
    terminal.take(count)
}

impl Terminal {
    fn take(&mut self, count: usize) -> Input {
        let mut bytes = [0; TYPED_AHEAD];
        for (place, byte) in bytes.iter_mut().zip(self.typed.drain(..count)) {
            *place = byte;
        }
        Input { bytes, count }
    }
}

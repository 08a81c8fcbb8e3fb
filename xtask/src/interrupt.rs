//! SIGINT, SIGTERM and SIGHUP, turned into an orderly end.
//!
//! Owns the signal handlers of this process. Whoever runs a child subscribes
//! for as long as the child lives; a signal then reaches every subscriber and
//! each ends its own child. With no subscriber the signal acts as if nobody
//! had caught it, after the terminal was given back.
//!
//! **Invariants:** a signal is never lost: it reaches a subscriber, or ends
//! the process, or is a debugger's; else, and [`received`] tells of it from then on.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Doing, Failure, Result};

type Listener = Box<dyn Fn(i32) + Send>;

/// 0 as long as no signal came.
static RECEIVED: AtomicI32 = AtomicI32::new(0);
static NEXT_ID: AtomicU64 = AtomicU64::new(0);
static LISTENERS: Mutex<Vec<(u64, Listener)>> = Mutex::new(Vec::new());
static WATCHING: OnceLock<Result<()>> = OnceLock::new();

/// How many debuggers want SIGINT for themselves.
static DEBUGGERS: AtomicU64 = AtomicU64::new(0);

/// Leaving SIGINT to a debugger that shares our terminal, until this is
/// dropped: there Ctrl-C stops the guest, not us.
#[derive(Debug)]
#[must_use = "dropping it takes SIGINT back"]
pub struct LeftToDebugger(());

impl LeftToDebugger {
    /// From now on.
    pub fn now() -> Self {
        DEBUGGERS.fetch_add(1, Ordering::SeqCst);
        LeftToDebugger(())
    }
}

impl Drop for LeftToDebugger {
    fn drop(&mut self) {
        DEBUGGERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Being told of signals, until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it unsubscribes"]
pub struct Subscription {
    id: u64,
}

/// Calls `listener` with the number of every signal that asks us to end.
///
/// Fails if a signal came before: the work must not begin any more.
pub fn subscribe(listener: impl Fn(i32) + Send + 'static) -> Result<Subscription> {
    WATCHING.get_or_init(watch).clone()?;
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let mut listeners = listeners();
    // Under the lock, so that a signal is either seen here or told to us.
    if let Some(signal) = received() {
        return Err(failure(signal));
    }
    listeners.push((id, Box::new(listener)));
    Ok(Subscription { id })
}

/// The signal that asked us to end, if one did.
pub fn received() -> Option<i32> {
    match RECEIVED.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(signal),
    }
}

/// What a command returns after it ended everything because of `signal`.
pub fn failure(signal: i32) -> Failure {
    Failure::interrupted(format!(
        "interrupted by {}; everything it had started is ended",
        name(signal)
    ))
}

/// The name of a signal, for messages.
pub fn name(signal: i32) -> String {
    match signal_hook::low_level::signal_name(signal) {
        Some(name) => name.to_owned(),
        None => format!("signal {signal}"),
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        listeners().retain(|(id, _)| *id != self.id);
    }
}

fn listeners() -> MutexGuard<'static, Vec<(u64, Listener)>> {
    // A listener that panicked leaves the list itself whole.
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() -> Result<()> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).doing("installing the signal handlers")?;
    let body = move || {
        for signal in signals.forever() {
            tell(signal);
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(body)
        .doing("starting the signal thread")?;
    Ok(())
}

fn tell(signal: i32) {
    if signal == SIGINT && DEBUGGERS.load(Ordering::SeqCst) > 0 {
        return;
    }
    let listeners = listeners();
    RECEIVED.store(signal, Ordering::SeqCst);
    if listeners.is_empty() {
        drop(listeners);
        crate::emulator::terminal::give_back();
        // Only fails for signals it does not know; ours have a default.
        if signal_hook::low_level::emulate_default_handler(signal).is_err() {
            std::process::exit(128 + signal);
        }
        return;
    }
    for (_, listener) in listeners.iter() {
        listener(signal);
    }
}

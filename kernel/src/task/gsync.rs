//! Threads that wait at a word of memory until another wakes them.
//!
//! Owns who waits where: `gsync_wait`, `gsync_wake` and `gsync_requeue` of
//! `mach/gnumach.defs`. A table of short lists; each thread that waits has one
//! entry, which is its own: others take it off its list, nobody else frees it.
//! What the interface leaves open is as the reference kernel was seen to do.
//!
//! **Invariants**: an entry is on the list of its `word` exactly while it has a
//! `thread`.

use kernel_core::arena::{Arena, Handle};
use kernel_core::vm::map::MapError;

use crate::arch::pit::TICKS_PER_SECOND;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, Wake};
use crate::sync::{TaskLock, rank};
use crate::vm::space::Space;
use crate::vm::word::{Scope, Word};

/// Lists in the table.
const LISTS: usize = 64;
const TICK_MS: u32 = 1000 / TICKS_PER_SECOND;
/// Threads woken or moved before others have their turn.
const AT_ONCE: u32 = 32;

/// What a thread expects where it wants to wait, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// Where the word is.
    pub(crate) address: u32,
    /// What it holds.
    pub(crate) value: u32,
    /// What the one behind it holds, if it matters.
    pub(crate) second: Option<u32>,
    /// Who else means the same word.
    pub(crate) scope: Scope,
    /// At most; none is for ever.
    pub(crate) milliseconds: Option<u32>,
}

/// Why a wait was none, or ended without being woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwoken {
    /// No such word.
    Bad(MapError),
    /// It holds something else.
    Differs,
    /// It took too long.
    TimedOut,
    /// Somebody interrupted it.
    Interrupted,
}

impl From<MapError> for Unwoken {
    fn from(error: MapError) -> Unwoken {
        Unwoken::Bad(error)
    }
}

/// How many of those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Many {
    /// Who has waited longest.
    One,
    /// Everyone.
    All,
}

/// What comes before threads are made to wait elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Nothing,
    /// Who has waited longest is woken.
    WakeOne,
}

struct Entry {
    word: Word,
    thread: Option<Shared<Thread>>,
    next: Option<Handle<Entry>>,
    /// Those that came before have a lower one.
    number: u64,
}

/// One list: the oldest first.
#[derive(Clone, Copy)]
struct List {
    first: Option<Handle<Entry>>,
    last: Option<Handle<Entry>>,
}

struct Waiters {
    entries: Arena<Entry>,
    lists: [List; LISTS],
    /// How many there have been.
    number: u64,
}

static WAITERS: TaskLock<rank::Words, Waiters> = TaskLock::new(Waiters {
    entries: Arena::new(),
    lists: [List {
        first: None,
        last: None,
    }; LISTS],
    number: 0,
});

/// Waits until the thread is woken, if the word holds what it is to.
pub(crate) fn wait(space: &Space, wait: Wait) -> Result<(), Unwoken> {
    let word = space.identify(wait.address, wait.scope)?;
    let second = match wait.second {
        Some(second) => {
            let behind = wait.address.checked_add(size_of::<u32>() as u32);
            Some((behind.ok_or(MapError::InvalidAddress)?, second))
        }
        None => None,
    };
    let words = [Some((wait.address, wait.value)), second];
    let own = loop {
        for (address, value) in words.into_iter().flatten() {
            // Its pager may have to be waited for: without the lock.
            if space.word(address)? != value {
                return Err(Unwoken::Differs);
            }
        }
        let mut waiters = WAITERS.lock();
        // Under the lock: whoever changes it wakes afterwards.
        let mut is_there = true;
        for (address, value) in words.into_iter().flatten() {
            match space.resident_word(address)? {
                Some(word) if word != value => return Err(Unwoken::Differs),
                Some(_) => {}
                None => is_there = false,
            }
        }
        if is_there {
            break waiters.join(word)?;
        }
    };
    let why = match wait.milliseconds {
        Some(time) => sched::block_for(time.div_ceil(TICK_MS)),
        None => sched::block(),
    };
    let entry = {
        let mut waiters = WAITERS.lock();
        waiters.unlink(own);
        waiters.entries.remove(own)
    };
    drop(entry);
    match why {
        Wake::Event | Wake::Mail => Ok(()),
        Wake::TimedOut => Err(Unwoken::TimedOut),
        Wake::Interrupted => Err(Unwoken::Interrupted),
    }
}

/// Wakes threads at a word, which holds `value` before, if any is given; tells
/// whether any waited.
pub(crate) fn wake(
    space: &Space,
    address: u32,
    scope: Scope,
    many: Many,
    value: Option<u32>,
) -> Result<bool, MapError> {
    let word = space.identify(address, scope)?;
    if let Some(value) = value {
        space.set_word(address, value)?;
    }
    Ok(each(many, |waiters, before| waiters.wake_one(word, before)) > 0)
}

/// Makes threads at one word wait at another.
pub(crate) fn requeue(
    space: &Space,
    (from, to): (u32, u32),
    scope: Scope,
    first: First,
    many: Many,
) -> Result<(), MapError> {
    let from = space.identify(from, scope)?;
    let to = space.identify(to, scope)?;
    if first == First::WakeOne {
        each(Many::One, |waiters, before| waiters.wake_one(from, before));
    }
    if from != to {
        each(many, |waiters, before| waiters.move_one(from, to, before));
    }
    Ok(())
}

/// Does `one` for one of those who wait already, or for each of them until it
/// finds none; how often it did. Whoever comes later has looked at the word later.
fn each(many: Many, one: impl Fn(&mut Waiters, u64) -> bool) -> u32 {
    let mut before = None;
    let mut done = 0;
    loop {
        {
            let mut waiters = WAITERS.lock();
            let before = *before.get_or_insert(waiters.number);
            for _ in 0..AT_ONCE {
                if !one(&mut waiters, before) {
                    return done;
                }
                done += 1;
                if many == Many::One {
                    return done;
                }
            }
        }
        sched::pause_if_turn_is_over();
    }
}

impl Word {
    fn list(self) -> usize {
        let (high, low) = match self {
            Word::Own { pmap, address } => (pmap / 64, address),
            Word::Shared { cell, offset } => (cell as usize, offset),
            Word::Managed { object, offset } => (object as usize, offset),
        };
        (high ^ (low / 4) as usize ^ (low >> 12) as usize) % LISTS
    }
}

impl Waiters {
    /// The thread that calls will wait at `word`.
    fn join(&mut self, word: Word) -> Result<Handle<Entry>, MapError> {
        let own = self.entries.insert(Entry {
            word,
            thread: sched::with_current(Shared::clone),
            next: None,
            number: self.number,
        });
        let own = own.map_err(|_| MapError::ResourceShortage)?;
        self.number += 1;
        sched::assert_interruptible_wait();
        self.append(own);
        Ok(own)
    }

    /// Puts an entry on the list of its word.
    fn append(&mut self, own: Handle<Entry>) {
        let Some(entry) = self.entries.at(own) else {
            return;
        };
        let list = entry.word.list();
        match self.lists[list].last.replace(own) {
            None => self.lists[list].first = Some(own),
            Some(last) => {
                if let Some(last) = self.entries.at_mut(last) {
                    last.next = Some(own);
                }
            }
        }
    }

    /// Takes an entry off its list, if it is on one, and its thread out.
    fn unlink(&mut self, own: Handle<Entry>) -> Option<Shared<Thread>> {
        let entry = self.entries.at_mut(own)?;
        let thread = entry.thread.take()?;
        let (list, next) = (entry.word.list(), entry.next.take());
        let mut before = None;
        let mut at = self.lists[list].first?;
        while at != own {
            before = Some(at);
            at = self.entries.at(at)?.next?;
        }
        match before.and_then(|before| self.entries.at_mut(before)) {
            Some(before) => before.next = next,
            None => self.lists[list].first = next,
        }
        if self.lists[list].last == Some(own) {
            self.lists[list].last = before;
        }
        Some(thread)
    }

    /// The oldest that waits at `word`, if it came before `number`.
    fn oldest(&self, word: Word, number: u64) -> Option<Handle<Entry>> {
        let mut at = self.lists[word.list()].first;
        loop {
            let handle = at?;
            let entry = self.entries.at(handle)?;
            if entry.word == word && entry.number < number {
                return Some(handle);
            }
            at = entry.next;
        }
    }

    fn wake_one(&mut self, word: Word, number: u64) -> bool {
        while let Some(oldest) = self.oldest(word, number) {
            let thread = self.unlink(oldest);
            // One that is already woken for another reason does not count. Never
            // the last owner: a thread that waits holds itself.
            if thread.is_some_and(|thread| sched::wake(&thread, Wake::Event)) {
                return true;
            }
        }
        false
    }

    fn move_one(&mut self, from: Word, to: Word, number: u64) -> bool {
        let Some(oldest) = self.oldest(from, number) else {
            return false;
        };
        let thread = self.unlink(oldest);
        if let Some(entry) = self.entries.at_mut(oldest) {
            entry.word = to;
            entry.thread = thread;
        }
        self.append(oldest);
        true
    }
}

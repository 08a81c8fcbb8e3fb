//! Objects that pagers supply, with a pager that answers as it is told to.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::vm::ledger::{Ask, Return, Strategy};
use kernel_core::vm::map::{Attributes, Inheritance, MapError, Place, Protection};
use spin::Once;

use crate::ktest::case;
use crate::mm::heap::try_box;
use crate::mm::shared::{Any, Shared};
use crate::sched;
use crate::sync::{TaskLock, rank};
use crate::vm::copy::{After, Copy};
use crate::vm::fault::Touch;
use crate::vm::managed::{self, Answer, Given, Id, Kept, Manager, NotAsked, Reference, Stopped};
use crate::vm::space::{Mapped, Space};
use crate::vm::{self, Counts};

/// What the pager does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Supplies pages that begin with their number plus 100.
    Supplies,
    /// The same, locked against writing.
    Locks,
    /// Has none.
    IsEmpty,
    /// Cannot.
    Fails,
    /// Supplies another page, and then cannot.
    Lies,
    /// Is no more.
    IsGone,
    /// Cannot be told.
    HasNoMemory,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Heard {
    asked: u32,
    unlocks: u32,
    dirty: u32,
    clean: u32,
    /// First word of the page that came back last.
    word: u32,
    ended: u32,
}

struct Pager {
    manner: Manner,
    id: Once<Id>,
    heard: TaskLock<rank::MemoryObject, Heard>,
}

struct Handle(Shared<Pager>);

impl Manager for Handle {
    fn ask(&self, offset: u32, ask: Ask) -> Result<(), NotAsked> {
        let pager = &*self.0;
        let page = offset / PAGE_SIZE;
        let id = *pager.id.get().expect("it was made");
        {
            let mut heard = pager.heard.lock();
            match ask {
                Ask::Data(_) => heard.asked += 1,
                Ask::Unlock(_) => heard.unlocks += 1,
            }
        }
        if let Ask::Unlock(_) = ask {
            lock(
                id,
                page,
                page + 1,
                (Return::None, Kept::Copy, Some(Protection::NONE)),
            );
            return Ok(());
        }
        let supply = |page: u32, locked| {
            let data = Copy::from_bytes(&(page.wrapping_add(100)).to_le_bytes().repeat(1024));
            let data = data.expect("there is memory");
            managed::supply(id, page, &data, locked, false)
        };
        match pager.manner {
            Manner::Supplies => {
                assert_eq!(supply(page, Protection::NONE), Ok(()));
                assert_eq!(supply(page, Protection::NONE), Err(Stopped::Present(page)));
            }
            Manner::Locks => assert_eq!(supply(page, Protection::WRITE), Ok(())),
            Manner::IsEmpty => managed::answer(id, 0, page + 9, Answer::Unavailable),
            Manner::Fails => managed::answer(id, page, page + 1, Answer::Error),
            Manner::Lies => {
                assert_eq!(supply(page + 1, Protection::NONE), Ok(()));
                assert_eq!(supply(u32::MAX - 1, Protection::NONE), Err(Stopped::Failed));
                lock(
                    id,
                    0,
                    u32::MAX,
                    (Return::All, Kept::Nothing, Some(Protection::ALL)),
                );
                managed::answer(id, 0, u32::MAX, Answer::Error);
            }
            Manner::IsGone => return Err(NotAsked::Gone),
            Manner::HasNoMemory => return Err(NotAsked::Shortage),
        }
        Ok(())
    }

    fn give_back(&self, _: u32, data: Copy, given: Given) -> Result<(), NotAsked> {
        let mut word = [0; 4];
        data.read(0, &mut word).expect("it is there");
        let mut heard = self.0.heard.lock();
        heard.word = u32::from_le_bytes(word);
        match given.dirty {
            true => heard.dirty += data.size() / PAGE_SIZE,
            false => heard.clean += data.size() / PAGE_SIZE,
        }
        Ok(())
    }

    fn manages(&self, id: Id) {
        self.0.id.call_once(|| id);
    }

    fn terminate(&self) {
        self.0.heard.lock().ended += 1;
    }

    fn upper(&self) -> Shared<Any> {
        self.0.clone().into_any()
    }
}

fn lock(
    id: Id,
    first: u32,
    end: u32,
    (returns, keeps, locked): (Return, Kept, Option<Protection>),
) {
    let request = managed::Request {
        returns,
        keeps,
        locked,
    };
    managed::lock(id, first, end, request);
}

impl Pager {
    fn new(manner: Manner, strategy: Strategy) -> (Shared<Pager>, Reference) {
        let pager = Shared::try_new(Pager {
            manner,
            id: Once::new(),
            heard: TaskLock::new(Heard::default()),
        });
        let pager = pager.expect("there is memory");
        let manager: Box<dyn Manager> = try_box(Handle(pager.clone())).expect("there is memory");
        let manager = Shared::try_new(manager).expect("there is memory");
        let (id, reference) = managed::create(&manager).expect("there is memory");
        pager.id.call_once(|| id);
        managed::set_attributes(id, false, strategy);
        (pager, reference)
    }

    fn id(&self) -> Id {
        *self.id.get().expect("it was made")
    }

    fn heard(&self) -> Heard {
        *self.heard.lock()
    }
}

fn map(space: &Space, object: &Reference, first: u32, mapped: Mapped) -> u32 {
    let place = Place::Anywhere {
        from: PAGE_SIZE,
        mask: 0,
    };
    let made = space.map(
        place,
        4 * PAGE_SIZE,
        Attributes::ALLOCATED,
        (object, first),
        mapped,
    );
    made.expect("there is room")
}

fn read(space: &Space, address: u32) -> Result<u32, MapError> {
    space.touch(VirtAddr::new(address), Touch::Read, &mut Counts::default())?;
    let copy = space.capture(address, 4, After::Keep)?;
    let mut bytes = [0; 4];
    copy.read(0, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn write(space: &Space, address: u32, word: u32) -> Result<(), MapError> {
    space.touch(VirtAddr::new(address), Touch::Write, &mut Counts::default())?;
    space.fill(VirtAddr::new(address), &word.to_le_bytes())
}

/// What `does` leaves, nothing but the kernel's own thread has to clear away.
fn leaves_nothing(does: impl FnOnce()) {
    static TURNS: AtomicU32 = AtomicU32::new(0);
    let before = (vm::objects(), vm::counts().0);
    does();
    TURNS.store(0, Ordering::Relaxed);
    while (vm::objects(), vm::counts().0) != before {
        assert!(
            TURNS.fetch_add(1, Ordering::Relaxed) < 1000,
            "{:?}",
            vm::objects()
        );
        sched::assert_wait();
        sched::block_for(1);
    }
}

const PAGE: u32 = PAGE_SIZE;

case! {
    fn are_asked_once_and_shared() {
        leaves_nothing(|| {
            let (one, other) = (Space::new().expect("memory"), Space::new().expect("memory"));
            let (pager, object) = Pager::new(Manner::Supplies, Strategy::Delay);
            let (here, there) = (map(&one, &object, 0, Mapped::Itself), map(&other, &object, 1, Mapped::Itself));
            drop(object);
            assert_eq!(read(&one, here + PAGE), Ok(101));
            assert_eq!(read(&other, there), Ok(101));
            assert_eq!(write(&other, there, 7), Ok(()));
            assert_eq!(read(&one, here + PAGE), Ok(7));
            assert_eq!(pager.heard(), Heard { asked: 1, ..Heard::default() });
            drop(one);
            assert_eq!(write(&other, there + PAGE, 8), Ok(()));
            drop(other);
            while pager.heard().ended == 0 {
                sched::yield_now();
            }
            assert_eq!(pager.heard(), Heard { asked: 2, dirty: 2, ended: 1, word: 7, ..Heard::default() });
        });
    }

    fn return_what_was_written() {
        leaves_nothing(|| {
            let space = Space::new().expect("memory");
            let (pager, object) = Pager::new(Manner::Supplies, Strategy::Delay);
            let at = map(&space, &object, 0, Mapped::Itself);
            for page in 0..4 {
                assert_eq!(read(&space, at + page * PAGE), Ok(100 + page));
            }
            for page in [1, 2] {
                assert_eq!(write(&space, at + page * PAGE, page), Ok(()));
            }
            let all = |request| lock(pager.id(), 0, 100, request);
            all((Return::Dirty, Kept::Copy, None));
            assert_eq!((pager.heard().dirty, pager.heard().word), (2, 1));
            all((Return::Dirty, Kept::Copy, None));
            assert_eq!(pager.heard().dirty, 2);
            // It is noticed that it was written to again.
            assert_eq!(write(&space, at + PAGE, 5), Ok(()));
            all((Return::Dirty, Kept::Nothing, None));
            assert_eq!((pager.heard().dirty, pager.heard().word), (3, 5));
            assert_eq!(pager.heard().asked, 4);
            assert_eq!(read(&space, at + PAGE), Ok(101));
            assert_eq!(pager.heard().asked, 5);
        });
    }

    fn lock_against_writing() {
        leaves_nothing(|| {
            let space = Space::new().expect("memory");
            let (pager, object) = Pager::new(Manner::Locks, Strategy::Delay);
            let at = map(&space, &object, 0, Mapped::Itself);
            assert_eq!(read(&space, at), Ok(100));
            assert_eq!(pager.heard().unlocks, 0);
            assert_eq!(write(&space, at, 1), Ok(()));
            assert_eq!(pager.heard().unlocks, 1);
            lock(pager.id(), 0, 1, (Return::None, Kept::Copy, Some(Protection::ALL)));
            assert_eq!(read(&space, at), Ok(1));
            assert_eq!(pager.heard().unlocks, 2);
        });
    }

    fn have_nothing_or_cannot_or_lie_or_are_gone() {
        for (manner, expected) in [
            (Manner::IsEmpty, Ok(0)),
            (Manner::Fails, Err(MapError::MemoryError)),
            (Manner::Lies, Err(MapError::MemoryError)),
            (Manner::IsGone, Err(MapError::MemoryError)),
            (Manner::HasNoMemory, Err(MapError::MemoryError)),
        ] {
            leaves_nothing(|| {
                let space = Space::new().expect("memory");
                let (_, object) = Pager::new(manner, Strategy::Delay);
                let at = map(&space, &object, 3, Mapped::Itself);
                for page in 0..4 {
                    assert_eq!(read(&space, at + page * PAGE), expected, "{manner:?}");
                }
            });
        }
    }

    /// What is copied shows what was, whoever writes then.
    fn are_copied_when_somebody_writes() {
        for strategy in [Strategy::Delay, Strategy::None] {
            leaves_nothing(|| {
                let (one, other) = (Space::new().expect("memory"), Space::new().expect("memory"));
                let (_, object) = Pager::new(Manner::Supplies, strategy);
                let at = map(&one, &object, 0, Mapped::Itself);
                assert_eq!(write(&one, at, 1), Ok(()));
                let copy = one.capture(at, 4 * PAGE, After::Keep).expect("memory");
                assert_eq!(write(&one, at, 2), Ok(()));
                assert_eq!(write(&one, at + PAGE, 3), Ok(()));
                let there = other.place(copy).map_err(|(error, _)| error).expect("room");
                assert_eq!(read(&other, there), Ok(1));
                assert_eq!(write(&other, there + 2 * PAGE, 9), Ok(()));
                for (page, word) in [(0, 1), (1, 101), (2, 9), (3, 103)] {
                    assert_eq!(read(&other, there + page * PAGE), Ok(word));
                }
                for (page, word) in [(0, 2), (1, 3), (2, 102)] {
                    assert_eq!(read(&one, at + page * PAGE), Ok(word));
                }
            });
        }
    }

    fn are_inherited() {
        for strategy in [Strategy::Delay, Strategy::None] {
            leaves_nothing(|| {
                let parent = Space::new().expect("memory");
                let (_, object) = Pager::new(Manner::Supplies, strategy);
                let at = map(&parent, &object, 0, Mapped::Itself);
                assert_eq!(write(&parent, at, 1), Ok(()));
                let copied = parent.fork().expect("memory");
                assert_eq!(parent.inherit(at, 4 * PAGE, Inheritance::Share), Ok(()));
                let shared = parent.fork().expect("memory");
                assert_eq!(write(&parent, at, 2), Ok(()));
                assert_eq!(write(&copied, at + PAGE, 3), Ok(()));
                assert_eq!(write(&shared, at + 2 * PAGE, 4), Ok(()));
                assert_eq!((read(&copied, at), read(&shared, at)), (Ok(1), Ok(2)));
                assert_eq!((read(&copied, at + PAGE), read(&shared, at + PAGE)), (Ok(3), Ok(101)));
                assert_eq!((read(&copied, at + 2 * PAGE), read(&parent, at + 2 * PAGE)), (Ok(102), Ok(4)));
            });
        }
    }

    fn are_mapped_as_a_copy() {
        leaves_nothing(|| {
            let space = Space::new().expect("memory");
            let (pager, object) = Pager::new(Manner::Supplies, Strategy::Delay);
            let itself = map(&space, &object, 0, Mapped::Itself);
            let copy = map(&space, &object, 0, Mapped::Copy);
            assert_eq!(write(&space, copy, 1), Ok(()));
            assert_eq!(write(&space, itself + PAGE, 2), Ok(()));
            assert_eq!((read(&space, itself), read(&space, copy)), (Ok(100), Ok(1)));
            assert_eq!(read(&space, copy + PAGE), Ok(101));
            lock(pager.id(), 0, 9, (Return::Dirty, Kept::Nothing, None));
            assert_eq!(pager.heard().dirty, 1);
            assert_eq!(read(&space, copy), Ok(1));
        });
    }

    /// An object that may stay does, and is found again.
    fn are_kept_as_long_as_they_like() {
        leaves_nothing(|| {
            let space = Space::new().expect("memory");
            let (pager, object) = Pager::new(Manner::Supplies, Strategy::Delay);
            managed::set_attributes(pager.id(), true, Strategy::Delay);
            let at = map(&space, &object, 0, Mapped::Itself);
            assert_eq!(write(&space, at, 1), Ok(()));
            drop(object);
            drop(space);
            sched::assert_wait();
            sched::block_for(2);
            assert_eq!(pager.heard().ended, 0);
            let object = managed::refer(pager.id()).expect("it is there");
            let space = Space::new().expect("memory");
            let at = map(&space, &object, 0, Mapped::Itself);
            assert_eq!(read(&space, at), Ok(1));
            drop(object);
            drop(space);
            managed::set_attributes(pager.id(), false, Strategy::Delay);
            while pager.heard().ended == 0 {
                sched::yield_now();
            }
            assert!(managed::refer(pager.id()).is_none());
        });
    }

    fn are_no_more() {
        leaves_nothing(|| {
            let space = Space::new().expect("memory");
            let (pager, object) = Pager::new(Manner::Locks, Strategy::Delay);
            let at = map(&space, &object, 0, Mapped::Itself);
            assert_eq!(read(&space, at), Ok(100));
            managed::end(pager.id());
            assert_eq!(write(&space, at, 5), Ok(()));
            assert_eq!(read(&space, at), Ok(5));
            assert_eq!(read(&space, at + PAGE), Err(MapError::MemoryError));
            assert_eq!(pager.heard().unlocks, 0);
        });
    }
}

//! The page with the time, as tasks map it.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::vm::map::{Attributes, Inheritance, Limit, MapError, Place, Protection};

use crate::device::time;
use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched;
use crate::time::clock;
use crate::vm::copy::After;
use crate::vm::published::Published;
use crate::vm::space::Space;

const ANYWHERE: Place = Place::Anywhere {
    from: PAGE_SIZE,
    mask: 0,
};

fn page() -> Shared<Published> {
    let object = time::memory_object().object();
    let page = object.and_then(|object| object.downcast());
    page.expect("it stands for the page")
}

fn mapped(space: &Space) -> u32 {
    let at = space.map_published(ANYWHERE, PAGE_SIZE, Attributes::ALLOCATED, (&page(), 0));
    at.expect("there is room")
}

case! {
    fn shows_the_time() {
        let space = Space::new().expect("there is memory");
        let at = mapped(&space);
        let before = clock::now().1 / 1_000_000_000;
        let (seconds, check) = (space.word(at), space.word(at + 8));
        assert_eq!(seconds, check);
        let shown = i64::from(seconds.expect("it is mapped"));
        assert!((before - 1..=before + 1).contains(&shown));
        // Of the uptime, in nanoseconds.
        let first = space.word(at + 44);
        while space.word(at + 44) == first {
            sched::assert_wait();
            sched::block_for(1);
        }
    }

    fn is_for_reading() {
        let space = Space::new().expect("there is memory");
        let at = mapped(&space);
        let refused = Err(MapError::ProtectionFailure);
        assert_eq!(space.set_word(at, 1), refused);
        let protected = space.protect(at, PAGE_SIZE, Limit::Current, Protection::DEFAULT);
        assert_eq!(protected, refused);
        for (size, offset) in [(2 * PAGE_SIZE, 0), (PAGE_SIZE, PAGE_SIZE), (PAGE_SIZE, 1)] {
            let more = (&*page(), offset);
            let beyond = space.map_published(ANYWHERE, size, Attributes::ALLOCATED, more);
            assert_eq!(beyond, Err(MapError::InvalidArgument));
        }
    }

    /// Who gets a copy may write to that, and to nothing else; the page outlives all
    /// who map it.
    fn is_copied_by_who_writes() {
        for inheritance in [Inheritance::Copy, Inheritance::Share] {
            let space = Space::new().expect("there is memory");
            let at = mapped(&space);
            assert_eq!(space.inherit(at, PAGE_SIZE, inheritance), Ok(()));
            let child = space.fork().expect("there is memory");
            assert_eq!(child.set_word(at, 1), Err(MapError::ProtectionFailure));
            assert!(child.word(at).is_ok_and(|seconds| seconds != 1));
            let copy = space.capture(at, PAGE_SIZE, After::Deallocate);
            let Ok(got) = child.place(copy.expect("there is memory")) else {
                panic!("there is room");
            };
            assert_eq!(child.set_word(got, 1), Ok(()));
            assert_eq!(child.word(got), Ok(1));
            assert!(child.word(at).is_ok_and(|seconds| seconds != 1));
            assert_eq!(space.frame(VirtAddr::new(at)), None);
        }
        let space = Space::new().expect("there is memory");
        let at = mapped(&space);
        assert!(space.word(at).is_ok_and(|seconds| seconds != 1));
    }
}

//! The memory of tasks: made when touched, given back when it goes.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::vm::map::{Inheritance, Limit, MapError, Protection};

use crate::ktest::case;
use crate::mm;
use crate::vm::copy::{After, Copy};
use crate::vm::fault::Touch;
use crate::vm::space::{Space, USER_END};
use crate::vm::{self, Counts};

fn space() -> Space {
    Space::new().expect("there is memory")
}

/// What is at `address`, as a receiver would see it.
fn word(space: &Space, address: u32) -> u32 {
    let copy = space.capture(address, 4, After::Keep).expect("it is there");
    let mut bytes = [0; 4];
    copy.read(0, &mut bytes).expect("it is within reach");
    u32::from_le_bytes(bytes)
}

fn write(space: &Space, address: u32, word: u32) {
    let written = space.fill(VirtAddr::new(address), &word.to_le_bytes());
    assert_eq!(written, Ok(()));
}

fn allocate(space: &Space, pages: u32) -> u32 {
    space
        .allocate_anywhere(pages * PAGE_SIZE)
        .expect("there is room")
}

fn touch(space: &Space, address: u32, how: Touch) -> Result<(), MapError> {
    space.touch(VirtAddr::new(address), how, &mut Counts::default())
}

case! {
    fn is_made_when_it_is_touched() {
        let space = space();
        let start = space.allocate_anywhere(64 * PAGE_SIZE).expect("there is room");
        let before = vm::counts().0;
        assert_eq!(touch(&space, start + 5, Touch::Write), Ok(()));
        assert_eq!(touch(&space, start + 9, Touch::Read), Ok(()));
        assert_eq!(vm::counts().0, before + 1);
        assert_eq!(space.deallocate(start, 64 * PAGE_SIZE), Ok(()));
        assert_eq!(vm::counts().0, before);
        assert_eq!(touch(&space, start, Touch::Read), Err(MapError::InvalidAddress));
    }

    fn counts_what_a_touch_leads_to() {
        let space = space();
        let start = VirtAddr::new(allocate(&space, 2));
        let counted = |space: &Space, how| {
            let mut did = Counts::default();
            assert_eq!(space.touch(start, how, &mut did), Ok(()));
            (did.faults, did.zero_filled, did.copied, did.paged_in)
        };
        assert_eq!(counted(&space, Touch::Read), (1, 1, 0, 0));
        assert_eq!(counted(&space, Touch::Write), (1, 0, 0, 0));
        let child = space.fork().expect("there is memory");
        assert_eq!(counted(&child, Touch::Read), (1, 0, 0, 0));
        assert_eq!(counted(&child, Touch::Write), (1, 0, 1, 0));
        drop(child);
        assert_eq!(counted(&space, Touch::Write), (1, 0, 0, 0));
    }

    fn is_used_as_it_is_protected() {
        let space = space();
        let start = space.allocate_at(0x1000_0000, 2 * PAGE_SIZE, Protection::DEFAULT);
        let start = start.expect("there is room");
        assert_eq!(touch(&space, start, Touch::Write), Ok(()));
        let protect = |limit, to| space.protect(start, PAGE_SIZE, limit, to);
        assert_eq!(protect(Limit::Current, Protection::READ), Ok(()));
        assert_eq!(touch(&space, start, Touch::Write), Err(MapError::ProtectionFailure));
        assert_eq!(touch(&space, start, Touch::Read), Ok(()));
        assert_eq!(touch(&space, start + PAGE_SIZE, Touch::Write), Ok(()));
        assert_eq!(protect(Limit::Current, Protection::NONE), Ok(()));
        assert_eq!(touch(&space, start, Touch::Read), Err(MapError::ProtectionFailure));
        assert_eq!(protect(Limit::Maximum, Protection::READ), Ok(()));
        assert_eq!(
            protect(Limit::Current, Protection::DEFAULT),
            Err(MapError::ProtectionFailure)
        );
    }

    fn ends_where_the_kernel_begins() {
        let space = space();
        for (address, size) in [(USER_END, PAGE_SIZE), (USER_END - PAGE_SIZE, 2 * PAGE_SIZE)] {
            let made = space.allocate_at(address, size, Protection::DEFAULT);
            assert_eq!(made, Err(MapError::InvalidAddress));
        }
        let all = space.allocate_at(0, USER_END, Protection::DEFAULT);
        assert_eq!(all, Ok(0));
        assert_eq!(space.allocate_anywhere(PAGE_SIZE), Err(MapError::NoSpace));
        assert_eq!(touch(&space, USER_END - 1, Touch::Write), Ok(()));
        assert_eq!(touch(&space, USER_END, Touch::Read), Err(MapError::InvalidAddress));
    }

    /// A task that takes all there is gets a code, not the kernel.
    fn runs_out_with_a_code() {
        let space = space();
        let size = USER_END / 2;
        let start = space.allocate_anywhere(size).expect("addresses cost nothing");
        let refused = (start..start + size)
            .step_by(PAGE_SIZE as usize)
            .map(|page| touch(&space, page, Touch::Write))
            .find(Result::is_err);
        assert_eq!(refused, Some(Err(MapError::ResourceShortage)));
    }

    fn is_copied_when_either_side_writes() {
        let (from, to) = (space(), space());
        let start = allocate(&from, 3);
        for page in 0..2 {
            write(&from, start + page * PAGE_SIZE, 10 + page);
        }
        let copy = from.capture(start, 3 * PAGE_SIZE, After::Keep).expect("there is memory");
        write(&from, start, 20);
        let there = to.place(copy).expect("there is room");
        assert_eq!((word(&to, there), word(&from, start)), (10, 20));
        write(&to, there + PAGE_SIZE, 31);
        write(&to, there + 2 * PAGE_SIZE, 32);
        assert_eq!(word(&from, start + PAGE_SIZE), 11);
        assert_eq!(word(&from, start + 2 * PAGE_SIZE), 0);
        assert_eq!(word(&to, there + PAGE_SIZE), 31);
    }

    fn shows_nothing_that_was_not_sent() {
        let (from, to) = (space(), space());
        let start = allocate(&from, 2);
        for at in (start..start + 2 * PAGE_SIZE).step_by(4) {
            write(&from, at, at);
        }
        let (first, size) = (start + 0x800, 0xc00);
        let copy = from.capture(first, size, After::Deallocate).expect("there is memory");
        assert_eq!(touch(&from, start, Touch::Read), Err(MapError::InvalidAddress));
        let there = to.place(copy).expect("there is room");
        assert_eq!(there % PAGE_SIZE, 0x800);
        assert_eq!((word(&to, there - 4), word(&to, there)), (0, first));
        assert_eq!(word(&to, there + size - 4), first + size - 4);
        assert_eq!(word(&to, there + size), 0);
    }

    /// However often memory is passed on, nothing of it is left behind.
    fn goes_through_generations_and_leaves_nothing() {
        let before = (mm::counts().free, vm::objects());
        {
            let mut at = space();
            let mut start = allocate(&at, 8);
            for page in 0..8 {
                write(&at, start + page * PAGE_SIZE, page);
            }
            for generation in 0..40 {
                let next = space();
                let copy = at.capture(start, 8 * PAGE_SIZE, After::Keep).expect("there is memory");
                // Both go on writing, so that neither can do with the other's.
                write(&at, start, 1000 + generation);
                start = next.place(copy).expect("there is room");
                write(&next, start + (generation % 8) * PAGE_SIZE + 8, generation);
                at = next;
            }
            assert_eq!(word(&at, start), 0);
            assert_eq!(word(&at, start + 7 * PAGE_SIZE), 7);
            assert_eq!(word(&at, start + 7 * PAGE_SIZE + 8), 39);
        }
        assert_eq!((mm::counts().free, vm::objects()), before);
    }

    fn is_inherited_as_asked_for() {
        let before = vm::objects();
        {
            let parent = space();
            let [shared, copied, none] = [0; 3].map(|_| allocate(&parent, 2));
            for (address, inheritance) in [
                (shared, Inheritance::Share),
                (copied, Inheritance::Copy),
                (none, Inheritance::None),
            ] {
                write(&parent, address, 1);
                assert_eq!(parent.inherit(address, 2 * PAGE_SIZE, inheritance), Ok(()));
            }
            let child = parent.fork().expect("there is memory");
            write(&parent, shared, 2);
            write(&parent, copied, 2);
            assert_eq!((word(&child, shared), word(&child, copied)), (2, 1));
            assert_eq!(touch(&child, none, Touch::Read), Err(MapError::InvalidAddress));
            write(&child, shared + PAGE_SIZE, 3);
            assert_eq!(word(&parent, shared + PAGE_SIZE), 3);
            // What is shared is sent as it is now, and goes on being shared.
            let seen = child.capture(shared, PAGE_SIZE, After::Keep).expect("there is memory");
            write(&child, shared, 4);
            assert_eq!(word(&parent, shared), 4);
            let there = parent.place(seen).expect("there is room");
            assert_eq!(word(&parent, there), 2);
            let grandchild = child.fork().expect("there is memory");
            drop(child);
            write(&grandchild, shared, 5);
            assert_eq!((word(&parent, shared), word(&parent, copied)), (5, 2));
        }
        assert_eq!(vm::objects(), before);
    }

    fn is_written_over_as_a_whole_or_not_at_all() {
        let space = space();
        let start = allocate(&space, 3);
        write(&space, start, 1);
        let copy = Copy::from_bytes(&[7; 2 * PAGE_SIZE as usize]).expect("there is memory");
        assert_eq!(space.protect(start + PAGE_SIZE, 1, Limit::Current, Protection::READ), Ok(()));
        assert_eq!(space.overwrite(start, &copy), Err(MapError::ProtectionFailure));
        assert_eq!(word(&space, start), 1);
        assert_eq!(space.overwrite(USER_END - PAGE_SIZE, &copy), Err(MapError::InvalidAddress));
        assert_eq!(space.protect(start + PAGE_SIZE, 1, Limit::Current, Protection::DEFAULT), Ok(()));
        assert_eq!(space.overwrite(start, &copy), Ok(()));
        assert_eq!(word(&space, start + PAGE_SIZE + 8), 0x0707_0707);
        assert_eq!(word(&space, start + 2 * PAGE_SIZE), 0);
    }

    /// Allocating and giving back in pieces needs no more memory each time.
    fn is_given_back_in_pieces() {
        let space = space();
        let start = allocate(&space, 64);
        write(&space, start, 1);
        let before = vm::counts().0;
        for _ in 0..20 {
            for page in 1..63 {
                write(&space, start + page * PAGE_SIZE, page);
            }
            for page in (1..63).step_by(2) {
                assert_eq!(space.deallocate(start + page * PAGE_SIZE, PAGE_SIZE), Ok(()));
            }
            for page in (2..63).step_by(2) {
                assert_eq!(space.deallocate(start + page * PAGE_SIZE, PAGE_SIZE), Ok(()));
            }
            let again = space.allocate_at(start + PAGE_SIZE, 62 * PAGE_SIZE, Protection::DEFAULT);
            assert_eq!(again, Ok(start + PAGE_SIZE));
        }
        assert_eq!(space.deallocate(start + PAGE_SIZE, 62 * PAGE_SIZE), Ok(()));
        assert_eq!(vm::counts().0, before);
    }

    fn a_write_to_wired_memory_needs_none() {
        let parent = space();
        let start = allocate(&parent, 2);
        write(&parent, start, 1);
        let access = Protection::DEFAULT;
        assert_eq!(parent.wire(start, 2 * PAGE_SIZE, access), Ok(()));
        let child = parent.fork().expect("there is memory");
        let sent = parent.capture(start, 2 * PAGE_SIZE, After::Keep);
        let sent = sent.expect("there is memory");
        let free = mm::counts().free;
        for page in [start, start + PAGE_SIZE] {
            assert_eq!(touch(&parent, page, Touch::Write), Ok(()));
            write(&parent, page, 2);
        }
        assert_eq!(mm::counts().free, free, "it was copied by who wrote to it");
        assert_eq!(word(&child, start), 1);
        let mut bytes = [0; 4];
        assert_eq!(sent.read(0, &mut bytes), Ok(()));
        assert_eq!(bytes, [1, 0, 0, 0]);
    }
}

//! The memory of tasks: made when touched, given back when it goes.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::vm::map::{Limit, MapError, Protection};

use crate::ktest::case;
use crate::mm::frames;
use crate::mm::space::{Space, Touch, USER_END};

fn space() -> Space {
    Space::new().expect("there is memory")
}

fn touch(space: &Space, address: u32, how: Touch) -> Result<(), MapError> {
    space.touch(VirtAddr::new(address), how)
}

case! {
    fn is_made_when_it_is_touched() {
        let space = space();
        let start = space.allocate_anywhere(64 * PAGE_SIZE).expect("there is room");
        let before = frames::counts().free;
        assert_eq!(touch(&space, start + 5, Touch::Write), Ok(()));
        assert_eq!(touch(&space, start + 9, Touch::Read), Ok(()));
        // A page, and the table that names it.
        assert_eq!(before - frames::counts().free, 2);
        assert_eq!(space.deallocate(start, 64 * PAGE_SIZE), Ok(()));
        assert_eq!(before - frames::counts().free, 1);
        assert_eq!(touch(&space, start, Touch::Read), Err(MapError::InvalidAddress));
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
}

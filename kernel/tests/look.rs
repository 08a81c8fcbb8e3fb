//! Memory objects that are looked at, and the ports that name them.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};

use crate::ipc::HeldRight;
use crate::ktest::case;
use crate::sched;
use crate::task::object_name::ObjectName;
use crate::vm;
use crate::vm::copy::After;
use crate::vm::space::Space;

fn space() -> (Space, u32) {
    let space = Space::new().expect("there is memory");
    let at = space
        .allocate_anywhere(3 * PAGE_SIZE)
        .expect("there is room");
    (space, at)
}

fn name(space: &Space, address: u32) -> HeldRight {
    let region = space.look(address).expect("there is a region");
    let object = region.object.expect("somebody touched it");
    ObjectName::port_of(object).expect("there is memory")
}

/// Returns when there are as many objects as `before`.
fn until_there_are(before: u32) {
    const PATIENCE: u32 = 500;
    for _ in 0..PATIENCE {
        if vm::objects().0 == before {
            return;
        }
        sched::assert_wait();
        sched::block_for(1);
    }
    panic!("{} objects, {before} before", vm::objects().0);
}

case! {
    fn shows_what_there_is() {
        let (space, at) = space();
        assert!(space.look(at).is_some_and(|region| region.object.is_none()));
        assert_eq!(space.fill(VirtAddr::new(at + PAGE_SIZE), &[1]), Ok(()));
        let region = space.look(at).expect("there is a region");
        assert_eq!((region.range.start, region.sharers), (at, 0));
        let object = region.object.expect("somebody touched it");
        let about = object.about();
        assert_eq!((about.size, about.resident), (3 * PAGE_SIZE, 1));
        assert!(about.shadow.is_none());
        let mut pages = [(0, None); 4];
        assert_eq!(object.pages(0, &mut pages), 1);
        let frame = space.frame(VirtAddr::new(at + PAGE_SIZE));
        assert_eq!(pages[0], (1, frame));
        assert_eq!(object.pages(2, &mut pages), 0);
    }

    fn shows_what_a_copy_is_of() {
        let (space, at) = space();
        assert_eq!(space.fill(VirtAddr::new(at), &[1]), Ok(()));
        let copy = space.capture(at, PAGE_SIZE, After::Keep).expect("there is memory");
        assert_eq!(space.fill(VirtAddr::new(at), &[2]), Ok(()));
        let region = space.look(at).expect("there is a region");
        let about = region.object.expect("it is touched").about();
        let (_, offset) = about.shadow.expect("the copy sees what was there");
        assert_eq!((about.resident, offset), (1, 0));
        drop(copy);
    }

    fn names_end_with_their_senders() {
        let before = vm::objects().0;
        let (space, at) = space();
        assert_eq!(space.fill(VirtAddr::new(at), &[1]), Ok(()));
        let (first, second) = (name(&space, at), name(&space, at));
        assert!(first.leads_where(&second));
        drop(space);
        // Kept by its name alone.
        drop(first);
        assert!(second.object().is_some());
        assert_eq!(vm::objects().0, before + 1);
        drop(second);
        until_there_are(before);
    }

    fn names_may_come_again() {
        const TIMES: u32 = 200;
        let before = vm::objects().0;
        let (space, at) = space();
        assert_eq!(space.fill(VirtAddr::new(at), &[1]), Ok(()));
        for _ in 0..TIMES {
            // Meanwhile the one of before may be about to end, or not.
            let right = name(&space, at);
            assert!(right.object().is_some());
        }
        drop(space);
        until_there_are(before);
    }
}

//! Kernel stacks: usable to the last byte, guarded below.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};

use crate::ktest::case;
use crate::mm::kernel_map::translate;
use crate::mm::stack::{STACK_PAGES, Stack};

case! {
    fn has_a_guard_below() {
        let stack = Stack::new().expect("there is memory");
        let bottom = stack.top() - STACK_PAGES as u32 * PAGE_SIZE;
        for address in (bottom..stack.top()).step_by(4) {
            // SAFETY: the stack is mapped and this test's own.
            unsafe { (address as usize as *mut u32).write_volatile(address) };
        }
        assert!(translate(VirtAddr::new(bottom)).is_some());
        assert!(translate(VirtAddr::new(bottom - 1)).is_none(), "no guard");
    }

    fn of_the_boot_has_a_guard_below() {
        let here = 0_u32;
        let mut page = VirtAddr::new((&raw const here).addr() as u32).round_down();
        for _ in 0..=boot::layout::BOOT_STACK_SIZE / PAGE_SIZE as usize {
            if translate(page).is_none() {
                return;
            }
            page = VirtAddr::new(page.as_u32() - PAGE_SIZE);
        }
        panic!("nothing unmapped below the boot stack");
    }
}

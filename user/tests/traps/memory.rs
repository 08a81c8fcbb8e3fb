//! The shortcuts for memory.

use user_rt::trap::{mach_task_self, vm_allocate, vm_deallocate};

use super::{holds, tell};

const PAGE: u32 = 4096;

pub(super) fn cases() {
    let task = mach_task_self();
    let made = vm_allocate(task, 2 * PAGE + 1);
    tell("vm_allocate", made.map(drop));
    let Ok(address) = made else { return };
    holds("at a page", address % PAGE == 0);
    let words = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
    for page in 0..3 {
        // SAFETY: three pages begin there, and are this program's.
        unsafe {
            let word = words.add((page * PAGE / 4) as usize);
            holds("it is zero", word.read() == 0);
            word.write(page);
        }
    }
    // SAFETY: nobody uses it any more.
    tell("vm_deallocate", unsafe {
        vm_deallocate(task, address, 3 * PAGE)
    });
    // SAFETY: there is nothing there.
    tell("vm_deallocate again", unsafe {
        vm_deallocate(task, address, 3 * PAGE)
    });
    // SAFETY: it asks for no bytes.
    tell("vm_deallocate of nothing", unsafe {
        vm_deallocate(task, address, 0)
    });
    let nothing = vm_allocate(task, 0);
    holds("vm_allocate of nothing gives null", nothing == Ok(0));
    for size in [0xc000_0000, 0xffff_f000] {
        tell("vm_allocate of too much", vm_allocate(task, size).map(drop));
    }
}

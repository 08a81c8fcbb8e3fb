//! Memory: pages had, touched and given back.

use core::ptr;

use user_rt::abi::layout::vm::PAGE_SIZE;
use user_rt::trap;

use crate::{not_served, row};

/// Pages that are touched one after the other.
const PAGES: u32 = 512;

pub(crate) fn rows() {
    let task = trap::mach_task_self();
    row("page", 500, || {
        let at = trap::vm_allocate(task, PAGE_SIZE)?;
        touch(at);
        // SAFETY: a page of its own.
        unsafe { trap::vm_deallocate(task, at, PAGE_SIZE) }
    });
    let (begin, end) = match trap::vm_allocate(task, (PAGES + 50) * PAGE_SIZE) {
        Ok(at) => (at, at + (PAGES + 50) * PAGE_SIZE),
        Err(code) => return not_served("page-fault", code),
    };
    let mut at = begin;
    row("page-fault", PAGES, || {
        touch(at);
        at += PAGE_SIZE;
        Ok(())
    });
    // SAFETY: these pages are nobody else's.
    let _ = unsafe { trap::vm_deallocate(task, begin, end - begin) };
}

fn touch(at: u32) {
    let word = ptr::with_exposed_provenance_mut::<u32>(at as usize);
    // SAFETY: memory that the callers allocated.
    unsafe { word.write_volatile(1) };
}

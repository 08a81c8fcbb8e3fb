//! Is the default pager, or has more memory in use than there is.
//!
//! Its arguments are `pager` or `user`, and the host's port. Child tasks without
//! threads have the memory, which is written and read through their ports. Pages
//! hold one word many times, so that the pager can keep them in little.

#![no_std]
#![no_main]

mod pager;

use core::ffi::CStr;
use core::ptr;

use user_rt::abi::layout::thread::SWITCH_OPTION_WAIT;
use user_rt::abi::layout::vm::PAGE_SIZE;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{CopySend, MakeSend, OutOfLine};
use user_rt::rpc::{mach, mach_host};
use user_rt::{Arguments, println, trap};

user_rt::program!(main);

/// Pages that may be used, and pages beyond those.
const LEFT: u32 = 1536;
const BEYOND: u32 = 1024;

fn main(arguments: Arguments) {
    let host = arguments.port(2).expect("the host's port as argument");
    match arguments.word(1).map(CStr::to_bytes) {
        Some(b"pager") => pager::begin(host),
        _ => use_memory(host),
    }
}

fn use_memory(host: PortName) {
    let task = trap::mach_task_self();
    let none = MakeSend::new(0);
    let manager = || mach::vm_set_default_memory_manager(host, none);
    while manager().expect("who it is").default_manager.port == 0 {
        pause();
    }
    println!("paging: there is a default pager");
    let child = || {
        let child = mach::task_create(task, false).expect("a child");
        PortName(child.child_task.port)
    };
    // Most memory is taken, and stays: that takes less time than to fill it.
    let (taken, user) = (child(), child());
    let free = mach::vm_statistics(task)
        .expect("counts")
        .vm_stats
        .free_count as u32;
    let size = free.saturating_sub(LEFT) * PAGE_SIZE;
    let memory = mach::vm_allocate(taken, 0, size, true).expect("addresses");
    mach_host::vm_wire(host, CopySend::new(taken.0), memory.address, size, 3).expect("memory");

    let pages = LEFT + BEYOND;
    let memory = mach::vm_allocate(user, 0, pages * PAGE_SIZE, true).expect("addresses");
    let filled = (0..pages).all(|page| fill(user, memory.address, page));
    println!("paging: filled more memory than there is: {filled}");
    for when in ["first", "then"] {
        let right = (0..pages).all(|page| is_right(user, memory.address, page));
        println!("paging: {when} all pages are right: {right}");
    }
    for child in [user, taken] {
        mach::task_terminate(child).expect("its end");
    }
    println!("paging: done");
}

fn pause() {
    let _ = trap::thread_switch(PortName::NULL, SWITCH_OPTION_WAIT as u32, 10);
}

/// What is in a page.
const fn word_of(page: u32) -> u32 {
    page ^ 0x5a5a_0000
}

fn fill(child: PortName, memory: u32, page: u32) -> bool {
    let task = trap::mach_task_self();
    let Ok(data) = trap::vm_allocate(task, PAGE_SIZE) else {
        return false;
    };
    for word in 0..PAGE_SIZE / 4 {
        let at = ptr::with_exposed_provenance_mut::<u32>((data + word * 4) as usize);
        // SAFETY: new memory.
        unsafe { at.write_volatile(word_of(page)) };
    }
    let to = memory + page * PAGE_SIZE;
    let written = mach::vm_write(child, to, OutOfLine::new(data, PAGE_SIZE));
    // SAFETY: nobody uses it any more.
    unsafe { trap::vm_deallocate(task, data, PAGE_SIZE) }.is_ok() && written.is_ok()
}

fn is_right(child: PortName, memory: u32, page: u32) -> bool {
    let task = trap::mach_task_self();
    let Ok(read) = mach::vm_read(child, memory + page * PAGE_SIZE, PAGE_SIZE) else {
        return false;
    };
    let right = (0..PAGE_SIZE / 4).all(|word| {
        let at = ptr::with_exposed_provenance::<u32>((read.data.address + word * 4) as usize);
        // SAFETY: what came with the message.
        unsafe { at.read_volatile() == word_of(page) }
    });
    // SAFETY: nobody uses it any more.
    unsafe { trap::vm_deallocate(task, read.data.address, PAGE_SIZE) }.is_ok() && right
}

//! The shortcuts for another task than the caller's: a child of its own.

use core::ptr;

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::TypeName;
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::trap as number;
use user_rt::rpc::{mach, mach_port};
use user_rt::trap;

use super::{code, holds};

const PAGE: u32 = 4096;
/// A name that nobody has.
const NOBODY: u32 = 0x5_4321;

/// A shortcut with these words.
fn call(number: i32, given: &[u32]) -> KernReturn {
    let mut words = [0; 11];
    for (word, given) in words.iter_mut().zip(given) {
        *word = *given;
    }
    // SAFETY: what is given to this points to words of this program's, or nowhere.
    unsafe { trap::raw(number, words) }
}

/// A shortcut that writes a word to where its argument number `place` says: the code,
/// and the word, which is `word` before.
fn writes(number: i32, given: &[u32], place: usize, word: u32) -> (KernReturn, u32) {
    let mut word = word;
    let mut words = [0; 11];
    words[..given.len()].copy_from_slice(given);
    words[place] = ptr::from_mut(&mut word).expose_provenance() as u32;
    let code = call(number, &words);
    // SAFETY: a word of this function's, which the kernel may have written.
    (code, unsafe { ptr::from_ref(&word).read_volatile() })
}

pub(super) fn cases() {
    let own = trap::mach_task_self();
    let (made, child) = writes(number::SYSCALL_TASK_CREATE, &[own.0, 0, 0], 2, 0);
    code("task_create", made);
    memory(child);
    names(child);
    special(child);
    for what in ["task_suspend", "task_suspend again"] {
        code(what, call(number::SYSCALL_TASK_SUSPEND, &[child]));
    }
    let (made, heir) = writes(number::SYSCALL_TASK_CREATE, &[child, 1, 0], 2, 0);
    code("task_create of a child", made);
    holds("is another", heir != child);
    for task in [heir, child] {
        code(
            "task_terminate",
            call(number::SYSCALL_TASK_TERMINATE, &[task]),
        );
        let kind = mach_port::mach_port_type(own, PortName(task));
        holds(
            "is a dead name",
            kind.is_ok_and(|reply| reply.ptype == 1 << 20),
        );
        code(
            "of a dead task",
            call(number::SYSCALL_TASK_SUSPEND, &[task]),
        );
    }
    for (what, name) in [("itself", trap::mach_thread_self()), ("a task", own)] {
        let done = call(number::SYSCALL_THREAD_DEPRESS_ABORT, &[name.0]);
        match done {
            trap::OTHER_TASK => {
                user_rt::println!("traps: thread_depress_abort of {what}: a message")
            }
            done => code("thread_depress_abort", done),
        }
    }
}

fn memory(child: u32) {
    let (done, at) = writes(number::SYSCALL_VM_ALLOCATE, &[child, 0, 2 * PAGE, 1], 1, 0);
    code("vm_allocate for a child", done);
    let done = call(number::SYSCALL_VM_DEALLOCATE, &[child, at, PAGE]);
    code("vm_deallocate", done);
    let found = mach::vm_region(PortName(child), at);
    let is_rest = found.is_ok_and(|reply| (reply.address, reply.size) == (at + PAGE, PAGE));
    holds("the rest is there", is_rest);
    let map = |what, words: [u32; 11], from| {
        let (done, address) = writes(number::SYSCALL_VM_MAP, &words, 1, from);
        code(what, done);
        address
    };
    let own = trap::mach_task_self().0;
    let of = |task, size, object, protection, most, inheritance| {
        [
            task,
            0,
            size,
            0,
            1,
            object,
            0,
            0,
            protection,
            most,
            inheritance,
        ]
    };
    let address = map("vm_map", of(own, PAGE, 0, 3, 7, 1), 0);
    let word = ptr::with_exposed_provenance_mut::<u32>(address as usize);
    if address != 0 {
        // SAFETY: a page begins there, and is this program's.
        holds("it is zero", unsafe { word.read_volatile() } == 0);
    }
    map("vm_map for a child", of(child, PAGE, 0, 3, 7, 1), 0);
    let mut taken = of(own, PAGE, 0, 3, 7, 1);
    taken[4] = 0;
    map("vm_map where something is", taken, address);
    let mut masked = of(own, PAGE, 0, 3, 7, 1);
    masked[3] = 0xffff;
    let address = map("vm_map with a mask", masked, 0);
    holds("it is obeyed", address & 0xffff == 0);
    map("vm_map of nothing", of(own, 0, 0, 3, 7, 1), 0);
    map("vm_map, protection 0x100", of(own, PAGE, 0, 0x100, 7, 1), 0);
    map("vm_map, inheritance 9", of(own, PAGE, 0, 3, 7, 9), 0);
    map("vm_map of nobody", of(own, PAGE, NOBODY, 3, 7, 1), 0);
    map("vm_map of a task", of(own, PAGE, own, 3, 7, 1), 0);
    map(
        "vm_map of dead",
        of(own, PAGE, PortName::DEAD.0, 3, 7, 1),
        0,
    );
}

fn names(child: u32) {
    let kind = |name| {
        let answer = mach_port::mach_port_type(PortName(child), PortName(name));
        answer.map_or(0, |reply| reply.ptype)
    };
    let own = trap::mach_task_self();
    let right = trap::mach_port_allocate(own, PortRight::RECEIVE);
    let right = right.unwrap_or(PortName::NULL).0;
    let allocate = number::SYSCALL_MACH_PORT_ALLOCATE;
    for (what, kind) in [("receive", PortRight::RECEIVE.0), ("right 9", 9)] {
        let (done, _) = writes(allocate, &[child, kind, 0], 2, 0);
        code(what, done);
    }
    let (_, dead) = writes(allocate, &[child, PortRight::DEAD_NAME.0, 0], 2, 0);
    for what in ["deallocate", "deallocate again"] {
        let done = call(number::SYSCALL_MACH_PORT_DEALLOCATE, &[child, dead]);
        code(what, done);
    }
    let insert = number::SYSCALL_MACH_PORT_INSERT_RIGHT;
    for (what, name, from, how) in [
        ("insert_right", 0x500, right, TypeName::MAKE_SEND.0),
        (
            "insert_right of nobody",
            0x600,
            NOBODY,
            TypeName::MAKE_SEND.0,
        ),
        (
            "insert_right, moved",
            0x700,
            right,
            TypeName::MOVE_RECEIVE.0,
        ),
    ] {
        code(what, call(insert, &[child, name, from, u32::from(how)]));
    }
    holds("a send right", kind(0x500) == 1 << 16);
    let moved = trap::mach_port_deallocate(own, PortName(right));
    code("what was moved", moved.err().unwrap_or(KernReturn::SUCCESS));
    for what in ["allocate_name", "allocate_name again"] {
        let words = [child, PortRight::RECEIVE.0, 0x800];
        code(what, call(number::SYSCALL_MACH_PORT_ALLOCATE_NAME, &words));
    }
    holds("a receive right", kind(0x800) == 1 << 17);
}

fn special(child: u32) {
    const BOOTSTRAP: u32 = 4;
    let own = trap::mach_task_self();
    for (what, which, name) in [
        ("set_special_port", BOOTSTRAP, own.0),
        ("set_special_port, number 2", 2, own.0),
        ("set_special_port, to nobody's", BOOTSTRAP, NOBODY),
    ] {
        let done = call(number::SYSCALL_TASK_SET_SPECIAL_PORT, &[child, which, name]);
        code(what, done);
    }
    let got = mach::task_get_special_port(PortName(child), BOOTSTRAP as i32);
    holds(
        "is set",
        got.is_ok_and(|reply| reply.special_port.port == own.0),
    );
}

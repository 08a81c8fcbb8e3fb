//! Crimes that the kernel commits when told to: `misdeed=NAME`.
//!
//! In kernels with tests only. Each shows what the kernel, or whoever watches
//! it, does about one kind of failure; `cargo xtask test --ring kernels` runs
//! them and checks the last words.

use kernel_core::options::Options;

use crate::arch::exit::{self, Verdict};
use crate::arch::{crime, interrupts, percpu};
use crate::console::println;
use crate::ipi::call;
use crate::mm::heap;
use crate::sync::{TaskLock, rank};

/// Name, whether it is committed before the console exists, and the deed.
const MISDEEDS: &[(&str, When, fn())] = &[
    ("panic-early", When::BeforeConsole, || {
        panic!("before the console")
    }),
    ("panic", When::Ready, || {
        panic!("asked for on the command line")
    }),
    ("panic-in-panic", When::Ready, panic_in_panic),
    ("panic-in-print", When::Ready, panic_in_print),
    ("hang", When::Ready, || interrupts::halt_forever()),
    ("spin", When::Ready, spin),
    ("triple-fault", When::Ready, crime::triple_fault),
    ("stack-overflow", When::Ready, || overflow(&[0; 64])),
    ("page-fault", When::Ready, crime::read_unmapped),
    ("write-text", When::Ready, crime::write_text),
    ("divide-error", When::Ready, crime::divide_by_zero),
    ("invalid-opcode", When::Ready, crime::invalid_opcode),
    ("lock-order", When::Ready, lock_order),
    ("ap-panic", When::Ready, panic_elsewhere),
    ("heap-exhaust", When::Ready, exhaust_heap),
    ("marker-no-exit", When::Ready, || {
        println!("exov6: done ok");
        interrupts::halt_forever()
    }),
    ("exit-no-marker", When::Ready, || {
        exit::leave(Verdict::Success, None)
    }),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    BeforeConsole,
    Ready,
}

/// Commits what is to be committed before there is a console.
pub(crate) fn before_console(options: &Options<'_>) {
    commit_at(options, When::BeforeConsole);
}

/// Commits what `options` asks for. Returns if that is nothing.
pub(crate) fn commit(options: &Options<'_>) {
    commit_at(options, When::Ready);
    if let Some(name) = options.misdeed {
        println!("no misdeed `{name}`; there are:");
        for (name, ..) in MISDEEDS {
            println!("  {name}");
        }
    }
}

fn commit_at(options: &Options<'_>, now: When) {
    let wanted =
        |(name, when, _): &&(&str, When, fn())| options.misdeed == Some(*name) && *when == now;
    if let Some((.., deed)) = MISDEEDS.iter().find(wanted) {
        deed();
    }
}

/// Something that cannot even be shown.
struct Unshowable;

impl core::fmt::Display for Unshowable {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        panic!("while showing why")
    }
}

fn panic_in_panic() {
    panic!("{}", Unshowable)
}

/// Panics on a processor that did not boot the machine. The first thread may run
/// on any of them, and the kernel moves no thread while it runs here.
fn panic_elsewhere() {
    if percpu::current().id() != 0 {
        panic!("on another processor");
    }
    call::on_others(|_, _| panic!("on another processor"), 0, 0);
}

fn spin() {
    loop {
        core::hint::spin_loop();
    }
}

/// Prints what panics while it is shown: with the console's lock held.
fn panic_in_print() {
    println!("{Unshowable}");
}

/// Calls itself until the stack runs into its guard.
#[expect(unconditional_recursion, reason = "that is the crime")]
fn overflow(above: &[u32; 64]) {
    let mut here = *above;
    here[0] = core::hint::black_box(above[1]).wrapping_add(1);
    overflow(core::hint::black_box(&here));
    core::hint::black_box(&here);
}

fn lock_order() {
    static FIRST: TaskLock<rank::Heap, ()> = TaskLock::new(());
    static SECOND: TaskLock<rank::KernelMap, ()> = TaskLock::new(());
    let _first = FIRST.lock();
    let _second = SECOND.lock();
}

/// Allocates by the infallible way, which the kernel itself never does.
fn exhaust_heap() {
    let mut hoard = alloc::vec::Vec::new();
    loop {
        hoard.push(heap::try_box([0_u8; 4096]).expect("asked for on the command line"));
    }
}

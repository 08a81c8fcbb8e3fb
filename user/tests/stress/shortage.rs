//! Everything that can run out is used up.
//!
//! Owns a task for each step, which asks for one kind of thing until there is no
//! more, and says so in memory that it shares. Then either that task gives all of it
//! back, or it is ended with all that it has. Each kind must be refused with a code
//! that says what is short, and must be there again afterwards.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::vm::{PAGE_SIZE, VM_INHERIT_SHARE, VM_WIRE_CURRENT};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::CopySend;
use user_rt::rpc::{gnumach, mach};
use user_rt::{println, trap};
use user_tests::random::Random;

use super::hoard::{self, Hoard};
use super::worker;
use super::{Orders, wait_until};

/// What a task that uses something up says of itself; shared with it.
struct Board {
    /// [`BUSY`], [`EMPTY`] or [`GIVEN_BACK`].
    state: AtomicU32,
    /// The code with which it was refused.
    code: AtomicU32,
    /// How many it got.
    got: AtomicU32,
}

/// Kinds between those that two tasks begin with: three tasks have them all in five
/// steps each.
const EACH: u32 = 5;

const BUSY: u32 = 0;
const EMPTY: u32 = 1;
const GIVEN_BACK: u32 = 2;

struct Siege {
    task: PortName,
    board: &'static Board,
    stack: u32,
}

pub(super) fn stress(mut orders: Orders) -> u32 {
    let task = trap::mach_task_self();
    let shared = trap::vm_allocate(task, PAGE_SIZE).expect("memory");
    mach::vm_inherit(task, shared, PAGE_SIZE, VM_INHERIT_SHARE).expect("to be shared");
    let host = orders.host.expect("the host's port, to have memory wired");
    let siege = Siege {
        task,
        // SAFETY: zeroed memory that stays, and only ever used by atomics.
        board: unsafe { &*ptr::with_exposed_provenance::<Board>(shared as usize) },
        stack: worker::stacks(1),
    };
    // Nothing of this task's own is to be missing while others use everything up. What
    // it has twice, since another inherited it, is copied then.
    gnumach::vm_wire_all(host, CopySend::new(task.0), VM_WIRE_CURRENT).expect("to be wired");
    let kinds = hoard::KINDS.len() as u32;
    let mut made = 0;
    for step in orders.steps(10) {
        let kind = (step - 1 + orders.own * EACH) % kinds;
        made += siege.lay(kind, orders.own, &mut orders.random);
    }
    made
}

impl Siege {
    /// Has a task use one kind of thing up; how many there were.
    fn lay(&self, kind: u32, own: u32, random: &mut Random) -> u32 {
        let board = self.board;
        board.state.store(BUSY, Ordering::Relaxed);
        worker::prepare(self.stack, kind | random.below(1 << 16) << 16);
        BOARD.store(
            ptr::from_ref(board).expose_provenance() as u32,
            Ordering::Relaxed,
        );
        // Others of this program may have used everything up for now.
        let (child, thread) = again(|| {
            let child = PortName(mach::task_create(self.task, true)?.child_task.port);
            let thread = worker::begin(child, self.stack, use_up);
            if thread.is_err() {
                again(|| mach::task_terminate(child));
                let _ = trap::mach_port_deallocate(self.task, child);
            }
            thread.map(|thread| (child, thread))
        });
        wait_until(|| board.state.load(Ordering::Acquire) != BUSY || worker::is_dead(child));
        let gives_back = hoard::KINDS[kind as usize].must_give_back || random.below(2) == 0;
        if gives_back {
            wait_until(|| {
                board.state.load(Ordering::Acquire) == GIVEN_BACK || worker::is_dead(child)
            });
        }
        let what = &hoard::KINDS[kind as usize];
        let code = board.code.load(Ordering::Relaxed);
        let got = board.got.load(Ordering::Relaxed);
        let is_told = board.state.load(Ordering::Acquire) != BUSY;
        if is_told && !what.refusals.contains(&code) {
            println!("stress {own}: {}: wrong code {code:#x}", what.name);
            panic!("{got} were had");
        }
        let _ = trap::mach_port_deallocate(self.task, thread);
        // It may have ended by itself.
        wait_until(|| mach::task_terminate(child).is_ok() || worker::is_dead(child));
        worker::bury(child);
        got
    }
}

/// Where the board is.
static BOARD: AtomicU32 = AtomicU32::new(0);

/// What the task does: uses something up, says so, and gives it back.
extern "C" fn use_up(word: u32) -> ! {
    let at = BOARD.load(Ordering::Relaxed) as usize;
    // SAFETY: it was inherited, and is shared.
    let board = unsafe { &*ptr::with_exposed_provenance::<Board>(at) };
    let kind = &hoard::KINDS[word as usize & 0xffff];
    // Without a beginning there is nothing to be seen: others have it all.
    if let Some(mut hoard) = Hoard::new(word >> 16) {
        let (code, got) = hoard.fill(kind);
        board.code.store(code, Ordering::Relaxed);
        board.got.store(got, Ordering::Relaxed);
        board.state.store(EMPTY, Ordering::Release);
        hoard.empty(kind);
        board.state.store(GIVEN_BACK, Ordering::Release);
    }
    loop {
        let _ = trap::task_terminate(trap::mach_task_self());
    }
}

/// Tries until it can be done.
fn again<T>(mut one: impl FnMut() -> trap::Result<T>) -> T {
    let mut done = None;
    wait_until(|| {
        done = one().ok();
        done.is_some()
    });
    done.expect("it was waited for")
}

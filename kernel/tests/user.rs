//! User threads: what they can do, and what they cannot do to the kernel.

use kernel_core::addr::VirtAddr;
use kernel_core::vm::map::Protection;

use super::threads::{mapped, until_ended};
use crate::arch::user_memory::{self, BadAddress};
use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread};
use crate::task::birth::Heritage;
use crate::task::{Name, Task, UserThread};

/// Where programs are.
pub(super) const CODE: VirtAddr = VirtAddr::new(0x0804_8000);
const STACK: VirtAddr = VirtAddr::new(0x0900_0000);

/// A task with a thread that runs `code`.
fn run(code: &[u8]) -> Shared<Task> {
    let (task, thread) = prepare(code);
    resume(&thread);
    task
}

/// Lets a thread go on that is suspended once.
pub(super) fn resume(thread: &Shared<Thread>) {
    let user = thread.upper::<UserThread>().expect("it is a user's");
    assert_eq!(user.resume(thread), Ok(()));
}

/// A task with a suspended thread that is to run `code`, with a page of stack.
pub(super) fn prepare(code: &[u8]) -> (Shared<Task>, Shared<Thread>) {
    let task = Task::new(Name::new(b"test")).expect("there is memory");
    task.allocate_for_test(CODE, Protection::READ, code);
    task.allocate_for_test(STACK, Protection::DEFAULT, &[]);
    let top = VirtAddr::new(STACK.as_u32() + 0x1000 - 16);
    let thread = Task::thread(&task, CODE, top).expect("there is memory");
    (task, thread.expect("nobody ends it"))
}

/// Each of these programs ends by what it does; nothing of it is left.
fn all_end(programs: &[&[u8]]) {
    let before = mapped();
    for program in programs {
        drop(run(program));
        until_ended(before);
    }
}

case! {
    fn ends_itself() {
        // mach_task_self; task_terminate of that.
        all_end(&[&[
            0xb8, 0xe4, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, 0x50, 0x6a, 0, 0xb8, 0xbb, 0xff,
            0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, 0xeb, 0xfe,
        ]]);
    }

    fn ends_for_what_it_must_not_do() {
        all_end(&[
            // hlt; cli; in al, dx; mov eax, cr0; int 0x30; ud2
            &[0xf4],
            &[0xfa],
            &[0xec],
            &[0x0f, 0x20, 0xc0],
            &[0xcd, 0x30],
            &[0x0f, 0x0b],
            // Divide by zero; int3; into after an overflow.
            &[0x31, 0xc9, 0xf7, 0xf1],
            &[0xcc],
            &[0xb0, 0x7f, 0x04, 0x01, 0xce],
            // Writes to 0x10, to its own code, to the kernel; jumps into it.
            &[0xa3, 0x10, 0, 0, 0],
            &[0xa3, 0, 0x80, 0x04, 0x08],
            &[0xa3, 0, 0, 0x10, 0xc0],
            &[0xb8, 0, 0, 0x10, 0xc0, 0xff, 0xe0],
            // No stack at all; a trap number that no table has.
            &[0x31, 0xe4, 0x50],
            &[0xb8, 0, 0, 0, 0x80, 0x9a, 0, 0, 0, 0, 7, 0],
            // Loads kernel segments; a far jump to the kernel's code.
            &[0xb8, 0x10, 0, 0, 0, 0x8e, 0xd8],
            &[0xea, 0, 0, 0x10, 0xc0, 0x08, 0],
            // iretd with the nested-task flag set.
            &[0x9c, 0x81, 0x0c, 0x24, 0, 0x40, 0, 0, 0x9d, 0xcf],
        ]);
    }

    /// Traps with flags that would hurt a careless kernel: single step,
    /// direction, nested task, alignment check.
    fn may_trap_with_any_flags() {
        // mach_task_self first; then pushfd; or [esp], flags; popfd; swtch; and
        // task_terminate with the flags still set.
        all_end(&[&[
            0xb8, 0xe4, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, 0x89, 0xc3, 0x9c, 0x81, 0x0c,
            0x24, 0, 0x44, 0x04, 0, 0x9d, 0xb8, 0xc4, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0,
            0x53, 0x6a, 0, 0xb8, 0xbb, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, 0xeb, 0xfe,
        ]]);
    }

    /// A single step ends the thread, for nobody handles it; also when the
    /// instruction is the trap gate's.
    fn single_steps_through_the_gate() {
        all_end(&[&[
            0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0x90, 0xeb, 0xfe,
        ], &[
            0xb8, 0xc4, 0xff, 0xff, 0xff, 0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0x9a, 0, 0, 0,
            0, 7, 0, 0xeb, 0xfe,
        ]]);
    }

    /// `mach_task_self` is what the task makes of it, which loops if that is not so;
    /// without a stack for it the call is a fault.
    fn serves_its_own_system_calls() {
        // mov eax, -28; trap; if eax is not 0x55, loop; ud2. Behind that the entry:
        // if eax is not -28, loop; mov eax, 0x55; popfd; ret. Then one without a
        // stack.
        let code = [
            0xb8, 0xe4, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, 0x83, 0xf8, 0x55, 0x75, 0xfe,
            0x0f, 0x0b, 0x83, 0xf8, 0xe4, 0x75, 0xfe, 0xb8, 0x55, 0, 0, 0, 0x9d, 0xc3, 0x31, 0xe4,
            0x9a, 0, 0, 0, 0, 7, 0, 0xeb, 0xfe,
        ];
        const OWN: u32 = CODE.as_u32() + 19;
        let before = mapped();
        for (skipped, number) in [(0, -28), (31, 0)] {
            let (task, thread) = prepare(&code[skipped..]);
            let entry = OWN - skipped as u32;
            assert_eq!(task.emulate(number, &[entry]), Ok(()));
            let child = task.child(Heritage::Nothing).expect("there is memory");
            let table = child.emulation().expect("it has its parent's");
            assert_eq!((table.first(), table.entries()), (number, &[entry][..]));
            child.terminate();
            resume(&thread);
            drop((task, thread, child, table));
            until_ended(before);
        }
    }

    fn does_not_keep_a_processor() {
        let before = mapped();
        // As many endless loops as processors, and more.
        let tasks: [_; 10] = core::array::from_fn(|_| run(&[0xeb, 0xfe]));
        for _ in 0..20 {
            sched::assert_wait();
            sched::block_for(1);
        }
        for task in &tasks {
            task.terminate();
        }
        drop(tasks);
        until_ended(before);
    }

    fn memory_that_is_none_is_refused() {
        let mut word = [0_u32];
        // User space without a user, its end, and the kernel's own.
        for address in [0x0000_1000, 0xbfff_fffe, 0xc010_0000, 0xffff_fffe] {
            assert_eq!(user_memory::copy_in(address, &mut word), Err(BadAddress));
            assert_eq!(user_memory::copy_out(&word, address), Err(BadAddress));
        }
    }
}

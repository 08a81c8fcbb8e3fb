//! Tasks and threads that others suspend, abort and terminate, whatever they do.

use abi::message::MsgReturn;
use kernel_core::ipc::right::{Disposition, Right};

use super::threads::{mapped, until_ended};
use super::user::{CODE, prepare, resume};
use crate::ipc::HeldRights;
use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, stop};
use crate::task::lists::REGISTERED;
use crate::task::{Special, Task, UserThread};

/// `jmp .`
const SPINS: &[u8] = &[0xeb, 0xfe];

/// Receives from a port of its own, whose name goes into EBX; then
/// spins, with the result in EAX.
const RECEIVES: &[u8] = &[
    0xb8, 0xe6, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, // mach_reply_port
    0x89, 0xc3, // mov ebx, eax
    0x6a, 0, 0x6a, 0, 0x53, 0x68, 0, 1, 0, 0, // notify, timeout, name, size
    0x6a, 0, 0x6a, 2, 0x68, 0, 0, 0, 9, 0x6a, 0, // 0, MACH_RCV_MSG, the stack's page
    0xb8, 0xe7, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, // mach_msg
    0xeb, 0xfe, // jmp .
];

/// Sends to a port of its own until there is no more room; then spins.
const SENDS: &[u8] = &[
    0xb8, 0xe6, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, // mach_reply_port
    0xbb, 0, 0, 0, 9, // mov ebx, the stack's page
    0xc7, 0x03, 20, 0, 0, 0, // a header: MACH_MSG_TYPE_MAKE_SEND
    0x89, 0x43, 8, // to the port
    0x6a, 0, 0x6a, 0, 0x6a, 0, 0x6a, 0, 0x6a, 24, 0x6a, 1, 0x53, 0x6a, 0, 0xb8, 0xe7, 0xff, 0xff,
    0xff, 0x9a, 0, 0, 0, 0, 7, 0, // mach_msg
    0x83, 0xc4, 32, // add esp, 32
    0x85, 0xc0, // test eax, eax
    0x74, 0xde, // jz: again
    0xeb, 0xfe, // jmp .
];

/// Waits in `thread_switch` for as long as nobody lives.
const SLEEPS: &[u8] = &[
    0x68, 0, 0, 0, 0x70, 0x6a, 2, 0x6a, 0, 0x6a, 0, // time, SWITCH_OPTION_WAIT, no thread
    0xb8, 0xc3, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, // thread_switch
    0xeb, 0xfe, // jmp .
];

/// EAX of a thread, wherever it is.
fn eax(thread: &Shared<Thread>) -> Option<u32> {
    stop::with_registers(thread, |registers| registers.frame.trap.eax)
}

/// Lets others run for a tick.
fn pause() {
    sched::assert_wait();
    sched::block_for(1);
}

/// Aborts until the thread has `code` in EAX.
fn abort_until(thread: &Shared<Thread>, code: MsgReturn) {
    const PATIENCE: u32 = 500;
    for _ in 0..PATIENCE {
        stop::abort(thread);
        if eax(thread) == Some(code.0) {
            return;
        }
        pause();
    }
    panic!("EAX is {:#x?}, not {code:?}", eax(thread));
}

/// Ends the task, and sees that nothing of it is left.
fn end(task: Shared<Task>, thread: Shared<Thread>, before: usize) {
    task.terminate();
    assert_eq!(eax(&thread), None, "it has ended");
    drop((task, thread));
    until_ended(before);
}

case! {
    fn stop_where_they_run() {
        let before = mapped();
        // More than processors.
        let all: [_; 6] = core::array::from_fn(|_| prepare(SPINS));
        all.iter().for_each(|(_, thread)| resume(thread));
        for round in 0..6 {
            for (task, thread) in &all {
                let user = thread.upper::<UserThread>().expect("it is a user's");
                if round % 2 == 0 {
                    user.suspend(thread);
                    assert_eq!(user.resume(thread), Ok(()));
                    assert!(user.resume(thread).is_err(), "it is not suspended");
                } else {
                    task.suspend();
                    task.suspend();
                    assert_eq!(task.resume(), Ok(()));
                    assert_eq!(task.resume(), Ok(()));
                    assert!(task.resume().is_err(), "it is not suspended");
                }
            }
        }
        for (task, thread) in all {
            task.terminate();
            assert_eq!(eax(&thread), None, "it has ended");
        }
        until_ended(before);
    }

    fn are_aborted_where_they_receive() {
        let before = mapped();
        let (task, thread) = prepare(RECEIVES);
        resume(&thread);
        abort_until(&thread, MsgReturn::RCV_INTERRUPTED);
        end(task, thread, before);
    }

    fn are_aborted_where_they_send() {
        let before = mapped();
        let (task, thread) = prepare(SENDS);
        resume(&thread);
        abort_until(&thread, MsgReturn::SEND_INTERRUPTED);
        end(task, thread, before);
    }

    fn end_in_every_state() {
        for program in [SPINS, RECEIVES, SENDS, SLEEPS] {
            for pauses in [0, 2] {
                let before = mapped();
                let (task, thread) = prepare(program);
                resume(&thread);
                (0..pauses).for_each(|_| pause());
                UserThread::terminate(&thread);
                end(task, thread, before);

                let (task, thread) = prepare(program);
                resume(&thread);
                (0..pauses).for_each(|_| pause());
                task.suspend();
                end(task, thread, before);
            }
        }
        // One that never ran, and a task without threads.
        let before = mapped();
        let (task, thread) = prepare(SPINS);
        UserThread::terminate(&thread);
        end(task, thread, before);
    }

    fn end_under_load() {
        let before = mapped();
        let load: [_; 4] = core::array::from_fn(|_| prepare(SPINS));
        load.iter().for_each(|(_, thread)| resume(thread));
        let programs = [SPINS, RECEIVES, SENDS, SLEEPS];
        for _ in 0..3 {
            let tasks = programs.map(prepare);
            tasks.iter().for_each(|(_, thread)| resume(thread));
            for (task, thread) in tasks {
                task.terminate();
                assert_eq!(eax(&thread), None, "it has ended");
            }
        }
        for (task, _thread) in load {
            task.terminate();
        }
        until_ended(before);
    }

    fn end_where_they_ask_for_help() {
        let before = mapped();
        // ud2
        let (task, thread) = prepare(&[0x0f, 0x0b]);
        let port = task.names().allocate(Right::Receive).expect("there is room");
        let right = task.names().take(port, Disposition::MakeSend).expect("it receives");
        task.set_special(Special::Exception, right);
        resume(&thread);
        for _ in 0..4 {
            pause();
            // It asks again.
            stop::abort(&thread);
        }
        let eip = stop::with_registers(&thread, |registers| registers.frame.trap.eip);
        assert_eq!(eip, Some(CODE.as_u32()));
        end(task, thread, before);
    }

    fn find_no_help_at_the_kernel() {
        let before = mapped();
        let (task, thread) = prepare(&[0x0f, 0x0b]);
        task.set_special(Special::Exception, task.port().make_send());
        resume(&thread);
        drop((task, thread));
        until_ended(before);
    }

    fn keep_what_they_registered_until_they_end() {
        let before = mapped();
        let (task, thread) = prepare(SPINS);
        let mut rights = HeldRights::default();
        for _ in 0..REGISTERED {
            rights.push(task.port().make_send()).expect("there is memory");
        }
        task.register(rights);
        assert_eq!(task.registered().map(|all| all.len()), Ok(REGISTERED as u32));
        assert_eq!(task.threads().map(|all| all.len()), Ok(1));
        task.register(HeldRights::default());
        end(task, thread, before);
    }
}

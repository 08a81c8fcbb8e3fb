//! `mach`, `mach_host`, `gnumach`: threads.

use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::thread::*;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{Array, CString, CopySend};
use user_rt::message::Buffer;
use user_rt::rpc::{gnumach, mach, mach_host, mach_port};
use user_rt::thread;
use user_rt::trap;

use crate::Ports;
use crate::row::{NOBODY, holds, pages, port, row, value};

pub(super) fn rows(ports: &Ports) {
    creation(ports);
    running();
    state(ports);
    information(ports);
    special_ports(ports);
    scheduling(ports);
    names(ports);
    traps(ports);
}

/// A new thread that does not run; null if there is none to be had.
pub(super) fn still() -> PortName {
    let made = mach::thread_create(trap::mach_task_self());
    PortName(made.map_or(0, |reply| reply.child_thread.port))
}

fn creation(ports: &Ports) {
    let routine = "thread_create";
    let made = mach::thread_create(ports.task);
    let made = value(routine, "here", made, |reply| reply.child_thread.port != 0);
    let thread = PortName(made.map_or(0, |reply| reply.child_thread.port));
    row(routine, "of the host", mach::thread_create(ports.host));
    row(routine, "of a thread", mach::thread_create(ports.thread));
    let routine = "thread_suspend";
    row(routine, "once", mach::thread_suspend(thread));
    row(routine, "the host", mach::thread_suspend(ports.host));
    let routine = "thread_resume";
    row(routine, "once", mach::thread_resume(thread));
    row(routine, "the host", mach::thread_resume(ports.host));
    row(routine, "one that runs", mach::thread_resume(ports.thread));
    let routine = "thread_abort";
    row(routine, "a new one", mach::thread_abort(thread));
    row(routine, "itself", mach::thread_abort(ports.thread));
    row(routine, "the host", mach::thread_abort(ports.host));
    let routine = "thread_terminate";
    row(routine, "a new one", mach::thread_terminate(thread));
    row(routine, "again", mach::thread_terminate(thread));
    row(routine, "the host", mach::thread_terminate(ports.host));
    let answer = mach_port::mach_port_type(ports.task, thread);
    value(
        "mach_port_type",
        "of a thread that ended",
        answer,
        |reply| reply.ptype,
    );
    let routine = "thread_terminate_release";
    let (thread, memory) = (still(), pages(1));
    let task = CopySend::new(ports.task.0);
    let answer =
        gnumach::thread_terminate_release(thread, task, thread, PortName::NULL, memory, 4096);
    row(routine, "a new one", answer);
    value(
        "vm_region",
        "of what was released",
        mach::vm_region(ports.task, memory),
        |reply| reply.address == memory,
    );
    let answer = gnumach::thread_terminate_release(ports.host, task, thread, thread, 0, 0);
    row(routine, "the host", answer);
    let answer = gnumach::thread_terminate_release(NOBODY, task, thread, thread, 0, 0);
    row(routine, "nobody", answer);
}

/// What a second thread counts to.
static COUNT: AtomicU32 = AtomicU32::new(0);

fn running() {
    let begun = thread::spawn(|| {
        COUNT.fetch_add(1, Ordering::Relaxed);
    });
    let ended = begun.and_then(thread::Thread::join);
    row("thread_create", "runs and ends", ended);
    holds(
        "thread_create",
        "has run",
        COUNT.load(Ordering::Relaxed) == 1,
    );
    let begun = thread::spawn(|| {
        loop {
            COUNT.fetch_add(1, Ordering::Relaxed);
            trap::swtch();
        }
    });
    let Some(runner) = row("thread_create", "runs for ever", begun) else {
        return;
    };
    let moves = || {
        let before = COUNT.load(Ordering::Relaxed);
        (0..100).any(|_| {
            trap::swtch();
            COUNT.load(Ordering::Relaxed) != before
        })
    };
    holds("thread_resume", "it runs", moves());
    row(
        "thread_suspend",
        "a runner",
        mach::thread_suspend(runner.port()),
    );
    holds("thread_suspend", "it stands", !moves());
    row(
        "thread_resume",
        "a runner",
        mach::thread_resume(runner.port()),
    );
    holds("thread_resume", "it runs again", moves());
    row(
        "thread_terminate",
        "a runner",
        mach::thread_terminate(runner.port()),
    );
    row("thread_terminate", "it ends", runner.join());
    holds("thread_terminate", "it stands", !moves());
}

fn state(ports: &Ports) {
    let thread = still();
    let routine = "thread_get_state";
    for (case, flavor, count) in [
        ("flavours", THREAD_STATE_FLAVOR_LIST, 8),
        ("registers", I386_THREAD_STATE, ThreadState::COUNT),
        (
            "registers and segments",
            I386_REGS_SEGS_STATE,
            ThreadState::COUNT,
        ),
        ("floating point", I386_FLOAT_STATE, FloatState::COUNT),
        ("port map", I386_ISA_PORT_MAP_STATE, IsaPortMapState::COUNT),
        ("v86 assist", I386_V86_ASSIST_STATE, V86AssistState::COUNT),
        ("debug", I386_DEBUG_STATE, DebugState::COUNT),
        ("bases", I386_FSGS_BASE_STATE, FsGsBaseState::COUNT),
        ("registers, no room", I386_THREAD_STATE, 3),
        ("flavour 99", 99, 100),
    ] {
        let mut room = Buffer::<4608>::new();
        let answer = mach::thread_get_state(thread, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| reply.old_state.len());
    }
    let mut room = Buffer::<4608>::new();
    let count = ThreadState::COUNT;
    let answer = mach::thread_get_state(ports.host, I386_THREAD_STATE, count, &mut room.0);
    row(routine, "of the host", answer.map(drop));
    let answer = mach::thread_get_state(ports.thread, I386_THREAD_STATE, count, &mut room.0);
    row(routine, "of itself", answer.map(drop));
    let routine = "thread_set_state";
    let mut words = [0_u32; ThreadState::COUNT as usize];
    let answer = mach::thread_get_state(thread, I386_THREAD_STATE, count, &mut room.0);
    if let Ok(reply) = answer {
        for (place, word) in words.iter_mut().zip(reply.old_state.iter()) {
            *place = word;
        }
    }
    // EDI is the fifth.
    words[4] = 0x1234_5678;
    for (case, flavor, words) in [
        ("registers", I386_THREAD_STATE, &words[..]),
        ("registers and segments", I386_REGS_SEGS_STATE, &words[..]),
        (
            "debug, off",
            I386_DEBUG_STATE,
            &[0; DebugState::COUNT as usize][..],
        ),
        ("registers, too few", I386_THREAD_STATE, &words[..3]),
        ("flavour 99", 99, &words[..]),
    ] {
        row(
            routine,
            case,
            mach::thread_set_state(thread, flavor, Array::new(words)),
        );
    }
    let answer = mach::thread_get_state(thread, I386_THREAD_STATE, count, &mut room.0);
    value(routine, "is seen", answer, |reply| {
        reply.old_state.iter().nth(4)
    });
    let array = Array::new(&words[..]);
    row(
        routine,
        "of the host",
        mach::thread_set_state(ports.host, I386_THREAD_STATE, array),
    );
    row(
        routine,
        "of itself",
        mach::thread_set_state(ports.thread, I386_THREAD_STATE, array),
    );
    let _ = mach::thread_terminate(thread);
}

fn information(ports: &Ports) {
    let routine = "thread_info";
    for (case, flavor, count) in [
        ("basic", THREAD_BASIC_INFO, ThreadBasicInfo::COUNT),
        ("sched", THREAD_SCHED_INFO, ThreadSchedInfo::COUNT),
        ("basic, no room", THREAD_BASIC_INFO, 3),
        ("sched, no room", THREAD_SCHED_INFO, 3),
        ("flavour 99", 99, 100),
    ] {
        let mut room = Buffer::<1024>::new();
        let answer = mach::thread_info(ports.thread, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| reply.thread_info_out.len());
    }
    let mut room = Buffer::<1024>::new();
    let count = ThreadSchedInfo::COUNT;
    let answer = mach::thread_info(ports.thread, THREAD_SCHED_INFO, count, &mut room.0);
    value(routine, "policy and priorities", answer, |reply| {
        let mut words = reply.thread_info_out.iter();
        let first = [(); 4].map(|()| words.next().unwrap_or_default());
        (first[0], first[2], first[3])
    });
    let answer = mach::thread_info(ports.host, THREAD_BASIC_INFO, 100, &mut room.0);
    row(routine, "of the host", answer.map(drop));
}

fn special_ports(ports: &Ports) {
    let own = port();
    let thread = ports.thread;
    let routine = "thread_set_special_port";
    for (case, which, name) in [
        ("exception", THREAD_EXCEPTION_PORT, own),
        ("number 2", 2, own),
        ("number 99", 99, own),
    ] {
        row(
            routine,
            case,
            mach::thread_set_special_port(thread, which, CopySend::new(name.0)),
        );
    }
    let right = CopySend::new(own.0);
    let foreign = mach::thread_set_special_port(ports.host, THREAD_EXCEPTION_PORT, right);
    row(routine, "of the host", foreign);
    let routine = "thread_get_special_port";
    for (case, which, name) in [
        ("kernel", THREAD_KERNEL_PORT, thread),
        ("exception", THREAD_EXCEPTION_PORT, own),
        ("number 2", 2, own),
        ("number 99", 99, own),
    ] {
        let answer = mach::thread_get_special_port(thread, which);
        value(routine, case, answer, |reply| {
            reply.special_port.port == name.0
        });
    }
    row(
        routine,
        "of the host",
        mach::thread_get_special_port(ports.host, 1),
    );
    let none = mach::thread_set_special_port(thread, THREAD_EXCEPTION_PORT, CopySend::new(0));
    row("thread_set_special_port", "exception, null", none);
}

fn scheduling(ports: &Ports) {
    let thread = still();
    let set = mach_host::processor_set_default(ports.host);
    let set = PortName(set.map_or(0, |reply| reply.default_set.port));
    let privileged = mach_host::host_processor_set_priv(ports.host_priv, CopySend::new(set.0));
    let privileged = CopySend::new(privileged.map_or(0, |reply| reply.set.port));
    let routine = "thread_priority";
    for (case, priority, maximum) in [
        ("30", 30, false),
        ("49", 49, false),
        ("50", 50, false),
        ("-1", -1, false),
        ("10, above the maximum", 10, false),
        ("32, and the maximum", 32, true),
        ("31, above it", 31, false),
    ] {
        row(
            routine,
            case,
            mach_host::thread_priority(thread, priority, maximum),
        );
    }
    row(
        routine,
        "of the host",
        mach_host::thread_priority(ports.host, 30, false),
    );
    let routine = "thread_max_priority";
    for (case, set, priority) in [
        ("10", privileged, 10),
        ("50", privileged, 50),
        ("by the set's name", CopySend::new(set.0), 10),
        ("by the host", CopySend::new(ports.host.0), 10),
    ] {
        row(
            routine,
            case,
            mach_host::thread_max_priority(thread, set, priority),
        );
    }
    row(
        routine,
        "of the host",
        mach_host::thread_max_priority(ports.host, privileged, 10),
    );
    let routine = "thread_policy";
    for (case, policy, data) in [
        ("time-sharing", POLICY_TIMESHARE, 0),
        ("fixed priority", POLICY_FIXEDPRI, 100),
        ("number 3", 3, 0),
        ("number 99", 99, 0),
    ] {
        row(
            routine,
            case,
            mach_host::thread_policy(thread, policy, data),
        );
    }
    row(
        routine,
        "of the host",
        mach_host::thread_policy(ports.host, POLICY_TIMESHARE, 0),
    );
    let routine = "thread_depress_abort";
    row(
        routine,
        "not depressed",
        mach_host::thread_depress_abort(thread),
    );
    row(
        routine,
        "of the host",
        mach_host::thread_depress_abort(ports.host),
    );
    let routine = "thread_wire";
    let own = CopySend::new(ports.thread.0);
    for (case, host, thread, wired) in [
        ("itself", ports.host_priv, own, true),
        ("no more", ports.host_priv, own, false),
        ("another", ports.host_priv, CopySend::new(thread.0), true),
        ("by the host's name", ports.host, own, true),
        ("by the task", ports.task, own, true),
    ] {
        row(routine, case, mach_host::thread_wire(host, thread, wired));
    }
    let _ = mach::thread_terminate(thread);
}

fn names(ports: &Ports) {
    let routine = "thread_set_name";
    row(
        routine,
        "of this one",
        gnumach::thread_set_name(ports.thread, CString(b"first")),
    );
    row(
        routine,
        "of the host",
        gnumach::thread_set_name(ports.host, CString(b"first")),
    );
    row(
        routine,
        "of nobody",
        gnumach::thread_set_name(NOBODY, CString(b"first")),
    );
    row(
        routine,
        "too long",
        gnumach::thread_set_name(ports.thread, CString(&[b'x'; 64])),
    );
    let routine = "thread_get_name";
    let mut room = Buffer::<256>::new();
    let answer = gnumach::thread_get_name(ports.thread, &mut room.0);
    value(routine, "of this one", answer, |reply| reply.name.0.len());
    let answer = gnumach::thread_get_name(ports.host, &mut room.0);
    row(routine, "of the host", answer.map(drop));
}

fn traps(ports: &Ports) {
    let switched = trap::thread_switch(ports.thread, 1, 10);
    row("thread_switch", "depressed for 10 ms", switched);
    row(
        "thread_depress_abort",
        "itself",
        mach_host::thread_depress_abort(ports.thread),
    );
}

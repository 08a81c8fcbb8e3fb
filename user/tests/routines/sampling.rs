//! `mach4`: samples of where tasks and threads are.

use user_rt::abi::layout::thread::{
    SAMPLED_PC_PERIODIC, SAMPLED_PC_VM_FAULTS_ANY, SAMPLED_PC_VM_ZFILL_FAULTS,
};
use user_rt::abi::port::PortName;
use user_rt::message::Buffer;
use user_rt::rpc::mach4::*;

use crate::Ports;
use crate::row::{PAGE, holds, pages, row, value};

pub(super) fn rows(ports: &Ports) {
    let (task, thread) = (ports.task, ports.thread);
    let mut room = Buffer::<8192>::new();
    let routine = "task_enable_pc_sampling";
    value(
        routine,
        "of this task",
        task_enable_pc_sampling(task, SAMPLED_PC_PERIODIC),
        |reply| reply.tick > 0,
    );
    row(
        routine,
        "of the host",
        task_enable_pc_sampling(ports.host, SAMPLED_PC_PERIODIC),
    );
    let routine = "task_get_sampled_pcs";
    row(
        routine,
        "of this task",
        task_get_sampled_pcs(task, 0, &mut room.0).map(drop),
    );
    holds(routine, "are where it is", samples(task, None));
    let again = task_enable_pc_sampling(task, SAMPLED_PC_PERIODIC);
    row("task_enable_pc_sampling", "again", again);
    let answer = task_get_sampled_pcs(task, 1_000_000, &mut room.0);
    value(routine, "of what is to come", answer, |reply| {
        (reply.seqno > 2, reply.sampled_pcs.len())
    });
    row(
        routine,
        "of the host",
        task_get_sampled_pcs(ports.host, 0, &mut room.0).map(drop),
    );
    let routine = "task_disable_pc_sampling";
    let counted = task_disable_pc_sampling(task);
    value(routine, "of this task", counted, |reply| {
        reply.samplecnt > 2
    });
    let counted = task_disable_pc_sampling(task);
    value(routine, "again", counted, |reply| reply.samplecnt > 2);
    row(routine, "of the host", task_disable_pc_sampling(ports.host));
    let answer = task_get_sampled_pcs(task, 0, &mut room.0);
    row(
        "task_get_sampled_pcs",
        "of what is not sampled",
        answer.map(drop),
    );
    let enabled = task_enable_pc_sampling(task, SAMPLED_PC_VM_FAULTS_ANY);
    row("task_enable_pc_sampling", "at faults", enabled);
    let of_faults = faults(task, SAMPLED_PC_VM_FAULTS_ANY);
    holds("task_get_sampled_pcs", "of faults", of_faults >= 5);
    let _ = task_disable_pc_sampling(task);
    let enabled = task_enable_pc_sampling(task, SAMPLED_PC_VM_ZFILL_FAULTS);
    row("task_enable_pc_sampling", "at zero fills", enabled);
    let of_faults = faults(task, SAMPLED_PC_VM_ZFILL_FAULTS);
    holds("task_get_sampled_pcs", "of zero fills", of_faults >= 5);
    let _ = task_disable_pc_sampling(task);
    let routine = "thread_enable_pc_sampling";
    let answer = thread_enable_pc_sampling(thread, SAMPLED_PC_PERIODIC);
    value(routine, "of this thread", answer, |reply| reply.tick > 0);
    row(
        routine,
        "of the host",
        thread_enable_pc_sampling(ports.host, SAMPLED_PC_PERIODIC),
    );
    let routine = "thread_get_sampled_pcs";
    row(
        routine,
        "of this thread",
        thread_get_sampled_pcs(thread, 0, &mut room.0).map(drop),
    );
    holds(routine, "are where it is", samples(task, Some(thread)));
    row(
        routine,
        "of the host",
        thread_get_sampled_pcs(ports.host, 0, &mut room.0).map(drop),
    );
    let routine = "thread_disable_pc_sampling";
    row(
        routine,
        "of this thread",
        thread_disable_pc_sampling(thread),
    );
    row(routine, "again", thread_disable_pc_sampling(thread));
    row(
        routine,
        "of the host",
        thread_disable_pc_sampling(ports.host),
    );
    let answer = thread_get_sampled_pcs(thread, 0, &mut room.0);
    row(
        "thread_get_sampled_pcs",
        "of what is not sampled",
        answer.map(drop),
    );
}

/// Whether there are samples, and all of them where this program or thread was
/// when it did nothing but look for them.
fn samples(task: PortName, thread: Option<PortName>) -> bool {
    let mut room = Buffer::<8192>::new();
    for _ in 0..2000 {
        for _ in 0..10_000 {
            core::hint::spin_loop();
        }
        let found = match thread {
            None => task_get_sampled_pcs(task, 0, &mut room.0).map(|of| of.sampled_pcs),
            Some(thread) => thread_get_sampled_pcs(thread, 0, &mut room.0).map(|of| of.sampled_pcs),
        };
        let Ok(found) = found else {
            return false;
        };
        if found.len() > 2 {
            let is_here = |pc: u32| (PAGE..0xc000_0000).contains(&pc);
            return found
                .iter()
                .all(|sample| is_here(sample.pc) && sample.sampletype == SAMPLED_PC_PERIODIC);
        }
    }
    false
}

/// How many samples of a kind there are of faults at five new pages.
fn faults(task: PortName, kind: u32) -> usize {
    let mut room = Buffer::<8192>::new();
    let at = pages(5);
    for page in 0..5 {
        let place = core::ptr::with_exposed_provenance_mut::<u32>((at + page * PAGE) as usize);
        // SAFETY: a new page.
        unsafe { place.write_volatile(1) };
    }
    let found = task_get_sampled_pcs(task, 0, &mut room.0);
    found.map_or(0, |reply| {
        let samples = reply.sampled_pcs.iter();
        samples.filter(|sample| sample.sampletype == kind).count()
    })
}

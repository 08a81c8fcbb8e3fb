//! `mach4`: samples of where tasks and threads are.

use user_rt::abi::layout::thread::SAMPLED_PC_PERIODIC;
use user_rt::message::Buffer;
use user_rt::rpc::mach4::*;

use crate::Ports;
use crate::row::{row, value};

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
    row(
        routine,
        "of the host",
        task_get_sampled_pcs(ports.host, 0, &mut room.0).map(drop),
    );
    let routine = "task_disable_pc_sampling";
    row(routine, "of this task", task_disable_pc_sampling(task));
    row(routine, "again", task_disable_pc_sampling(task));
    row(routine, "of the host", task_disable_pc_sampling(ports.host));
    let answer = task_get_sampled_pcs(task, 0, &mut room.0);
    row(
        "task_get_sampled_pcs",
        "of what is not sampled",
        answer.map(drop),
    );
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

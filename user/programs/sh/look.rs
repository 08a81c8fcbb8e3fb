//! What the kernel tells of its tasks, threads, ports and memory.
//!
//! Owns nothing: rights that come with an answer are given back when it was looked
//! at.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user_rt::abi::layout::Plain;
use user_rt::abi::layout::task::{
    TASK_BASIC_INFO, TASK_THREAD_TIMES_INFO, TaskBasicInfo, TaskThreadTimesInfo,
};
use user_rt::abi::layout::thread::{THREAD_BASIC_INFO, ThreadBasicInfo};
use user_rt::abi::layout::time::TimeValue;
use user_rt::abi::layout::vm::VmStatistics;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::CopySend;
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_host, mach_port};
use user_rt::trap::{self, Result};

/// Send rights that came in an answer; given back with it.
pub(crate) struct Rights(pub(crate) Vec<PortName>);

impl Drop for Rights {
    fn drop(&mut self) {
        let own = trap::mach_task_self();
        for &port in &self.0 {
            let _ = trap::mach_port_deallocate(own, port);
        }
    }
}

impl Rights {
    /// All tasks, of all processor sets; `host` is the host's control port.
    ///
    /// # Errors
    /// The code of the call that did not succeed.
    pub(crate) fn of_tasks(host: PortName) -> Result<Rights> {
        let sets = mach_host::host_processor_sets(host)?.processor_sets;
        // SAFETY: it came in this reply, and nobody else claims it.
        let sets = Rights(names(&unsafe { Data::claim(sets) }));
        let mut tasks = Rights(Vec::new());
        for set in &sets.0 {
            let control = mach_host::host_processor_set_priv(host, CopySend::new(set.0))?;
            let control = Rights(alloc::vec![PortName(control.set.port)]);
            let list = mach_host::processor_set_tasks(control.0[0])?.task_list;
            // SAFETY: as above.
            tasks.0.extend(names(&unsafe { Data::claim(list) }));
        }
        Ok(tasks)
    }

    /// A task's threads.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn of_threads(task: PortName) -> Result<Rights> {
        let list = mach::task_threads(task)?.thread_list;
        // SAFETY: as above.
        Ok(Rights(names(&unsafe { Data::claim(list) })))
    }
}

fn names<E: Plain + Into<Name>>(data: &Data<E>) -> Vec<PortName> {
    data.iter().map(|right| right.into().0).collect()
}

/// The name in an element of an array of rights.
struct Name(PortName);

impl<const SENT: u8, const TAKEN: u8> From<user_rt::abi::wire::Right<SENT, TAKEN>> for Name {
    fn from(right: user_rt::abi::wire::Right<SENT, TAKEN>) -> Name {
        Name(PortName(right.port))
    }
}

/// A line about a task.
pub(crate) fn task(task: PortName) -> Result<String> {
    let basic: TaskBasicInfo = task_info(task, TASK_BASIC_INFO, TaskBasicInfo::COUNT)?;
    let times: TaskThreadTimesInfo =
        task_info(task, TASK_THREAD_TIMES_INFO, TaskThreadTimesInfo::COUNT)?;
    let threads = Rights::of_threads(task)?.0.len();
    let user = sum(basic.user_time, times.user_time);
    let system = sum(basic.system_time, times.system_time);
    Ok(format!(
        "{threads:>7} {:>9} {:>9} {:>9} {:>9}",
        kilobytes(basic.virtual_size),
        kilobytes(basic.resident_size),
        user,
        system
    ))
}

fn kilobytes(bytes: u32) -> String {
    format!("{} K", bytes / 1024)
}

/// Seconds, to the hundredth.
fn sum(one: TimeValue, other: TimeValue) -> String {
    let hundredths = |time: TimeValue| time.seconds * 100 + time.microseconds / 10_000;
    let all = hundredths(one) + hundredths(other);
    format!("{}.{:02}", all / 100, all % 100)
}

fn task_info<T: Plain>(task: PortName, flavor: i32, count: u32) -> Result<T> {
    let mut room = Buffer::<512>::new();
    let reply = mach::task_info(task, flavor, count, &mut room.0)?;
    Ok(read(reply.task_info_out.iter()))
}

/// A structure out of its words; those that are missing are zero.
fn read<T: Plain>(words: impl Iterator<Item = i32>) -> T {
    let mut bytes = alloc::vec![0; T::BYTES];
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        word.write(place);
    }
    T::read(&bytes)
}

/// A line about a thread.
pub(crate) fn thread(thread: PortName) -> Result<String> {
    let mut room = Buffer::<512>::new();
    let count = ThreadBasicInfo::COUNT;
    let reply = mach::thread_info(thread, THREAD_BASIC_INFO, count, &mut room.0)?;
    let info: ThreadBasicInfo = read(reply.thread_info_out.iter());
    let state = match info.run_state {
        1 => "running",
        2 => "stopped",
        3 => "waiting",
        4 => "waiting, uninterruptibly",
        5 => "halted",
        _ => "?",
    };
    let zero = TimeValue::default();
    Ok(format!(
        "{:>8} {:>8} {:>9} {:>9}  {state}",
        info.base_priority,
        info.cur_priority,
        sum(info.user_time, zero),
        sum(info.system_time, zero)
    ))
}

/// Names of a task, and what they denote, as `mach_port_type` says.
pub(crate) fn ports(task: PortName) -> Result<Vec<(PortName, u32)>> {
    let reply = mach_port::mach_port_names(task)?;
    // SAFETY: they came in this reply, and nobody else claims them.
    let names: Data<PortName> = unsafe { Data::claim(reply.names) };
    // SAFETY: as above.
    let types: Data<u32> = unsafe { Data::claim(reply.types) };
    Ok(names.iter().zip(types.iter()).collect())
}

/// What a type of `mach_port_type` is, in words.
pub(crate) fn kinds(bits: u32) -> String {
    const KINDS: [(u32, &str); 6] = [
        (16, "send"),
        (17, "receive"),
        (18, "send-once"),
        (19, "set"),
        (20, "dead"),
        (31, "notified"),
    ];
    let mut text = String::new();
    for (bit, kind) in KINDS {
        if bits >> bit & 1 != 0 {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(kind);
        }
    }
    text
}

/// What there is of memory.
pub(crate) fn memory() -> Result<VmStatistics> {
    Ok(mach::vm_statistics(trap::mach_task_self())?.vm_stats)
}

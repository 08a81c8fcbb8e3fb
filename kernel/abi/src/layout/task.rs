//! Task info flavours, special ports, restartable sequences.
//!
//! Pure values, for anyone. Sources: `mach/task_info.h`,
//! `mach/task_special_ports.h`, `mach/mach_param.h`.

use super::plain;
use super::time::{TimeValue, TimeValue64};

/// `TASK_BASIC_INFO`.
pub const TASK_BASIC_INFO: i32 = 1;
/// `TASK_EVENTS_INFO`.
pub const TASK_EVENTS_INFO: i32 = 2;
/// `TASK_THREAD_TIMES_INFO`.
pub const TASK_THREAD_TIMES_INFO: i32 = 3;
/// `TASK_KERNEL_PORT`.
pub const TASK_KERNEL_PORT: i32 = 1;
/// `TASK_EXCEPTION_PORT`.
pub const TASK_EXCEPTION_PORT: i32 = 3;
/// `TASK_BOOTSTRAP_PORT`.
pub const TASK_BOOTSTRAP_PORT: i32 = 4;
/// `TASK_PORT_REGISTER_MAX`: how many ports `mach_ports_register` takes.
pub const TASK_PORT_REGISTER_MAX: u32 = 4;
/// `TASK_RAS_CONTROL_PURGE_ALL`.
pub const RAS_PURGE_ALL: i32 = 0;
/// `TASK_RAS_CONTROL_PURGE_ONE`.
pub const RAS_PURGE_ONE: i32 = 1;
/// `TASK_RAS_CONTROL_PURGE_ALL_AND_INSTALL_ONE`.
pub const RAS_PURGE_ALL_AND_INSTALL_ONE: i32 = 2;
/// `TASK_RAS_CONTROL_INSTALL_ONE`.
pub const RAS_INSTALL_ONE: i32 = 3;

plain! {
    /// `task_basic_info`, flavour [`TASK_BASIC_INFO`].
    TaskBasicInfo {
        /// Suspensions not yet resumed.
        suspend_count: i32,
        /// For new threads.
        base_priority: i32,
        /// Bytes of address space.
        virtual_size: u32,
        /// Bytes in memory.
        resident_size: u32,
        /// Of terminated threads.
        user_time: TimeValue,
        /// Of terminated threads.
        system_time: TimeValue,
        /// When it was made.
        creation_time: TimeValue,
        /// Of terminated threads.
        user_time64: TimeValue64,
        /// Of terminated threads.
        system_time64: TimeValue64,
        /// When it was made.
        creation_time64: TimeValue64,
    }
}

plain! {
    /// `task_events_info`, flavour [`TASK_EVENTS_INFO`].
    TaskEventsInfo {
        /// Page faults.
        faults: u32,
        /// Pages filled with zeros.
        zero_fills: u32,
        /// Pages taken back from the inactive queue.
        reactivations: u32,
        /// Pages asked of pagers.
        pageins: u32,
        /// Pages copied on write.
        cow_faults: u32,
        /// Messages sent.
        messages_sent: u32,
        /// Messages received.
        messages_received: u32,
    }
}

plain! {
    /// `task_thread_times_info`, flavour [`TASK_THREAD_TIMES_INFO`].
    TaskThreadTimesInfo {
        /// Of live threads.
        user_time: TimeValue,
        /// Of live threads.
        system_time: TimeValue,
        /// Of live threads.
        user_time64: TimeValue64,
        /// Of live threads.
        system_time64: TimeValue64,
    }
}

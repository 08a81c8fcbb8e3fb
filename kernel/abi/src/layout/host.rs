//! Host, processor and processor set info, devices, reboot options.
//!
//! Pure values, for anyone. Sources: `mach/host_info.h`, `mach/machine.h`,
//! `mach/processor_info.h`, `device/device_types.h`, `device/tty_status.h`.

use super::plain;

/// `HOST_BASIC_INFO`.
pub const HOST_BASIC_INFO: i32 = 1;
/// `HOST_PROCESSOR_SLOTS`: slot numbers of the processors.
pub const HOST_PROCESSOR_SLOTS: i32 = 2;
/// `HOST_SCHED_INFO`.
pub const HOST_SCHED_INFO: i32 = 3;
/// `HOST_LOAD_INFO`.
pub const HOST_LOAD_INFO: i32 = 4;
/// `KERNEL_VERSION_MAX`: bytes of a kernel's version, its zero included.
pub const KERNEL_VERSION_MAX: u32 = 512;
/// `PROCESSOR_BASIC_INFO`.
pub const PROCESSOR_BASIC_INFO: i32 = 1;
/// `PROCESSOR_SET_BASIC_INFO`.
pub const PROCESSOR_SET_BASIC_INFO: i32 = 1;
/// `PROCESSOR_SET_SCHED_INFO`.
pub const PROCESSOR_SET_SCHED_INFO: i32 = 2;
/// `LOAD_SCALE`.
pub const LOAD_SCALE: i32 = 1000;
/// `CPU_TYPE_I386`.
pub const CPU_TYPE_I386: i32 = 7;
/// `CPU_TYPE_I486`.
pub const CPU_TYPE_I486: i32 = 17;
/// `CPU_TYPE_PENTIUM`.
pub const CPU_TYPE_PENTIUM: i32 = 18;
/// `CPU_TYPE_PENTIUMPRO`.
pub const CPU_TYPE_PENTIUMPRO: i32 = 19;
/// `CPU_SUBTYPE_AT386`.
pub const CPU_SUBTYPE_AT386: i32 = 1;
/// `D_READ`: open for reading.
pub const D_READ: u32 = 0x1;
/// `D_WRITE`: open for writing.
pub const D_WRITE: u32 = 0x2;
/// `D_NODELAY`: do not wait for the device.
pub const D_NODELAY: u32 = 0x4;
/// `D_NOWAIT`: do not wait for data.
pub const D_NOWAIT: u32 = 0x8;
/// `IO_INBAND_MAX`, in bytes.
pub const IO_INBAND_MAX: u32 = 128;
/// `DEV_GET_SIZE`: two words, bytes of device and record.
pub const DEV_GET_SIZE: u32 = 0;
/// `DEV_GET_RECORDS`: two words, records and bytes of one.
pub const DEV_GET_RECORDS: u32 = 1;
/// `TTY_STATUS`.
pub const TTY_STATUS: u32 = (b't' as u32) << 16 | 1;
/// `TTY_MODEM`.
pub const TTY_MODEM: u32 = (b't' as u32) << 16 | 2;
/// `TTY_FLUSH`.
pub const TTY_FLUSH: u32 = (b't' as u32) << 16 | 3;
/// `TTY_STOP`.
pub const TTY_STOP: u32 = (b't' as u32) << 16 | 4;
/// `TTY_START`.
pub const TTY_START: u32 = (b't' as u32) << 16 | 5;
/// `TTY_SET_BREAK`.
pub const TTY_SET_BREAK: u32 = (b't' as u32) << 16 | 6;
/// `TTY_CLEAR_BREAK`.
pub const TTY_CLEAR_BREAK: u32 = (b't' as u32) << 16 | 7;
/// `TTY_SET_TRANSLATION`.
pub const TTY_SET_TRANSLATION: u32 = (b't' as u32) << 16 | 8;
/// `TF_ODDP`.
pub const TF_ODDP: i32 = 0x2;
/// `TF_EVENP`.
pub const TF_EVENP: i32 = 0x4;
/// `TF_NOHANG`.
pub const TF_NOHANG: i32 = 0x20;
/// `TF_HUPCLS`.
pub const TF_HUPCLS: i32 = 0x40;
/// `TF_ECHO`.
pub const TF_ECHO: i32 = 0x80;
/// `TF_CRMOD`.
pub const TF_CRMOD: i32 = 0x100;
/// `TF_XTABS`.
pub const TF_XTABS: i32 = 0x200;
/// `DEVICE_INTR_NOTIFY`: id of an interrupt's notification (`device/notify.h`).
pub const DEVICE_INTR_NOTIFY: i32 = 100;

plain! {
    /// `host_basic_info`, flavour [`HOST_BASIC_INFO`].
    HostBasicInfo {
        /// Processors there may be.
        max_cpus: i32,
        /// Processors there are.
        avail_cpus: i32,
        /// Bytes of memory.
        memory_size: u32,
        /// One of `CPU_TYPE_*`.
        cpu_type: i32,
        /// [`CPU_SUBTYPE_AT386`].
        cpu_subtype: i32,
    }
}

plain! {
    /// `host_sched_info`, flavour [`HOST_SCHED_INFO`].
    HostSchedInfo {
        /// In ms.
        min_timeout: i32,
        /// In ms.
        min_quantum: i32,
    }
}

plain! {
    /// `host_load_info`, flavour [`HOST_LOAD_INFO`].
    HostLoadInfo {
        /// Over 5, 30 and 60 s, scaled by [`LOAD_SCALE`].
        avenrun: [i32; 3],
        /// The same, of idleness.
        mach_factor: [i32; 3],
    }
}

plain! {
    /// `processor_basic_info`, flavour [`PROCESSOR_BASIC_INFO`].
    ProcessorBasicInfo {
        /// One of `CPU_TYPE_*`.
        cpu_type: i32,
        /// [`CPU_SUBTYPE_AT386`].
        cpu_subtype: i32,
        /// Whether it runs threads.
        running: i32,
        /// Its number.
        slot_num: i32,
        /// Whether it is the one that was started first.
        is_master: i32,
    }
}

plain! {
    /// `processor_set_basic_info`, flavour [`PROCESSOR_SET_BASIC_INFO`].
    ProcessorSetBasicInfo {
        /// Its processors.
        processor_count: i32,
        /// Its tasks.
        task_count: i32,
        /// Its threads.
        thread_count: i32,
        /// Scaled by [`LOAD_SCALE`].
        load_average: i32,
        /// Scaled by [`LOAD_SCALE`].
        mach_factor: i32,
    }
}

plain! {
    /// `processor_set_sched_info`, flavour [`PROCESSOR_SET_SCHED_INFO`].
    ProcessorSetSchedInfo {
        /// Enabled ones, a bit each.
        policies: i32,
        /// For its threads.
        max_priority: i32,
    }
}

plain! {
    /// `tty_status`, flavour [`TTY_STATUS`].
    TtyStatus {
        /// Speed in, coded.
        ispeed: i32,
        /// Speed out, coded.
        ospeed: i32,
        /// The break character.
        breakc: i32,
        /// Of `TF_*`.
        flags: i32,
    }
}

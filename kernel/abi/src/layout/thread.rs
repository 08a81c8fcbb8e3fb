//! Thread info and state flavours, exceptions, scheduling constants.
//!
//! Pure values, for anyone. Sources: `mach/thread_info.h`,
//! `mach/i386/thread_status.h`, `mach/i386/fp_reg.h`, `mach/exception.h`, `mach/policy.h`,
//! `mach/thread_switch.h`, `mach/thread_special_ports.h`, `mach/pc_sample.h`,
//! `mach/i386/mach_i386_types.h`.

use super::plain;
use super::time::{TimeValue, TimeValue64};

/// `THREAD_BASIC_INFO`.
pub const THREAD_BASIC_INFO: i32 = 1;
/// `THREAD_SCHED_INFO`.
pub const THREAD_SCHED_INFO: i32 = 2;
/// `TH_USAGE_SCALE`: a whole processor.
pub const TH_USAGE_SCALE: i32 = 1000;
/// `TH_STATE_RUNNING`.
pub const TH_STATE_RUNNING: i32 = 1;
/// `TH_STATE_STOPPED`.
pub const TH_STATE_STOPPED: i32 = 2;
/// `TH_STATE_WAITING`.
pub const TH_STATE_WAITING: i32 = 3;
/// `TH_STATE_UNINTERRUPTIBLE`.
pub const TH_STATE_UNINTERRUPTIBLE: i32 = 4;
/// `TH_STATE_HALTED`: at a clean point.
pub const TH_STATE_HALTED: i32 = 5;
/// `TH_FLAGS_SWAPPED`.
pub const TH_FLAGS_SWAPPED: i32 = 1;
/// `TH_FLAGS_IDLE`.
pub const TH_FLAGS_IDLE: i32 = 2;
/// `THREAD_STATE_FLAVOR_LIST`: the numbers of the flavours; the reference kernel
/// lists 1 to 4, though it has the others too.
pub const THREAD_STATE_FLAVOR_LIST: i32 = 0;
/// `THREAD_STATE_MAX`: the most words of a state.
pub const THREAD_STATE_MAX: u32 = 1024;
/// `i386_THREAD_STATE`.
pub const I386_THREAD_STATE: i32 = 1;
/// `i386_FLOAT_STATE`.
pub const I386_FLOAT_STATE: i32 = 2;
/// `i386_ISA_PORT_MAP_STATE`.
pub const I386_ISA_PORT_MAP_STATE: i32 = 3;
/// `i386_V86_ASSIST_STATE`.
pub const I386_V86_ASSIST_STATE: i32 = 4;
/// `i386_REGS_SEGS_STATE`: [`ThreadState`] with segments as they are.
pub const I386_REGS_SEGS_STATE: i32 = 5;
/// `i386_DEBUG_STATE`.
pub const I386_DEBUG_STATE: i32 = 6;
/// `i386_FSGS_BASE_STATE`.
pub const I386_FSGS_BASE_STATE: i32 = 7;
/// `i386_XFLOAT_STATE`.
pub const I386_XFLOAT_STATE: i32 = 8;
/// `FP_NO`: no FPU.
pub const FP_NO: i32 = 0;
/// `FP_SOFT`: emulated.
pub const FP_SOFT: i32 = 1;
/// `FP_287`.
pub const FP_287: i32 = 2;
/// `FP_387`: FNSAVE.
pub const FP_387: i32 = 3;
/// `FP_387FX`: FXSAVE.
pub const FP_387FX: i32 = 4;
/// `FP_387X`: XSAVE.
pub const FP_387X: i32 = 5;
/// `THREAD_KERNEL_PORT`.
pub const THREAD_KERNEL_PORT: i32 = 1;
/// `THREAD_EXCEPTION_PORT`.
pub const THREAD_EXCEPTION_PORT: i32 = 3;
/// `POLICY_TIMESHARE`.
pub const POLICY_TIMESHARE: i32 = 1;
/// `POLICY_FIXEDPRI`.
pub const POLICY_FIXEDPRI: i32 = 2;
/// `SWITCH_OPTION_NONE`.
pub const SWITCH_OPTION_NONE: i32 = 0;
/// `SWITCH_OPTION_DEPRESS`.
pub const SWITCH_OPTION_DEPRESS: i32 = 1;
/// `SWITCH_OPTION_WAIT`.
pub const SWITCH_OPTION_WAIT: i32 = 2;
/// `EXC_BAD_ACCESS`: a `kern_return_t` and the address.
pub const EXC_BAD_ACCESS: i32 = 1;
/// `EXC_BAD_INSTRUCTION`.
pub const EXC_BAD_INSTRUCTION: i32 = 2;
/// `EXC_ARITHMETIC`.
pub const EXC_ARITHMETIC: i32 = 3;
/// `EXC_EMULATION`.
pub const EXC_EMULATION: i32 = 4;
/// `EXC_SOFTWARE`.
pub const EXC_SOFTWARE: i32 = 5;
/// `EXC_BREAKPOINT`.
pub const EXC_BREAKPOINT: i32 = 6;
/// `EXC_I386_INVOP`, code of a bad instruction.
pub const EXC_I386_INVOP: i32 = 1;
/// `EXC_I386_DIV`, code of an arithmetic exception.
pub const EXC_I386_DIV: i32 = 1;
/// `EXC_I386_INTO`.
pub const EXC_I386_INTO: i32 = 2;
/// `EXC_I386_NOEXT`.
pub const EXC_I386_NOEXT: i32 = 3;
/// `EXC_I386_EXTOVR`.
pub const EXC_I386_EXTOVR: i32 = 4;
/// `EXC_I386_EXTERR`.
pub const EXC_I386_EXTERR: i32 = 5;
/// `EXC_I386_EMERR`.
pub const EXC_I386_EMERR: i32 = 6;
/// `EXC_I386_BOUND`.
pub const EXC_I386_BOUND: i32 = 7;
/// `EXC_I386_SGL`, code of a breakpoint.
pub const EXC_I386_SGL: i32 = 1;
/// `EXC_I386_BPT`.
pub const EXC_I386_BPT: i32 = 2;
/// `EXC_I386_DBLFLT`.
pub const EXC_I386_DBLFLT: i32 = 8;
/// `EXC_I386_INVTSSFLT`.
pub const EXC_I386_INVTSSFLT: i32 = 10;
/// `EXC_I386_SEGNPFLT`.
pub const EXC_I386_SEGNPFLT: i32 = 11;
/// `EXC_I386_STKFLT`.
pub const EXC_I386_STKFLT: i32 = 12;
/// `EXC_I386_GPFLT`.
pub const EXC_I386_GPFLT: i32 = 13;
/// `EXC_I386_PGFLT`.
pub const EXC_I386_PGFLT: i32 = 14;
/// `SAMPLED_PC_PERIODIC`.
pub const SAMPLED_PC_PERIODIC: u32 = 0x1;
/// `SAMPLED_PC_VM_ZFILL_FAULTS`.
pub const SAMPLED_PC_VM_ZFILL_FAULTS: u32 = 0x10;
/// `SAMPLED_PC_VM_REACTIVATION_FAULTS`.
pub const SAMPLED_PC_VM_REACTIVATION_FAULTS: u32 = 0x20;
/// `SAMPLED_PC_VM_PAGEIN_FAULTS`.
pub const SAMPLED_PC_VM_PAGEIN_FAULTS: u32 = 0x40;
/// `SAMPLED_PC_VM_COW_FAULTS`.
pub const SAMPLED_PC_VM_COW_FAULTS: u32 = 0x80;
/// `SAMPLED_PC_VM_FAULTS_ANY`.
pub const SAMPLED_PC_VM_FAULTS_ANY: u32 = 0x100;

plain! {
    /// `thread_basic_info`, flavour [`THREAD_BASIC_INFO`].
    ThreadBasicInfo {
        /// In user mode.
        user_time: TimeValue,
        /// In the kernel.
        system_time: TimeValue,
        /// Share of a processor, in thousandths.
        cpu_usage: i32,
        /// Before decay.
        base_priority: i32,
        /// After it.
        cur_priority: i32,
        /// One of `TH_STATE_*`.
        run_state: i32,
        /// Of `TH_FLAGS_*`.
        flags: i32,
        /// Suspensions not yet resumed.
        suspend_count: i32,
        /// For how many seconds it has slept.
        sleep_time: i32,
        /// When it was made.
        creation_time: TimeValue,
        /// In user mode.
        user_time64: TimeValue64,
        /// In the kernel.
        system_time64: TimeValue64,
        /// When it was made.
        creation_time64: TimeValue64,
    }
}

plain! {
    /// `thread_sched_info`, flavour [`THREAD_SCHED_INFO`].
    ThreadSchedInfo {
        /// One of `POLICY_*`.
        policy: i32,
        /// The policy's quantum, in ms.
        data: i32,
        /// Before decay.
        base_priority: i32,
        /// The highest allowed.
        max_priority: i32,
        /// After decay.
        cur_priority: i32,
        /// Whether its priority is depressed.
        depressed: i32,
        /// To come back to, or -1.
        depress_priority: i32,
        /// Where it ran last.
        last_processor: i32,
    }
}

plain! {
    /// `i386_thread_state`, flavour [`I386_THREAD_STATE`]: the registers.
    ThreadState {
        /// `GS`.
        gs: u32,
        /// `FS`.
        fs: u32,
        /// `ES`.
        es: u32,
        /// `DS`.
        ds: u32,
        /// `EDI`.
        edi: u32,
        /// `ESI`.
        esi: u32,
        /// `EBP`.
        ebp: u32,
        /// `ESP`.
        esp: u32,
        /// `EBX`.
        ebx: u32,
        /// `EDX`.
        edx: u32,
        /// `ECX`.
        ecx: u32,
        /// `EAX`.
        eax: u32,
        /// `EIP`.
        eip: u32,
        /// `CS`.
        cs: u32,
        /// `EFL`.
        efl: u32,
        /// `UESP`.
        uesp: u32,
        /// `SS`.
        ss: u32,
    }
}

plain! {
    /// `i386_float_state`, flavour [`I386_FLOAT_STATE`]: what FNSAVE writes.
    FloatState {
        /// Which FPU there is: one of `FP_*`.
        fpkind: i32,
        /// Whether there is a state.
        initialized: i32,
        /// 27 words: environment and registers.
        hw_state: [u32; 27],
        /// Status at the last exception.
        exc_status: i32,
    }
}

plain! {
    /// `i386_xfloat_state`, flavour [`I386_XFLOAT_STATE`]: what the hardware's
    /// own state follows, of which `i386_get_xstate_size` tells the length of
    /// all: 592 bytes on the reference kernel with FXSAVE alone, 512 of them
    /// what FXSAVE writes, at 16, and 64 the header of XSAVE.
    XFloatState {
        /// Which FPU there is: one of `FP_*`.
        fpkind: i32,
        /// Whether there is a state.
        initialized: i32,
        /// Status at the last exception.
        exc_status: i32,
        /// Format of what follows; 1 was seen with FXSAVE.
        fp_save_kind: i32,
    }
}

plain! {
    /// `i386_isa_port_map_state`, flavour [`I386_ISA_PORT_MAP_STATE`].
    IsaPortMapState {
        /// A bit a port, 0 to 0x3ff; 0 permits.
        pm: [u32; 32],
    }
}

plain! {
    /// `i386_v86_assist_state`, flavour [`I386_V86_ASSIST_STATE`].
    V86AssistState {
        /// Address of the interrupt table.
        int_table: u32,
        /// Its entries.
        int_count: i32,
    }
}

plain! {
    /// `i386_debug_state`, flavour [`I386_DEBUG_STATE`].
    DebugState {
        /// `DR0` to `DR7`.
        dr: [u32; 8],
    }
}

plain! {
    /// `i386_fsgs_base_state`, flavour [`I386_FSGS_BASE_STATE`].
    FsGsBaseState {
        /// Base of FS.
        fs_base: u32,
        /// Base of GS.
        gs_base: u32,
    }
}

plain! {
    /// `sampled_pc_t`.
    SampledPc {
        /// The thread.
        id: u32,
        /// Where it was.
        pc: u32,
        /// One of `SAMPLED_PC_*`.
        sampletype: u32,
    }
}

plain! {
    /// `descriptor_t`: an entry of a descriptor table (Intel SDM 3A 3.4.5).
    SegmentDescriptor {
        /// Bits 0 to 31.
        low_word: u32,
        /// Bits 32 to 63.
        high_word: u32,
    }
}

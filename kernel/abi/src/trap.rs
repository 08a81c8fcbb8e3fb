//! System calls by the trap gate `lcall $7,$0`: numbers, names, arguments.
//!
//! A table for the kernel's dispatch and the runtime's stubs. EAX holds the
//! negative number, the stack the arguments above a return address. Source:
//! `mach/syscall_sw.h`.

/// The vector of the door by `int`, which leads where `lcall $7,$0` does; this
/// kernel's own. So does SYSENTER where CPUID has it, with the stack pointer in ECX
/// and the address to go on at in EDX, neither of which the kernel changes.
pub const INT_DOOR: u8 = 0x50;

/// One trap of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trap {
    /// What EAX holds; negative.
    pub number: i32,
    /// The name of the C function.
    pub name: &'static str,
    /// How many words the caller pushed.
    pub arguments: u8,
}

macro_rules! traps {
    ($($constant:ident = $number:literal, $name:literal, $arguments:literal;)*) => {
        $(#[doc = concat!("The number of `", $name, "`.")] pub const $constant: i32 = $number;)*

        /// Every trap of the interface, by falling number. All others are
        /// unassigned, those of the header's network, event counter and
        /// Unix sections included.
        pub const TRAPS: &[Trap] = &[
            $(Trap { number: $number, name: $name, arguments: $arguments },)*
        ];
    };
}

traps! {
    MACH_MSG_TRAP = -25, "mach_msg_trap", 7;
    MACH_REPLY_PORT = -26, "mach_reply_port", 0;
    MACH_THREAD_SELF = -27, "mach_thread_self", 0;
    MACH_TASK_SELF = -28, "mach_task_self", 0;
    MACH_HOST_SELF = -29, "mach_host_self", 0;
    MACH_PRINT = -30, "mach_print", 1;
    SWTCH_PRI = -59, "swtch_pri", 1;
    SWTCH = -60, "swtch", 0;
    THREAD_SWITCH = -61, "thread_switch", 3;
    SYSCALL_VM_MAP = -64, "syscall_vm_map", 11;
    SYSCALL_VM_ALLOCATE = -65, "syscall_vm_allocate", 4;
    SYSCALL_VM_DEALLOCATE = -66, "syscall_vm_deallocate", 3;
    SYSCALL_TASK_CREATE = -68, "syscall_task_create", 3;
    SYSCALL_TASK_TERMINATE = -69, "syscall_task_terminate", 1;
    SYSCALL_TASK_SUSPEND = -70, "syscall_task_suspend", 1;
    SYSCALL_TASK_SET_SPECIAL_PORT = -71, "syscall_task_set_special_port", 3;
    SYSCALL_MACH_PORT_ALLOCATE = -72, "syscall_mach_port_allocate", 3;
    SYSCALL_MACH_PORT_DEALLOCATE = -73, "syscall_mach_port_deallocate", 2;
    SYSCALL_MACH_PORT_INSERT_RIGHT = -74, "syscall_mach_port_insert_right", 4;
    SYSCALL_MACH_PORT_ALLOCATE_NAME = -75, "syscall_mach_port_allocate_name", 3;
    SYSCALL_THREAD_DEPRESS_ABORT = -76, "syscall_thread_depress_abort", 1;
    THREAD_SET_SELF_STATE = -77, "thread_set_self_state", 3;
}

/// The trap of `number`; `None` if it is unassigned. Constant time is the
/// dispatcher's concern: this walks the table.
#[must_use]
pub fn by_number(number: i32) -> Option<&'static Trap> {
    TRAPS.iter().find(|trap| trap.number == number)
}

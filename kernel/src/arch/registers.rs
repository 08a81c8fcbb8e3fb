//! The registers as a report shows them, wherever they were saved.

use core::arch::asm;
use core::fmt;

use x86::bits32::task::TaskStateSegment;

use super::processor::{self, ControlRegisters};
use super::trap::Frame;

/// General registers, instruction pointer, flags and control registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(crate) eax: u32,
    pub(crate) ebx: u32,
    pub(crate) ecx: u32,
    pub(crate) edx: u32,
    pub(crate) esi: u32,
    pub(crate) edi: u32,
    pub(crate) ebp: u32,
    pub(crate) esp: u32,
    pub(crate) eip: u32,
    pub(crate) eflags: u32,
    pub(crate) cs: u32,
    pub(crate) control: ControlRegisters,
}

impl Registers {
    /// As they are in the function that calls. The general registers hold
    /// whatever the compiler left in them.
    #[inline(always)]
    pub(crate) fn here() -> Registers {
        let mut saved = [0_u32; 11];
        // SAFETY: stores into `saved` only; the stack is as it was afterwards.
        unsafe {
            asm!(
                "mov [eax + 4], ebx",
                "mov [eax + 8], ecx",
                "mov [eax + 12], edx",
                "mov [eax + 16], esi",
                "mov [eax + 20], edi",
                "mov [eax + 24], ebp",
                "mov [eax + 28], esp",
                "call 2f",
                "2:",
                "pop dword ptr [eax + 32]",
                "pushfd",
                "pop dword ptr [eax + 36]",
                "mov [eax + 40], cs",
                in("eax") saved.as_mut_ptr(),
                options(preserves_flags),
            );
        }
        let [eax, ebx, ecx, edx, esi, edi, ebp, esp, eip, eflags, cs] = saved;
        let control = processor::control_registers();
        Registers {
            eax,
            ebx,
            ecx,
            edx,
            esi,
            edi,
            ebp,
            esp,
            eip,
            eflags,
            cs,
            control,
        }
    }

    /// As a trap found them.
    pub(crate) fn of_trap(frame: &Frame) -> Registers {
        Registers {
            eax: frame.eax,
            ebx: frame.ebx,
            ecx: frame.ecx,
            edx: frame.edx,
            esi: frame.esi,
            edi: frame.edi,
            ebp: frame.ebp,
            esp: frame.esp(),
            eip: frame.eip,
            eflags: frame.eflags,
            cs: frame.cs,
            control: processor::control_registers(),
        }
    }

    /// As a task switch saved them.
    pub(crate) fn of_task(task: &TaskStateSegment) -> Registers {
        Registers {
            eax: task.eax,
            ebx: task.ebx,
            ecx: task.ecx,
            edx: task.edx,
            esi: task.esi,
            edi: task.edi,
            ebp: task.ebp,
            esp: task.esp,
            eip: task.eip,
            eflags: task.eflags,
            cs: u32::from(task.cs),
            control: processor::control_registers(),
        }
    }
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, row: [(&str, u32); 4]| {
            for (name, value) in row {
                write!(f, "  {name:<3} {value:08x}")?;
            }
            writeln!(f)
        };
        row(
            f,
            [
                ("eax", self.eax),
                ("ebx", self.ebx),
                ("ecx", self.ecx),
                ("edx", self.edx),
            ],
        )?;
        row(
            f,
            [
                ("esi", self.esi),
                ("edi", self.edi),
                ("ebp", self.ebp),
                ("esp", self.esp),
            ],
        )?;
        let control = self.control;
        row(
            f,
            [
                ("eip", self.eip),
                ("efl", self.eflags),
                ("cs", self.cs),
                ("cr0", control.cr0),
            ],
        )?;
        write!(
            f,
            "  cr2 {:08x}  cr3 {:08x}  cr4 {:08x}",
            control.cr2, control.cr3, control.cr4
        )
    }
}

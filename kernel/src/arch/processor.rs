//! This processor's identity, control registers and optional features.
//!
//! What is newer than the Pentium is used behind a feature bit; `gated.list`
//! beside this file names the functions that do so, and their gates.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::VirtAddr;
use kernel_core::cpuid::Registers;
use x86::controlregs::{self, Cr0, Cr4};

/// Asks the CPU for one leaf (Intel SDM 2A, CPUID).
pub(crate) fn cpuid(function: u32) -> Registers {
    let (eax, ebx, ecx, edx);
    // SAFETY: every supported processor has CPUID; the entry code ran it.
    // EBX is kept by hand because LLVM may use it itself.
    unsafe {
        asm!(
            "mov {kept:e}, ebx",
            "cpuid",
            "xchg {kept:e}, ebx",
            kept = out(reg) ebx,
            inout("eax") function => eax,
            inout("ecx") 0 => ecx,
            out("edx") edx,
            options(nomem, nostack, preserves_flags),
        );
    }
    Registers { eax, ebx, ecx, edx }
}

/// CPUID.1:EDX bits that the kernel asks about.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum Feature {
    /// Model-specific registers.
    Msr = 1 << 5,
    /// A local APIC.
    Apic = 1 << 9,
    /// SYSENTER, and really so.
    Sysenter = 1 << 11,
    /// Global pages.
    GlobalPages = 1 << 13,
    /// FXSAVE and FXRSTOR.
    Fxsr = 1 << 24,
    /// SSE, and exceptions of its own.
    Sse = 1 << 25,
}

/// Whether the processors have `feature`. All are taken to be like the first
/// one that was asked: CPUID is slow, above all under a hypervisor.
pub(crate) fn has(feature: Feature) -> bool {
    static FEATURES: AtomicU32 = AtomicU32::new(0);
    let features = match FEATURES.load(Ordering::Relaxed) {
        // Not asked yet: none of the supported ones has no features.
        0 => {
            let version = cpuid(1);
            let features = kernel_core::cpuid::really(version.eax, version.edx);
            FEATURES.store(features, Ordering::Relaxed);
            features
        }
        features => features,
    };
    features & feature as u32 != 0
}

/// Turns on what the kernel wants of paging on this processor: supervisor
/// writes respect read-only pages, and kernel pages outlive a change of space
/// where the CPU can do that.
pub(crate) fn init_paging_features() {
    // SAFETY: write protection and global pages change no mapping; the kernel's
    // tables are made for both.
    unsafe {
        controlregs::cr0_write(controlregs::cr0() | Cr0::CR0_WRITE_PROTECT);
        if has(Feature::GlobalPages) {
            controlregs::cr4_write(controlregs::cr4() | Cr4::CR4_ENABLE_GLOBAL_PAGES);
        }
    }
}

/// The address that the last page fault on this processor was about.
pub(crate) fn fault_address() -> VirtAddr {
    // SAFETY: reading CR2 has no effect.
    let address = unsafe { controlregs::cr2() };
    VirtAddr::new(address as u32)
}

/// The control registers, for a panic's report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ControlRegisters {
    /// CR0.
    pub(crate) cr0: u32,
    /// CR2.
    pub(crate) cr2: u32,
    /// CR3.
    pub(crate) cr3: u32,
    /// CR4.
    pub(crate) cr4: u32,
}

/// Reads the control registers.
pub(crate) fn control_registers() -> ControlRegisters {
    // SAFETY: reading them has no effect; CR4 exists wherever PSE does.
    unsafe {
        ControlRegisters {
            cr0: controlregs::cr0().bits() as u32,
            cr2: controlregs::cr2() as u32,
            cr3: controlregs::cr3() as u32,
            cr4: controlregs::cr4().bits() as u32,
        }
    }
}

/// Reads a model-specific register.
///
/// # Safety
///
/// The processor has [`Feature::Msr`] and a register of this number.
pub(crate) unsafe fn read_msr(number: u32) -> u64 {
    // SAFETY: passed on to the caller.
    unsafe { x86::msr::rdmsr(number) }
}

/// Writes a model-specific register.
///
/// # Safety
///
/// The processor has [`Feature::Msr`] and a register of this number, which may
/// have this value.
pub(crate) unsafe fn write_msr(number: u32, value: u64) {
    // SAFETY: passed on to the caller.
    unsafe { x86::msr::wrmsr(number, value) }
}

/// Tells the processor that this is a loop waiting for another one. A plain
/// `nop` before the Pentium 4.
pub(crate) fn relax() {
    core::hint::spin_loop();
}

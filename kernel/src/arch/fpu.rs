//! The floating-point registers of user threads. The kernel has no use for any.
//!
//! A thread gets the registers when it first touches them in its turn: until
//! then the processor refuses by exception 7. Owned by the scheduler, which
//! saves them before another thread comes.

use core::arch::asm;

use kernel_core::fpu::{self, OLD};
use x86::controlregs::{self, Cr0, Cr4};

use super::processor::{self, Feature};

/// Bytes of FXSAVE's image; FNSAVE's fit as well.
const IMAGE: usize = fpu::NEW;
/// Control word of a new thread, as FNINIT leaves it.
const CONTROL: u16 = 0x037f;
/// MXCSR of a new thread, as reset leaves it.
const MXCSR: u16 = 0x1f80;
/// Where FXSAVE has MXCSR.
const MXCSR_AT: usize = 24;
/// Where FNSAVE has the tags, and all of them empty.
const TAGS_AT: usize = 8;
const TAGS_EMPTY: u16 = 0xffff;

/// Bits of MXCSR that every processor with SSE takes (Intel SDM 1, 11.6.6).
const MXCSR_MASK: u32 = 0xffbf;

/// How a processor keeps its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As FNSAVE writes them.
    Old,
    /// As FXSAVE writes them.
    New,
}

impl Kind {
    /// This machine's.
    pub(crate) fn here() -> Kind {
        match has_fxsave() {
            true => Kind::New,
            false => Kind::Old,
        }
    }
}

/// Registers that are not in the processor.
#[derive(Clone)]
#[repr(C, align(16))]
pub(crate) struct State {
    image: [u8; IMAGE],
    /// Whether the thread has used them, or somebody has set them.
    is_used: bool,
}

impl State {
    /// Those of a new thread.
    pub(crate) fn new() -> State {
        let mut image = [0; IMAGE];
        image[..2].copy_from_slice(&CONTROL.to_le_bytes());
        if has_fxsave() {
            image[MXCSR_AT..][..2].copy_from_slice(&MXCSR.to_le_bytes());
        } else {
            image[TAGS_AT..][..2].copy_from_slice(&TAGS_EMPTY.to_le_bytes());
        }
        State {
            image,
            is_used: false,
        }
    }

    /// Whether they are not those of a new thread.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// They as FNSAVE writes them.
    pub(crate) fn old(&self) -> [u8; OLD] {
        match (has_fxsave(), self.image.first_chunk()) {
            (false, Some(image)) => *image,
            _ => fpu::to_old(&self.image),
        }
    }

    /// Sets them, as FRSTOR reads them.
    pub(crate) fn set_old(&mut self, image: &[u8; OLD]) {
        self.is_used = true;
        match has_fxsave() {
            true => fpu::from_old(image, &mut self.image),
            false => self.image[..OLD].copy_from_slice(image),
        }
    }

    /// They as FXSAVE writes them, where there is that.
    pub(crate) fn new_image(&self) -> Option<&[u8; IMAGE]> {
        has_fxsave().then_some(&self.image)
    }

    /// Sets them, as FXRSTOR reads them, where there is that.
    pub(crate) fn set_new(&mut self, image: &[u8; IMAGE]) {
        if !has_fxsave() {
            return;
        }
        self.is_used = true;
        self.image = *image;
        // The processor would refuse the others.
        if let Some(place) = self.image[MXCSR_AT..].first_chunk_mut() {
            *place = (u32::from_le_bytes(*place) & MXCSR_MASK).to_le_bytes();
        }
    }

    /// The status word, whose errors are forgotten; the thread runs.
    pub(crate) fn take_errors(&mut self) -> u32 {
        /// Errors, their summary, and busy.
        const ERRORS: u16 = 0x80ff;
        self.save_if_used();
        let at = match has_fxsave() {
            true => 2,
            false => 4,
        };
        let Some(place) = self.image[at..].first_chunk_mut() else {
            return 0;
        };
        let status = u16::from_le_bytes(*place);
        *place = (status & !ERRORS).to_le_bytes();
        status.into()
    }

    /// Puts them into the processor, and lets the thread use them.
    pub(crate) fn load(&mut self) {
        self.is_used = true;
        // SAFETY: the image has the format that this processor reads; no code
        // of the kernel uses these registers.
        unsafe {
            asm!("clts", options(nomem, nostack));
            if has_fxsave() {
                fxrstor(self);
            } else {
                frstor(self);
            }
        }
    }

    /// Takes them out of the processor if the thread used them in this turn.
    pub(crate) fn save_if_used(&mut self) {
        // SAFETY: reading CR0 has no effect; the image has room; setting TS
        // makes the next use an exception.
        unsafe {
            if controlregs::cr0().contains(Cr0::CR0_TASK_SWITCHED) {
                return;
            }
            if has_fxsave() {
                fxsave(self);
            } else {
                fnsave(self);
            }
            controlregs::cr0_write(controlregs::cr0() | Cr0::CR0_TASK_SWITCHED);
        }
    }
}

/// Makes this processor refuse the registers until they are loaded, and report
/// their errors as exceptions.
pub(crate) fn init() {
    // SAFETY: the kernel has no floating-point code that this could break.
    unsafe {
        let native = Cr0::CR0_NUMERIC_ERROR | Cr0::CR0_MONITOR_COPROCESSOR;
        let cr0 = controlregs::cr0() - Cr0::CR0_EMULATE_COPROCESSOR;
        controlregs::cr0_write((cr0 | native) - Cr0::CR0_TASK_SWITCHED);
        // Forgets errors that firmware may have left pending.
        fninit();
        controlregs::cr0_write(cr0 | native | Cr0::CR0_TASK_SWITCHED);
        if has_fxsave() {
            let mut cr4 = controlregs::cr4() | Cr4::CR4_ENABLE_SSE;
            if processor::has(Feature::Sse) {
                cr4 |= Cr4::CR4_UNMASKED_SSE;
            }
            controlregs::cr4_write(cr4);
        }
    }
}

fn has_fxsave() -> bool {
    processor::has(Feature::Fxsr)
}

/// # Safety
///
/// The processor has [`Feature::Fxsr`].
#[inline(never)]
unsafe fn fxsave(state: &mut State) {
    // SAFETY: the image is aligned and has room.
    unsafe { asm!("fxsave [{0}]", in(reg) state, options(nostack)) };
}

/// # Safety
///
/// The processor has [`Feature::Fxsr`], and wrote the image or could have.
#[inline(never)]
unsafe fn fxrstor(state: &State) {
    // SAFETY: passed on to the caller.
    unsafe { asm!("fxrstor [{0}]", in(reg) state, options(nostack)) };
}

/// # Safety
///
/// CR0.TS is clear.
#[inline(never)]
unsafe fn fnsave(state: &mut State) {
    // SAFETY: the image has room.
    unsafe { asm!("fnsave [{0}]", in(reg) state, options(nostack)) };
}

/// # Safety
///
/// CR0.TS is clear, and the processor wrote the image or could have.
#[inline(never)]
unsafe fn frstor(state: &State) {
    // SAFETY: passed on to the caller.
    unsafe { asm!("frstor [{0}]", in(reg) state, options(nostack)) };
}

/// # Safety
///
/// CR0.TS is clear.
#[inline(never)]
unsafe fn fninit() {
    // SAFETY: passed on to the caller.
    unsafe { asm!("fninit", options(nomem, nostack)) };
}

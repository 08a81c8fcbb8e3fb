//! The registers of threads, flavour by flavour (`mach/i386/thread_status.h`).
//!
//! Owns what a user may set: what the processor would refuse, or would do to the
//! kernel, is refused or left out here. Called for `thread_get_state` and
//! `thread_set_state`.

use abi::kern_return::KernReturn;
use abi::layout::Plain;
use abi::layout::thread::*;
use kernel_core::descriptor::Use;
use kernel_core::fpu::{NEW, OLD};

use super::Refused;
use super::info::Words;
use crate::arch::fpu::{self, Kind};
use crate::arch::own_segments::{self, OwnSegments};
use crate::arch::segments::{USER_CODE, USER_DATA};
use crate::arch::trap::{EFLAGS_USER, UserFrame};
use crate::mm::pmap::Pmap;
use crate::sched::{Kept, Registers};
use crate::vm::space::USER_END;

/// Flags that no user sets: privilege, nested tasks, an instruction that passes
/// over its breakpoint, and virtual 8086 mode.
const EFLAGS_KEPT: u32 = 0b11 << 12 | 1 << 14 | 1 << 16 | 1 << 17;
/// The flavours that the list names.
const LISTED: [i32; 4] = [1, 2, 3, 4];
/// Bytes of what XSAVE adds to FXSAVE's image.
const XSAVE_HEADER: usize = 64;
/// `fp_save_kind` where that is FXSAVE's.
const SAVED_BY_FXSAVE: i32 = 1;
/// Bytes of an entry of the table that `i386_V86_ASSIST_STATE` tells of.
const V86_ENTRY: u32 = 8;

/// Bytes of the longest flavour.
pub(super) const MOST_BYTES: usize = XFloatState::BYTES + NEW + XSAVE_HEADER;

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);

/// The words of a flavour, if the caller has room for them; `ports` is where the
/// map of the thread's ports is.
pub(super) fn get(
    of: &Registers<'_>,
    ports: &Pmap,
    flavor: i32,
    room: u32,
) -> Result<Words, Refused> {
    let mut words = Words::new();
    let kept = &*of.kept;
    match flavor {
        THREAD_STATE_FLAVOR_LIST => LISTED.iter().for_each(|word| words.push(word)),
        I386_THREAD_STATE | I386_REGS_SEGS_STATE => words.push(&general(of.frame)),
        I386_FLOAT_STATE => words.push(&float(kept)),
        I386_ISA_PORT_MAP_STATE => {
            let mut pm = [0; 32];
            ports.first_ports(&mut pm);
            words.push(&IsaPortMapState { pm });
        }
        I386_V86_ASSIST_STATE => words.push(&V86AssistState {
            int_table: kept.v86.table,
            int_count: kept.v86.count as i32,
        }),
        I386_DEBUG_STATE => words.push(&DebugState { dr: kept.debug.0 }),
        I386_XFLOAT_STATE => {
            let image = kept.fpu.new_image().ok_or(INVALID)?;
            let is_used = kept.fpu.is_used();
            words.push(&XFloatState {
                fpkind: if is_used { FP_387FX } else { 0 },
                initialized: is_used.into(),
                exc_status: 0,
                fp_save_kind: if is_used { SAVED_BY_FXSAVE } else { 0 },
            });
            let zeroes = [0; NEW];
            words.push_bytes(if is_used { image } else { &zeroes });
            words.push_bytes(&zeroes[..XSAVE_HEADER]);
        }
        _ => return Err(INVALID),
    }
    match words.words().len() <= room as usize {
        true => Ok(words),
        false => Err(INVALID),
    }
}

/// Sets what a flavour says.
pub(super) fn set(of: &mut Registers<'_>, flavor: i32, words: &[u8]) -> Result<(), Refused> {
    let kept = &mut *of.kept;
    match flavor {
        I386_THREAD_STATE => set_general(of.frame, &state(words)?, Segments::Usual),
        I386_REGS_SEGS_STATE => {
            let state = state(words)?;
            if !are_usable(&state, kept.segments.as_deref()) {
                return Err(INVALID);
            }
            set_general(of.frame, &state, Segments::Given);
        }
        I386_FLOAT_STATE => {
            let state: FloatState = state(words)?;
            let mut image = [0; OLD];
            for (bytes, word) in image.chunks_exact_mut(size_of::<u32>()).zip(state.hw_state) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            match state.initialized {
                0 => kept.fpu = fpu::State::new(),
                _ => kept.fpu.set_old(&image),
            }
        }
        // Which ports a task may use is not set here (seen).
        I386_ISA_PORT_MAP_STATE => drop(state::<IsaPortMapState>(words)?),
        I386_V86_ASSIST_STATE => {
            let state: V86AssistState = state(words)?;
            let (table, count) = (state.int_table, state.int_count as u32);
            let size = count.checked_mul(V86_ENTRY);
            let end = size.and_then(|size| table.checked_add(size));
            if end.is_none_or(|end| end > USER_END) {
                return Err(INVALID);
            }
            (kept.v86.table, kept.v86.count) = (table, count);
        }
        I386_DEBUG_STATE => {
            let mut debug = kept.debug;
            debug.0 = state::<DebugState>(words)?.dr;
            (debug.0[4], debug.0[5]) = (0, 0);
            if !debug.are_allowed(USER_END) {
                return Err(INVALID);
            }
            kept.debug = debug;
        }
        I386_XFLOAT_STATE if Kind::here() == Kind::New => {
            let state: XFloatState = state(words)?;
            let image = words
                .get(XFloatState::BYTES..)
                .and_then(<[u8]>::first_chunk);
            let image: &[u8; NEW] = image.ok_or(INVALID)?;
            match state.initialized {
                0 => kept.fpu = fpu::State::new(),
                _ => kept.fpu.set_new(image),
            }
        }
        _ => return Err(INVALID),
    }
    Ok(())
}

/// A structure at the beginning of the words, if they are as many.
fn state<T: Plain>(words: &[u8]) -> Result<T, Refused> {
    match words.len() >= T::BYTES {
        true => Ok(T::read(words)),
        false => Err(INVALID),
    }
}

fn general(frame: &UserFrame) -> ThreadState {
    let trap = &frame.trap;
    ThreadState {
        gs: trap.gs & SELECTOR,
        fs: trap.fs & SELECTOR,
        es: trap.es & SELECTOR,
        ds: trap.ds & SELECTOR,
        edi: trap.edi,
        esi: trap.esi,
        ebp: trap.ebp,
        esp: 0,
        ebx: trap.ebx,
        edx: trap.edx,
        ecx: trap.ecx,
        eax: trap.eax,
        eip: trap.eip,
        cs: trap.cs & SELECTOR,
        efl: trap.eflags,
        uesp: frame.esp,
        ss: frame.ss & SELECTOR,
    }
}

/// The part of a pushed word that is a selector: old processors leave the rest.
const SELECTOR: u32 = 0xffff;

/// Which segments a thread gets.
enum Segments {
    /// Those of a new thread.
    Usual,
    /// What the state says.
    Given,
}

fn set_general(frame: &mut UserFrame, state: &ThreadState, segments: Segments) {
    let trap = &mut frame.trap;
    trap.edi = state.edi;
    trap.esi = state.esi;
    trap.ebp = state.ebp;
    trap.ebx = state.ebx;
    trap.edx = state.edx;
    trap.ecx = state.ecx;
    trap.eax = state.eax;
    trap.eip = state.eip;
    trap.eflags = state.efl & !EFLAGS_KEPT | EFLAGS_USER;
    frame.esp = state.uesp;
    let data = u32::from(USER_DATA.bits());
    let (gs, fs, es, ds, cs, ss) = match segments {
        Segments::Usual => (data, data, data, data, USER_CODE.bits().into(), data),
        Segments::Given => (state.gs, state.fs, state.es, state.ds, state.cs, state.ss),
    };
    (trap.gs, trap.fs, trap.es, trap.ds) = (gs, fs, es, ds);
    (trap.cs, frame.ss) = (cs, ss);
}

/// Whether the processor takes these segments in user mode, of a thread with such
/// of its own.
fn are_usable(state: &ThreadState, own: Option<&OwnSegments>) -> bool {
    let readable = [state.gs, state.fs, state.es, state.ds];
    own_segments::allows(own, state.cs, Use::Code)
        && own_segments::allows(own, state.ss, Use::Stack)
        && readable
            .into_iter()
            .all(|selector| own_segments::allows(own, selector, Use::Data))
}

fn float(kept: &Kept) -> FloatState {
    let mut state = FloatState {
        fpkind: 0,
        initialized: 0,
        hw_state: [0; 27],
        exc_status: 0,
    };
    if !kept.fpu.is_used() {
        return state;
    }
    state.fpkind = match Kind::here() {
        Kind::Old => FP_387,
        Kind::New => FP_387FX,
    };
    state.initialized = 1;
    let image = kept.fpu.old();
    for (word, bytes) in state
        .hw_state
        .iter_mut()
        .zip(image.chunks_exact(size_of::<u32>()))
    {
        *word = u32::read(bytes);
    }
    state
}

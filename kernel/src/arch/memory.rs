//! The functions that the compiler calls to copy, fill and compare memory.
//!
//! Owns `memory.s`. Nobody names them: they stand in for the compiler's own,
//! which are weak symbols and move a byte at a time.

use core::arch::global_asm;

global_asm!(include_str!("memory.s"));

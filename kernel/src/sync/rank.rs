//! The order of all locks in the kernel, lowest first.
//!
//! A processor that holds a lock may take one that stands below it in this
//! list, never one above.

use kernel_core::rank::Rank;

/// The monitor's line editor, held while a command runs.
pub(crate) const MONITOR: Rank = Rank(5);
/// Whose turn it is to have a function run by the other processors.
pub(crate) const CALL: Rank = Rank(60);
/// The kernel's own mappings.
pub(crate) const KERNEL_MAP: Rank = Rank(20);
/// The kernel heap.
pub(crate) const HEAP: Rank = Rank(30);
/// Free physical frames.
pub(crate) const FRAMES: Rank = Rank(40);
/// Interrupt controllers.
pub(crate) const INTERRUPT_CONTROLLER: Rank = Rank(50);
/// Console output: last, so that anyone may report.
pub(crate) const CONSOLE: Rank = Rank(90);

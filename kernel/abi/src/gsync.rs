//! Flags of `gsync_wait`, `gsync_wake` and `gsync_requeue`.
//!
//! For anyone. `mach/gnumach.defs` names them and says what they do; no header
//! has their values, which are the reference kernel's.

/// `GSYNC_SHARED`: the word may be one that tasks share.
pub const GSYNC_SHARED: i32 = 1;
/// `GSYNC_QUAD`: the word behind it counts as well.
pub const GSYNC_QUAD: i32 = 2;
/// `GSYNC_TIMED`: the wait has an end.
pub const GSYNC_TIMED: i32 = 4;
/// `GSYNC_BROADCAST`: all who wait, not one.
pub const GSYNC_BROADCAST: i32 = 8;
/// `GSYNC_MUTATE`: the word is changed first.
pub const GSYNC_MUTATE: i32 = 16;

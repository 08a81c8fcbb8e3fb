//! What `ping` and `pong` play with.
//!
//! Owns the numbers that both must know. A message is a header alone.

/// A message with this id is answered …
pub const PING: i32 = 1000;
/// … by one with this id, a hundred more, as MIG's replies have it.
pub const PONG: i32 = PING + 100;

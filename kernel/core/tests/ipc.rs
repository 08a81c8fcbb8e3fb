//! Messages, names and ports; facts marked "seen" are the reference kernel's.

#[path = "ipc/message.rs"]
mod message;

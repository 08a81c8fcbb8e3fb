//! Messages, names and ports; facts marked "seen" are the reference kernel's.

#[path = "ipc/accepted.rs"]
mod accepted;
#[path = "ipc/message.rs"]
mod message;
#[path = "ipc/port.rs"]
mod port;
#[path = "ipc/radix.rs"]
mod radix;
#[path = "ipc/space.rs"]
mod space;

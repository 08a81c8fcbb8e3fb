//! Messages, names and ports; facts marked "seen" are the reference kernel's.

mod allocator;

#[path = "ipc/accepted.rs"]
mod accepted;
#[path = "ipc/ask.rs"]
mod ask;
#[path = "ipc/message.rs"]
mod message;
#[path = "ipc/plain.rs"]
mod plain;
#[path = "ipc/port.rs"]
mod port;
#[path = "ipc/shortage.rs"]
mod shortage;
#[path = "ipc/space.rs"]
mod space;

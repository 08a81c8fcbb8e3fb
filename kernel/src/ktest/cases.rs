//! The test cases, one file a noun, in `kernel/tests/`.

#[path = "../../tests/cpus.rs"]
mod cpus;
#[path = "../../tests/frames.rs"]
mod frames;
#[path = "../../tests/gsync.rs"]
mod gsync;
#[path = "../../tests/heap.rs"]
mod heap;
#[path = "../../tests/i386.rs"]
mod i386;
#[path = "../../tests/interrupts.rs"]
mod interrupts;
#[path = "../../tests/kernel_map.rs"]
mod kernel_map;
#[path = "../../tests/look.rs"]
mod look;
#[path = "../../tests/pagers.rs"]
mod pagers;
#[path = "../../tests/pmap.rs"]
mod pmap;
#[path = "../../tests/published.rs"]
mod published;
#[path = "../../tests/sampling.rs"]
mod sampling;
#[path = "../../tests/schedule.rs"]
mod schedule;
#[path = "../../tests/shared.rs"]
mod shared;
#[path = "../../tests/space.rs"]
mod space;
#[path = "../../tests/stack.rs"]
mod stack;
#[path = "../../tests/stop.rs"]
mod stop;
#[path = "../../tests/symbols.rs"]
mod symbols;
#[path = "../../tests/sync.rs"]
mod sync;
#[path = "../../tests/tasks.rs"]
mod tasks;
#[path = "../../tests/threads.rs"]
mod threads;
#[path = "../../tests/time.rs"]
mod time;
#[path = "../../tests/trace.rs"]
mod trace;
#[path = "../../tests/user.rs"]
mod user;
#[path = "../../tests/window.rs"]
mod window;

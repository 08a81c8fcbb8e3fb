//! What loaders left in recorded machines, and what hostile ones might.

#[expect(dead_code, reason = "the kernel's firmware tests use the rest of it")]
#[path = "../../../kernel/core/tests/firmware/recording.rs"]
mod recording;

mod block;
mod hand_off;
mod memory_map;
mod multiboot;
mod pvh;

/// A recording by its file's name.
macro_rules! recorded {
    ($name:literal) => {
        crate::recording::Recording::from_file(include_bytes!(concat!("data/", $name, ".mem")))
    };
}
use recorded;

use boot::loader::{LoaderInfo, MAX_MODULES, MAX_REGIONS};

/// Bounds that hold of whatever a loader told.
fn assert_sound(info: &LoaderInfo) {
    assert!(info.regions.len() <= MAX_REGIONS);
    assert!(info.modules.len() <= MAX_MODULES);
    for module in info.modules.iter() {
        assert!(module.start <= module.end && module.end <= 1 << 32);
    }
    for text in [info.command_line.as_str(), info.loader_name.as_str()] {
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
}

/// The work that the largest believable information takes is bounded.
fn assert_bounded(memory: &recording::Recording) {
    let (reads, bytes) = memory.work();
    // 1,024 entries each of map and modules, 18 texts of a byte a read.
    assert!(reads < 2 * 1024 + 18 * 1024, "{reads} reads");
    assert!(bytes < 1 << 20, "{bytes} bytes");
}

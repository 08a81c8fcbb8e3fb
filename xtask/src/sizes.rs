//! How big a kernel is, and how that changed.
//!
//! Owns the table that `cargo xtask build` prints and the file that remembers
//! the build before.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Doing, Result};

/// How big a kernel is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Executable code.
    pub text: u64,
    /// Constants.
    pub rodata: u64,
    /// Initialised data.
    pub data: u64,
    /// Zeroed data.
    pub bss: u64,
    /// The symbol table.
    pub symbols: u64,
    /// The file.
    pub file: u64,
}

impl Sizes {
    /// Name and bytes of each part.
    pub fn rows(&self) -> [(&'static str, u64); 6] {
        [
            ("text", self.text),
            ("rodata", self.rodata),
            ("data", self.data),
            ("bss", self.bss),
            ("symbols", self.symbols),
            ("file", self.file),
        ]
    }
}

/// The sizes of a kernel and of the last one that was different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Of the kernel that is there now.
    pub now: Sizes,
    /// Of the one before it, if there was one.
    pub before: Option<Sizes>,
}

impl History {
    /// What an earlier build wrote down; a file nobody can read is none.
    pub fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }

    /// A different kernel with these sizes came after `earlier`.
    pub fn after(earlier: Option<History>, now: Sizes) -> Self {
        History {
            now,
            before: earlier.map(|history| history.now),
        }
    }

    /// Writes it down for the next build.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).doing("writing the sizes as JSON")?;
        std::fs::write(file, text).doing(format_args!("writing {}", file.display()))
    }

    /// A line for each part: its size, and its change if there is one to tell.
    pub fn table(&self) -> Vec<String> {
        let before = self.before.map(|sizes| sizes.rows());
        let lines = self.now.rows().into_iter().enumerate();
        lines
            .map(|(index, (name, now))| {
                let change = match before.map(|rows| rows[index].1) {
                    None => String::new(),
                    Some(before) if before == now => format!("{:>10}", "same"),
                    Some(before) if before < now => format!("{:>10}", format!("+{}", now - before)),
                    Some(before) => format!("{:>10}", format!("-{}", before - now)),
                };
                format!("{name:8} {now:>9}{change}")
            })
            .collect()
    }
}

/// Bytes as people say them.
pub fn shown(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    // Images are larger than kernels.
    if bytes >= 100 << 20 {
        return format!("{} MiB", bytes >> 20);
    }
    // One decimal without floating point: tenths of a KiB, rounded.
    let tenths = (bytes.saturating_mul(10).saturating_add(512)) / 1024;
    format!("{}.{} KiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_what_changed() {
        let before = Sizes {
            text: 100,
            rodata: 50,
            data: 7,
            ..Sizes::default()
        };
        let now = Sizes {
            text: 120,
            rodata: 50,
            data: 4,
            ..Sizes::default()
        };
        let history = History::after(
            Some(History {
                now: before,
                before: None,
            }),
            now,
        );
        let table = history.table();
        assert_eq!(table[0], "text           120       +20");
        assert_eq!(table[1], "rodata          50      same");
        assert_eq!(table[2], "data             4        -3");
        let first = History::after(None, now).table();
        assert_eq!(first[0], "text           120");
    }

    #[test]
    fn bytes_are_said_in_kib() {
        assert_eq!(shown(1023), "1023 bytes");
        assert_eq!(shown(1024), "1.0 KiB");
        assert_eq!(shown(76_083), "74.3 KiB");
        assert_eq!(shown(u64::MAX), shown(u64::MAX));
    }

    #[test]
    fn what_was_written_is_read_back() {
        let dir = std::env::temp_dir().join(format!("exov6-sizes-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a temporary folder");
        let file = dir.join("sizes.json");
        let history = History::after(
            None,
            Sizes {
                text: 1,
                ..Sizes::default()
            },
        );
        history.write(&file).expect("a file in it");
        assert_eq!(History::read(&file), Some(history));
        std::fs::write(&file, "{").expect("a file in it");
        assert_eq!(History::read(&file), None);
        std::fs::remove_dir_all(&dir).expect("it was made above");
    }
}

//! What is left of memory after tasks threw random calls at the kernel.
//!
//! Owns the counts in the monitor's answer to `mem`, and how far they may be from
//! those of a run without calls. Pure.

use super::verdict::{Cause, Verdict};

/// What may be kept for later: frames of the kernel's own tables, and the heap of
/// arenas that do not shrink. It does not depend on the number of calls.
const KEPT_KIB: u64 = 512;

/// Counts of the monitor's `mem`, in KiB and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    free_kib: u64,
    heap_kib: u64,
    mapped_pages: u64,
}

impl Counts {
    /// The last that the console has.
    pub fn last(lines: &[&str]) -> Option<Counts> {
        let number = |line: &str, word: &str| -> Option<u64> {
            let before = line.strip_suffix(word)?;
            before.rsplit(' ').next()?.parse().ok()
        };
        let last =
            |find: &dyn Fn(&str) -> Option<u64>| lines.iter().rev().find_map(|line| find(line));
        Some(Counts {
            free_kib: last(&|line| {
                line.contains(" KiB of memory, ")
                    .then(|| number(line, " KiB free"))?
            })?,
            heap_kib: last(&|line| number(line, " KiB of heap in use"))?,
            mapped_pages: last(&|line| {
                let (mapped, rest) = line.split_once(" of ")?;
                rest.ends_with("pages for mappings in use")
                    .then(|| mapped.parse().ok())?
            })?,
        })
    }

    /// Whether these, after calls, are those before, but for what may be kept.
    pub fn check_after(&self, before: &Counts) -> Verdict {
        let gone = before.free_kib.saturating_sub(self.free_kib);
        let heap = self.heap_kib.saturating_sub(before.heap_kib);
        let mapped = self.mapped_pages.saturating_sub(before.mapped_pages);
        if gone <= KEPT_KIB && heap <= KEPT_KIB && mapped * 4 <= KEPT_KIB {
            return Verdict::Passed;
        }
        Verdict::Failed(Cause::Case(format!(
            "a leak: {gone} KiB of memory, {heap} KiB of heap and {mapped} pages of mappings"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: [&str; 4] = [
        "260936 KiB of memory, 260836 KiB free",
        "260836 KiB free in the direct map",
        "3 KiB of heap in use",
        "7 of 16384 pages for mappings in use",
    ];

    fn counts(free_kib: u64, heap_kib: u64, mapped_pages: u64) -> Counts {
        Counts {
            free_kib,
            heap_kib,
            mapped_pages,
        }
    }

    #[test]
    fn the_last_answer_counts() {
        let mut lines = ANSWER.to_vec();
        assert_eq!(Counts::last(&lines), Some(counts(260_836, 3, 7)));
        lines.extend(["9 KiB of memory, 8 KiB free", "5 KiB of heap in use"]);
        assert_eq!(Counts::last(&lines), Some(counts(8, 5, 7)));
        assert_eq!(Counts::last(&ANSWER[..3]), None);
    }

    #[test]
    fn each_kind_of_leak_is_seen() {
        let before = counts(100_000, 10, 20);
        let kind = |after: Counts| after.check_after(&before).kind();
        assert_eq!(kind(before), "passed");
        assert_eq!(kind(counts(100_500, 4, 10)), "passed");
        assert_eq!(kind(counts(99_900, 30, 30)), "passed");
        for leak in [
            counts(99_000, 10, 20),
            counts(100_000, 900, 20),
            counts(100_000, 10, 200),
        ] {
            assert_eq!(kind(leak), "failed");
        }
    }
}

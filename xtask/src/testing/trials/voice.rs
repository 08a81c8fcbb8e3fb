//! A voice on the console: a prefix, and the lines that must follow it.
//!
//! Owns the comparison of what was heard with what was wanted. Pure.

use super::Kernel;
use crate::testing::verdict::Cause;

/// Lines that begin alike, of one task or of the kernel.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    /// How its lines are known.
    pub mark: Mark,
    /// The lines as the reference has them, without what marks them.
    pub lines: &'static str,
    /// Whether their order counts.
    pub order: Order,
    /// Where ExoV6 says something else.
    pub differences: &'static [Difference],
    /// The kernel whose voice it is; all others are mute.
    pub of: Option<Kernel>,
}

/// What tells a voice's lines from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Each begins so.
    Begins(&'static str),
    /// Each has this, what counts follows, and behind that nothing counts.
    Between(&'static str, &'static str),
}

impl Mark {
    /// What counts of a line, if the line is the voice's.
    fn rest(self, line: &str) -> Option<&str> {
        match self {
            Mark::Begins(begin) => line.strip_prefix(begin),
            Mark::Between(before, behind) => {
                let (_, rest) = line.split_once(before)?;
                rest.split_once(behind).map(|(counts, _)| counts)
            }
        }
    }

    /// A line with `counts` in it.
    pub fn line(self, counts: &str) -> String {
        match self {
            Mark::Begins(begin) => format!("{begin}{counts}"),
            Mark::Between(before, behind) => format!("{before}{counts}{behind}"),
        }
    }
}

/// Whether lines have an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they stand.
    Kept,
    /// Any: they come from tasks that know nothing of each other.
    Any,
}

/// A line that the kernels do not share.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The reference's.
    pub gnumach: &'static str,
    /// Ours.
    pub exov6: &'static str,
    /// Why that is right.
    pub why: &'static str,
}

impl Voice {
    /// The lines that must be heard on `kernel`.
    pub fn wanted(&self, kernel: Kernel) -> Vec<&'static str> {
        if self.of.is_some_and(|own| own != kernel) {
            return Vec::new();
        }
        let lines = self.lines.lines();
        let here = |line: &'static str| {
            let mut differences = self.differences.iter();
            match (kernel, differences.find(|entry| entry.gnumach == line)) {
                (Kernel::Exov6, Some(difference)) => difference.exov6,
                _ => line,
            }
        };
        let mut lines: Vec<_> = lines.map(here).collect();
        self.sort(&mut lines);
        lines
    }

    fn heard<'a>(&self, lines: &[&'a str]) -> Vec<&'a str> {
        let own = lines.iter().filter_map(|line| self.mark.rest(line));
        let mut heard: Vec<_> = own.collect();
        self.sort(&mut heard);
        heard
    }

    fn sort(&self, lines: &mut [&str]) {
        if self.order == Order::Any {
            lines.sort_unstable();
        }
    }

    /// Whether it has said as much as it will.
    pub fn is_silent(&self, lines: &[&str], kernel: Kernel) -> bool {
        self.heard(lines).len() >= self.wanted(kernel).len()
    }

    /// What is wrong with it.
    pub fn complaint(&self, lines: &[&str], kernel: Kernel) -> Option<Cause> {
        if self.of.is_some_and(|own| own != kernel) {
            return None;
        }
        let (wanted, heard) = (self.wanted(kernel), self.heard(lines));
        let length = wanted.len().max(heard.len());
        let place = (0..length).find(|place| wanted.get(*place) != heard.get(*place))?;
        let line = |counts: &&str| self.mark.line(counts);
        let (wanted, heard) = (wanted.get(place).map(line), heard.get(place).map(line));
        Some(match (wanted, heard) {
            (Some(wanted), None) => Cause::Missing(format!("`{wanted}`")),
            (None, heard) => {
                let line = heard.unwrap_or_default();
                Cause::Unexpected(format!("`{line}` behind its last line"))
            }
            (Some(wanted), Some(heard)) => {
                let number = place + 1;
                let what = format!("`{heard}` where its line {number} is `{wanted}`");
                Cause::Unexpected(what)
            }
        })
    }
}

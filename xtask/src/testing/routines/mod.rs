//! The rows that the program `routines` prints, and what each must be.
//!
//! Owns the groups with GNU Mach's rows, the rows in which ExoV6 differs and why,
//! and the state of a routine that follows from a run. `rings/routines.rs` runs
//! the groups; the table in the documentation is `table`. Pure.

pub mod table;

use std::collections::BTreeMap;
use std::fmt;

/// Rows of one run of the program.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The program's first argument.
    pub name: &'static str,
    /// GNU Mach's rows, without the word `row`.
    pub expected: &'static str,
}

macro_rules! groups {
    ($($name:literal),*) => {
        /// All of them, as the program has them.
        pub const GROUPS: &[Group] = &[$(Group {
            name: $name,
            expected: include_str!(concat!("../../../../user/tests/routines/expected/", $name, ".txt")),
        }),*];
    };
}
groups!(
    "ports", "rights", "memory", "wired", "objects", "tasks", "threads", "faults", "hosts", "sets",
    "sampling", "gnu", "devices", "i386", "debug"
);

/// A row that ExoV6 has otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The reference's row.
    pub gnumach: &'static str,
    /// Our result.
    pub exov6: &'static str,
    /// Why that is right.
    pub why: &'static str,
}

/// Every difference that is meant.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        gnumach: "host_set_time64 by the host's name: KERN_SUCCESS",
        exov6: "KERN_INVALID_HOST",
        why: "the clock is for the privileged port, as for host_set_time",
    },
    Difference {
        gnumach: "vm_object_sync of an object's name: KERN_SUCCESS",
        exov6: "MACH_SEND_INVALID_DEST",
        why: "memory without a pager has no name: there is nobody to write it to",
    },
];

/// What a routine is like on our kernel, seen by the reference's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Every row is the same, or differs as it is meant to.
    Same,
    /// Nothing that is to succeed does, and requests are refused as unknown.
    Missing,
    /// So many of so many rows are right.
    Partly(usize, usize),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Same => f.write_str("the same"),
            State::Missing => f.write_str("missing"),
            State::Partly(right, all) => write!(f, "{right} of {all} rows the same"),
        }
    }
}

/// A routine of a group after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it is like.
    pub state: State,
    /// The first row that is wrong: wanted, and heard if anything was.
    pub wrong: Option<(String, Option<String>)>,
}

impl Group {
    /// Its routines in the order of their first rows.
    pub fn routines(&self) -> Vec<&'static str> {
        let mut routines: Vec<&str> = Vec::new();
        for routine in self.expected.lines().filter_map(routine_of) {
            if !routines.contains(&routine) {
                routines.push(routine);
            }
        }
        routines
    }

    /// The reference's rows of a routine.
    pub fn rows(&self, routine: &str) -> Vec<&'static str> {
        rows_of(self.expected.lines(), routine)
    }

    /// The line that ends a run.
    pub fn end(&self) -> String {
        format!("rows of {} done", self.name)
    }

    /// What a run on ExoV6 shows of each routine; `lines` are all of the console.
    pub fn seen(&self, lines: &[&str]) -> BTreeMap<&'static str, Seen> {
        let heard: Vec<&str> = rows(lines);
        let routines = self.routines().into_iter();
        let seen = routines.map(|routine| {
            let wanted = self.rows(routine);
            (
                routine,
                compare(&wanted, &rows_of(heard.iter().copied(), routine)),
            )
        });
        seen.collect()
    }

    /// The first line of a run on the reference that is not the recorded one:
    /// what was recorded, and what was heard.
    pub fn gone_from_reference(&self, lines: &[&str]) -> Option<(String, String)> {
        let (wanted, heard) = (self.expected.lines().collect::<Vec<_>>(), rows(lines));
        let length = wanted.len().max(heard.len());
        let at = (0..length).find(|at| wanted.get(*at) != heard.get(*at))?;
        let line = |lines: &[&str]| lines.get(at).copied().unwrap_or("nothing").to_owned();
        Some((line(&wanted), line(&heard)))
    }
}

/// The rows among the lines of a console.
pub fn rows<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let rows = lines.iter().filter_map(|line| line.strip_prefix("row "));
    rows.collect()
}

fn routine_of(row: &str) -> Option<&str> {
    row.split_once(' ').map(|(routine, _)| routine)
}

fn rows_of<'a>(rows: impl Iterator<Item = &'a str>, routine: &str) -> Vec<&'a str> {
    rows.filter(|row| routine_of(row) == Some(routine))
        .collect()
}

fn compare(wanted: &[&str], heard: &[&str]) -> Seen {
    let mut right = 0;
    let mut wrong = None;
    let mut any_done = false;
    for (at, row) in wanted.iter().enumerate() {
        match heard.get(at) {
            Some(heard) if is_right(row, heard) => {
                right += 1;
                any_done |= is_done(row);
            }
            other => {
                let heard = other.map(|row| (*row).to_owned());
                wrong.get_or_insert(((*row).to_owned(), heard));
            }
        }
    }
    let unknown = heard.iter().any(|row| row.contains(": MIG_BAD_ID"));
    let state = match wrong {
        None => State::Same,
        Some(_) if unknown && !any_done => State::Missing,
        Some(_) => State::Partly(right, wanted.len()),
    };
    Seen { state, wrong }
}

/// Whether a row says that something was done.
fn is_done(row: &str) -> bool {
    row.contains(": KERN_SUCCESS") || row.ends_with(": yes")
}

fn is_right(wanted: &str, heard: &str) -> bool {
    if wanted == heard {
        return true;
    }
    let meant = DIFFERENCES.iter().find(|entry| entry.gnumach == wanted);
    meant.is_some_and(|entry| heard == ours(entry))
}

/// Our row where it differs.
fn ours(entry: &Difference) -> String {
    let case = entry.gnumach.split_once(": ");
    let case = case.map_or(entry.gnumach, |(case, _)| case);
    format!("{case}: {}", entry.exov6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use abi::routine::{SUBSYSTEMS, by_id};

    use super::*;

    #[test]
    fn every_routine_that_the_kernel_serves_has_rows() {
        /// What the kernel sends, and what no kernel serves.
        const OTHERS: [&str; 7] = [
            "memory_object",
            "memory_object_default",
            "device_reply",
            "notify",
            "exc",
            "task_notify",
            "experimental",
        ];
        let tested: BTreeSet<&str> = GROUPS.iter().flat_map(Group::routines).collect();
        let served = SUBSYSTEMS
            .iter()
            .filter(|subsystem| !OTHERS.contains(&subsystem.name))
            .flat_map(|subsystem| subsystem.routines);
        let untested: Vec<&str> = served
            .map(|routine| routine.name)
            .filter(|name| !tested.contains(name))
            .collect();
        assert_eq!(untested, [""; 0], "routines without a row");
        assert!(by_id(3200).is_some());
    }

    #[test]
    fn differences_are_of_rows_that_there_are() {
        for entry in DIFFERENCES {
            let rows = GROUPS.iter().flat_map(|group| group.expected.lines());
            assert!(
                rows.into_iter().any(|row| row == entry.gnumach),
                "{}",
                entry.gnumach
            );
            assert_ne!(entry.gnumach, ours(entry));
        }
    }

    #[test]
    fn a_state_follows_from_the_rows() {
        let wanted = [
            "r a: KERN_SUCCESS 1",
            "r b: KERN_INVALID_NAME",
            "r c: KERN_SUCCESS",
        ];
        let state = |heard: &[&str]| compare(&wanted, heard).state;
        assert_eq!(state(&wanted), State::Same);
        assert_eq!(state(&["r a: MIG_BAD_ID"; 3]), State::Missing);
        assert_eq!(state(&[]), State::Partly(0, 3));
        assert_eq!(state(&wanted[..2]), State::Partly(2, 3));
        let otherwise = ["r a: KERN_SUCCESS 2", wanted[1], wanted[2]];
        assert_eq!(state(&otherwise), State::Partly(2, 3));
        let bad = [wanted[0], "r b: MIG_BAD_ID", wanted[2]];
        assert_eq!(state(&bad), State::Partly(2, 3));
    }

    #[test]
    fn a_difference_that_is_meant_is_right() {
        for entry in DIFFERENCES {
            assert!(
                is_right(entry.gnumach, &ours(entry)) && is_right(entry.gnumach, entry.gnumach)
            );
            assert!(!is_right(entry.gnumach, "else"));
        }
    }
}

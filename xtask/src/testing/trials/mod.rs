//! The runs of test programs, and what each must print.
//!
//! Owns the table: which tasks are started together, on which machines, and the
//! voices that are then to be heard on the console. `rings/user.rs` boots them.
//! What a voice must say is what GNU Mach's programs say; where ExoV6 is to say
//! something else, the table has both lines and the reason. Pure.

mod table;
mod voice;

pub use table::ALL;
pub use voice::{Difference, Mark, Order, Voice};

use super::verdict::Verdict;
use crate::emulator::Line;
use crate::machine::Cpu;

/// The kernel that programs run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Ours.
    Exov6,
    /// The reference.
    Gnumach,
}

/// Tasks that run together, and what they must print.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// The last part of the case's name.
    pub name: &'static str,
    /// CPU models and numbers of processors that it runs on.
    pub machines: &'static [(Cpu, u32)],
    /// Programs and their arguments, as `qemu --program` takes them.
    pub tasks: &'static [&'static str],
    /// What must be heard.
    pub voices: &'static [Voice],
    /// Why it does not run on the reference kernel, if it does not.
    pub not_on_gnumach: Option<&'static str>,
}

/// What is on the kernel's command line, for a boot script to find.
pub const COMMAND_LINE: &str = "word=given";

impl Trial {
    /// Whether all that is to come has come, right or wrong.
    pub fn is_over(&self, console: &[Line], kernel: Kernel) -> bool {
        let lines = spoken(console);
        let mut voices = self.voices.iter();
        voices.all(|voice| voice.is_silent(&lines, kernel))
    }

    /// The first complaint about the console of a run that is over.
    pub fn check(&self, console: &[Line], kernel: Kernel) -> Verdict {
        let lines = spoken(console);
        let mut voices = self.voices.iter();
        match voices.find_map(|voice| voice.complaint(&lines, kernel)) {
            None => Verdict::Passed,
            Some(cause) => Verdict::Failed(cause),
        }
    }
}

/// The lines of the console without what a kernel puts before them: its prompt,
/// or the words with which it starts a task.
pub fn spoken(console: &[Line]) -> Vec<&str> {
    let lines = console.iter().map(|line| {
        let text = line.text.trim_start_matches("kdb> ");
        match text.strip_prefix("start ") {
            Some(started) => started.split_once(": ").map_or("", |(_, rest)| rest),
            None => text,
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::programs::Started;

    fn console(text: &str) -> Vec<Line> {
        Line::all_of(text, Duration::ZERO)
    }

    /// What a kernel on which all goes well prints.
    fn good(trial: &Trial, kernel: Kernel) -> String {
        let mut text = String::from("start a/b: ");
        for voice in trial.voices {
            for line in voice.wanted(kernel) {
                text.push_str(&(voice.mark.line(line) + "\n"));
            }
        }
        text
    }

    #[test]
    fn names_are_unique_and_programs_exist() {
        let names: BTreeSet<_> = ALL.iter().map(|trial| trial.name).collect();
        assert_eq!(names.len(), ALL.len());
        for trial in ALL {
            assert!(!trial.machines.is_empty() && !trial.voices.is_empty());
            for task in trial.tasks {
                assert!(task.parse::<Started>().is_ok(), "{task}");
            }
        }
    }

    #[test]
    fn a_good_run_passes_on_either_kernel() {
        for trial in ALL {
            for kernel in [Kernel::Exov6, Kernel::Gnumach] {
                let console = console(&good(trial, kernel));
                assert!(trial.is_over(&console, kernel), "{}", trial.name);
                assert_eq!(trial.check(&console, kernel), Verdict::Passed);
            }
        }
    }

    #[test]
    fn every_line_of_it_matters() {
        for trial in ALL {
            let good = good(trial, Kernel::Exov6);
            let lines: Vec<&str> = good.lines().collect();
            for gone in 0..lines.len() {
                let mut fewer = lines.clone();
                fewer.remove(gone);
                let mut changed = lines.clone();
                let other = lines[gone].replace(": ", ": ?");
                changed[gone] = &other;
                let mut more = lines.clone();
                more.insert(gone, lines[gone]);
                for text in [fewer, changed, more] {
                    let verdict = trial.check(&console(&text.join("\n")), Kernel::Exov6);
                    assert_ne!(verdict, Verdict::Passed, "{} line {gone}", trial.name);
                }
            }
        }
    }

    #[test]
    fn prompts_and_starts_are_no_part_of_a_line() {
        let console = console("kdb> a: 1\nstart /x/y: a: 2\nstart /x:\nkdb> kdb> a: 3");
        assert_eq!(spoken(&console), ["a: 1", "a: 2", "", "a: 3"]);
    }
}

//! Saved logs of runs: written after each case, judged again by `--from-log`.
//!
//! Owns the file format: a few `# key: value` lines, then sections that begin
//! `# console`, `# registers`, `# emulator`. A console line stands there
//! behind its time in seconds, so what the guest prints can never be taken
//! for a heading. Pure but for nothing: it neither opens nor writes files.
//!
//! A plain serial log, without any heading, is read as well; it cannot pass,
//! for it does not say how the emulator ended.

use std::fmt::Write as _;
use std::time::Duration;

use crate::emulator::spec::Leaving;
use crate::emulator::{End, Limit, Line, Outcome};

const FIRST_LINE: &str = "# exov6 test log 1";
const CONSOLE: &str = "# console";
const REGISTERS: &str = "# registers";
const EMULATOR: &str = "# emulator";

/// A run as a saved log holds it.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The case's name.
    pub name: String,
    /// How the machine could leave.
    pub leaves: Leaving,
    /// The selected in-kernel cases that this boot skipped.
    pub skipped: usize,
    /// What happened; no end for a plain serial log.
    pub outcome: Outcome,
    /// Whether the log said how the run ended.
    pub end_known: bool,
}

/// The text of a saved log.
pub fn write(saved: &Saved) -> String {
    let outcome = &saved.outcome;
    let mut text = String::new();
    let leaves = match saved.leaves {
        Leaving::ExitPort => "exit-port",
        Leaving::Marker => "marker",
    };
    let head = [
        ("case", saved.name.clone()),
        ("leaves", leaves.to_owned()),
        ("skipped", saved.skipped.to_string()),
        ("end", end_word(outcome.end)),
        ("elapsed", seconds(outcome.elapsed)),
    ];
    text.push_str(FIRST_LINE);
    text.push('\n');
    for (key, value) in head {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {key}: {value}");
    }
    text.push_str(CONSOLE);
    text.push('\n');
    for line in &outcome.serial {
        let _ = writeln!(text, "{} {}", seconds(line.at), line.text);
    }
    if let Some(registers) = &outcome.registers {
        section(&mut text, REGISTERS, registers);
    }
    if !outcome.stderr.is_empty() {
        section(&mut text, EMULATOR, &outcome.stderr);
    }
    text
}

fn section(text: &mut String, heading: &str, lines: &str) {
    text.push_str(heading);
    text.push('\n');
    for line in lines.lines() {
        let _ = writeln!(text, " {line}");
    }
}

/// Reads a saved log, or a plain serial log.
pub fn read(text: &str) -> Saved {
    if text.lines().next() == Some(FIRST_LINE) {
        read_saved(text)
    } else {
        read_plain(text)
    }
}

fn read_plain(text: &str) -> Saved {
    let line = |text: &str| Line {
        at: Duration::ZERO,
        text: text.trim_end().to_owned(),
    };
    let outcome = Outcome {
        serial: text.lines().map(line).collect(),
        ..nothing()
    };
    Saved {
        name: "log".to_owned(),
        leaves: Leaving::ExitPort,
        skipped: 0,
        outcome,
        end_known: false,
    }
}

fn read_saved(text: &str) -> Saved {
    let mut saved = read_plain("");
    let mut registers: Option<String> = None;
    let mut section = FIRST_LINE;
    for line in text.lines().skip(1) {
        if let Some(heading) = [CONSOLE, REGISTERS, EMULATOR]
            .into_iter()
            .find(|h| *h == line)
        {
            section = heading;
            continue;
        }
        match section {
            CONSOLE => saved.outcome.serial.extend(console_line(line)),
            REGISTERS => push_line(registers.get_or_insert_default(), line),
            EMULATOR => push_line(&mut saved.outcome.stderr, line),
            _ => read_head(&mut saved, line),
        }
    }
    saved.outcome.registers = registers;
    saved
}

fn read_head(saved: &mut Saved, line: &str) {
    let Some((key, value)) = line
        .strip_prefix("# ")
        .and_then(|line| line.split_once(": "))
    else {
        return;
    };
    match key {
        "case" => saved.name = value.to_owned(),
        "leaves" if value == "marker" => saved.leaves = Leaving::Marker,
        "skipped" => saved.skipped = value.parse().unwrap_or(0),
        "elapsed" => saved.outcome.elapsed = duration(value).unwrap_or_default(),
        "end" => {
            if let Some(end) = end_of(value) {
                saved.outcome.end = end;
                saved.end_known = true;
            }
        }
        _ => {}
    }
}

fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line.strip_prefix(' ').unwrap_or(line));
}

fn console_line(line: &str) -> Option<Line> {
    let (at, text) = line.split_once(' ').unwrap_or((line, ""));
    Some(Line {
        at: duration(at)?,
        text: text.to_owned(),
    })
}

/// An outcome without content. Its end is one that cannot pass.
fn nothing() -> Outcome {
    Outcome {
        end: End::Stopped,
        serial: Vec::new(),
        stderr: String::new(),
        registers: None,
        first_byte: None,
        elapsed: Duration::ZERO,
    }
}

fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

fn duration(text: &str) -> Option<Duration> {
    let (whole, micros) = text.split_once('.')?;
    let micros: u64 = micros.parse().ok()?;
    Some(Duration::from_secs(whole.parse().ok()?) + Duration::from_micros(micros))
}

fn end_word(end: End) -> String {
    match end {
        End::Exited(status) => format!("exited {status}"),
        End::Signalled(signal) => format!("signalled {signal}"),
        End::Interrupted(signal) => format!("interrupted {signal}"),
        End::Deadline(Limit::Boot) => "deadline boot".to_owned(),
        End::Deadline(Limit::Silence) => "deadline silence".to_owned(),
        End::Deadline(Limit::Total) => "deadline total".to_owned(),
        End::Deadline(Limit::Leave) => "deadline leave".to_owned(),
        End::Reset => "reset".to_owned(),
        End::Marked => "marked".to_owned(),
        End::Stopped => "stopped".to_owned(),
    }
}

fn end_of(text: &str) -> Option<End> {
    let (word, operand) = text.split_once(' ').unwrap_or((text, ""));
    Some(match word {
        "exited" => End::Exited(operand.parse().ok()?),
        "signalled" => End::Signalled(operand.parse().ok()?),
        "interrupted" => End::Interrupted(operand.parse().ok()?),
        "deadline" => End::Deadline(match operand {
            "boot" => Limit::Boot,
            "silence" => Limit::Silence,
            "total" => Limit::Total,
            "leave" => Limit::Leave,
            _ => return None,
        }),
        "reset" => End::Reset,
        "marked" => End::Marked,
        "stopped" => End::Stopped,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_end() -> impl Strategy<Value = End> {
        let limits = [Limit::Boot, Limit::Silence, Limit::Total, Limit::Leave];
        prop_oneof![
            any::<i32>().prop_map(End::Exited),
            any::<i32>().prop_map(End::Signalled),
            any::<i32>().prop_map(End::Interrupted),
            prop::sample::select(limits.to_vec()).prop_map(End::Deadline),
            Just(End::Reset),
            Just(End::Marked),
            Just(End::Stopped),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            end in any_end(),
            lines in prop::collection::vec((0u64..1 << 40, "[ -~]{0,12}|# console|# end: exited 33"), 0..6),
            registers in prop::option::of("[A-Z]{1,3}=[0-9]{1,4}(\n# console)?"),
        ) {
            let line = |(at, text): &(u64, String)| Line {
                at: Duration::from_micros(*at),
                text: text.clone(),
            };
            let outcome = Outcome {
                end,
                serial: lines.iter().map(line).collect(),
                registers,
                elapsed: Duration::from_micros(1_234_567),
                ..nothing()
            };
            let saved = Saved {
                name: "ktest::a::b".to_owned(),
                leaves: Leaving::Marker,
                skipped: 3,
                outcome,
                end_known: true,
            };
            let again = read(&write(&saved));
            prop_assert_eq!(again.outcome.end, end);
            prop_assert_eq!(again.outcome.serial, saved.outcome.serial);
            prop_assert_eq!(again.outcome.registers, saved.outcome.registers);
            prop_assert_eq!((again.name, again.skipped), (saved.name, 3));
            prop_assert_eq!((again.leaves, again.end_known), (Leaving::Marker, true));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,200}") {
            let _ = read(&text);
            let _ = read(&format!("{FIRST_LINE}\n{text}"));
        }
    }

    #[test]
    fn a_plain_log_has_no_end() {
        let saved = read("hello\r\nexov6: done ok\r\n");
        assert!(!saved.end_known);
        assert_eq!(saved.outcome.serial[1].text, "exov6: done ok");
    }
}

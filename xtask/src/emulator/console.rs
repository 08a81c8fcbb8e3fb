//! The guest's serial console as text with times, and a place in it.
//!
//! Owns the log of one run and how far a script has read in it. Pure: the
//! session pushes bytes in, scripts and verdicts look.
//!
//! **Invariants:** `read` is a character boundary of `text` and never moves
//! backwards, or a script would see the same output twice.

use std::time::Duration;

use regex::Regex;

use super::outcome::{END_MARKER, Line};

/// What the guest has said so far.
#[derive(Debug, Default)]
pub struct Console {
    /// Without carriage returns and without what only moves a cursor or
    /// chooses a colour, as GRUB and line editors send: lines end in `\n`
    /// alone, and `^` is the begin of what a person sees.
    text: String,
    escape: Escape,
    read: usize,
    lines: Vec<Line>,
    unfinished: Unfinished,
    /// The begin of a character whose other bytes have not come yet.
    partial: Vec<u8>,
    first_byte: Option<Duration>,
    last_byte: Option<Duration>,
    end_marker: Option<Duration>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Unfinished {
    /// The next character begins a line.
    #[default]
    No,
    /// The last of `lines` has no line end yet.
    Yes,
}

/// How far into an escape sequence (ECMA-48 5.4) the text is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    Outside,
    /// After ESC.
    Begun,
    /// After ESC `[`, until a letter.
    Sequence,
}

impl Escape {
    /// Whether `character` belongs to the text.
    fn passes(&mut self, character: char) -> bool {
        let (next, passes) = match (*self, character) {
            (_, '\x1b') => (Escape::Begun, false),
            (Escape::Begun, '[') => (Escape::Sequence, false),
            (Escape::Sequence, ' '..='?') => (Escape::Sequence, false),
            (Escape::Begun | Escape::Sequence, '@'..='~') => (Escape::Outside, false),
            // Not a sequence after all, or never one.
            _ => (Escape::Outside, character != '\r'),
        };
        *self = next;
        passes
    }
}

/// What a script found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// From the start of the emulator to the byte that completed it.
    pub at: Duration,
    /// The text that matched.
    pub text: String,
}

impl Console {
    /// Takes in what came at `at`.
    pub fn push(&mut self, at: Duration, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.first_byte.get_or_insert(at);
        self.last_byte = Some(at);
        self.partial.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.partial);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.append(at, text);
                    return;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.append(at, &String::from_utf8_lossy(good));
                    let Some(length) = error.error_len() else {
                        self.partial = bad.to_vec();
                        return;
                    };
                    self.append(at, "\u{FFFD}");
                    rest = &bad[length..];
                }
            }
        }
    }

    fn append(&mut self, at: Duration, text: &str) {
        for character in text.chars() {
            if !self.escape.passes(character) {
                continue;
            }
            self.text.push(character);
            if self.unfinished == Unfinished::No {
                self.lines.push(Line {
                    at,
                    text: String::new(),
                });
                self.unfinished = Unfinished::Yes;
            }
            let Some(line) = self.lines.last_mut() else {
                continue;
            };
            if character != '\n' {
                line.text.push(character);
                continue;
            }
            self.unfinished = Unfinished::No;
            if line.text.starts_with(END_MARKER) {
                self.end_marker.get_or_insert(at);
            }
        }
    }

    /// The first match after the last one, which is then read.
    pub fn find(&mut self, pattern: &Regex) -> Option<Match> {
        // From the whole text, so that `^` and `\b` see what stands before.
        let found = pattern.find_at(&self.text, self.read)?;
        self.read = found.end();
        Some(Match {
            at: self.last_byte.unwrap_or_default(),
            text: found.as_str().to_owned(),
        })
    }

    /// The lines so far, an unfinished last one included.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines, when nothing more will come.
    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// The line that has no end yet: a prompt, or half a line.
    pub fn unfinished_line(&self) -> Option<&str> {
        match self.unfinished {
            Unfinished::Yes => self.lines.last().map(|line| line.text.as_str()),
            Unfinished::No => None,
        }
    }

    /// When the first byte came.
    pub fn first_byte(&self) -> Option<Duration> {
        self.first_byte
    }

    /// When the last byte so far came.
    pub fn last_byte(&self) -> Option<Duration> {
        self.last_byte
    }

    /// When the first end marker was complete, its line end included.
    pub fn end_marker(&self) -> Option<Duration> {
        self.end_marker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pattern(text: &str) -> Regex {
        super::super::script::pattern(text).expect("a valid pattern")
    }

    #[test]
    fn lines_carry_the_time_of_their_first_byte() {
        let mut console = Console::default();
        for (ms, text) in [(1, "Exo"), (2, "V6\r"), (3, "\nkdb"), (4, "> ")] {
            console.push(at(ms), text.as_bytes());
        }
        let expected = [
            Line {
                at: at(1),
                text: "ExoV6".into(),
            },
            Line {
                at: at(3),
                text: "kdb> ".into(),
            },
        ];
        assert_eq!(console.lines(), expected);
        assert_eq!(console.unfinished_line(), Some("kdb> "));
        assert_eq!(
            (console.first_byte(), console.last_byte()),
            (Some(at(1)), Some(at(4)))
        );
    }

    #[test]
    fn characters_may_come_in_pieces_and_broken_ones_are_replaced() {
        let mut console = Console::default();
        console.push(at(1), b"a\xC3");
        assert_eq!(console.lines()[0].text, "a");
        console.push(at(2), b"\xA9\xFFb\n");
        assert_eq!(console.lines()[0].text, "aé\u{FFFD}b");
        assert_eq!(console.unfinished_line(), None);
    }

    #[test]
    fn what_only_moves_a_cursor_is_left_out() {
        let mut console = Console::default();
        console.push(at(1), b"\x1b[H\x1b[J\x1b[1;");
        console.push(at(2), b"1HExoV6\x1b[K \x1b[0m[1]\n\x1b\nx");
        let texts: Vec<_> = console
            .lines()
            .iter()
            .map(|line| line.text.as_str())
            .collect();
        assert_eq!(texts, ["ExoV6 [1]", "", "x"]);
        assert!(console.find(&pattern("^ExoV6")).is_some());
    }

    #[test]
    fn each_match_begins_where_the_last_one_ended() {
        let mut console = Console::default();
        console.push(at(1), b"cpu0 cpu1\nkdb> ");
        assert_eq!(
            console.find(&pattern("cpu.")).map(|found| found.text),
            Some("cpu0".into())
        );
        assert_eq!(
            console.find(&pattern("cpu.")).map(|found| found.text),
            Some("cpu1".into())
        );
        assert_eq!(console.find(&pattern("cpu.")), None);
        assert_eq!(
            console.find(&pattern("^kdb> $")).map(|found| found.at),
            Some(at(1))
        );
        console.push(at(2), b"cpu2");
        assert_eq!(
            console.find(&pattern("cpu.")).map(|found| found.at),
            Some(at(2))
        );
    }

    #[test]
    fn the_end_marker_counts_only_as_a_whole_line() {
        let mut console = Console::default();
        console.push(at(1), b"say exov6: done ok\nexov6: done");
        console.push(at(2), b" ok");
        assert_eq!(console.end_marker(), None);
        console.push(at(3), b"\r\n");
        assert_eq!(console.end_marker(), Some(at(3)));
    }
}

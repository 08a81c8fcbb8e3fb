//! The line editor of a serial terminal: bytes in, echo and finished lines out.
//!
//! Owns the line being typed and the lines typed before. The kernel monitor
//! feeds it what the serial port received. It draws with printable characters,
//! backspaces and spaces only, so that it needs to know nothing of the
//! terminal, its width least of all.
//!
//! **Invariants**
//! - A [`Text`] holds printable ASCII only, `len <= CAPACITY`; `insert` is the
//!   only way in. Broken, the echo would move the cursor in ways not counted.
//! - `cursor <= text.len`, and the terminal's cursor stands `cursor` columns
//!   right of the prompt whenever `feed` returns. Broken, the screen lies.

use core::str;

mod keys;

use keys::{Key, Keys, is_printable};

/// Longest line, in bytes.
pub const CAPACITY: usize = 128;

/// Lines remembered.
pub const HISTORY: usize = 16;

const BEEP: &[u8] = b"\x07";
const BACKSPACE: &[u8] = b"\x08";
const NEW_LINE: &[u8] = b"\r\n";
const CLEAR_SCREEN: &[u8] = b"\x1b[H\x1b[2J";

/// Where the echo goes: the terminal.
pub trait Echo {
    /// Sends `bytes` to the terminal.
    fn echo(&mut self, bytes: &[u8]);
}

/// What a byte brought about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// Enter: this line is finished.
    Line(&'a str),
    /// Control-C: the line was thrown away.
    Interrupt,
    /// Control-D on an empty line.
    EndOfInput,
    /// Tab: the part of the line before the cursor wants completion.
    Complete,
}

/// The editor. All zero when new, so a static lies in .bss.
pub struct LineEditor {
    text: Text,
    cursor: usize,
    /// What was typed before history was leafed through.
    draft: Text,
    /// A ring; `newest` is the place of the last one entered.
    history: [Text; HISTORY],
    remembered: usize,
    newest: usize,
    /// Which line is shown: 0 the draft, `n` the n-th last of history.
    shown: usize,
    keys: Keys,
    prompt: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Text {
    const EMPTY: Self = Self {
        bytes: [0; CAPACITY],
        len: 0,
    };

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    /// Puts a printable byte at `at`, unless the text is full.
    fn insert(&mut self, at: usize, byte: u8) -> Result<(), Full> {
        if self.len == CAPACITY {
            return Err(Full);
        }
        self.bytes.copy_within(at..self.len, at + 1);
        self.bytes[at] = byte;
        self.len += 1;
        Ok(())
    }

    fn remove(&mut self, start: usize, end: usize) {
        self.bytes.copy_within(end..self.len, start);
        self.len -= end - start;
    }
}

struct Full;

impl LineEditor {
    /// An editor with an empty line and no history.
    pub const fn new() -> Self {
        Self {
            text: Text::EMPTY,
            cursor: 0,
            draft: Text::EMPTY,
            history: [Text::EMPTY; HISTORY],
            remembered: 0,
            newest: 0,
            shown: 0,
            keys: Keys::Plain,
            prompt: None,
        }
    }

    /// Shows `prompt` and what has been typed, on what must be an empty line
    /// of the terminal: before the first byte, after every [`Event::Line`] and
    /// [`Event::Interrupt`], and whenever something else was printed.
    pub fn show(&mut self, prompt: &'static str, out: &mut impl Echo) {
        self.prompt = Some(prompt);
        self.draw_all(out);
    }

    /// What has been typed of the current line.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// What stands before the cursor: what is to be completed.
    pub fn before_cursor(&self) -> &str {
        self.text().get(..self.cursor).unwrap_or("")
    }

    /// Takes one byte from the terminal.
    pub fn feed(&mut self, byte: u8, out: &mut impl Echo) -> Option<Event<'_>> {
        match self.keys.next(byte)? {
            Key::Character(character) => self.insert(&[character], out),
            Key::Left => self.move_to(self.cursor.saturating_sub(1), out),
            Key::Right => self.move_to(self.cursor + 1, out),
            Key::Home => self.move_to(0, out),
            Key::End => self.move_to(self.text.len, out),
            Key::Backspace => self.remove(self.cursor.saturating_sub(1), self.cursor, out),
            Key::Delete => self.delete(out),
            Key::KillToEnd => self.remove(self.cursor, self.text.len, out),
            Key::KillToStart => self.remove(0, self.cursor, out),
            Key::KillWord => self.remove(self.word_start(), self.cursor, out),
            Key::Older => self.leaf(self.shown + 1, out),
            Key::Newer => match self.shown.checked_sub(1) {
                Some(newer) => self.leaf(newer, out),
                None => out.echo(BEEP),
            },
            Key::ClearScreen => {
                out.echo(CLEAR_SCREEN);
                self.draw_all(out);
            }
            Key::Tab => return Some(Event::Complete),
            Key::Interrupt => {
                out.echo(b"^C");
                out.echo(NEW_LINE);
                self.restart();
                return Some(Event::Interrupt);
            }
            Key::EndOfInput if self.text.len == 0 => return Some(Event::EndOfInput),
            Key::EndOfInput => self.delete(out),
            Key::Enter => {
                out.echo(NEW_LINE);
                self.remember();
                let length = self.text.len;
                self.restart();
                // Restarting forgets the length alone; the bytes stay until
                // the next one comes.
                let line = self.text.bytes.get(..length).unwrap_or(&[]);
                return Some(Event::Line(str::from_utf8(line).unwrap_or("")));
            }
        }
        None
    }

    /// Types `text` at the cursor; what is not printable is left out. What
    /// does not fit is lost, with a beep.
    pub fn insert(&mut self, text: &[u8], out: &mut impl Echo) {
        let from = self.cursor;
        let old_length = self.text.len;
        let mut lost = false;
        for &byte in text.iter().filter(|byte| is_printable(**byte)) {
            match self.text.insert(self.cursor, byte) {
                Ok(()) => self.cursor += 1,
                Err(Full) => lost = true,
            }
        }
        self.draw_from(from, old_length, out);
        if lost {
            out.echo(BEEP);
        }
    }

    fn restart(&mut self) {
        self.text.len = 0;
        self.cursor = 0;
        self.shown = 0;
    }

    fn delete(&mut self, out: &mut impl Echo) {
        self.remove(self.cursor, (self.cursor + 1).min(self.text.len), out);
    }

    fn word_start(&self) -> usize {
        let before = &self.text.bytes[..self.cursor];
        let ends = before.iter().rposition(|byte| *byte != b' ');
        let word = &before[..ends.map_or(0, |last| last + 1)];
        word.iter()
            .rposition(|byte| *byte == b' ')
            .map_or(0, |blank| blank + 1)
    }

    fn move_to(&mut self, column: usize, out: &mut impl Echo) {
        if column > self.text.len || column == self.cursor {
            return;
        }
        if column < self.cursor {
            backspaces(self.cursor - column, out);
        } else {
            out.echo(&self.text.bytes[self.cursor..column]);
        }
        self.cursor = column;
    }

    /// Removes `start..end`; the cursor lies within or at an end.
    fn remove(&mut self, start: usize, end: usize, out: &mut impl Echo) {
        let old_length = self.text.len;
        backspaces(self.cursor - start, out);
        self.cursor = start;
        self.text.remove(start, end);
        self.draw_from(start, old_length, out);
    }

    /// Draws from column `from`, where the terminal's cursor stands, to the
    /// end, blanks out what was longer, and goes to the cursor's column.
    fn draw_from(&self, from: usize, old_length: usize, out: &mut impl Echo) {
        let rest = &self.text.as_bytes()[from..];
        if !rest.is_empty() {
            out.echo(rest);
        }
        let vanished = old_length.saturating_sub(self.text.len);
        for _ in 0..vanished {
            out.echo(b" ");
        }
        backspaces(self.text.len + vanished - self.cursor, out);
    }

    fn draw_all(&self, out: &mut impl Echo) {
        out.echo(self.prompt.unwrap_or("").as_bytes());
        self.draw_from(0, 0, out);
    }

    /// Shows line `index` of history, 0 being the draft.
    fn leaf(&mut self, index: usize, out: &mut impl Echo) {
        if index > self.remembered {
            return out.echo(BEEP);
        }
        if self.shown == 0 {
            self.draft = self.text;
        }
        self.shown = index;
        let old_length = self.text.len;
        backspaces(self.cursor, out);
        self.text = match index.checked_sub(1) {
            None => self.draft,
            Some(age) => self.history[(self.newest + HISTORY - age) % HISTORY],
        };
        self.cursor = self.text.len;
        self.draw_from(0, old_length, out);
    }

    /// Puts the finished line into history, unless it is empty or the same as
    /// the last.
    fn remember(&mut self) {
        let last = &self.history[self.newest];
        if self.text.len == 0 || last.as_bytes() == self.text.as_bytes() {
            return;
        }
        if self.remembered > 0 {
            self.newest = (self.newest + 1) % HISTORY;
        }
        self.history[self.newest] = self.text;
        self.remembered = (self.remembered + 1).min(HISTORY);
    }
}

impl Default for LineEditor {
    fn default() -> Self {
        Self::new()
    }
}

fn backspaces(count: usize, out: &mut impl Echo) {
    for _ in 0..count {
        out.echo(BACKSPACE);
    }
}

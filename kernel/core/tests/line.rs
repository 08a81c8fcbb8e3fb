//! The line editor against a model of its keys, seen through a terminal.

use kernel_core::line::{CAPACITY, Echo, Event, HISTORY, LineEditor};
use proptest::prelude::*;

const PROMPT: &str = "kdb> ";

/// The current row of an endlessly wide terminal.
#[derive(Default)]
struct Terminal {
    row: Vec<u8>,
    column: usize,
    beeps: usize,
    sequence: Option<Vec<u8>>,
}

impl Terminal {
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.row).trim_end().to_owned()
    }
}

impl Echo for Terminal {
    fn echo(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(mut sequence) = self.sequence.take() {
                sequence.push(byte);
                match sequence.as_slice() {
                    b"[H" => self.column = 0,
                    b"[2J" => self.row.clear(),
                    b"[" | b"[2" => self.sequence = Some(sequence),
                    _ => panic!("not a sequence of ours: {sequence:?}"),
                }
                continue;
            }
            match byte {
                b'\x1b' => self.sequence = Some(Vec::new()),
                b'\x07' => self.beeps += 1,
                b'\x08' => self.column = self.column.checked_sub(1).expect("left of the screen"),
                b'\r' => self.column = 0,
                b'\n' => self.row.clear(),
                b' '..=b'~' => {
                    if self.row.len() <= self.column {
                        self.row.resize(self.column + 1, b' ');
                    }
                    self.row[self.column] = byte;
                    self.column += 1;
                }
                _ => panic!("byte {byte:#x} must not reach a terminal"),
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Press {
    Type(u8),
    Left,
    Right,
    Home,
    End,
    Backspace,
    Delete,
    KillToEnd,
    KillToStart,
    KillWord,
    Older,
    Newer,
    Clear,
    Enter,
    Interrupt,
    Nothing,
}

/// Every way a terminal may send each key.
fn press() -> impl Strategy<Value = (Press, Vec<u8>)> {
    use Press::*;
    let keys: Vec<(Press, &[&[u8]])> = vec![
        (Left, &[b"\x02", b"\x1b[D", b"\x1bOD", b"\x1b[1;5D"]),
        (Right, &[b"\x06", b"\x1b[C", b"\x1bOC"]),
        (
            Home,
            &[b"\x01", b"\x1b[H", b"\x1bOH", b"\x1b[1~", b"\x1b[7~"],
        ),
        (
            End,
            &[b"\x05", b"\x1b[F", b"\x1bOF", b"\x1b[4~", b"\x1b[8~"],
        ),
        (Backspace, &[b"\x08", b"\x7f"]),
        (Delete, &[b"\x1b[3~", b"\x1b[3;2~"]),
        (KillToEnd, &[b"\x0b"]),
        (KillToStart, &[b"\x15"]),
        (KillWord, &[b"\x17"]),
        (Older, &[b"\x10", b"\x1b[A", b"\x1bOA"]),
        (Newer, &[b"\x0e", b"\x1b[B", b"\x1bOB"]),
        (Clear, &[b"\x0c"]),
        (Enter, &[b"\r", b"\n", b"\r\n"]),
        (Interrupt, &[b"\x03", b"\x1b\x03", b"\x1b[1\x03"]),
        (
            Nothing,
            &[
                b"\x1b[5~",
                b"\x1b[99999999~",
                b"\x1bx",
                b"\xc3\xa9",
                b"\x00",
                b"\x1b[?25h",
                b"\x1bOP",
                b"\x1b[24;80R",
            ],
        ),
    ];
    let special: Vec<(Press, Vec<u8>)> = keys
        .into_iter()
        .flat_map(|(key, ways)| ways.iter().map(move |way| (key, way.to_vec())))
        .collect();
    prop_oneof![
        3 => (b' '..=b'~').prop_map(|byte| (Type(byte), vec![byte])),
        1 => Just((Type(b' '), vec![b' '])),
        4 => prop::sample::select(special),
    ]
}

#[derive(Default)]
struct Model {
    text: Vec<u8>,
    cursor: usize,
    history: Vec<Vec<u8>>,
    draft: Vec<u8>,
    shown: usize,
}

impl Model {
    /// Does what the key means; gives the line that it finished.
    fn press(&mut self, key: Press) -> Option<Vec<u8>> {
        match key {
            Press::Type(byte) if self.text.len() < CAPACITY => {
                self.text.insert(self.cursor, byte);
                self.cursor += 1;
            }
            Press::Type(_) | Press::Nothing | Press::Clear => {}
            Press::Left => self.cursor = self.cursor.saturating_sub(1),
            Press::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Press::Home => self.cursor = 0,
            Press::End => self.cursor = self.text.len(),
            Press::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            Press::Delete if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
            }
            Press::Backspace | Press::Delete => {}
            Press::KillToEnd => self.text.truncate(self.cursor),
            Press::KillToStart => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            Press::KillWord => {
                while self.cursor > 0 && self.text[self.cursor - 1] == b' ' {
                    self.press(Press::Backspace);
                }
                while self.cursor > 0 && self.text[self.cursor - 1] != b' ' {
                    self.press(Press::Backspace);
                }
            }
            Press::Older => self.leaf(self.shown + 1),
            Press::Newer if self.shown > 0 => self.leaf(self.shown - 1),
            Press::Newer => {}
            Press::Interrupt => {
                self.text.clear();
                (self.cursor, self.shown) = (0, 0);
            }
            Press::Enter => {
                let line = std::mem::take(&mut self.text);
                (self.cursor, self.shown) = (0, 0);
                if !line.is_empty() && self.history.last() != Some(&line) {
                    self.history.push(line.clone());
                }
                return Some(line);
            }
        }
        None
    }

    fn leaf(&mut self, index: usize) {
        if index > self.history.len().min(HISTORY) {
            return;
        }
        if self.shown == 0 {
            self.draft = self.text.clone();
        }
        self.shown = index;
        self.text = match index {
            0 => self.draft.clone(),
            _ => self.history[self.history.len() - index].clone(),
        };
        self.cursor = self.text.len();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn screen_and_lines_agree_with_the_model(keys in prop::collection::vec(press(), 0..300)) {
        let (mut editor, mut terminal, mut model) = (LineEditor::new(), Terminal::default(), Model::default());
        editor.show(PROMPT, &mut terminal);
        let mut after_return = false;
        for (key, bytes) in keys {
            // A line feed right after a return belongs to the same Enter.
            let same = std::mem::replace(&mut after_return, bytes == b"\r") && bytes == b"\n";
            let expected = if same { None } else { model.press(key) };
            let mut line = None;
            for byte in bytes {
                match editor.feed(byte, &mut terminal) {
                    None => continue,
                    Some(Event::Line(text)) => prop_assert!(line.replace(text.as_bytes().to_vec()).is_none()),
                    Some(Event::Interrupt) => prop_assert_eq!(key, Press::Interrupt),
                    Some(other) => prop_assert!(false, "{other:?}"),
                }
                editor.show(PROMPT, &mut terminal);
            }
            prop_assert_eq!(line, expected);
            prop_assert_eq!(editor.text().as_bytes(), &model.text[..]);
            prop_assert_eq!(editor.before_cursor().len(), model.cursor);
            let row = format!("{PROMPT}{}", editor.text());
            prop_assert_eq!(terminal.shown(), row.trim_end());
            prop_assert_eq!(terminal.column, PROMPT.len() + model.cursor);
        }
    }

    #[test]
    fn any_bytes_leave_the_screen_true(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (mut editor, mut terminal) = (LineEditor::new(), Terminal::default());
        editor.show(PROMPT, &mut terminal);
        for byte in bytes {
            if let Some(Event::Line(_) | Event::Interrupt) = editor.feed(byte, &mut terminal) {
                editor.show(PROMPT, &mut terminal);
            }
            let row = format!("{PROMPT}{}", editor.text());
            prop_assert_eq!(terminal.shown(), row.trim_end());
            prop_assert_eq!(terminal.column, PROMPT.len() + editor.before_cursor().len());
        }
    }
}

/// Feeds `bytes`; gives what happened.
fn events(editor: &mut LineEditor, bytes: &[u8]) -> Vec<String> {
    let mut terminal = Terminal {
        column: 1000,
        ..Terminal::default()
    };
    bytes
        .iter()
        .filter_map(|&byte| {
            editor
                .feed(byte, &mut terminal)
                .map(|event| format!("{event:?}"))
        })
        .collect()
}

#[test]
fn return_line_feed_and_both_end_one_line_each() {
    let seen = events(&mut LineEditor::new(), b"a\rb\nc\r\nd\n\re\r\r\n");
    let lines = ["a", "b", "c", "d", "", "e", ""].map(|line| format!("Line({line:?})"));
    assert_eq!(seen, lines);
}

#[test]
fn control_d_ends_the_input_only_on_an_empty_line() {
    assert_eq!(events(&mut LineEditor::new(), b"\x04"), ["EndOfInput"]);
    assert_eq!(
        events(&mut LineEditor::new(), b"ab\x01\x04\r"),
        ["Line(\"b\")"]
    );
}

#[test]
fn a_line_too_long_beeps_and_keeps_what_fits() {
    let (mut editor, mut terminal) = (LineEditor::new(), Terminal::default());
    for _ in 0..CAPACITY + 3 {
        assert_eq!(editor.feed(b'x', &mut terminal), None);
    }
    assert_eq!((editor.text().len(), terminal.beeps), (CAPACITY, 3));
}

#[test]
fn completion_is_told_and_typed_at_the_cursor() {
    let (mut editor, mut terminal) = (LineEditor::new(), Terminal::default());
    for &byte in b"po 1\x02\x02" {
        assert_eq!(editor.feed(byte, &mut terminal), None);
    }
    assert_eq!(editor.feed(b'\t', &mut terminal), Some(Event::Complete));
    assert_eq!(editor.before_cursor(), "po");
    editor.insert(b"wer\xffoff", &mut terminal);
    assert_eq!(
        (editor.text(), editor.before_cursor()),
        ("poweroff 1", "poweroff")
    );
    assert_eq!(
        (terminal.shown().as_str(), terminal.column),
        ("poweroff 1", 8)
    );
}

#[test]
fn sixteen_lines_are_remembered_and_the_draft_with_them() {
    let (mut editor, mut terminal) = (LineEditor::new(), Terminal::default());
    let mut type_in = |editor: &mut LineEditor, bytes: &[u8]| {
        for &byte in bytes {
            editor.feed(byte, &mut terminal);
        }
    };
    for number in 0..40 {
        type_in(&mut editor, format!("line {number}\r").as_bytes());
    }
    type_in(&mut editor, b"draft");
    for older in 0..HISTORY + 3 {
        type_in(&mut editor, b"\x10");
        assert_eq!(
            editor.text(),
            format!("line {}", 39 - older.min(HISTORY - 1))
        );
    }
    for newer in 1..HISTORY {
        type_in(&mut editor, b"\x0e");
        assert_eq!(editor.text(), format!("line {}", 39 - HISTORY + 1 + newer));
    }
    type_in(&mut editor, b"\x0e\x0e");
    assert_eq!((editor.text(), terminal.beeps), ("draft", 4));
}

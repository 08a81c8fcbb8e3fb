//! The few bytes around a difference, as text where they are text. Pure.

use std::fmt;

use serde::Serialize;

/// How many bytes are shown if they are no text.
const BYTES: usize = 16;
/// How much text is shown, and how much of it before the difference.
const TEXT: usize = 100;
const BEFORE: usize = 60;
/// From so many printable bytes in a row on, it is text.
const LEAST: usize = 6;

/// What one file has at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Excerpt {
    /// Nothing: it ended before.
    End,
    /// Text around the place.
    Text(String),
    /// Bytes from the place on, in hexadecimal.
    Bytes(String),
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Excerpt::End => f.write_str("(ends before)"),
            Excerpt::Text(text) => write!(f, "\"{text}\""),
            Excerpt::Bytes(bytes) => f.write_str(bytes),
        }
    }
}

/// What both files have at `offset`: text if both have text there.
pub(super) fn excerpts(left: &[u8], right: &[u8], offset: usize) -> (Excerpt, Excerpt) {
    let texts = (text(left, offset), text(right, offset));
    match texts {
        (Some(left), Some(right)) => (left, right),
        (Some(text), None) if offset >= right.len() => (text, Excerpt::End),
        (None, Some(text)) if offset >= left.len() => (Excerpt::End, text),
        _ => (bytes(left, offset), bytes(right, offset)),
    }
}

fn bytes(all: &[u8], offset: usize) -> Excerpt {
    let rest = all.get(offset..).unwrap_or_default();
    if rest.is_empty() {
        return Excerpt::End;
    }
    let shown: Vec<_> = rest
        .iter()
        .take(BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Excerpt::Bytes(shown.join(" "))
}

/// The run of printable bytes that holds `offset`.
fn text(all: &[u8], offset: usize) -> Option<Excerpt> {
    let is_text = |byte: &u8| (b' '..=b'~').contains(byte);
    let before = all.get(..offset)?;
    let rest = all.get(offset..)?;
    let begin = before
        .iter()
        .rev()
        .take(BEFORE)
        .take_while(|byte| is_text(byte))
        .count();
    let end = rest
        .iter()
        .take(TEXT - BEFORE)
        .take_while(|byte| is_text(byte))
        .count();
    if end == 0 || begin + end < LEAST {
        return None;
    }
    let run = &all[offset - begin..offset + end];
    Some(Excerpt::Text(String::from_utf8_lossy(run).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_text_with_what_stands_before_it() {
        let (left, right) = excerpts(b"\0/home/ann/x.rs\0", b"\0/home/bob/x.rs\0", 7);
        assert_eq!(left.to_string(), "\"/home/ann/x.rs\"");
        assert_eq!(right.to_string(), "\"/home/bob/x.rs\"");
    }

    #[test]
    fn other_bytes_are_shown_as_numbers() {
        let (left, right) = excerpts(&[0x90; 40], &[0xc3, 0x01], 0);
        assert_eq!(left.to_string(), ["90"; 16].join(" "));
        assert_eq!(right.to_string(), "c3 01");
        // Short words in machine code are no text.
        let (left, _) = excerpts(b"\x01abc\x02", b"\x01xbc\x02", 1);
        assert_eq!(left.to_string(), "61 62 63 02");
    }

    #[test]
    fn an_end_is_an_end() {
        let (left, right) = excerpts(b"abcdefgh", b"abcdefghijkl", 8);
        assert_eq!(left, Excerpt::End);
        assert_eq!(right.to_string(), "\"abcdefghijkl\"");
        assert_eq!(excerpts(&[], &[1], 0).0, Excerpt::End);
    }
}

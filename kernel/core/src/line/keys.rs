//! Which key a terminal's bytes mean, however they are split.
//!
//! Owns the decoding of control characters and escape sequences for the line
//! editor, its only caller.

/// What a person pressed.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Character(u8),
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
    ClearScreen,
    Tab,
    Interrupt,
    EndOfInput,
    Enter,
}

/// Where in a sequence of bytes for one key the input is (ECMA-48 5.4).
#[derive(Clone, Copy)]
pub(super) enum Keys {
    Plain,
    /// After a carriage return: a line feed belongs to it.
    AfterReturn,
    /// After ESC.
    Escape,
    /// After `ESC [`, with the first parameter so far.
    Csi(u8),
    /// The same after the first parameter.
    CsiRest(u8),
    /// After `ESC O`.
    Ss3,
}

impl Keys {
    /// Takes a byte; gives the key that it completes.
    pub(super) fn next(&mut self, byte: u8) -> Option<Key> {
        let state = core::mem::replace(self, Self::Plain);
        // A control character ends any sequence, so that Enter and Control-C
        // work after a lone ESC.
        if byte < 0x20 {
            return self.control(byte, state);
        }
        match state {
            Self::Plain | Self::AfterReturn => match byte {
                0x7f => Some(Key::Backspace),
                _ => is_printable(byte).then_some(Key::Character(byte)),
            },
            Self::Escape => {
                match byte {
                    b'[' => *self = Self::Csi(0),
                    b'O' => *self = Self::Ss3,
                    _ => {}
                }
                None
            }
            Self::Ss3 => letter(byte),
            Self::Csi(parameter) if byte.is_ascii_digit() => {
                let parameter = parameter.saturating_mul(10);
                *self = Self::Csi(parameter.saturating_add(byte - b'0'));
                None
            }
            Self::Csi(parameter) | Self::CsiRest(parameter) => match byte {
                b'~' => numbered(parameter),
                // The other parameters, and intermediate bytes.
                b' '..=b'?' => {
                    *self = Self::CsiRest(parameter);
                    None
                }
                _ => letter(byte),
            },
        }
    }

    fn control(&mut self, byte: u8, state: Self) -> Option<Key> {
        let key = match byte {
            b'\r' => {
                *self = Self::AfterReturn;
                Key::Enter
            }
            b'\n' if matches!(state, Self::AfterReturn) => return None,
            b'\n' => Key::Enter,
            0x1b => {
                *self = Self::Escape;
                return None;
            }
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x04 => Key::EndOfInput,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x08 => Key::Backspace,
            b'\t' => Key::Tab,
            0x0b => Key::KillToEnd,
            0x0c => Key::ClearScreen,
            0x0e => Key::Newer,
            0x10 => Key::Older,
            0x15 => Key::KillToStart,
            0x17 => Key::KillWord,
            _ => return None,
        };
        Some(key)
    }
}

/// The key of a sequence that ends in a letter.
const fn letter(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Older),
        b'B' => Some(Key::Newer),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        _ => None,
    }
}

/// The key of a sequence that ends in `~`, by its number.
const fn numbered(parameter: u8) -> Option<Key> {
    match parameter {
        1 | 7 => Some(Key::Home),
        4 | 8 => Some(Key::End),
        3 => Some(Key::Delete),
        _ => None,
    }
}

/// Whether a byte shows as one column on every terminal.
pub(super) const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

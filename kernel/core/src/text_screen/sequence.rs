//! Bytes for a screen, told apart: characters, controls, sequences.
//!
//! Owns the state between the bytes of a sequence (ECMA-48 5.4); the text
//! screen is its only caller. Hostile bytes at worst lose what follows them up
//! to the next control character.

const MAX_PARAMETERS: usize = 8;

/// What a byte, or a sequence that ends with it, asks for.
#[derive(Clone, Copy)]
pub(super) enum Command {
    Character(u8),
    NewLine,
    Return,
    Back,
    Tab,
    /// `ESC [ parameters last`.
    Sequence {
        last: u8,
        parameters: Parameters,
    },
}

/// The numbers of a sequence; those that were left out are 0.
#[derive(Clone, Copy)]
pub(super) struct Parameters {
    values: [u16; MAX_PARAMETERS],
    count: usize,
}

impl Parameters {
    const NONE: Self = Self {
        values: [0; MAX_PARAMETERS],
        count: 0,
    };

    pub(super) fn as_slice(&self) -> &[u16] {
        self.values.get(..self.count).unwrap_or(&self.values)
    }

    /// The one being read; those beyond the last are dropped.
    fn current(&mut self) -> Option<&mut u16> {
        self.count = self.count.max(1);
        self.values.get_mut(self.count - 1)
    }

    fn digit(&mut self, digit: u8) {
        if let Some(value) = self.current() {
            *value = value.saturating_mul(10).saturating_add(u16::from(digit));
        }
    }

    fn separator(&mut self) {
        self.count = (self.count.max(1) + 1).min(MAX_PARAMETERS + 1);
    }
}

#[derive(Clone, Copy)]
enum State {
    Plain,
    /// After ESC.
    Escape,
    /// After `ESC [`.
    Csi,
    /// In a sequence that is none of ours, up to its last byte.
    Ignored,
}

/// Where in the bytes the screen is. All zero when new.
pub(super) struct Parser {
    state: State,
    parameters: Parameters,
}

impl Parser {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Plain,
            parameters: Parameters::NONE,
        }
    }

    /// Takes a byte; gives what it completes.
    pub(super) fn next(&mut self, byte: u8) -> Option<Command> {
        let state = core::mem::replace(&mut self.state, State::Plain);
        // A control character ends any sequence, so that a broken one never
        // swallows the lines after it.
        if byte < 0x20 {
            return self.control(byte);
        }
        match state {
            State::Plain => plain(byte),
            State::Escape => {
                if byte == b'[' {
                    self.state = State::Csi;
                    self.parameters = Parameters::NONE;
                }
                None
            }
            State::Csi => match byte {
                b'0'..=b'9' => {
                    self.state = State::Csi;
                    self.parameters.digit(byte - b'0');
                    None
                }
                b';' => {
                    self.state = State::Csi;
                    self.parameters.separator();
                    None
                }
                b'@'..=b'~' => Some(Command::Sequence {
                    last: byte,
                    parameters: self.parameters,
                }),
                _ => self.ignore(byte),
            },
            State::Ignored => self.ignore(byte),
        }
    }

    fn ignore(&mut self, byte: u8) -> Option<Command> {
        if !matches!(byte, b'@'..=b'~') {
            self.state = State::Ignored;
        }
        None
    }

    fn control(&mut self, byte: u8) -> Option<Command> {
        match byte {
            b'\n' => Some(Command::NewLine),
            b'\r' => Some(Command::Return),
            b'\t' => Some(Command::Tab),
            0x08 => Some(Command::Back),
            0x1b => {
                self.state = State::Escape;
                None
            }
            _ => None,
        }
    }
}

/// The character for a byte outside sequences: VGA's font has ASCII, of UTF-8
/// each character beyond it becomes one question mark.
const fn plain(byte: u8) -> Option<Command> {
    match byte {
        0x7f..=0xbf => None,
        0xc0.. => Some(Command::Character(b'?')),
        _ => Some(Command::Character(byte)),
    }
}

//! A text screen of 80 by 25: what bytes look like on VGA text memory.
//!
//! Owns the picture and the cursor; the device behind it is a [`Display`]. The
//! kernel's console writes to it. The picture is kept in RAM, and only cells
//! that change reach the device, for its memory is slow to write and slower to
//! read. Understood are the control characters of a teletype and the ANSI
//! sequences for colour, clearing and the cursor; all others are passed over.
//!
//! **Invariants**
//! - `cells` is what the device shows, once [`TextScreen::clear`] has been
//!   called: `put` is the only writer of both. Broken, parts of the screen
//!   would never be drawn again.
//! - `row < ROWS`, `column < COLUMNS`; `move_to` clamps. Index with them.

mod sequence;

use sequence::{Command, Parser};

/// Characters in a row.
pub const COLUMNS: usize = 80;

/// Rows.
pub const ROWS: usize = 25;

/// Cells of the screen.
pub const CELLS: usize = COLUMNS * ROWS;

const TAB: usize = 8;
const LIGHT_GREY_ON_BLACK: u8 = 0x07;
const BRIGHT: u8 = 0x08;

/// The device that shows the cells.
pub trait Display {
    /// Shows `cell` (attribute in the high byte, character in the low one) at
    /// `index`, row by row from the top left, below [`CELLS`].
    fn show(&mut self, index: usize, cell: u16);

    /// Puts the cursor at `index`.
    fn place_cursor(&mut self, index: usize);
}

/// What is on the screen. All zero when new; [`TextScreen::clear`] comes first.
pub struct TextScreen {
    cells: [u16; CELLS],
    row: usize,
    column: usize,
    /// The last column has been written: the next character begins a row.
    full_row: bool,
    colours: Colours,
    parser: Parser,
}

/// The attribute as ANSI sees it: colours 0 to 15 in VGA's order, and tricks.
/// Stored as the difference from light grey on black, to be zero when new.
#[derive(Clone, Copy)]
struct Colours {
    changed: u8,
    reverse: bool,
}

impl Colours {
    const PLAIN: Self = Self {
        changed: 0,
        reverse: false,
    };

    fn attribute(self) -> u8 {
        let attribute = self.changed ^ LIGHT_GREY_ON_BLACK;
        if self.reverse {
            // Brightness stays with the text: in the background it may blink.
            (attribute & BRIGHT) | (attribute & 0x07) << 4 | (attribute >> 4 & 0x07)
        } else {
            attribute
        }
    }

    fn set(&mut self, mask: u8, colour: u8) {
        let attribute = self.changed ^ LIGHT_GREY_ON_BLACK;
        self.changed = (attribute & !mask | colour & mask) ^ LIGHT_GREY_ON_BLACK;
    }

    /// One parameter of `ESC [ ... m` (ECMA-48 8.3.117).
    fn select(&mut self, parameter: u16) {
        let digit = (parameter % 10) as u8;
        match parameter {
            0 => *self = Self::PLAIN,
            1 => self.set(BRIGHT, BRIGHT),
            22 => self.set(BRIGHT, 0),
            7 => self.reverse = true,
            27 => self.reverse = false,
            30..=37 => self.set(0x07, vga_colour(digit)),
            39 => self.set(0x07, LIGHT_GREY_ON_BLACK),
            40..=47 => self.set(0x70, vga_colour(digit) << 4),
            49 => self.set(0x70, 0),
            90..=97 => self.set(0x0f, vga_colour(digit) | BRIGHT),
            100..=107 => self.set(0x70, vga_colour(digit) << 4),
            _ => {}
        }
    }
}

/// ANSI counts red, green, blue from bit 0; VGA the other way round.
const fn vga_colour(ansi: u8) -> u8 {
    (ansi & 1) << 2 | (ansi & 2) | (ansi & 4) >> 2
}

impl TextScreen {
    /// A screen nothing is known of yet.
    pub const fn new() -> Self {
        Self {
            cells: [0; CELLS],
            row: 0,
            column: 0,
            full_row: false,
            colours: Colours::PLAIN,
            parser: Parser::new(),
        }
    }

    /// Makes device and picture blank, whatever was there before.
    pub fn clear(&mut self, display: &mut impl Display) {
        let blank = self.blank();
        for (index, cell) in self.cells.iter_mut().enumerate() {
            *cell = blank;
            display.show(index, blank);
        }
        self.move_to(0, 0);
        display.place_cursor(self.index());
    }

    /// Shows `bytes`, then the cursor where they left it.
    pub fn write(&mut self, bytes: &[u8], display: &mut impl Display) {
        for &byte in bytes {
            self.byte(byte, display);
        }
        display.place_cursor(self.index());
    }

    /// The picture, row by row.
    pub const fn cells(&self) -> &[u16; CELLS] {
        &self.cells
    }

    /// Row and column of the cursor, from 0.
    pub const fn cursor(&self) -> (usize, usize) {
        (self.row, self.column)
    }

    fn byte(&mut self, byte: u8, display: &mut impl Display) {
        match self.parser.next(byte) {
            None => {}
            Some(Command::Character(character)) => self.character(character, display),
            Some(Command::NewLine) => self.new_line(display),
            Some(Command::Return) => self.move_to(self.row, 0),
            Some(Command::Back) => self.move_to(self.row, self.column.saturating_sub(1)),
            Some(Command::Tab) => self.move_to(self.row, (self.column / TAB + 1) * TAB),
            Some(Command::Sequence { last, parameters }) => {
                self.sequence(last, parameters.as_slice(), display);
            }
        }
    }

    fn character(&mut self, character: u8, display: &mut impl Display) {
        if self.full_row {
            self.new_line(display);
        }
        let cell = u16::from(self.colours.attribute()) << 8 | u16::from(character);
        self.put(self.index(), cell, display);
        self.full_row = self.column == COLUMNS - 1;
        if !self.full_row {
            self.column += 1;
        }
    }

    /// To the first column of the next row; a serial terminal gets a return
    /// with each line feed, the screen adds it by itself.
    fn new_line(&mut self, display: &mut impl Display) {
        if self.row == ROWS - 1 {
            self.scroll(display);
        }
        self.move_to(self.row + 1, 0);
    }

    fn scroll(&mut self, display: &mut impl Display) {
        for index in 0..CELLS - COLUMNS {
            self.put(index, self.cells[index + COLUMNS], display);
        }
        self.blank_out(CELLS - COLUMNS, CELLS, display);
        // The cursor's line moved up with the rest.
        self.row -= 1;
    }

    fn sequence(&mut self, last: u8, parameters: &[u16], display: &mut impl Display) {
        let parameter = |index: usize| parameters.get(index).copied().unwrap_or(0);
        let distance = usize::from(parameter(0).max(1));
        let position = |index| usize::from(parameter(index).max(1)) - 1;
        let (row, column) = (self.row, self.column);
        let here = self.index();
        let (row_start, row_end) = (row * COLUMNS, (row + 1) * COLUMNS);
        match (last, parameter(0)) {
            (b'm', _) if parameters.is_empty() => self.colours = Colours::PLAIN,
            (b'm', _) => parameters.iter().for_each(|one| self.colours.select(*one)),
            (b'J', 0) => self.blank_out(here, CELLS, display),
            (b'J', 1) => self.blank_out(0, here + 1, display),
            (b'J', 2) => self.blank_out(0, CELLS, display),
            (b'K', 0) => self.blank_out(here, row_end, display),
            (b'K', 1) => self.blank_out(row_start, here + 1, display),
            (b'K', 2) => self.blank_out(row_start, row_end, display),
            (b'H' | b'f', _) => self.move_to(position(0), position(1)),
            (b'A', _) => self.move_to(row.saturating_sub(distance), column),
            (b'B', _) => self.move_to(row + distance, column),
            (b'C', _) => self.move_to(row, column + distance),
            (b'D', _) => self.move_to(row, column.saturating_sub(distance)),
            (b'G', _) => self.move_to(row, position(0)),
            _ => {}
        }
    }

    fn move_to(&mut self, row: usize, column: usize) {
        self.row = row.min(ROWS - 1);
        self.column = column.min(COLUMNS - 1);
        self.full_row = false;
    }

    const fn index(&self) -> usize {
        self.row * COLUMNS + self.column
    }

    fn blank(&self) -> u16 {
        u16::from(self.colours.attribute()) << 8 | u16::from(b' ')
    }

    fn blank_out(&mut self, start: usize, end: usize, display: &mut impl Display) {
        let blank = self.blank();
        for index in start..end {
            self.put(index, blank, display);
        }
    }

    fn put(&mut self, index: usize, cell: u16, display: &mut impl Display) {
        if self.cells[index] != cell {
            self.cells[index] = cell;
            display.show(index, cell);
        }
    }
}

impl Default for TextScreen {
    fn default() -> Self {
        Self::new()
    }
}

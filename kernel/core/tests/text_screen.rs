//! The text screen against a plain model, and against any bytes.

use kernel_core::text_screen::{CELLS, COLUMNS, Display, ROWS, TextScreen};
use proptest::prelude::*;

const PLAIN: u16 = 0x0700;

/// A device that remembers what it was told, junk at first.
struct Device {
    cells: Vec<u16>,
    cursor: usize,
    writes: usize,
}

impl Display for Device {
    fn show(&mut self, index: usize, cell: u16) {
        self.cells[index] = cell;
        self.writes += 1;
    }

    fn place_cursor(&mut self, index: usize) {
        assert!(index < CELLS);
        self.cursor = index;
    }
}

fn screen() -> (TextScreen, Device) {
    let mut device = Device {
        cells: vec![0xdead; CELLS],
        cursor: 9999,
        writes: 0,
    };
    let mut screen = TextScreen::new();
    screen.clear(&mut device);
    (screen, device)
}

fn after(bytes: &[u8]) -> (TextScreen, Device) {
    let (mut screen, mut device) = screen();
    screen.write(bytes, &mut device);
    (screen, device)
}

/// The rows as text, without blanks at the right and empty rows below.
fn text(device: &Device) -> Vec<String> {
    let mut rows: Vec<String> = device
        .cells
        .chunks(COLUMNS)
        .map(|row| {
            row.iter()
                .map(|cell| char::from(*cell as u8))
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

#[test]
fn rows_break_tabs_stop_and_backspace_steps_back() {
    let (screen, device) = after(b"one\ttwo\r\n\x08x\x08\x08yz\tq\n");
    assert_eq!(text(&device), ["one     two", "yz      q"]);
    assert_eq!(screen.cursor(), (2, 0));
    assert_eq!(device.cursor, 2 * COLUMNS);
}

#[test]
fn a_full_row_breaks_only_when_more_comes() {
    let row = "x".repeat(COLUMNS);
    assert_eq!(
        text(&after(format!("{row}\nnext").as_bytes()).1),
        [row.as_str(), "next"]
    );
    assert_eq!(
        text(&after(format!("{row}y").as_bytes()).1),
        [row.as_str(), "y"]
    );
    assert_eq!(after(row.as_bytes()).0.cursor(), (0, COLUMNS - 1));
}

#[test]
fn the_screen_scrolls_and_writes_only_what_changes() {
    let lines: Vec<String> = (0..30).map(|n| format!("line {n}")).collect();
    let (mut screen, mut device) = after(lines.join("\n").as_bytes());
    assert_eq!(text(&device), lines[5..]);
    device.writes = 0;
    screen.write(b"\n", &mut device);
    assert!(device.writes < 60, "{} cells written", device.writes);
    assert_eq!(text(&device), lines[6..]);
}

#[test]
fn colours_are_those_of_ansi() {
    for (bytes, cell) in [
        (&b"x"[..], 0x0700 | u16::from(b'x')),
        (b"\x1b[31mx", 0x0400 | u16::from(b'x')),
        (b"\x1b[1;34mx", 0x0900 | u16::from(b'x')),
        (b"\x1b[1;31m\x1b[22mx", 0x0400 | u16::from(b'x')),
        (b"\x1b[33;44mx", 0x1600 | u16::from(b'x')),
        (b"\x1b[7mx", 0x7000 | u16::from(b'x')),
        (b"\x1b[1;31;7mx", 0x4800 | u16::from(b'x')),
        (b"\x1b[92mx", 0x0a00 | u16::from(b'x')),
        (b"\x1b[41;31m\x1b[39;49mx", 0x0700 | u16::from(b'x')),
        (b"\x1b[7;41;1m\x1b[mx", 0x0700 | u16::from(b'x')),
        (b"\x1b[38;5;1mx", 0x0f00 | u16::from(b'x')),
    ] {
        assert_eq!(after(bytes).1.cells[0], cell, "{}", bytes.escape_ascii());
    }
}

#[test]
fn sequences_move_and_clear() {
    for (bytes, rows, cursor) in [
        (&b"abc\ndef\x1b[2J"[..], &[][..], (1, 3)),
        (b"abc\ndef\x1b[H\x1b[K", &["", "def"], (0, 0)),
        (b"abc\ndef\x1b[1;2H\x1b[J", &["a"], (0, 1)),
        (b"abc\x1b[2D\x1b[1K", &["  c"], (0, 1)),
        (b"abc\x1b[D\x1b[2K", &[], (0, 2)),
        (b"abc\ndef\x1b[2;2H\x1b[1J", &["", "  f"], (1, 1)),
        (
            b"\x1b[3;5Hx\x1b[Ay\x1b[Bz\x1b[Gq",
            &["", "     y", "q   x z"],
            (2, 1),
        ),
        (b"\x1b[99;99Hx\x1b[999A\x1b[999D", &[], (0, 0)),
        (
            b"\x1b[?25l\x1b[6n\x1b]\x1b[1;2;3;4;5;6;7;8;9;10;11mok",
            &["ok"],
            (0, 2),
        ),
        (b"\x1b[12\nok", &["", "ok"], (1, 2)),
        (
            "gr\u{fc}\u{df}e \u{4e2d}\x7f.".as_bytes(),
            &["gr??e ?."],
            (0, 8),
        ),
    ] {
        let (screen, device) = after(bytes);
        let shown = text(&device);
        if !bytes.starts_with(b"\x1b[99") {
            assert_eq!(shown, rows, "{}", bytes.escape_ascii());
        }
        assert_eq!(screen.cursor(), cursor, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #[test]
    fn plain_text_looks_like_its_last_rows(pieces in prop::collection::vec("[ -~]{0,100}|\\n|\\t", 0..60)) {
        let bytes = pieces.concat();
        let (screen, device) = after(bytes.as_bytes());
        // Endless paper; column 80 is a row that is full.
        let mut rows = vec![[b' '; COLUMNS]];
        let mut column = 0;
        for byte in bytes.bytes() {
            if byte == b'\n' || (byte != b'\t' && column == COLUMNS) {
                rows.push([b' '; COLUMNS]);
                column = 0;
            }
            match byte {
                b'\n' => {}
                b'\t' => column = ((column.min(COLUMNS - 1) / 8 + 1) * 8).min(COLUMNS - 1),
                _ => {
                    rows.last_mut().expect("never empty")[column] = byte;
                    column += 1;
                }
            }
        }
        let shown = &rows[rows.len().saturating_sub(ROWS)..];
        let mut expected: Vec<String> =
            shown.iter().map(|row| String::from_utf8_lossy(row).trim_end().to_owned()).collect();
        while expected.last().is_some_and(String::is_empty) {
            expected.pop();
        }
        prop_assert_eq!(text(&device), expected);
        prop_assert_eq!(screen.cursor(), (shown.len() - 1, column.min(COLUMNS - 1)));
    }

    #[test]
    fn any_bytes_are_shown_or_ignored(
        pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..50),
            "\x1b\\[[0-9;?]{0,12}[@-~]".prop_map(String::into_bytes),
            Just(vec![b'\n'; 30]),
        ], 0..40),
    ) {
        let (mut screen, mut device) = screen();
        for piece in pieces {
            screen.write(&piece, &mut device);
            prop_assert_eq!(&screen.cells()[..], &device.cells[..]);
            let (row, column) = screen.cursor();
            prop_assert!(row < ROWS && column < COLUMNS);
            prop_assert_eq!(device.cursor, row * COLUMNS + column);
            prop_assert!(device.cells.iter().all(|cell| (b' '..=b'~').contains(&(*cell as u8))));
        }
        screen.write(b"\x18\x1b[0m\x1b[2J", &mut device);
        prop_assert!(device.cells.iter().all(|cell| *cell == PLAIN | u16::from(b' ')));
    }
}

//! A page as GitHub's Markdown, never longer than it may be.
//!
//! Owns escaping and cutting. GitHub drops a summary above 1 MiB without a
//! word, so the least important sections go first, and the page says so. Pure.
//!
//! **Invariants**: the text is at most as long as asked for; if anything of a
//! section is left out, everything of the sections after it is.

use std::fmt::Write as _;

use super::page::{Block, Cell, Page, Section, Shown, Status, Verdict, plain};

/// What GitHub shows for sure.
pub const LIMIT: usize = 900 * 1024;
/// The least that a page is cut to; a sentence fits.
pub const LEAST: usize = 1024;
/// A line of output is not longer than this.
const LONGEST_LINE: usize = 400;
/// Room for what is said about things left out, a section.
const NOTICE: usize = 120;

/// The page in at most `limit` bytes, which are [`LEAST`] or more.
pub fn render(page: &Page, limit: usize) -> String {
    let limit = limit.max(LEAST);
    let sign = match page.good {
        Verdict::Good => "\u{2705}",
        Verdict::Bad => "\u{274c}",
    };
    let mut text = format!("# {sign} {}\n", escaped(&cut(&page.headline, 300)));
    let titles: usize = page
        .sections
        .iter()
        .map(|section| section.title.len())
        .sum();
    let notices = (page.sections.len() + 1) * NOTICE + titles;
    let mut left = limit.saturating_sub(text.len() + notices);
    let mut is_full = false;
    let mut left_out: Vec<&str> = Vec::new();
    for section in &page.sections {
        let pieces = pieces(section);
        let mut kept = 0;
        let mut room = left.saturating_sub(framed(section, "").len());
        let mut body = String::new();
        let mut is_cut = is_full;
        for piece in &pieces {
            if is_full {
                break;
            }
            match piece.fitting(room) {
                Some(text) => {
                    room -= text.len();
                    body.push_str(text);
                    kept += 1;
                    // The names of the other failures come before less
                    // important sections.
                    is_cut |= text.len() < piece.whole.len();
                }
                None => is_full = true,
            }
        }
        is_full |= is_cut;
        if kept > 0 {
            left = room;
        }
        let rest = pieces.len() - kept;
        if kept == 0 && rest > 0 {
            left_out.push(&section.title);
            continue;
        }
        let more = match rest {
            0 => String::new(),
            rest => format!("\n*{rest} more left out: the page would be too long.*\n"),
        };
        text.push_str(&framed(section, &(body + &more)));
    }
    if !left_out.is_empty() {
        let names = left_out.join("; ");
        let _ = write!(
            text,
            "\n*Left out, for the page would be too long: {}.*\n",
            escaped(&names)
        );
    }
    // The sums above leave room; a page of titles alone could still exceed it.
    cut_bytes(&mut text, limit);
    text
}

fn framed(section: &Section, body: &str) -> String {
    let title = escaped(&section.title);
    match section.shown {
        Shown::Open => format!("\n## {title}\n{body}"),
        Shown::Folded => format!("\n<details><summary>{title}</summary>\n{body}\n</details>\n"),
    }
}

/// What is kept or left out as one.
struct Piece {
    whole: String,
    /// What stands for it where it is too long.
    short: Option<String>,
}

impl Piece {
    fn fitting(&self, left: usize) -> Option<&str> {
        let whole = Some(self.whole.as_str()).filter(|text| text.len() <= left);
        let short = self.short.as_deref().filter(|text| text.len() <= left);
        whole.or(short)
    }
}

fn pieces(section: &Section) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for block in &section.blocks {
        match block {
            Block::Text(text) => pieces.push(Piece {
                whole: format!("\n{}\n", escaped(text)),
                short: None,
            }),
            Block::Table { head, rows } => table(head, rows, &mut pieces),
            Block::Output { title, note, lines } => pieces.push(output(title, note, lines)),
        }
    }
    pieces
}

fn table(head: &[&'static str], rows: &[Vec<Cell>], pieces: &mut Vec<Piece>) {
    let is_number = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let mut cells = cells.peekable();
        cells.peek().is_some() && cells.all(|cell| matches!(cell, Cell::Number(_) | Cell::Bar(..)))
    };
    let mut top = String::from("\n|");
    let mut rule = String::from("|");
    for (column, title) in head.iter().enumerate() {
        let _ = write!(top, " {} |", escaped(title));
        rule.push_str(if is_number(column) {
            " ---: |"
        } else {
            " --- |"
        });
    }
    let mut before = format!("{top}\n{rule}\n");
    for row in rows {
        let cells: String = row
            .iter()
            .map(|cell| format!(" {} |", shown(cell)))
            .collect();
        pieces.push(Piece {
            whole: format!("{before}|{cells}\n"),
            short: None,
        });
        before.clear();
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Number(text) | Cell::Bar(text, _) => escaped(text),
        Cell::Code(text) => format!("<code>{}</code>", escaped(text)),
        Cell::Status(status) => match status {
            Status::Failed => "\u{274c} FAILED".to_owned(),
            status => status.word().to_owned(),
        },
    }
}

fn output(title: &str, note: &str, lines: &[String]) -> Piece {
    let heading = format!(
        "\n### <code>{}</code>\n\n{}\n",
        escaped(title),
        escaped(note)
    );
    if lines.is_empty() {
        return Piece {
            whole: heading,
            short: None,
        };
    }
    let text: Vec<String> = lines
        .iter()
        .map(|line| cut(&plain(line), LONGEST_LINE))
        .collect();
    let text = text.join("\n");
    let fence = fence_for(&text);
    let short = format!("{heading}\n*Its output is left out: the page would be too long.*\n");
    Piece {
        whole: format!("{heading}\n{fence}text\n{text}\n{fence}\n"),
        short: Some(short),
    }
}

/// More backticks than the text has in a row anywhere.
fn fence_for(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat((longest + 1).max(3))
}

/// Words that mean themselves wherever they stand: in a heading, a cell, HTML.
/// Entities stand for characters and never for Markdown's marks.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // A line that ends within a cell would end the row.
    let text = text.lines().map(plain).collect::<Vec<_>>().join(" ");
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let inside = is_word(before) && chars.peek().is_some_and(|next| is_word(*next));
        match c {
            '_' if inside => out.push('_'),
            // A name of people, an issue, a link: GitHub makes them by itself.
            '<' | '>' | '&' | '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '@' | '#' | '$'
            | '!' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            // Marks of a list or a heading, where a line begins.
            '-' | '+' | '=' | '.' | ')'
                if out.chars().all(|c| c.is_ascii_digit())
                    && chars
                        .peek()
                        .is_none_or(|next| next.is_whitespace() || *next == c) =>
            {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            // `https://` becomes a link only with its colon.
            ':' if chars.peek() == Some(&'/') => out.push_str("&#58;"),
            c => out.push(c),
        }
        before = c;
    }
    out
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}\u{2026}", &text[..at]),
        None => text.to_owned(),
    }
}

fn cut_bytes(text: &mut String, longest: usize) {
    if text.len() > longest {
        let mut end = longest;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;

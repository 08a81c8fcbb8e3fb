//! A summary before it is Markdown or HTML: sections of text, tables, output.
//!
//! Owns the order of importance, by which a page that is too long is cut. Pure.

/// The whole page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Whether all is well.
    pub good: Verdict,
    /// What it comes to, in a line.
    pub headline: String,
    /// Its parts, the most important first.
    pub sections: Vec<Section>,
}

/// Whether all is well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Good,
    /// It is not, or nobody knows.
    #[default]
    Bad,
}

/// A part of the page. The later one is the less important one.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// Whether a reader sees it at once.
    pub shown: Shown,
    /// What is in it, the most important first.
    pub blocks: Vec<Block>,
}

/// Whether a reader sees a section at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Yes.
    Open,
    /// When they open it.
    Folded,
}

/// A piece of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A table.
    Table {
        /// The titles of its columns.
        head: Vec<&'static str>,
        /// Its rows, as long as the head.
        rows: Vec<Vec<Cell>>,
    },
    /// What something printed.
    Output {
        /// Whose it is.
        title: String,
        /// A sentence about it.
        note: String,
        /// The lines.
        lines: Vec<String>,
    },
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A name, or something to type.
    Code(String),
    /// A number, to stand at the right.
    Number(String),
    /// How something ended.
    Status(Status),
    /// A number and its share of the greatest, from 0 to 1.
    Bar(String, f64),
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// It did not run, for a reason.
    Skipped,
    /// Less than it was.
    Better,
    /// More than it was.
    Worse,
    /// Neither.
    Noise,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Failed => "FAILED",
            Status::Skipped => "skipped",
            Status::Better => "better",
            Status::Worse => "WORSE",
            Status::Noise => "noise",
        }
    }
}

impl Section {
    /// A section that is seen at once.
    pub fn open(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Section {
            title: title.into(),
            shown: Shown::Open,
            blocks,
        }
    }

    /// A section that is seen when somebody opens it.
    pub fn folded(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Section {
            title: title.into(),
            shown: Shown::Folded,
            blocks,
        }
    }
}

/// Text without what would steer a terminal or break a line of a table.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A terminal's colours: ESC [ numbers letter.
            '\x1b' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
                chars.next();
            }
            '\t' => out.push_str("    "),
            // Also those that turn the direction of writing.
            c if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) => out.push('\u{fffd}'),
            c if ('\u{2066}'..='\u{2069}').contains(&c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_gone() {
        assert_eq!(plain("\x1b[1;31mred\x1b[0m\tx"), "red    x");
        assert_eq!(plain("a\u{7}b\u{202e}c\n"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(plain("\x1b["), "");
    }
}

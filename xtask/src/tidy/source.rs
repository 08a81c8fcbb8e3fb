//! Rust text with its comments and literals blanked, so that words mean code.
//!
//! Not a parser: it knows comments, strings, characters and test modules, and
//! keeps every line where it was. Any text is taken; nothing panics.

/// One Rust file, seen two ways.
#[derive(Debug)]
pub struct Source {
    /// The code: comments, strings and characters are blanks.
    pub code: String,
    /// The comments: everything else is blanks.
    pub comments: String,
    /// Line numbers, from one, of `#[cfg(test)]` modules.
    tests: Vec<std::ops::RangeInclusive<usize>>,
}

/// What a stretch of text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Source {
    /// Takes a file's text apart.
    pub fn new(text: &str) -> Self {
        let mut source = Source {
            code: String::with_capacity(text.len()),
            comments: String::with_capacity(text.len()),
            tests: Vec::new(),
        };
        let mut rest = text;
        let mut before = ' ';
        while let Some(first) = rest.chars().next() {
            let (kind, length) = stretch(rest, before);
            let length = length.clamp(first.len_utf8(), rest.len());
            let (part, after) = rest.split_at(length);
            source.add(kind, part);
            before = part.chars().next_back().unwrap_or(' ');
            rest = after;
        }
        source.tests = test_modules(&source.code);
        source
    }

    /// The lines of code with their numbers, from one.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// The same without test modules.
    pub fn lines_outside_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines()
            .filter(|(number, _)| !self.tests.iter().any(|range| range.contains(number)))
    }

    fn add(&mut self, kind: Kind, part: &str) {
        let blank = |to: &mut String| {
            to.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        };
        match kind {
            Kind::Code => {
                self.code.push_str(part);
                blank(&mut self.comments);
            }
            Kind::Comment => {
                blank(&mut self.code);
                self.comments.push_str(part);
            }
            Kind::Literal => {
                blank(&mut self.code);
                blank(&mut self.comments);
            }
        }
    }
}

/// What stands at the start of `text`, and its length in bytes.
fn stretch(text: &str, before: char) -> (Kind, usize) {
    let first = text.chars().next().unwrap_or(' ');
    let to_the_end = text.len();
    if text.starts_with("//") {
        return (Kind::Comment, text.find('\n').unwrap_or(to_the_end));
    }
    if text.starts_with("/*") {
        return (Kind::Comment, block_comment(text));
    }
    let in_word = before.is_alphanumeric() || before == '_';
    if !in_word {
        if let Some(length) = raw_string(text) {
            return (Kind::Literal, length);
        }
        let prefix = usize::from(text.starts_with(['b', 'c']));
        match text[prefix..].chars().next() {
            Some('"') => return (Kind::Literal, prefix + quoted(&text[prefix..], '"')),
            Some('\'') if prefix == 1 && first == 'b' => {
                return (Kind::Literal, 1 + quoted(&text[1..], '\''));
            }
            _ => {}
        }
    }
    match first {
        '"' => (Kind::Literal, quoted(text, '"')),
        '\'' => match character(text) {
            Some(length) => (Kind::Literal, length),
            None => (Kind::Code, 1),
        },
        _ => (Kind::Code, first.len_utf8()),
    }
}

/// The length of a block comment, nested ones included.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            match rest.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => break,
            }
        }
    }
    text.len()
}

/// The length of `r"…"`, `br#"…"#` and their like, if one begins here.
fn raw_string(text: &str) -> Option<usize> {
    let marker = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix("cr"))
        .or_else(|| text.strip_prefix('r'))?;
    let body = marker.trim_start_matches('#');
    let hashes = marker.len() - body.len();
    let body = body.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let opening = text.len() - body.len();
    Some(match body.find(&end) {
        Some(at) => opening + at + end.len(),
        None => text.len(),
    })
}

/// The length of a literal from its quote to the same quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character; `None` if the quote begins a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(quoted(text, '\''));
    }
    match chars.next() {
        Some((at, '\'')) => Some(at + 1),
        _ => None,
    }
}

/// The lines of modules under `#[cfg(test)]`, in code without comments.
fn test_modules(code: &str) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let after = &code[at..];
        let Some(open) = after.find(['{', ';']) else {
            continue;
        };
        if after.as_bytes().get(open) == Some(&b';') {
            continue;
        }
        let mut depth = 0_usize;
        let mut end = after.len();
        for (offset, c) in after[open..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 {
                end = open + offset;
                break;
            }
        }
        let line = |to: usize| 1 + code[..to].matches('\n').count();
        ranges.push(line(at)..=line(at + end));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> String {
        let code = Source::new(text).code;
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_code_is_left() {
        for (text, left) in [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            ("x(\"// \\\" y\", 1)", "x( , 1)"),
            (
                "r#\"a\"b\"# + br\"\\\" + 'c' + '\\'' + b'\\n' + c\"x\"",
                "+ + + + +",
            ),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("bar\"x\" r2 'l: loop {}", "bar r2 'l: loop {}"),
            ("\"no end", ""),
            ("/* no end", ""),
        ] {
            assert_eq!(code(text), left, "{text}");
        }
    }

    #[test]
    fn test_modules_are_known_by_their_lines() {
        let text = "a();\n#[cfg(test)]\nmod tests {\n  fn f() { x() }\n}\nb();\n#[cfg(test)]\nmod m;\nc();";
        let source = Source::new(text);
        let outside: Vec<_> = source.lines_outside_tests().map(|(_, line)| line).collect();
        assert_eq!(outside, ["a();", "b();", "#[cfg(test)]", "mod m;", "c();"]);
    }

    proptest! {
        #[test]
        fn every_line_stays_where_it_was(text in "[a-z'\"/*\\\\#r{}\n!é\\[\\]() ]{0,120}") {
            let source = Source::new(&text);
            let lines = |text: &str| text.matches('\n').count();
            prop_assert_eq!(lines(&source.code), lines(&text));
            prop_assert_eq!(lines(&source.comments), lines(&text));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Source::new(&text);
        }
    }
}

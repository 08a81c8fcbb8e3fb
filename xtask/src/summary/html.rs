//! A page as one static HTML file.
//!
//! Pure; no script and no outside file, so that it can be kept as an artifact
//! and opened anywhere. Nothing is left out: a file may be long.

use std::fmt::Write as _;

use super::page::{Block, Cell, Page, Section, Shown, Status, Verdict, plain};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#d0d7de;--soft:#f6f8fa;--bad:#cf222e;--good:#1a7f37;--dim:#656d76}\
@media(prefers-color-scheme:dark){:root{--line:#3d444d;--soft:#151b23;--bad:#f85149;--good:#3fb950;--dim:#9198a1}}\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1{border-left:.4rem solid var(--good);padding-left:.8rem}h1.bad{border-color:var(--bad)}\
h2,summary{font-size:1.2rem;font-weight:600;margin:1.6rem 0 .4rem}summary{cursor:pointer}\
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0}\
th,td{padding:.2rem .8rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}\
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
code,pre{font:13px/1.45 ui-monospace,monospace}td code{overflow-wrap:anywhere}\
pre{background:var(--soft);border:1px solid var(--line);padding:.6rem;overflow-x:auto}\
.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}.dim{color:var(--dim)}h1.bad{color:inherit}\
.bar{background:linear-gradient(to right,#54aeff66 var(--share),transparent var(--share))}\
footer{margin-top:3rem;color:var(--dim)}";

/// The page.
pub fn render(page: &Page) -> String {
    let class = match page.good {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
    };
    let mut body = format!("<h1 class=\"{class}\">{}</h1>\n", escaped(&page.headline));
    for section in &page.sections {
        body.push_str(&self::section(section));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}\
         <footer>Made by cargo xtask ci-summary.</footer>\n</body>\n</html>\n",
        escaped(&page.headline)
    )
}

fn section(section: &Section) -> String {
    let blocks: String = section.blocks.iter().map(block).collect();
    let title = escaped(&section.title);
    match section.shown {
        Shown::Open => format!("<section>\n<h2>{title}</h2>\n{blocks}</section>\n"),
        Shown::Folded => {
            format!("<details>\n<summary>{title}</summary>\n{blocks}</details>\n")
        }
    }
}

fn block(block: &Block) -> String {
    match block {
        Block::Text(text) => format!("<p>{}</p>\n", escaped(text)),
        Block::Table { head, rows } => table(head, rows),
        Block::Output { title, note, lines } => {
            let mut text = format!(
                "<h3><code>{}</code></h3>\n<p>{}</p>\n",
                escaped(title),
                escaped(note)
            );
            if !lines.is_empty() {
                let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
                let _ = writeln!(text, "<pre>{}</pre>", lines.join("\n"));
            }
            text
        }
    }
}

fn table(head: &[&'static str], rows: &[Vec<Cell>]) -> String {
    let mut text = String::from("<div class=\"wide\"><table>\n<thead><tr>");
    for (column, title) in head.iter().enumerate() {
        let is_number = rows
            .iter()
            .any(|row| matches!(row.get(column), Some(Cell::Number(_) | Cell::Bar(..))));
        let class = if is_number { " class=\"number\"" } else { "" };
        let _ = write!(text, "<th{class}>{}</th>", escaped(title));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let cells: String = row.iter().map(cell).collect();
        let _ = writeln!(text, "<tr>{cells}</tr>");
    }
    text.push_str("</tbody>\n</table></div>\n");
    text
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => format!("<td>{}</td>", escaped(text)),
        Cell::Code(text) => format!("<td><code>{}</code></td>", escaped(text)),
        Cell::Number(text) => format!("<td class=\"number\">{}</td>", escaped(text)),
        Cell::Bar(text, share) => format!(
            "<td class=\"number bar\" style=\"--share:{:.1}%\">{}</td>",
            share.clamp(0.0, 1.0) * 100.0,
            escaped(text)
        ),
        Cell::Status(status) => {
            let class = match status {
                Status::Passed | Status::Better => "good",
                Status::Failed | Status::Worse => "bad",
                Status::Skipped | Status::Noise => "dim",
            };
            format!("<td class=\"{class}\">{}</td>", status.word())
        }
    }
}

/// Text that means itself, in an element and in a quoted attribute.
pub fn escaped(text: &str) -> String {
    let text = text.lines().map(plain).collect::<Vec<_>>().join("\n");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;

//! A measurement as one HTML page with its plots inside.
//!
//! Pure: document in, page out; no script, no outside file, so that it can be
//! attached to a report and opened anywhere.

use std::fmt::Write as _;

use super::baseline::Change;
use super::document::{Document, Row, Series};
use super::plot;
use crate::failure::Result;

pub(super) const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#222;background:#fff}table{border-collapse:collapse;margin:1rem 0}\
th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}\
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}.worse{color:#b00}.better{color:#070}";

/// The page about `document`; `changes` is what `--baseline` found.
pub fn page(document: &Document, changes: &[Change]) -> Result<String> {
    let mut body = String::new();
    let _ = writeln!(
        body,
        "<h1>How long ExoV6 takes to boot</h1>\n{}",
        environment(document)
    );
    if !document.rows.is_empty() {
        let _ = writeln!(body, "<h2>Wall time</h2>\n{}", wall_table(document));
        let _ = writeln!(body, "{}", plot::distributions(&document.rows)?);
        let _ = writeln!(body, "<h2>Phases</h2>\n{}", plot::phases(&document.rows)?);
    }
    if !document.over_floor.is_empty() {
        let _ = writeln!(body, "<h2>Above the floor</h2>\n{}", floor_table(document));
    }
    if !document.counts.is_empty() {
        let rows = document
            .counts
            .iter()
            .map(|count| vec![count.name.clone(), count.value.to_string()]);
        let _ = writeln!(
            body,
            "<h2>Counts</h2>\n{}",
            table(&["count", "value"], rows)
        );
    }
    if !document.work.is_empty() {
        let _ = writeln!(
            body,
            "<h2>What emulation costs</h2>\n{}",
            work_table(document)
        );
    }
    if !changes.is_empty() {
        let _ = writeln!(body, "<h2>Since the baseline</h2>\n<ul>");
        for change in changes {
            let class = match change.weight {
                super::baseline::Weight::Noise => "same",
                super::baseline::Weight::Better => "better",
                super::baseline::Weight::Worse => "worse",
            };
            let _ = writeln!(body, "<li class={class}>{}</li>", escaped(&change.line()));
        }
        body.push_str("</ul>\n");
    }
    Ok(format!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width\">\n<title>ExoV6 boot</title>\n\
         <style>{STYLE}</style>\n{body}</html>\n"
    ))
}

fn environment(document: &Document) -> String {
    let environment = &document.environment;
    let cores = environment.host_cores;
    let host = format!(
        "{}, {cores} cores, Linux {}",
        environment.host_cpu, environment.host_kernel
    );
    let method = format!(
        "{} rounds after {} to warm up, in random order, seed {}",
        document.runs, document.warmup, document.seed
    );
    let rows = [
        ("QEMU", environment.qemu.clone()),
        ("accelerator", environment.accelerator.clone()),
        ("guest CPU", environment.cpu.clone()),
        ("host", host),
        ("commit", environment.commit.clone()),
        ("date", environment.date.clone()),
        ("method", method),
    ];
    table(
        &["", ""],
        rows.map(|(name, value)| vec![name.to_owned(), value])
            .into_iter(),
    )
}

fn wall_table(document: &Document) -> String {
    let mut rows = Vec::new();
    for row in &document.rows {
        rows.push(series_row(
            format!("{}: first byte", row.name()),
            &row.first_byte,
        ));
        if let Some(ready) = &row.ready {
            rows.push(series_row(format!("{}: ready", row.name()), ready));
        }
    }
    let head = ["milliseconds", "minimum", "median", "95 % interval", "p90"];
    table(&head, rows.into_iter())
}

fn series_row(name: String, series: &Series) -> Vec<String> {
    let summary = &series.summary;
    let number = |value: f64| format!("{value:.2}");
    let interval = format!("{:.2} to {:.2}", summary.low, summary.high);
    vec![
        name,
        number(summary.minimum),
        number(summary.median),
        interval,
        number(summary.p90),
    ]
}

fn floor_table(document: &Document) -> String {
    let cell = |difference: &super::stats::Difference| {
        format!(
            "{:.2} ({:.2} to {:.2})",
            difference.median, difference.low, difference.high
        )
    };
    let rows = document.over_floor.iter().map(|over| {
        vec![
            over.configuration.clone(),
            cell(&over.first_byte),
            cell(&over.ready),
        ]
    });
    table(
        &["milliseconds over the floor", "first byte", "ready"],
        rows,
    )
}

fn work_table(document: &Document) -> String {
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    let rows = document.work.iter().map(|work| {
        let ratio = number(work.ratio(), 1);
        vec![
            work.class.clone(),
            number(Some(work.guest_ns), 2),
            number(work.native_ns, 2),
            ratio,
        ]
    });
    table(&["class of work", "guest, ns", "host, ns", "ratio"], rows)
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells = cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(&cell)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let mut text = String::from("<table>\n");
    if head.iter().any(|cell| !cell.is_empty()) {
        text.push_str(&cells(
            "th",
            &mut head.iter().map(|cell| (*cell).to_owned()),
        ));
    }
    for row in rows {
        text.push_str(&cells("td", &mut row.into_iter()));
    }
    text.push_str("</table>");
    text
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The names of the rows, for the plots' axes.
pub(super) fn names(rows: &[Row]) -> Vec<String> {
    rows.iter().map(Row::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::baseline::changes;
    use crate::bench::document::tests::example;

    #[test]
    fn the_page_stands_alone_and_escapes_what_it_shows() {
        let document = example();
        let page = page(&document, &changes(&document, &document)).expect("it draws");
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(page.contains("a &lt;host&gt; &amp; co"));
        for outside in ["<script", "src=", "href="] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("Since the baseline"));
    }

    #[test]
    fn a_page_of_counts_alone_has_no_plots() {
        let mut document = example();
        document.rows.clear();
        let page = page(&document, &[]).expect("it draws");
        assert!(!page.contains("<svg") && page.contains("ready/16M/qboot"));
    }
}

//! A measurement as lines for a terminal.
//!
//! Pure: the document and the terminal's width in, lines out.

use super::baseline::Change;
use super::document::{Document, Series};
use super::histogram::{self, Glyphs};

/// Everything the document holds, for a terminal this wide.
pub fn lines(document: &Document, width: usize, glyphs: Glyphs) -> Vec<String> {
    let mut lines = vec![environment(document)];
    if !document.rows.is_empty() {
        lines.extend(wall(document));
        lines.push(String::new());
        lines.extend(pictures(document, width, glyphs));
    }
    if !document.counts.is_empty() {
        lines.push(String::new());
        let counts = document.counts.iter();
        lines.extend(counts.map(|count| format!("{:>11}  {}", grouped(count.value), count.name)));
    }
    if !document.work.is_empty() {
        lines.push(String::new());
        lines.push("  guest ns     host ns  ratio  an iteration of".to_owned());
        lines.extend(document.work.iter().map(|work| {
            let native = work
                .native_ns
                .map_or("-".to_owned(), |native| format!("{native:.2}"));
            let ratio = work
                .ratio()
                .map_or("-".to_owned(), |ratio| format!("{ratio:.1}"));
            format!(
                "{:>10.2}  {native:>10}  {ratio:>5}  {}",
                work.guest_ns, work.class
            )
        }));
    }
    lines
}

fn environment(document: &Document) -> String {
    let environment = &document.environment;
    format!(
        "{}, {}, guest {}, host {} ({} cores, Linux {}), commit {}, {}",
        environment.qemu,
        environment.accelerator,
        environment.cpu,
        environment.host_cpu,
        environment.host_cores,
        environment.host_kernel,
        environment.commit,
        environment.date
    )
}

fn wall(document: &Document) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} rounds, {} to warm up, seed {}",
            document.runs, document.warmup, document.seed
        ),
        "   minimum    median  95 % interval       p90   milliseconds".to_owned(),
    ];
    for row in &document.rows {
        lines.push(series(
            &row.first_byte,
            &format!("{}: first byte", row.name()),
        ));
        if let Some(ready) = &row.ready {
            lines.push(series(ready, &format!("{}: ready", row.name())));
        }
    }
    for over in &document.over_floor {
        for (what, difference) in [("first byte", over.first_byte), ("ready", over.ready)] {
            lines.push(format!(
                "{:>+10.2}  ({:+.2} to {:+.2})  over the floor, {}: {what}",
                difference.median, difference.low, difference.high, over.configuration
            ));
        }
    }
    lines
}

fn series(series: &Series, name: &str) -> String {
    let summary = &series.summary;
    format!(
        "{:>10.2}{:>10.2}{:>8.2}-{:<7.2}{:>9.2}   {name}",
        summary.minimum, summary.median, summary.low, summary.high, summary.p90
    )
}

fn pictures(document: &Document, width: usize, glyphs: Glyphs) -> Vec<String> {
    let mut named: Vec<(String, &[f64])> = Vec::new();
    for row in &document.rows {
        let last = row.ready.as_ref().unwrap_or(&row.first_byte);
        named.push((row.name(), &last.samples));
    }
    let series: Vec<_> = named
        .iter()
        .map(|(name, samples)| (name.as_str(), *samples))
        .collect();
    histogram::draw(&series, "ms", width, glyphs)
}

/// The table against a baseline.
pub fn changes(changes: &[Change]) -> Vec<String> {
    match changes {
        [] => vec!["the baseline measured nothing that this run did".to_owned()],
        changes => changes.iter().map(Change::line).collect(),
    }
}

/// `1234567` as `1 234 567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::document::tests::example;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(654_321), "654 321");
        assert_eq!(grouped(1_000_000), "1 000 000");
    }

    #[test]
    fn the_report_names_everything_measured() {
        let text = lines(&example(), 80, Glyphs::Ascii).join("\n");
        for part in [
            "seed 7",
            "floor, pc, qboot",
            "exov6, pc, qboot: ready",
            "500 000  ready/16M/qboot",
            "alu",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}

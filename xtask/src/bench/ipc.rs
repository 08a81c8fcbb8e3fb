//! What traps, messages, memory, threads and tasks cost: one document a run.
//!
//! Owns the schema `exov6.bench-ipc/1`, how the rows of the program `bench` are
//! read, and the table and page that are made of them. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::Environment;
use super::scaling::{self, Scale};
use super::table;
use crate::emulator::Line;

/// The name and version of the schema.
pub const SCHEMA: &str = "exov6.bench-ipc/1";

/// The rows, in the order of reports, and what each is.
pub const ROWS: &[(&str, &str)] = &[
    ("null-trap", "a trap that does not exist"),
    ("task-self", "mach_task_self"),
    ("type-of-name", "mach_port_type"),
    ("reply-port", "a reply port and its end"),
    ("self-send", "send and receive to oneself"),
    ("right-transfer", "the same with a send right"),
    ("megabyte", "the same with 1 MiB out of line, untouched"),
    ("rpc-one-task", "round trip in one task"),
    ("rpc-one-task-64", "the same, 64 bytes there"),
    ("rpc-one-task-4096", "the same, 4 KiB there"),
    ("rpc-two-tasks", "round trip between two tasks"),
    ("rpc-two-tasks-64", "the same, 64 bytes there"),
    ("rpc-two-tasks-4096", "the same, 4 KiB there"),
    ("page", "vm_allocate, touch, vm_deallocate"),
    ("page-fault", "first touch of a page"),
    ("switch", "swtch to another thread and back"),
    ("thread", "a thread and its end"),
    ("task", "a task and its end"),
    ("task-inheriting", "the same with memory"),
];

/// What one run of the program said of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Ticks of one operation.
    Ticks(f64),
    /// The kernel cannot do it, and the code it gave.
    NotServed(String),
}

/// One run of the program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// By the row's name.
    pub rows: BTreeMap<String, Said>,
    /// Nanoseconds a tick, as the console's clock has them.
    pub tick_ns: Option<f64>,
}

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Where it was measured.
    pub environment: Environment,
    /// How many runs the times are medians of.
    pub runs: u32,
    /// A row an operation.
    pub rows: Vec<Row>,
    /// What more processors are worth.
    pub scaling: Vec<Scale>,
}

/// An operation.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// On our kernel.
    pub exov6: Cost,
    /// On the reference, if that was measured.
    pub gnumach: Option<Cost>,
}

/// What an operation costs on a kernel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Guest instructions, the same in every run.
    pub instructions: Option<f64>,
    /// Median, in nanoseconds.
    pub wall_ns: Option<f64>,
    /// The code, where the kernel cannot do it.
    pub not_served: Option<String>,
}

/// The line after which nothing comes.
pub const END: &str = "bench done";

/// Reads what the program said; `console` is all of it.
pub fn read(console: &[Line]) -> Run {
    let mut run = Run::default();
    let mut clocks = Vec::new();
    for line in console {
        // Behind a prompt, or a kernel's own words.
        let Some(at) = line.text.find("bench ") else {
            continue;
        };
        let words: Vec<&str> = line.text[at..].split(' ').collect();
        match words.as_slice() {
            ["bench", "clock", ticks] => {
                clocks.extend(ticks.parse::<f64>().ok().map(|ticks| (line.at, ticks)));
            }
            ["bench", name, "not", "served:", code @ ..] => {
                run.rows
                    .insert((*name).to_owned(), Said::NotServed(code.join(" ")));
            }
            ["bench", name, count, ticks] => {
                let numbers = count.parse::<f64>().ok().zip(ticks.parse::<f64>().ok());
                if let Some((count, ticks)) = numbers.filter(|(count, _)| *count > 0.0) {
                    run.rows
                        .insert((*name).to_owned(), Said::Ticks(ticks / count));
                }
            }
            _ => {}
        }
    }
    if let [(begin, first), .., (end, last)] = clocks.as_slice() {
        let ticks = last - first;
        let took = end.saturating_sub(*begin).as_secs_f64() * 1e9;
        run.tick_ns = (ticks > 0.0).then(|| took / ticks);
    }
    run
}

/// The cost of a row from a counted run and timed ones.
pub fn cost(name: &str, counted: &Run, timed: &[Run]) -> Cost {
    let (instructions, not_served) = match counted.rows.get(name) {
        Some(Said::Ticks(ticks)) => (Some(*ticks), None),
        Some(Said::NotServed(code)) => (None, Some(code.clone())),
        None => (None, Some("it did not come so far".to_owned())),
    };
    let times = timed.iter().filter_map(|run| match run.rows.get(name) {
        Some(Said::Ticks(ticks)) => run.tick_ns.map(|tick| ticks * tick),
        _ => None,
    });
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    Cost {
        instructions,
        wall_ns: times.get(times.len() / 2).copied(),
        not_served,
    }
}

impl Cost {
    fn instructions(&self) -> String {
        match (&self.instructions, &self.not_served) {
            (Some(count), _) => format!("{count:.0}"),
            (None, Some(_)) => "not served".to_owned(),
            (None, None) => String::new(),
        }
    }

    fn wall(&self) -> String {
        let us = self.wall_ns.map(|ns| format!("{:.2}", ns / 1000.0));
        us.unwrap_or_default()
    }
}

impl Row {
    /// Instructions here for each of the reference's.
    fn ratio(&self) -> String {
        let theirs = self.gnumach.as_ref().and_then(|cost| cost.instructions);
        match self.exov6.instructions.zip(theirs) {
            Some((ours, theirs)) if theirs > 0.0 => format!("{:.2}", ours / theirs),
            _ => String::new(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.name.to_owned(), self.exov6.instructions()];
        if let Some(theirs) = &self.gnumach {
            cells.extend([theirs.instructions(), self.ratio()]);
        }
        cells.push(self.exov6.wall());
        if let Some(theirs) = &self.gnumach {
            cells.push(theirs.wall());
        }
        cells.push(self.what.to_owned());
        cells
    }
}

impl Document {
    fn head(&self) -> Vec<&'static str> {
        match self.rows.iter().any(|row| row.gnumach.is_some()) {
            true => vec!["", "instr", "GNU Mach", "ratio", "us", "GNU Mach", ""],
            false => vec!["", "instr", "us", ""],
        }
    }

    fn cells(&self) -> Vec<Vec<String>> {
        self.rows.iter().map(Row::cells).collect()
    }

    /// The tables for a terminal.
    pub fn lines(&self) -> Vec<String> {
        let (head, cells) = scaling::table(&self.scaling);
        let mut lines = table::lines(&self.head(), self.cells());
        lines.push(String::new());
        lines.extend(table::lines(head, cells));
        lines
    }

    /// A page with the tables.
    pub fn page(&self) -> String {
        let environment = &self.environment;
        let (head, cells) = scaling::table(&self.scaling);
        format!(
            "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>ExoV6 IPC</title>\n\
             <style>{}</style>\n<h1>What messages cost on ExoV6</h1>\n\
             <p>{}; {}; {} cores; guest {}; commit {}; {}. Times are medians of {} runs.</p>\n\
             {}<h2>Pairs of tasks at once</h2>\n{}</html>\n",
            super::html::STYLE,
            super::html::escaped(&environment.qemu),
            super::html::escaped(&environment.host_cpu),
            environment.host_cores,
            environment.cpu,
            environment.commit,
            environment.date,
            self.runs,
            table::html(&self.head(), self.cells()),
            table::html(head, cells),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn console(text: &str) -> Vec<Line> {
        let line = |(second, text): (u64, &str)| Line {
            at: Duration::from_secs(second),
            text: text.to_owned(),
        };
        (0..).zip(text.lines()).map(line).collect()
    }

    const SAID: &str = "kdb> bench clock 1000\nbench null-trap 2000 128009\n\
                        bench switch not served: MIG_BAD_ID\nbench clock 3000001000\nbench done";

    #[test]
    fn rows_and_clock_are_read() {
        let run = read(&console(SAID));
        assert_eq!(run.rows.get("null-trap"), Some(&Said::Ticks(64.0045)));
        let code = Said::NotServed("MIG_BAD_ID".to_owned());
        assert_eq!(run.rows.get("switch"), Some(&code));
        assert_eq!(run.tick_ns, Some(1.0));
        assert_eq!(run.rows.len(), 2);
    }

    #[test]
    fn a_cost_has_counts_and_the_median_of_times() {
        let counted = read(&console(SAID));
        let timed = [3.0, 1.0, 2.0].map(|tick| Run {
            tick_ns: Some(tick),
            ..counted.clone()
        });
        let cost_of = |name| cost(name, &counted, &timed);
        let null = cost_of("null-trap");
        assert_eq!(null.wall_ns.map(f64::round), Some(128.0));
        assert_eq!(
            (null.instructions(), null.wall()),
            ("64".to_owned(), "0.13".to_owned())
        );
        assert_eq!(cost_of("switch").instructions(), "not served");
        assert_eq!(
            cost_of("task").not_served.as_deref(),
            Some("it did not come so far")
        );
    }

    #[test]
    fn a_ratio_needs_both() {
        let run = read(&console(SAID));
        let row = |gnumach| Row {
            name: "null-trap",
            what: "",
            exov6: cost("null-trap", &run, &[]),
            gnumach,
        };
        assert_eq!(row(None).ratio(), "");
        assert_eq!(row(Some(cost("null-trap", &run, &[]))).ratio(), "1.00");
        assert_eq!(row(Some(cost("switch", &run, &[]))).ratio(), "");
    }
}

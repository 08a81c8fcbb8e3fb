//! What is said about the steps: a table, the last line, a JSON document.
//!
//! Owns the schema `exov6.ci/1`. Pure.

use serde::Serialize;

use super::{End, Ran, Step};
use crate::testing::report::text::time;

/// The table of every step, those not reached included.
pub fn table(ran: &[Ran], planned: &[&'static Step]) -> Vec<String> {
    planned
        .iter()
        .map(|step| match ran.iter().find(|ran| ran.name == step.name) {
            Some(ran) => format!("{:<7} {:>12}  {}", word(ran), time(ran.took), ran.name),
            None => format!("{:<7} {:>12}  {}", "not run", "-", step.name),
        })
        .collect()
}

/// `N passed, N failed, N skipped`.
pub fn last_line(ran: &[Ran]) -> String {
    let count = |wanted: &str| ran.iter().filter(|ran| word(ran) == wanted).count();
    let mut line = format!("{} passed, {} failed", count("ok"), count("FAILED"));
    if count("skip") > 0 {
        line.push_str(&format!(", {} skipped", count("skip")));
    }
    line
}

fn word(ran: &Ran) -> &'static str {
    match ran.result {
        Ok(End::Passed) => "ok",
        Ok(End::Skipped(_)) => "skip",
        Err(_) => "FAILED",
    }
}

/// The document of `--json`.
#[derive(Debug, Serialize)]
pub struct Document {
    schema: &'static str,
    steps: Vec<Entry>,
    /// Steps that were to run and were not reached.
    not_run: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    status: &'static str,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The document about the steps that ran, of those planned.
pub fn document(ran: &[Ran], planned: &[&'static Step]) -> Document {
    let entry = |ran: &Ran| {
        let (status, reason) = match &ran.result {
            Ok(End::Passed) => ("passed", None),
            Ok(End::Skipped(why)) => ("skipped", Some(why.clone())),
            Err(failure) if failure.is_told() => ("failed", None),
            Err(failure) => ("failed", Some(failure.to_string())),
        };
        Entry {
            name: ran.name,
            status,
            seconds: ran.took.as_secs_f64(),
            reason,
        }
    };
    Document {
        schema: "exov6.ci/1",
        steps: ran.iter().map(entry).collect(),
        not_run: planned
            .iter()
            .map(|step| step.name)
            .filter(|name| ran.iter().all(|ran| ran.name != *name))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ci::STEPS;
    use crate::failure::Failure;

    #[test]
    fn every_planned_step_is_in_the_table_and_counted_once() {
        let results = [
            Ok(End::Passed),
            Err(Failure::failed("broken")),
            Ok(End::Skipped("no compiler".to_owned())),
        ];
        let planned: Vec<&Step> = STEPS.iter().take(4).collect();
        let ran: Vec<Ran> = planned
            .iter()
            .zip(results)
            .map(|(step, result)| Ran {
                name: step.name,
                result,
                took: Duration::from_secs(2),
            })
            .collect();
        let table = table(&ran, &planned);
        assert_eq!(table.len(), 4);
        assert_eq!(table[0], "ok            2.00 s  fmt");
        assert!(table[3].starts_with("not run"), "{}", table[3]);
        assert_eq!(last_line(&ran), "1 passed, 1 failed, 1 skipped");
        let text = serde_json::to_string(&document(&ran, &planned)).expect("plain data");
        assert!(
            text.contains("\"reason\":\"broken\"") && text.contains("exov6.ci/1"),
            "{text}"
        );
        let not_run = format!("\"not_run\":[\"{}\"]", STEPS[3].name);
        assert!(text.contains(&not_run), "{text}");
    }
}

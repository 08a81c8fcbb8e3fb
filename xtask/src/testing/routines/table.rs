//! The table of routines in `docs/mach.md`.
//!
//! Owns its form: what the reference answers follows from the recorded rows, what
//! ExoV6 is like is what the last run that was allowed to write found. Pure.

use std::collections::BTreeMap;

use super::{DIFFERENCES, GROUPS, State, is_done};

/// The document.
pub const FILE: &str = "docs/mach.md";
const BEGIN: &str = "<!-- routines: begin -->";
const END: &str = "<!-- routines: end -->";

/// States by group and routine, as the document words them.
pub type States = BTreeMap<(String, String), String>;

/// What the document says of each routine.
pub fn recorded(text: &str) -> States {
    let mut states = States::new();
    for line in between(text).lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, routine, group, _, state, _] = cells.as_slice() {
            let routine = routine.trim_matches('`').to_owned();
            states.insert(((*group).to_owned(), routine), (*state).to_owned());
        }
    }
    states
}

/// The document with the table that these states make; `None` if it has no place
/// for one.
pub fn written(text: &str, states: &States) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}{END}{after}", render(states)))
}

fn between(text: &str) -> &str {
    let inside = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    inside.map_or("", |(inside, _)| inside)
}

fn render(states: &States) -> String {
    let mut text = String::from("| routine | group | GNU Mach | ExoV6 |\n|---|---|---|---|\n");
    for group in GROUPS {
        for routine in group.routines() {
            let rows = group.rows(routine);
            let done = rows.iter().filter(|row| is_done(row)).count();
            let key = (group.name.to_owned(), routine.to_owned());
            let missing = State::Missing.to_string();
            let state = states.get(&key).unwrap_or(&missing);
            text.push_str(&format!(
                "| `{routine}` | {} | {done} done, {} refused | {state} |\n",
                group.name,
                rows.len() - done
            ));
        }
    }
    text.push_str("\nRows that are meant to differ:\n\n");
    text.push_str("| row | GNU Mach | ExoV6 | why |\n|---|---|---|---|\n");
    for entry in DIFFERENCES {
        let (case, result) = entry
            .gnumach
            .split_once(": ")
            .unwrap_or((entry.gnumach, ""));
        text.push_str(&format!(
            "| {case} | `{result}` | `{}` | {} |\n",
            entry.exov6, entry.why
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/mach.md");

    #[test]
    fn the_document_has_the_table_that_its_states_make() {
        let written = written(DOCUMENT, &recorded(DOCUMENT));
        assert_eq!(
            written.as_deref(),
            Some(DOCUMENT),
            "write it with: cargo xtask test --ring system routines --bless"
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let key = |routine: &str| ("ports".to_owned(), routine.to_owned());
        let mut states = recorded(DOCUMENT);
        states.insert(key("mach_port_names"), "3 of 4 rows the same".to_owned());
        let text = written(DOCUMENT, &states).expect("a place for it");
        assert_eq!(recorded(&text), states);
        assert_eq!(written("no table", &states), None);
    }
}

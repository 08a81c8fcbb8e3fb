//! `cargo xtask config show`: the settings and where each came from.

use serde::Serialize;

use crate::cli::ConfigAction;
use crate::context::Context;
use crate::failure::Result;
use crate::flags;
use crate::settings::Row;

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    version: u32,
    settings: Vec<Row>,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Config) -> Result<()> {
    let ConfigAction::Show = flags.action;
    let settings = cx.settings.rows();
    if flags.json {
        return cx.ui.json(&Document {
            version: 1,
            settings,
        });
    }
    cx.ui.print(table(&settings));
    let file = cx.project.settings_file();
    let note = if file.is_file() { "" } else { " (not there)" };
    cx.ui.result(format_args!(
        "{} settings: flag over EXOV6_* over {}{note} over default",
        settings.len(),
        cx.project.shown(&file)
    ));
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let shown = |row: &Row| row.value.clone().unwrap_or_else(|| "-".to_owned());
    let name_width = rows
        .iter()
        .map(|row| row.name.len())
        .max()
        .unwrap_or_default();
    let value_width = rows
        .iter()
        .map(|row| shown(row).len())
        .max()
        .unwrap_or_default();
    rows.iter()
        .map(|row| {
            format!(
                "{:name_width$}  {:value_width$}  {}\n",
                row.name,
                shown(row),
                row.source
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Source;

    #[test]
    fn the_table_is_aligned_and_says_where_from() {
        let rows = [
            Row {
                name: "cpu",
                value: Some("pentium3".into()),
                source: Source::Default,
            },
            Row {
                name: "timeout",
                value: None,
                source: Source::Environment {
                    variable: "EXOV6_TIMEOUT".into(),
                },
            },
        ];
        assert_eq!(
            table(&rows),
            "cpu      pentium3  default\ntimeout  -         EXOV6_TIMEOUT\n"
        );
    }
}

//! What a person wrote down: in the settings file and in the environment.
//!
//! Reads names and words; what a word means is decided by who asks for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{NAMES, Source};
use crate::failure::{Failure, Result};
use crate::grammar::nearest;

/// What was written down for each setting, and where.
pub(super) type Given = BTreeMap<&'static str, (String, Source)>;

/// Reads `exov6.toml`; a key nobody knows is an error.
pub(super) fn read_file(file: &Path, text: &str) -> Result<Given> {
    let line_of = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
    let wrong = |offset: usize, what: &str, mend: String| {
        Failure::usage(
            format!("{}:{}: {what}", file.display(), line_of(offset)),
            mend,
        )
    };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        wrong(
            offset,
            error.message(),
            "write it as TOML: cpu = \"pentium\"".to_owned(),
        )
    })?;
    let mut given = Given::new();
    for (key, value) in table.get_ref() {
        let offset = key.span().start;
        let Some(name) = NAMES.iter().find(|name| **name == key.get_ref().as_ref()) else {
            let near = nearest(key.get_ref(), &NAMES)
                .map(|name| format!("did you mean `{name}`? "))
                .unwrap_or_default();
            let mend = format!("{near}the settings are: {}", NAMES.join(", "));
            return Err(wrong(
                offset,
                &format!("there is no setting `{}`", key.get_ref()),
                mend,
            ));
        };
        let value = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(answer) => answer.to_string(),
            _ => {
                let what = format!("`{name}` is not a string, a number, true or false");
                return Err(wrong(offset, &what, format!("write it as {name} = \"…\"")));
            }
        };
        let source = Source::File {
            path: file.to_owned(),
            line: line_of(offset),
        };
        given.insert(name, (value, source));
    }
    Ok(given)
}

/// Adds `EXOV6_*` to what the file said; returns warnings.
pub(super) fn read_environment(
    given: &mut Given,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for (variable, value) in environment {
        let Some(variable) = variable.to_str() else {
            continue;
        };
        let Some(rest) = variable.strip_prefix("EXOV6_") else {
            continue;
        };
        let Some(name) = NAMES.iter().find(|name| name.to_ascii_uppercase() == rest) else {
            // Not an error as in the file: the variable may be another program's.
            let names = NAMES.map(|name| format!("EXOV6_{}", name.to_ascii_uppercase()));
            warnings.push(format!(
                "{variable} is no setting; they are: {}",
                names.join(", ")
            ));
            continue;
        };
        if value.is_empty() {
            continue;
        }
        let value = value.into_string().map_err(|_| {
            Failure::usage(
                format!("{variable} is not UTF-8"),
                format!("unset {variable}"),
            )
        })?;
        given.insert(
            name,
            (
                value,
                Source::Environment {
                    variable: variable.to_owned(),
                },
            ),
        );
    }
    Ok(warnings)
}

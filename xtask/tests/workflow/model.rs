//! The workflow in memory: jobs, steps, and the rows of a matrix.
//!
//! Owns the way from YAML to values that tests index. The version comments
//! behind `uses:` are no part of YAML, so the text stays beside.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// A workflow.
pub(crate) struct Workflow<'a> {
    /// The file.
    pub(crate) text: &'a str,
    /// What it says.
    pub(crate) root: Value,
}

/// A job.
pub(crate) struct Job<'a> {
    /// Its name, as `needs:` has it.
    pub(crate) id: &'a str,
    /// What it says.
    pub(crate) value: &'a Value,
    /// The whole workflow.
    root: &'a Value,
}

impl<'a> Workflow<'a> {
    /// Reads a file.
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
        let [document] = documents.as_slice() else {
            return Err(format!("{} documents", documents.len()));
        };
        let root = json(document)?;
        Ok(Workflow { text, root })
    }

    /// Its jobs.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        let jobs = self.root["jobs"].as_object().into_iter().flatten();
        jobs.map(|(id, value)| Job {
            id,
            value,
            root: &self.root,
        })
    }

    /// The job of this name.
    pub(crate) fn job(&self, id: &str) -> Option<Job<'_>> {
        self.jobs().find(|job| job.id == id)
    }
}

impl<'a> Job<'a> {
    /// Its steps.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.value["steps"].as_array().into_iter().flatten()
    }

    /// The rows of its matrix; one empty row without.
    pub(crate) fn rows(&self) -> Vec<Map<String, Value>> {
        let rows = self.value["strategy"]["matrix"]["include"].as_array();
        match rows {
            Some(rows) => rows
                .iter()
                .filter_map(|row| row.as_object().cloned())
                .collect(),
            None => vec![Map::new()],
        }
    }

    /// The value of a variable of the environment in a step of it.
    pub(crate) fn variable(&self, step: &'a Value, name: &str) -> Option<&'a str> {
        [step, self.value, self.root]
            .into_iter()
            .find_map(|place| place["env"][name].as_str())
    }

    /// The jobs that it waits for.
    pub(crate) fn needs(&self) -> Vec<&'a str> {
        match &self.value["needs"] {
            Value::String(one) => vec![one],
            other => strings(other),
        }
    }
}

/// The strings in a list.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn json(yaml: &Yaml<'_>) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::String(value)) => Value::from(value.as_ref()),
        Yaml::Sequence(values) => values.iter().map(json).collect::<Result<_, _>>()?,
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = key.as_str().ok_or_else(|| format!("{key:?} is no name"))?;
                map.insert(key.to_owned(), json(value)?);
            }
            Value::Object(map)
        }
        other => return Err(format!("{other:?} has no place in a workflow")),
    })
}

//! What buildx says while it builds, and how many layers it did not have to.
//!
//! Owns the reading of `--progress rawjson`. Pure: lines go in, events and
//! counts come out. Older buildx writes each document over many lines, newer
//! ones over one; both are read, and what is no document is kept as text.

mod document;

use std::collections::BTreeMap;

use serde::Serialize;

use self::document::{Document, Status, Vertex, bytes_of};

/// How many lines of a failed step are kept.
const KEPT: usize = 60;

/// Layers of an image: how many came from the cache, how many were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Layers {
    /// Found in the cache.
    pub cached: u32,
    /// Made now.
    pub built: u32,
}

impl std::fmt::Display for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.cached, self.built) {
            (0, 0) => f.write_str("no layer to build"),
            (cached, 0) => write!(f, "all {cached} layers were cached"),
            (cached, built) => write!(f, "{cached} layers cached, {built} built"),
        }
    }
}

impl std::ops::Add for Layers {
    type Output = Layers;

    fn add(self, other: Layers) -> Layers {
        Layers {
            cached: self.cached.saturating_add(other.cached),
            built: self.built.saturating_add(other.built),
        }
    }
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step began.
    Started(String),
    /// A step's result was in the cache.
    Cached(String),
    /// A line of a step's output.
    Said(String),
    /// A line that is no document: an error of buildx itself.
    Text(String),
}

/// How a step ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was in the cache.
    Cached,
    /// It was made.
    Built,
}

/// The step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its line in the Dockerfile, as buildx names it.
    pub name: String,
    /// Why.
    pub error: String,
    /// The end of what it wrote.
    pub said: Vec<String>,
}

/// Everything heard of one build so far.
#[derive(Debug, Default)]
pub struct Heard {
    pending: String,
    /// By digest. Digests of the same step differ from call to call, for the
    /// work tree is sent anew; names do not.
    names: BTreeMap<String, String>,
    steps: BTreeMap<String, Step>,
    /// The step that podman is at.
    current: Option<String>,
    text: String,
    context_bytes: u64,
}

#[derive(Debug, Default)]
struct Step {
    state: State,
    error: Option<String>,
    unfinished: Vec<u8>,
    said: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Running,
    Cached,
    Done,
}

impl Heard {
    /// Reads the next line of buildx's standard error.
    pub fn line(&mut self, line: &str) -> Vec<Event> {
        if self.pending.is_empty() && !line.starts_with('{') {
            if line.trim().is_empty() {
                return Vec::new();
            }
            self.text.push_str(line);
            self.text.push('\n');
            return vec![Event::Text(line.to_owned())];
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        // Only a closing brace at the line's end can end a document.
        if !line.ends_with('}') {
            return Vec::new();
        }
        match serde_json::from_str::<Document>(&self.pending) {
            Ok(document) => {
                self.pending.clear();
                self.document(document)
            }
            Err(error) if error.is_eof() => Vec::new(),
            Err(_) => {
                let text = std::mem::take(&mut self.pending);
                self.text.push_str(&text);
                vec![Event::Text(text.trim_end().to_owned())]
            }
        }
    }

    /// The layers so far. `FROM` makes none, and neither do buildx's own steps.
    pub fn layers(&self) -> Layers {
        let mut layers = Layers::default();
        for (_, step) in self.steps.iter().filter(|(name, _)| is_layer(name)) {
            match step.state {
                State::Cached => layers.cached += 1,
                State::Done if step.error.is_none() => layers.built += 1,
                _ => {}
            }
        }
        layers
    }

    /// How many layers are known, and how many of them are done.
    pub fn done_of(&self) -> (usize, usize) {
        let layers = || self.steps.iter().filter(|(name, _)| is_layer(name));
        let done = layers().filter(|(_, step)| matches!(step.state, State::Cached | State::Done));
        (done.count(), layers().count())
    }

    /// How many bytes of the work tree the engine was sent.
    pub fn context_bytes(&self) -> u64 {
        self.context_bytes
    }

    /// What was no document: buildx's own words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The step that failed, if one did.
    pub fn broken(&self) -> Option<Broken> {
        let (name, step) = self.steps.iter().find(|(_, step)| {
            // Others that ran beside it were only told to stop.
            let error = step.error.as_deref().unwrap_or_default();
            !error.is_empty() && !error.contains("context canceled")
        })?;
        let mut said = step.said.clone();
        if !step.unfinished.is_empty() {
            said.push(String::from_utf8_lossy(&step.unfinished).into_owned());
        }
        Some(Broken {
            name: name.clone(),
            error: step.error.clone().unwrap_or_default(),
            said,
        })
    }

    /// A step of this name begins, and others wait for it: podman's way.
    pub fn begin(&mut self, name: String) -> Vec<Event> {
        let step = self.steps.entry(name.clone()).or_default();
        self.current = Some(name.clone());
        if matches!(step.state, State::Cached | State::Done) {
            return Vec::new();
        }
        step.state = State::Running;
        vec![Event::Started(name)]
    }

    /// The step that began last has ended.
    pub fn end(&mut self, how: End) -> Vec<Event> {
        let Some((name, step)) = self.current() else {
            return Vec::new();
        };
        match (step.state, how) {
            (State::Cached | State::Done, _) => Vec::new(),
            (_, End::Cached) => {
                step.state = State::Cached;
                vec![Event::Cached(name)]
            }
            (_, End::Built) => {
                step.state = State::Done;
                Vec::new()
            }
        }
    }

    /// The step that began last failed.
    pub fn fail(&mut self, error: &str) -> Vec<Event> {
        self.text.push_str(error);
        self.text.push('\n');
        let Some((_, step)) = self.current() else {
            return vec![Event::Text(error.to_owned())];
        };
        step.error = Some(error.to_owned());
        step.state = State::Done;
        Vec::new()
    }

    /// The step that began last wrote a line.
    pub fn say(&mut self, line: &str) -> Vec<Event> {
        let said = match self.current() {
            Some((_, step)) => step.hear(format!("{line}\n").as_bytes()),
            None => Vec::new(),
        };
        said.into_iter().map(Event::Said).collect()
    }

    fn current(&mut self) -> Option<(String, &mut Step)> {
        let name = self.current.clone()?;
        let step = self.steps.get_mut(&name)?;
        Some((name, step))
    }

    fn document(&mut self, document: Document) -> Vec<Event> {
        let mut events = Vec::new();
        for vertex in document.vertexes {
            events.extend(self.vertex(vertex));
        }
        for status in document.statuses {
            self.status(&status);
        }
        for log in document.logs {
            let bytes = bytes_of(&log.data);
            let name = self.names.get(&log.vertex).cloned().unwrap_or_default();
            let step = self.steps.entry(name).or_default();
            events.extend(step.hear(&bytes).into_iter().map(Event::Said));
        }
        events
    }

    fn vertex(&mut self, vertex: Vertex) -> Option<Event> {
        let name = self.names.entry(vertex.digest).or_default();
        if !vertex.name.is_empty() {
            *name = vertex.name;
        }
        let step = self.steps.entry(name.clone()).or_default();
        let name = || name.clone();
        if !vertex.error.is_empty() {
            step.error = Some(vertex.error);
            step.state = State::Done;
            return None;
        }
        let before = step.state;
        // A step can be asked for again, by the next call as well. What was
        // made is then in the cache, and what was in the cache is not made.
        if matches!(before, State::Cached | State::Done) {
            return None;
        }
        if vertex.cached {
            step.state = State::Cached;
            return Some(Event::Cached(name()));
        }
        if vertex.completed.is_some() {
            step.state = State::Done;
            return None;
        }
        if vertex.started.is_some() && before == State::Waiting {
            step.state = State::Running;
            return Some(Event::Started(name()));
        }
        None
    }

    fn status(&mut self, status: &Status) {
        let of_context = self
            .names
            .get(&status.vertex)
            .is_some_and(|name| name == "[internal] load build context");
        if of_context && status.id.starts_with("transferring") {
            let current = u64::try_from(status.current).unwrap_or_default();
            self.context_bytes = self.context_bytes.max(current);
        }
    }
}

impl Step {
    /// The whole lines that these bytes end.
    fn hear(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            // Heard meters go back to the start of their line.
            if byte == b'\n' || byte == b'\r' {
                let line = String::from_utf8_lossy(&self.unfinished).into_owned();
                self.unfinished.clear();
                if !line.is_empty() {
                    lines.push(line);
                }
            } else {
                self.unfinished.push(byte);
            }
        }
        self.said.extend(lines.iter().cloned());
        let surplus = self.said.len().saturating_sub(KEPT);
        self.said.drain(..surplus);
        lines
    }
}

/// A step's name, as long as a line: instructions go over many.
pub fn shortened(name: &str) -> String {
    const LONGEST: usize = 90;
    let words: Vec<&str> = name.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Whether a step of this name makes a layer: `[build 2/3] RUN ...`.
pub fn is_layer(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('[') else {
        return false;
    };
    let Some((stage, instruction)) = rest.split_once("] ") else {
        return false;
    };
    !matches!(stage, "internal" | "auth") && !instruction.starts_with("FROM ")
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;

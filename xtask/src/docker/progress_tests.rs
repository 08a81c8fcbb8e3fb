//! buildx's own words, recorded, and what is read in them.

use super::*;

/// Recorded from buildx 0.13 with BuildKit 0.8, cut to what is read.
const FAILED: &str = r#"{
  "vertexes": [
    {
      "digest": "sha256:0c",
      "name": "[internal] load build context",
      "started": "2026-11-23T01:35:52.3Z"
    }
  ],
  "statuses": [
    {
      "id": "transferring context:",
      "vertex": "sha256:0c",
      "name": "transferring",
      "current": 0
    }
  ]
}
{
  "statuses": [
    {
      "id": "transferring context:",
      "vertex": "sha256:0c",
      "current": 1234567
    }
  ]
}
{
  "vertexes": [
    {
      "digest": "sha256:66",
      "name": "[2/2] RUN echo hi; false"
    },
    {
      "digest": "sha256:fa",
      "name": "[1/2] FROM docker.io/library/debian:bookworm",
      "started": "2026-11-23T01:35:53.070409058Z"
    }
  ]
}
{
  "vertexes": [
    {
      "digest": "sha256:66",
      "name": "[2/2] RUN echo hi; false",
      "started": "2026-11-23T01:35:53.088805976Z"
    }
  ]
}
{
  "logs": [
    {
      "vertex": "sha256:66",
      "stream": 1,
      "data": "aGkKYnll",
      "timestamp": "2026-11-23T01:35:53.34019741Z"
    }
  ]
}
{
  "vertexes": [
    {
      "digest": "sha256:66",
      "name": "[2/2] RUN echo hi; false",
      "completed": "2026-11-23T01:35:53.388652891Z",
      "error": "executor failed running [/bin/sh -c echo hi; false]: exit code: 1"
    }
  ]
}
ERROR: failed to solve: executor failed running [/bin/sh -c echo hi; false]: exit code: 1
"#;

fn read(text: &str) -> (Heard, Vec<Event>) {
    let mut heard = Heard::default();
    let events = text.lines().flat_map(|line| heard.line(line)).collect();
    (heard, events)
}

#[test]
fn a_failed_step_is_named_with_its_last_words() {
    let (heard, events) = read(FAILED);
    let broken = heard.broken().expect("one failed");
    assert_eq!(broken.name, "[2/2] RUN echo hi; false");
    assert_eq!(broken.said, ["hi", "bye"]);
    assert!(broken.error.ends_with("exit code: 1"), "{}", broken.error);
    assert!(heard.text().starts_with("ERROR: failed to solve"));
    assert!(events.contains(&Event::Said("hi".to_owned())));
    assert!(events.contains(&Event::Failed("[2/2] RUN echo hi; false".to_owned())));
    assert_eq!(heard.layers(), Layers::default(), "what failed is no layer");
    assert_eq!(heard.context_bytes(), 1_234_567);
}

fn vertex(name: &str, rest: &str) -> String {
    format!(r#"{{"vertexes":[{{"digest":"sha256:{name}","name":"{name}"{rest}}}]}}"#)
}

const STARTED: &str = r#","started":"2026-11-23T01:35:53Z""#;
const CACHED: &str =
    r#","started":"2026-11-23T01:35:53Z","completed":"2026-11-23T01:35:53Z","cached":true"#;
const DONE: &str = r#","started":"2026-11-23T01:35:53Z","completed":"2026-11-23T01:35:54Z""#;

#[test]
fn only_instructions_that_make_layers_are_counted() {
    let lines = [
        vertex("[internal] load .dockerignore", DONE),
        vertex("[toolchain 1/2] FROM docker.io/i386/debian:bookworm", DONE),
        vertex("[toolchain 2/2] RUN apt-get update", CACHED),
        vertex("[linux/386 build 1/2] COPY . .", STARTED),
        vertex("[linux/386 build 1/2] COPY . .", DONE),
        vertex("[build 2/2] RUN cargo xtask build", STARTED),
        vertex("exporting to image", DONE),
    ];
    let (heard, _) = read(&lines.join("\n"));
    let layers = Layers {
        cached: 1,
        built: 1,
    };
    assert_eq!(heard.layers(), layers);
    assert_eq!(heard.done_of(), (2, 3));
    assert_eq!(layers.to_string(), "1 layers cached, 1 built");
}

#[test]
fn all_cached_is_said() {
    let lines = [
        vertex("[build 1/2] COPY . .", CACHED),
        // Asked for a second time, it completes without the word.
        vertex("[build 1/2] COPY . .", DONE),
        vertex("[build 2/2] RUN true", CACHED),
    ];
    let (heard, events) = read(&lines.join("\n"));
    assert_eq!(heard.layers().to_string(), "all 2 layers were cached");
    assert_eq!(events.len(), 2, "{events:?}");
}

#[test]
fn what_one_call_built_is_not_cached_by_the_next() {
    let lines = [
        vertex("[build 1/1] RUN x", DONE),
        vertex("[build 1/1] RUN x", CACHED).replace("sha256:", "sha256:of-the-next-call-"),
        vertex("[export 1/1] COPY --from=build /out /", DONE),
    ];
    let (heard, _) = read(&lines.join("\n"));
    assert_eq!(heard.layers().built, 2);
}

#[test]
fn a_step_that_was_only_stopped_is_not_the_cause() {
    let lines = [
        vertex("[a 1/1] RUN one", r#","error":"context canceled""#),
        vertex("[b 1/1] RUN two", r#","error":"exit code: 2""#),
    ];
    let (heard, _) = read(&lines.join("\n"));
    assert_eq!(heard.broken().expect("one failed").error, "exit code: 2");
}

#[test]
fn what_is_no_document_is_text_and_stops_nothing() {
    let lines = [
        "WARNING: odd",
        "",
        "{broken}",
        &vertex("[a 1/1] RUN x", DONE),
    ];
    let (heard, events) = read(&lines.join("\n"));
    assert_eq!(events[0], Event::Text("WARNING: odd".to_owned()));
    assert_eq!(events[1], Event::Text("{broken}".to_owned()));
    assert_eq!(heard.layers().built, 1);
}

#[test]
fn a_name_is_a_line() {
    let name = format!("[a 1/2] RUN one; \\\n     two {}", "x".repeat(200));
    let short = shortened(&name);
    assert!(short.starts_with("[a 1/2] RUN one; \\ two x") && short.ends_with("x..."));
    assert_eq!(short.chars().count(), 93);
    assert_eq!(shortened("[a 1/1] COPY a b"), "[a 1/1] COPY a b");
}

#[test]
fn base64_of_every_length_is_read() {
    for (text, bytes) in [
        ("", &b""[..]),
        ("Zg==", b"f"),
        ("Zm8=", b"fo"),
        ("Zm9v", b"foo"),
        ("+/+/", &[0xfb, 0xff, 0xbf]),
        ("Zm 9v\n", b"foo"),
    ] {
        assert_eq!(bytes_of(text), bytes, "{text:?}");
    }
}

#[test]
fn a_long_log_keeps_its_end() {
    let mut step = Step::default();
    for number in 0..1000 {
        step.hear(format!("line {number}\n").as_bytes());
    }
    assert_eq!(step.said.len(), KEPT);
    assert_eq!(step.said.last().map(String::as_str), Some("line 999"));
}

//! Findings as SARIF 2.1.0, which code-scanning services show beside the code.
//!
//! Pure. A binary has no lines: places are byte offsets, addresses and the
//! names of functions.

use serde_json::{Value, json};

use super::Report;
use super::finding::{Finding, Place, Rule};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const TOOL: &str = "exov6-check-elf";

/// The document; `file` is the image's path as people name it.
pub fn document(report: &Report, file: &str) -> Value {
    let rules: Vec<_> = Rule::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.word(),
                "shortDescription": { "text": rule.about() },
                "defaultConfiguration": { "level": "error" },
            })
        })
        .collect();
    let results: Vec<_> = report
        .findings
        .iter()
        .map(|finding| result(finding, file))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": TOOL,
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "artifacts": [{ "location": { "uri": uri(file) } }],
            "results": results,
        }],
    })
}

fn result(finding: &Finding, file: &str) -> Value {
    json!({
        "ruleId": finding.rule.word(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": "error",
        "message": { "text": format!("{}: {}. {}", finding.rule, finding.message, finding.mend) },
        "locations": [location(&finding.place, file)],
    })
}

fn location(place: &Place, file: &str) -> Value {
    let image = json!({ "uri": uri(file) });
    match place {
        Place::File => json!({ "physicalLocation": { "artifactLocation": image } }),
        Place::Offset(offset) => json!({ "physicalLocation": {
            "artifactLocation": image,
            "region": { "byteOffset": offset, "byteLength": 1 },
        }}),
        Place::Code {
            address,
            offset,
            length,
            inside,
        } => {
            let mut location = json!({ "physicalLocation": {
                "artifactLocation": image,
                "region": { "byteOffset": offset, "byteLength": length },
                "address": { "absoluteAddress": address },
            }});
            if let Some(inside) = inside {
                location["logicalLocations"] = json!([{
                    "fullyQualifiedName": inside.function,
                    "decoratedName": inside.to_string(),
                    "kind": "function",
                }]);
            }
            location
        }
        Place::List { file, line } => json!({ "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": line },
        }}),
    }
}

/// A path as a URI reference: what RFC 3986 does not allow is escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("target/kernel.elf"), "target/kernel.elf");
        assert_eq!(uri("/a b/\u{e4}"), "file:///a%20b/%C3%A4");
    }
}

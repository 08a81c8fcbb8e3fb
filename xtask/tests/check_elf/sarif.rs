//! The SARIF document: its shape, and that places are in it.

use xtask::elf::{Input, check, sarif};
use xtask::machine::Cpu;

use crate::sample::{TEXT, TEXT_OFFSET, WITH_CMOV, named};

#[test]
fn sarif_has_the_shape_that_services_read() {
    let mut sample = named(&WITH_CMOV);
    sample.multiboot = [0; 3];
    sample.parts[1].kind = 0;
    let report = check(&Input {
        bytes: &sample.bytes(),
        debug: None,
        cpu: Cpu::Pentium,
        gates: Some(("kernel/gated.list", "nonsense")),
    });
    let document = sarif::document(&report, "a b.elf");
    assert_eq!(document["version"], "2.1.0");
    assert!(
        document["$schema"]
            .as_str()
            .is_some_and(|uri| uri.contains("sarif-2.1.0"))
    );
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 4);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index");
        assert_eq!(
            rules[usize::try_from(index).expect("small")]["id"],
            result["ruleId"]
        );
        assert!(!result["message"]["text"].as_str().expect("text").is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(["a%20b.elf", "kernel/gated.list"].contains(&uri), "{uri}");
    }
    let cmov = results
        .iter()
        .find(|result| result["ruleId"] == "instruction-cpu")
        .expect("it");
    let place = &cmov["locations"][0];
    assert_eq!(
        place["physicalLocation"]["region"]["byteOffset"],
        TEXT_OFFSET + 1
    );
    assert_eq!(place["physicalLocation"]["region"]["byteLength"], 3);
    assert_eq!(
        place["physicalLocation"]["address"]["absoluteAddress"],
        TEXT + 1
    );
    assert_eq!(
        place["logicalLocations"][0]["fullyQualifiedName"],
        "kernel::sync::choose"
    );
    let list = results
        .iter()
        .find(|result| result["ruleId"] == "gated-list")
        .expect("it");
    assert_eq!(
        list["locations"][0]["physicalLocation"]["region"]["startLine"],
        1
    );
}

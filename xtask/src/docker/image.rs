//! The images under our tags: what is there, and whether it still fits.
//!
//! Owns what an image is made from, as one digest. An image carries it as a
//! label, so that a stale one is known without a build and without a network.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::base::{MAKER_LABEL, RECIPE_LABEL};
use super::engine::{Engine, Platform};
use super::plan::{DOCKERFILE, INPUTS_LABEL};
use crate::context::Context;
use crate::failure::{Doing, Result};
use crate::run;

/// What every stage but `build` is made from, beside its base.
pub const INPUTS: [&str; 13] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "boot/Cargo.toml",
    DOCKERFILE,
    "ci/in-this-clone",
    "kernel/Cargo.toml",
    "kernel/abi/Cargo.toml",
    "kernel/core/Cargo.toml",
    "user/programs/Cargo.toml",
    "user/rt/Cargo.toml",
    "user/tests/Cargo.toml",
    "xtask/Cargo.toml",
];

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Its tag.
    pub tag: String,
    /// Its digest: of its manifest where the engine knows that, else its id.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Debian's or Docker's word for its architecture.
    #[serde(skip)]
    pub architecture: String,
    /// What it was made from, if it says so.
    #[serde(skip)]
    pub inputs: Option<String>,
    /// Who made it, if that was this tool.
    #[serde(skip)]
    pub maker: Option<String>,
    /// What a base image was made from, if it says so.
    #[serde(skip)]
    pub recipe: Option<String>,
}

/// One digest of everything that the toolchain and test stages are made from.
/// The base is not in it: who named another for an image wants to use it.
pub fn inputs(root: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    for name in INPUTS {
        let path = root.join(name);
        let bytes = std::fs::read(&path).doing(format_args!("reading {}", path.display()))?;
        // Lengths, or two files could trade bytes.
        digest.update(format!("\n{name} {}\n", bytes.len()));
        digest.update(bytes);
    }
    let bytes = digest.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The image under a tag, if there is one.
pub fn inspect(cx: &Context, engine: &Engine, tag: &str) -> Result<Option<Image>> {
    let mut command = engine.command();
    command.args(["image", "inspect", tag]);
    let output = run::output(cx, &mut command)?;
    if !output.status.success() {
        return Ok(None);
    }
    read(tag, &output.stdout).doing(format_args!("reading what the engine says of {tag}"))
}

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Size", default)]
    size: u64,
    #[serde(rename = "Architecture", default)]
    architecture: String,
    #[serde(rename = "RepoDigests", default)]
    repo_digests: Option<Vec<String>>,
    #[serde(rename = "Config", default)]
    config: Option<Config>,
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(rename = "Labels", default)]
    labels: Option<std::collections::BTreeMap<String, String>>,
}

fn read(tag: &str, text: &str) -> serde_json::Result<Option<Image>> {
    let found: Vec<Inspected> = serde_json::from_str(text)?;
    let Some(found) = found.into_iter().next() else {
        return Ok(None);
    };
    let known = found.repo_digests.unwrap_or_default();
    let digest = known
        .first()
        .and_then(|name| name.split_once('@'))
        .map_or_else(
            || with_algorithm(&found.id),
            |(_, digest)| digest.to_owned(),
        );
    let mut labels = found.config.unwrap_or_default().labels.unwrap_or_default();
    Ok(Some(Image {
        tag: tag.to_owned(),
        digest,
        bytes: found.size,
        architecture: found.architecture,
        inputs: labels.remove(INPUTS_LABEL),
        maker: labels.remove(MAKER_LABEL),
        recipe: labels.remove(RECIPE_LABEL),
    }))
}

/// Podman's ids do not say what they are.
fn with_algorithm(id: &str) -> String {
    match id.contains(':') {
        true => id.to_owned(),
        false => format!("sha256:{id}"),
    }
}

/// Why an image under our tag cannot be used, if that is so.
pub fn unfit(image: Option<&Image>, platform: Platform, inputs: &str) -> Option<String> {
    let Some(image) = image else {
        return Some("is not there".to_owned());
    };
    let wanted = architecture(platform);
    if image.architecture != wanted {
        return Some(format!("is for {}, not for {wanted}", image.architecture));
    }
    match &image.inputs {
        Some(theirs) if theirs == inputs => None,
        Some(_) => Some("was made from another Dockerfile or other crates".to_owned()),
        None => Some("was not made by cargo xtask".to_owned()),
    }
}

/// Docker's word for a platform's architecture.
fn architecture(platform: Platform) -> &'static str {
    let word = platform.word();
    word.split_once('/')
        .map_or(word, |(_, architecture)| architecture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image {
            tag: "exov6-i386:test".to_owned(),
            digest: "sha256:aa".to_owned(),
            bytes: 7,
            architecture: "386".to_owned(),
            inputs: Some("abc".to_owned()),
            maker: None,
            recipe: None,
        }
    }

    #[test]
    fn what_docker_and_podman_say_is_read() {
        let docker = r#"[{"Id":"sha256:aa","Size":7,"Architecture":"386","RepoDigests":[],
            "Config":{"Labels":{"org.exov6.inputs":"abc"}}}]"#;
        assert_eq!(
            read("exov6-i386:test", docker).expect("JSON"),
            Some(image())
        );
        let podman = r#"[{"Id":"bb","Size":7,"Architecture":"386","Config":{"Labels":null},
            "RepoDigests":["localhost/exov6-i386@sha256:cc"]}]"#;
        let read_back = read("exov6-i386:test", podman).expect("JSON").expect("one");
        assert_eq!(
            (read_back.digest.as_str(), read_back.inputs),
            ("sha256:cc", None)
        );
        assert_eq!(read("x", "[]").expect("JSON"), None);
        assert_eq!(with_algorithm("bb"), "sha256:bb");
    }

    #[test]
    fn a_stale_or_foreign_image_is_not_used() {
        assert_eq!(unfit(Some(&image()), Platform::Linux386, "abc"), None);
        for (image, platform, inputs, why) in [
            (None, Platform::Linux386, "abc", "is not there"),
            (
                Some(image()),
                Platform::LinuxAmd64,
                "abc",
                "is for 386, not for amd64",
            ),
            (
                Some(image()),
                Platform::Linux386,
                "abd",
                "another Dockerfile",
            ),
            (
                Some(Image {
                    inputs: None,
                    ..image()
                }),
                Platform::Linux386,
                "abc",
                "not made by",
            ),
        ] {
            let said = unfit(image.as_ref(), platform, inputs).expect(why);
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn everything_the_stages_copy_is_an_input() {
        let text = include_str!("../../../ci/Dockerfile.i386");
        let copied = text
            .lines()
            .filter_map(|line| line.strip_prefix("COPY "))
            // The sources, which only the build stage has, and other stages.
            .filter(|rest| !rest.contains(" . ") && !rest.starts_with("--from"))
            .flat_map(|rest| {
                let mut words: Vec<_> = rest
                    .split(' ')
                    .filter(|word| !word.starts_with("--"))
                    .collect();
                words.pop();
                words
            });
        for name in copied {
            let known = INPUTS.iter().any(|input| {
                *input == name
                    || input
                        .strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with('/'))
            });
            assert!(
                known,
                "{name} is copied into the image, but does not make it stale"
            );
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(inputs(&root).expect("all are there").len(), 64);
    }

    #[test]
    fn every_member_of_the_workspace_has_its_manifest_copied() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(root.join("Cargo.toml")).expect("it is there");
        let table: toml::Table = text.parse().expect("TOML");
        let members = table["workspace"]["members"].as_array().expect("a list");
        for member in members {
            let manifest = format!("{}/Cargo.toml", member.as_str().expect("a path"));
            assert!(
                INPUTS.contains(&manifest.as_str()),
                "{manifest} is not copied"
            );
        }
    }
}

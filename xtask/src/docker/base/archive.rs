//! A root file system packed as an image that both engines load. Pure but for
//! reading the file it packs.
//!
//! Owns the two documents beside the layer. Written by us and not by an engine,
//! they hold nothing that differs between machines: the same files give the same
//! image, with the same id, wherever it is loaded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::recipe::{Recipe, archive_digest, whole_name};
use super::{MAKER_LABEL, RECIPE_LABEL};
use crate::failure::{Doing, Result};
use crate::image::date::Epoch;

/// The files of an image's archive, in the order they are packed.
pub const FILES: [&str; 3] = ["config.json", "layer.tar", "manifest.json"];

#[derive(Serialize)]
struct Config<'a> {
    architecture: &'a str,
    config: Run<'a>,
    created: String,
    history: [Step; 1],
    os: &'a str,
    rootfs: RootFs,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Run<'a> {
    cmd: [&'a str; 1],
    env: [&'a str; 1],
    labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Step {
    created: String,
    created_by: String,
}

#[derive(Serialize)]
struct RootFs {
    diff_ids: [String; 1],
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest<'a> {
    config: &'a str,
    layers: [&'a str; 1],
    repo_tags: [String; 1],
}

/// The image's configuration. `layer` is the digest of the root file system.
///
/// # Errors
/// Never, in truth: everything in it is text.
pub fn config(recipe: &Recipe, epoch: Epoch, layer: &str) -> Result<Vec<u8>> {
    let created = epoch.rfc3339();
    let labels = [
        (MAKER_LABEL, env!("CARGO_PKG_VERSION")),
        (RECIPE_LABEL, recipe.digest.as_str()),
    ];
    let config = Config {
        architecture: recipe.platform.goarch(),
        config: Run {
            cmd: ["bash"],
            env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            labels: labels.into(),
        },
        history: [Step {
            created: created.clone(),
            created_by: format!("cargo xtask docker-base: Debian {}", recipe.suite),
        }],
        created,
        os: "linux",
        rootfs: RootFs {
            diff_ids: [format!("sha256:{layer}")],
            r#type: "layers",
        },
    };
    serde_json::to_vec(&config).doing("writing an image's configuration")
}

/// The list of what is in the archive.
///
/// # Errors
/// As for [`config`].
pub fn manifest(recipe: &Recipe) -> Result<Vec<u8>> {
    let [config, layer, _] = FILES;
    let manifest = [Manifest {
        config,
        layers: [layer],
        repo_tags: [whole_name(&recipe.name())],
    }];
    serde_json::to_vec(&manifest).doing("writing an image's manifest")
}

/// The digest of a file of any size.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> Result<String> {
    let doing = || format!("reading {}", path.display());
    let mut file = File::open(path).doing(doing())?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut chunk).doing(doing())?;
        if count == 0 {
            return Ok(archive_digest(&digest.finalize()));
        }
        digest.update(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::base::recipe::Suite;
    use crate::docker::engine::Platform;

    fn recipe() -> Recipe {
        let mirror = "http://deb.debian.org/debian".parse().expect("an address");
        let platform = Platform::Linux386;
        Recipe::new(platform, Suite::default(), Some(mirror), None).expect("nothing is read")
    }

    #[test]
    fn an_image_says_what_it_is_and_by_whom_it_was_made() {
        let epoch = Epoch::of_seconds(1_700_000_000);
        let bytes = config(&recipe(), epoch, "00ff").expect("text");
        let config: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(config["architecture"], "386");
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");
        assert_eq!(config["rootfs"]["diff_ids"][0], "sha256:00ff");
        assert_eq!(config["rootfs"]["type"], "layers");
        assert_eq!(config["config"]["Cmd"][0], "bash");
        let labels = &config["config"]["Labels"];
        assert_eq!(labels[RECIPE_LABEL], recipe().digest);
        assert_eq!(labels[MAKER_LABEL], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_whole_name_is_given_so_that_podman_keeps_it() {
        let text = String::from_utf8(manifest(&recipe()).expect("text")).expect("UTF-8");
        assert_eq!(
            text,
            r#"[{"Config":"config.json","Layers":["layer.tar"],"RepoTags":["docker.io/i386/debian:bookworm"]}]"#
        );
    }

    #[test]
    fn a_digest_is_sha256() {
        assert_eq!(
            digest_of(Path::new("/dev/null")).expect("it is there"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}

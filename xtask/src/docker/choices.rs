//! The words of the Docker commands' flags, one type each.
//!
//! Owns what may be said after `--platform`, `--target`, `--cache` and
//! `--progress`; what a builder makes of it is in `plan`.

use std::fmt;
use std::str::FromStr;

use super::engine::Platform;
use crate::choice;
use crate::cli::Invalid;

choice! {
    /// The stages of ci/Dockerfile.i386, in its order.
    pub enum Stage {
        /// The compilers.
        Toolchain = "toolchain",
        /// The kernel, compiled and checked; its files come out.
        Build = "build",
        /// QEMU and gdb, for a clone that is mounted.
        Test = "test",
        /// The kernel's files alone; no image is kept.
        Export = "export",
    }
}

/// What a build leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yield {
    /// An image under its tag.
    Image,
    /// The kernel's files.
    Files,
    /// Both.
    Both,
}

impl Stage {
    /// What `docker-build --target` of this stage leaves behind.
    pub fn leaves(self) -> Yield {
        match self {
            Stage::Toolchain | Stage::Test => Yield::Image,
            Stage::Build => Yield::Both,
            Stage::Export => Yield::Files,
        }
    }
}

choice! {
    /// How a build tells how far it is.
    pub enum Steps {
        /// A moving line on a terminal, plain lines elsewhere.
        Auto = "auto",
        /// Plain lines everywhere, with what each step writes.
        Plain = "plain",
        /// buildx's own documents on standard error, as they come.
        Rawjson = "rawjson",
    }
}

/// One platform or several, `linux/386,linux/amd64`, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platforms(pub Vec<Platform>);

impl Default for Platforms {
    fn default() -> Self {
        Platforms(vec![Platform::Linux386])
    }
}

impl FromStr for Platforms {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut platforms = Vec::new();
        for word in text.split(',') {
            let platform = word.trim().parse()?;
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        Ok(Platforms(platforms))
    }
}

impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|platform| platform.word()).collect();
        f.write_str(&words.join(","))
    }
}

/// Where layers are kept beside the builder's own store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cache {
    /// Nowhere.
    #[default]
    None,
    /// In a folder below `target/`.
    Local,
    /// In the cache of GitHub Actions.
    Gha,
    /// In a registry, under this name.
    Registry(String),
}

impl FromStr for Cache {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match (text, text.strip_prefix("registry=")) {
            ("none", _) => Ok(Cache::None),
            ("local", _) => Ok(Cache::Local),
            ("gha", _) => Ok(Cache::Gha),
            (_, Some(reference)) => Ok(Cache::Registry(image_name(reference)?)),
            ("registry", None) => Err(Invalid("`registry` needs a name: registry=REF".to_owned())),
            _ => Err(Invalid::word(
                text,
                &["none", "local", "gha", "registry=REF"],
            )),
        }
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cache::None => f.write_str("none"),
            Cache::Local => f.write_str("local"),
            Cache::Gha => f.write_str("gha"),
            Cache::Registry(reference) => write!(f, "registry={reference}"),
        }
    }
}

/// The name of an image, checked as far as an engine's own flags could
/// misread it: `debian:bookworm`, `ghcr.io/me/exov6@sha256:...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName(pub String);

impl FromStr for ImageName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        image_name(text).map(ImageName)
    }
}

fn image_name(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins_well && text.chars().all(good) && !text.ends_with(['/', ':', '@']) {
        return Ok(text.to_owned());
    }
    Err(Invalid(format!(
        "`{text}` is not the name of an image like debian:bookworm or registry.example/me/exov6:1"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_a_list_without_doubles() {
        let both: Platforms = "linux/386,linux/amd64,linux/386".parse().expect("two");
        assert_eq!(both.to_string(), "linux/386,linux/amd64");
        let error = "linux/i386".parse::<Platforms>().expect_err("no such");
        assert!(error.0.contains("linux/386"), "{error}");
        assert!("".parse::<Platforms>().is_err());
    }

    #[test]
    fn caches_read_and_print() {
        for text in ["none", "local", "gha", "registry=ghcr.io/me/cache"] {
            assert_eq!(text.parse::<Cache>().expect(text).to_string(), text);
        }
        for text in ["", "registry", "registry=", "registry=a b", "ghq"] {
            assert!(text.parse::<Cache>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn names_that_an_engine_would_misread_are_refused() {
        for text in [
            "debian:bookworm",
            "i386/debian@sha256:00ff",
            "localhost:5000/a",
        ] {
            assert_eq!(text.parse::<ImageName>().expect(text).0, text);
        }
        for text in ["", "-v", "a,b", "a b", "a:", "$(x)"] {
            assert!(text.parse::<ImageName>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn every_stage_says_what_it_leaves() {
        assert_eq!(Stage::Build.leaves(), Yield::Both);
        assert_eq!(Stage::Export.leaves(), Yield::Files);
        assert_eq!(Stage::Test.leaves(), Yield::Image);
    }
}

//! Which of the compilers found builds the kernel. Pure.
//!
//! A compiler is fit if it is new enough and brings the sources of its own
//! library: building `core` with another version's compiler fails in ways that
//! nobody can read.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::choice;
use crate::cli::Invalid;

/// A release of the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Always 1 so far.
    pub major: u32,
    /// A new one every six weeks.
    pub minor: u32,
    /// Repairs.
    pub patch: u32,
}

impl Version {
    /// The oldest compiler that builds this project: Debian 12's.
    pub const OLDEST: Version = Version {
        major: 1,
        minor: 85,
        patch: 0,
    };

    /// Whether the target file must be in its old form: widths as strings.
    pub fn wants_old_target_file(self) -> bool {
        self < Version {
            major: 1,
            minor: 91,
            patch: 0,
        }
    }

    /// Whether the target file may say `rustc-abi`; older ones warn of it.
    pub fn knows_rustc_abi(self) -> bool {
        self >= Version {
            major: 1,
            minor: 86,
            patch: 0,
        }
    }
}

impl FromStr for Version {
    type Err = Invalid;

    /// `1.96.0`, also with `-nightly` or `+dfsg1` behind it.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid(format!("`{text}` is not a compiler version like 1.96.0"));
        let numbers = text.split(['-', '+', ' ', '~']).next().unwrap_or_default();
        let mut parts = numbers
            .split('.')
            .map(|part| part.parse::<u32>().map_err(|_| wrong()));
        let mut part = || parts.next().unwrap_or_else(|| Err(wrong()));
        let version = Version {
            major: part()?,
            minor: part()?,
            patch: part()?,
        };
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(version)
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

choice! {
    /// Who brought a compiler.
    pub enum Origin {
        /// The person named it: `--toolchain` or a setting.
        Named = "named",
        /// rustup, as rust-toolchain.toml says.
        Rustup = "rustup",
        /// The distribution.
        System = "system",
    }
}

/// The library sources beside a compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// There are none.
    Absent,
    /// They came in one piece with the compiler.
    Unversioned,
    /// They say which version they are.
    Of(Version),
}

/// A folder that may hold a compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who brought it.
    pub origin: Origin,
    /// The folder above `bin/`.
    pub dir: PathBuf,
    /// The version of `bin/rustc`, or why it does not run.
    pub rustc: Result<Version, String>,
    /// The version of `bin/cargo`, or why it does not run.
    pub cargo: Result<Version, String>,
    /// The library sources.
    pub sources: Sources,
}

/// Why a candidate cannot build the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// rustc does not run.
    NoCompiler(String),
    /// cargo does not run.
    NoCargo(String),
    /// Older than [`Version::OLDEST`].
    TooOld(Version),
    /// The compiler is fit, but its library sources are not there.
    NoSources(Version),
    /// The library sources are another version's.
    SourcesDiffer {
        /// The compiler.
        compiler: Version,
        /// The sources.
        sources: Version,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::NoCompiler(why) => write!(f, "no rustc: {why}"),
            Unfit::NoCargo(why) => write!(f, "no cargo: {why}"),
            Unfit::TooOld(version) => {
                write!(f, "rustc {version} is older than {}", Version::OLDEST)
            }
            Unfit::NoSources(version) => write!(f, "rustc {version} without its library sources"),
            Unfit::SourcesDiffer { compiler, sources } => {
                write!(f, "rustc {compiler} beside library sources of {sources}")
            }
        }
    }
}

impl Candidate {
    /// Its version if it can build the kernel.
    pub fn verdict(&self) -> Result<Version, Unfit> {
        let compiler = self.rustc.clone().map_err(Unfit::NoCompiler)?;
        if compiler < Version::OLDEST {
            return Err(Unfit::TooOld(compiler));
        }
        match self.sources {
            Sources::Absent => return Err(Unfit::NoSources(compiler)),
            Sources::Of(sources) if sources != compiler => {
                return Err(Unfit::SourcesDiffer { compiler, sources });
            }
            Sources::Of(_) | Sources::Unversioned => {}
        }
        self.cargo.clone().map_err(Unfit::NoCargo)?;
        Ok(compiler)
    }
}

/// The first fit one: the order of the candidates is the order of preference.
pub fn choose(candidates: &[Candidate]) -> Option<(&Candidate, Version)> {
    candidates
        .iter()
        .find_map(|candidate| candidate.verdict().ok().map(|version| (candidate, version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V85: Version = Version {
        major: 1,
        minor: 85,
        patch: 0,
    };
    const V96: Version = Version {
        major: 1,
        minor: 96,
        patch: 0,
    };

    fn candidate(origin: Origin, version: Version, sources: Sources) -> Candidate {
        Candidate {
            origin,
            dir: "/x".into(),
            rustc: Ok(version),
            cargo: Ok(version),
            sources,
        }
    }

    #[test]
    fn versions_read_as_rustc_and_debian_write_them() {
        for text in [
            "1.96.0",
            "1.96.0-nightly",
            "1.96.0+dfsg1-1~deb12u2",
            "1.96.0 (abc)",
        ] {
            assert_eq!(text.parse(), Ok(V96), "{text}");
        }
        for text in ["", "1", "1.96", "1.96.0.1", "a.b.c", "1..0"] {
            assert!(text.parse::<Version>().is_err(), "{text} was accepted");
        }
        assert!("1.100.0".parse::<Version>().expect("a version") > V96);
    }

    #[test]
    fn rustup_is_preferred_but_only_with_its_sources() {
        let system = candidate(Origin::System, V96, Sources::Of(V96));
        let with = candidate(Origin::Rustup, V85, Sources::Unversioned);
        let without = candidate(Origin::Rustup, V85, Sources::Absent);
        let both = [with, system.clone()];
        assert_eq!(
            choose(&both).map(|(c, v)| (c.origin, v)),
            Some((Origin::Rustup, V85))
        );
        let lacking = [without, system];
        assert_eq!(
            choose(&lacking).map(|(c, v)| (c.origin, v)),
            Some((Origin::System, V96))
        );
    }

    #[test]
    fn unfit_ones_say_why() {
        let old = Version {
            major: 1,
            minor: 84,
            patch: 9,
        };
        let cases = [
            (
                candidate(Origin::System, old, Sources::Of(old)),
                "rustc 1.84.9 is older than 1.85.0",
            ),
            (
                candidate(Origin::System, V96, Sources::Of(V85)),
                "rustc 1.96.0 beside library sources of 1.85.0",
            ),
            (
                candidate(Origin::System, V96, Sources::Absent),
                "rustc 1.96.0 without its library sources",
            ),
            (
                Candidate {
                    rustc: Err("not found".into()),
                    ..candidate(Origin::System, V96, Sources::Of(V96))
                },
                "no rustc: not found",
            ),
            (
                Candidate {
                    cargo: Err("not found".into()),
                    ..candidate(Origin::System, V96, Sources::Of(V96))
                },
                "no cargo: not found",
            ),
        ];
        for (candidate, why) in cases {
            assert_eq!(candidate.verdict().expect_err(why).to_string(), why);
            assert!(choose(&[candidate]).is_none());
        }
        assert!(choose(&[]).is_none());
    }

    #[test]
    fn the_forms_of_the_target_file_change_where_the_compiler_does() {
        let v = |minor| Version {
            major: 1,
            minor,
            patch: 1,
        };
        assert!(v(90).wants_old_target_file() && !v(91).wants_old_target_file());
        assert!(!v(85).knows_rustc_abi() && v(86).knows_rustc_abi());
    }
}

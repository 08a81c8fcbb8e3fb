//! Which packages bring the missing tools, and the commands that install them.
//! Pure.
//!
//! The names of Rust's packages differ: Debian 12 has a usable compiler only as
//! `rustc-web`, Debian 13 as `rustc`, some Ubuntu releases as `rustc-1.85`. So
//! the set is chosen by what apt offers, not by the release's name.

use super::standing::Standing;
use crate::toolchain::Version;
use crate::tools::{Packages, RustPart, Tool};

/// The packages of one Rust in a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RustSet {
    prefix: String,
    suffix: String,
}

impl RustSet {
    /// `rustc`, `cargo`, `rust-src`: Debian 13 and newer.
    pub fn plain() -> Self {
        RustSet {
            prefix: "rust".to_owned(),
            suffix: String::new(),
        }
    }

    /// `rustc-web`, `cargo-web`, `rust-web-src`: Debian 12.
    pub fn web() -> Self {
        RustSet {
            prefix: "rust-web".to_owned(),
            suffix: "-web".to_owned(),
        }
    }

    /// `rustc-1.85`, `cargo-1.85`, `rust-1.85-src`: Ubuntu.
    fn versioned(release: &str) -> Self {
        RustSet {
            prefix: format!("rust-{release}"),
            suffix: format!("-{release}"),
        }
    }

    /// The packages of one part.
    pub fn packages(&self, part: RustPart) -> Vec<String> {
        let RustSet { prefix, suffix } = self;
        match part {
            RustPart::Compiler => vec![
                format!("rustc{suffix}"),
                format!("cargo{suffix}"),
                format!("{prefix}-src"),
                // The linker; gcc brings it as well, but only by chance.
                "binutils".to_owned(),
            ],
            RustPart::Clippy => vec![format!("{prefix}-clippy")],
            RustPart::Rustfmt => vec![format!("rustfmt{suffix}")],
        }
    }

    /// The set to install, given what apt offers of packages called `rustc…`.
    pub fn choose(offers: &[Offer]) -> Option<Self> {
        let version_of = |name: &str| {
            offers
                .iter()
                .find(|offer| offer.package == name)
                .and_then(Offer::rust_version)
        };
        let is_fit =
            |name: &str| version_of(name).is_some_and(|version| version >= Version::OLDEST);
        if is_fit("rustc") {
            return Some(Self::plain());
        }
        if is_fit("rustc-web") {
            return Some(Self::web());
        }
        let versioned = offers.iter().filter(|offer| is_fit(&offer.package));
        let releases = versioned.filter_map(|offer| {
            Some((offer.rust_version()?, offer.package.strip_prefix("rustc-")?))
        });
        let newest = releases
            .filter(|(_, release)| release.starts_with(|c: char| c.is_ascii_digit()))
            .max();
        newest.map(|(_, release)| Self::versioned(release))
    }

    /// The set to name where apt's lists are not there to be asked.
    pub fn guess(os_release: &str) -> Self {
        let field = |name: &str| {
            let line = os_release
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        if field("ID") == "debian" && field("VERSION_ID") == "12" {
            Self::web()
        } else {
            Self::plain()
        }
    }
}

/// What apt would install for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The package.
    pub package: String,
    /// The version apt would install; `None` if it has none.
    pub version: Option<String>,
}

impl Offer {
    /// Reads the answer of `apt-cache policy PACKAGE…`.
    pub fn read(policy: &str) -> Vec<Self> {
        let mut offers: Vec<Offer> = Vec::new();
        for line in policy.lines() {
            if let Some(package) = line
                .strip_suffix(':')
                .filter(|package| !package.starts_with(' '))
            {
                offers.push(Offer {
                    package: package.to_owned(),
                    version: None,
                });
            } else if let (Some(version), Some(offer)) =
                (line.trim().strip_prefix("Candidate: "), offers.last_mut())
            {
                offer.version = Some(version.to_owned()).filter(|version| version != "(none)");
            }
        }
        offers
    }

    fn rust_version(&self) -> Option<Version> {
        self.version.as_ref()?.parse().ok()
    }
}

/// The packages that bring these tools, each once, in a stable order. Of those
/// that not every release has, the ones that `is_offered`.
pub fn of_tools(tools: &[Tool], rust: &RustSet, is_offered: impl Fn(&str) -> bool) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut packages = Vec::new();
    for tool in tools {
        let names: Vec<String> = match tool.facts().packages {
            Packages::Named(names) => owned(names),
            Packages::Split(always, maybe) => {
                let mut names: Vec<String> = owned(always);
                let offered = maybe.iter().filter(|name| is_offered(name));
                names.extend(offered.map(|name| (*name).to_owned()));
                names
            }
            Packages::Rust(part) => rust.packages(part),
        };
        for name in names {
            if !packages.contains(&name) {
                packages.push(name);
            }
        }
    }
    packages
}

/// Whether and how this person may install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// They are root.
    Root,
    /// Through sudo, without a password.
    Sudo,
    /// Not without asking somebody.
    Nobody,
}

/// The command that installs packages, for this tool to run. `replaced` are
/// installed packages that make way for a version of this release's own.
pub fn install(privilege: Privilege, packages: &[String], replaced: &[Standing]) -> Vec<String> {
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    // Nothing that is there goes: a rustup package, say, conflicts with rustc.
    words.push("--no-remove");
    if !replaced.is_empty() {
        words.push("--allow-downgrades");
    }
    let versions = replaced.iter().filter_map(Standing::pinned);
    let words = words
        .into_iter()
        .map(str::to_owned)
        .chain(packages.iter().cloned())
        .chain(versions);
    apt_get(privilege, words)
}

/// The command that tells what installing packages would do, and does nothing.
pub fn simulation(packages: &[String]) -> Vec<String> {
    let words = ["install", "--simulate", "--no-install-recommends"];
    let words = words
        .into_iter()
        .map(str::to_owned)
        .chain(packages.iter().cloned());
    apt_get(Privilege::Root, words)
}

/// The command that fetches the lists of packages.
pub fn update(privilege: Privilege) -> Vec<String> {
    apt_get(privilege, ["update".to_owned()])
}

fn apt_get(privilege: Privilege, words: impl IntoIterator<Item = String>) -> Vec<String> {
    let sudo: &[&str] = match privilege {
        Privilege::Sudo => &["sudo", "-n"],
        Privilege::Root | Privilege::Nobody => &[],
    };
    // `env` also gets the variables through sudo, which drops them.
    let start = sudo.iter().chain(&[
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "LC_ALL=C",
        "apt-get",
        // Another apt may be at work: wait for it instead of failing.
        "-o",
        "DPkg::Lock::Timeout=300",
    ]);
    start.map(|word| (*word).to_owned()).chain(words).collect()
}

/// The command for a person to type.
pub fn by_hand(privilege: Privilege, packages: &[String]) -> String {
    let sudo = if privilege == Privilege::Root {
        ""
    } else {
        "sudo "
    };
    format!(
        "{sudo}apt-get install --no-install-recommends {}",
        packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(list: &[(&str, &str)]) -> Vec<Offer> {
        let offer = |(package, version): &(&str, &str)| Offer {
            package: (*package).to_owned(),
            version: Some((*version).to_owned()),
        };
        list.iter().map(offer).collect()
    }

    const BOOKWORM: &str = "\
rustc:
  Installed: (none)
  Candidate: 1.63.0+dfsg1-2
  Version table:
     1.63.0+dfsg1-2 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
rustc-web:
  Installed: (none)
  Candidate: 1.96.0+dfsg1-1~deb12u2
rustup:
  Installed: (none)
  Candidate: (none)
";

    #[test]
    fn apts_answer_is_read() {
        let read = Offer::read(BOOKWORM);
        assert_eq!(read.len(), 3);
        assert_eq!(read[0], offers(&[("rustc", "1.63.0+dfsg1-2")])[0]);
        assert_eq!(read[2].version, None);
        assert_eq!(Offer::read(""), []);
    }

    #[test]
    fn each_release_gets_the_set_it_has() {
        assert_eq!(
            RustSet::choose(&Offer::read(BOOKWORM)),
            Some(RustSet::web())
        );
        let trixie = offers(&[("rustc", "1.85.0+dfsg3-1"), ("rustc-web", "1.96.0")]);
        assert_eq!(RustSet::choose(&trixie), Some(RustSet::plain()));
        let noble = offers(&[
            ("rustc", "1.75.0+dfsg0ubuntu1"),
            ("rustc-1.80", "1.80.1"),
            ("rustc-1.9", "1.9.0"),
            ("rustc-1.85", "1.85.1"),
            ("rustc-1.88", "1.88.0"),
        ]);
        let chosen = RustSet::choose(&noble).expect("two are new enough");
        assert_eq!(
            chosen.packages(RustPart::Compiler),
            ["rustc-1.88", "cargo-1.88", "rust-1.88-src", "binutils"]
        );
        assert_eq!(
            RustSet::choose(&offers(&[("rustc", "1.63.0"), ("rustc-doc", "1.90.0")])),
            None
        );
        assert_eq!(RustSet::choose(&[]), None);
    }

    #[test]
    fn package_names_are_debians() {
        assert_eq!(
            RustSet::web().packages(RustPart::Compiler),
            ["rustc-web", "cargo-web", "rust-web-src", "binutils"]
        );
        assert_eq!(
            RustSet::web().packages(RustPart::Clippy),
            ["rust-web-clippy"]
        );
        assert_eq!(RustSet::web().packages(RustPart::Rustfmt), ["rustfmt-web"]);
        assert_eq!(
            RustSet::plain().packages(RustPart::Compiler),
            ["rustc", "cargo", "rust-src", "binutils"]
        );
        assert_eq!(RustSet::plain().packages(RustPart::Clippy), ["rust-clippy"]);
    }

    #[test]
    fn without_lists_the_release_decides() {
        assert_eq!(
            RustSet::guess("PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\n"),
            RustSet::web()
        );
        assert_eq!(
            RustSet::guess("VERSION_ID=\"13\"\nID=debian\n"),
            RustSet::plain()
        );
        assert_eq!(RustSet::guess(""), RustSet::plain());
    }

    #[test]
    fn packages_of_several_tools_come_once() {
        let packages = of_tools(
            &[
                Tool::GrubMkrescue,
                Tool::Xorriso,
                Tool::Mke2fs,
                Tool::Debugfs,
            ],
            &RustSet::web(),
            |_| false,
        );
        assert_eq!(
            packages,
            [
                "grub-common",
                "grub-pc-bin",
                "mtools",
                "xorriso",
                "e2fsprogs"
            ]
        );
    }

    #[test]
    fn each_release_gets_the_engine_as_it_packs_it() {
        let docker = [
            Tool::Docker,
            Tool::Buildx,
            Tool::Iptables,
            Tool::Debootstrap,
            Tool::Fakeroot,
        ];
        let with = |offered: &[&str]| {
            of_tools(&docker, &RustSet::plain(), |name| offered.contains(&name)).join(" ")
        };
        // Debian 12: the client is in docker.io, and there is no buildx.
        assert_eq!(with(&[]), "docker.io iptables debootstrap fakeroot");
        // Debian 13.
        assert_eq!(
            with(&["docker-cli", "docker-buildx"]),
            "docker.io docker-cli docker-buildx iptables debootstrap fakeroot"
        );
        // Ubuntu.
        assert_eq!(
            with(&["docker-buildx"]),
            "docker.io docker-buildx iptables debootstrap fakeroot"
        );
    }

    #[test]
    fn commands_never_remove_and_never_ask() {
        let packages = ["gdb".to_owned()];
        let line = install(Privilege::Sudo, &packages, &[]).join(" ");
        assert_eq!(
            line,
            "sudo -n env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o DPkg::Lock::Timeout=300 \
             install --yes --no-install-recommends --no-remove gdb"
        );
        assert!(install(Privilege::Root, &packages, &[]).starts_with(&["env".to_owned()]));
        assert!(update(Privilege::Root).ends_with(&["update".to_owned()]));
        assert_eq!(
            by_hand(Privilege::Nobody, &packages),
            "sudo apt-get install --no-install-recommends gdb"
        );
        assert_eq!(
            by_hand(Privilege::Root, &packages),
            "apt-get install --no-install-recommends gdb"
        );
    }
}

//! What is installed and cannot stand beside the packages that are wanted.

/// An installed package that those wanted cannot stand beside: one that came
/// from another release's archive, as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub package: String,
    /// The version that is installed.
    pub installed: String,
    /// The newest other version that apt offers.
    pub offered: Option<String>,
}

impl Standing {
    /// Reads a simulation of apt-get for what it would remove.
    pub fn read(simulated: &str) -> Vec<Self> {
        let removed = simulated.lines().filter_map(|line| {
            let (package, rest) = line.strip_prefix("Remv ")?.split_once(" [")?;
            let (installed, _) = rest.split_once(']')?;
            Some(Self {
                package: package.to_owned(),
                installed: installed.to_owned(),
                offered: None,
            })
        });
        removed.collect()
    }

    /// With what `apt-cache madison` says of it: "package | version | source",
    /// the newest first.
    pub fn offered(mut self, madison: &str) -> Self {
        let versions = madison.lines().filter_map(|line| {
            let mut fields = line.split('|').map(str::trim);
            (fields.next()? == self.package).then_some(())?;
            fields.next()
        });
        self.offered = versions
            .into_iter()
            .find(|version| *version != self.installed)
            .map(str::to_owned);
        self
    }

    /// `package=version` of the one that is offered.
    pub fn pinned(&self) -> Option<String> {
        let version = self.offered.as_ref()?;
        Some(format!("{}={version}", self.package))
    }
}

#[cfg(test)]
mod tests {
    use super::super::packages::{self, Privilege};
    use super::*;

    const SIMULATED: &str = "\
NOTE: This is only a simulation!
Remv qemu-utils [1:10.0.2+ds-2+deb13u1~bpo12+1]
Inst qemu-system-x86 (1:7.2+dfsg-7 Debian:12.15/oldstable [amd64])
";

    #[test]
    fn what_stands_in_the_way_makes_way_for_the_releases_own() {
        let found = Standing::read(SIMULATED);
        let standing = match found.as_slice() {
            [one] => one.clone(),
            others => panic!("{others:?}"),
        };
        assert_eq!(standing.package, "qemu-utils");
        let madison = "qemu-utils | 1:7.2+dfsg-7 | http://archive.example bookworm/main amd64\n";
        let standing = standing.offered(madison);
        let words = packages::install(
            Privilege::Root,
            &["qemu-system-x86".to_owned()],
            &[standing],
        );
        assert!(
            words.contains(&"--allow-downgrades".to_owned()),
            "{words:?}"
        );
        assert_eq!(
            words.last().map(String::as_str),
            Some("qemu-utils=1:7.2+dfsg-7")
        );
        assert!(words.contains(&"--no-remove".to_owned()), "{words:?}");
    }

    #[test]
    fn a_package_of_this_release_is_not_replaced_by_itself() {
        let standing = Standing {
            package: "rustup".to_owned(),
            installed: "1.27.1-3".to_owned(),
            offered: None,
        };
        let standing = standing.offered("    rustup | 1.27.1-3 | http://archive.example trixie\n");
        assert_eq!(standing.offered, None);
        assert_eq!(Standing::read(""), []);
    }
}

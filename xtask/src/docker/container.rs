//! A container that runs this tool: every word of how it is made. Pure.
//!
//! Owns what a container may do: nothing but run as its caller, without
//! capabilities, without a network, on a root it cannot write to. It writes to
//! the clone, to its own target folder and to a /tmp of its own.
//!
//! Made and started in two calls: the first says what is wrong with it, and the
//! second has standard input and output to itself.

use std::ffi::OsString;
use std::path::PathBuf;

use super::engine::{Client, Platform};

/// Where the clone is inside.
pub const WORKSPACE: &str = "/workspace";
/// The label whose value is the process that answers for the container.
pub const OWNER_LABEL: &str = "org.exov6.xtask";
/// The label that tells that process from one of another boot or machine.
pub const BOOT_LABEL: &str = "org.exov6.boot";

/// What is connected to the container's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connected {
    /// A terminal.
    Terminal,
    /// Pipes or files.
    Pipes,
}

/// Who the container's program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// This user and group.
    User(u32, u32),
    /// Root inside, which is the caller outside: a rootless engine.
    MappedRoot,
}

/// A container to make.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The platform of that image.
    pub platform: Platform,
    /// Who runs in it.
    pub identity: Identity,
    /// The root of the clone.
    pub root: PathBuf,
    /// What it has for `target/`.
    pub target: PathBuf,
    /// A folder that it may read as /kernel.
    pub kernel: Option<PathBuf>,
    /// The group that may open /dev/kvm, if it gets that.
    pub kvm: Option<u32>,
    /// Variables of this environment that it gets, by name.
    pub handed_on: Vec<String>,
    /// What is connected to it.
    pub connected: Connected,
    /// The process that answers for it.
    pub owner: u32,
    /// The boot of that process.
    pub boot: String,
    /// What runs in it: the words after `cargo xtask`.
    pub words: Vec<OsString>,
}

impl Container {
    /// The words that make it.
    pub fn create(&self, client: Client) -> Vec<OsString> {
        let mut words: Vec<OsString> = ["create", "--rm", "--init", "--interactive"]
            .map(OsString::from)
            .to_vec();
        if self.connected == Connected::Terminal {
            words.push("--tty".into());
        }
        flag(&mut words, "--name", &self.name);
        flag(
            &mut words,
            "--label",
            format!("{OWNER_LABEL}={}", self.owner),
        );
        flag(&mut words, "--label", format!("{BOOT_LABEL}={}", self.boot));
        flag(&mut words, "--platform", self.platform.word());
        flag(&mut words, "--pull", "never");
        self.user(client, &mut words);
        flag(&mut words, "--network", "none");
        flag(&mut words, "--cap-drop", "ALL");
        flag(&mut words, "--security-opt", "no-new-privileges");
        words.push("--read-only".into());
        flag(&mut words, "--tmpfs", "/tmp:exec,mode=1777");
        flag(&mut words, "--env", "HOME=/tmp");
        for name in &self.handed_on {
            flag(&mut words, "--env", name);
        }
        self.mounts(&mut words);
        if let Some(group) = self.kvm {
            flag(&mut words, "--device", "/dev/kvm");
            flag(&mut words, "--group-add", group.to_string());
        }
        flag(&mut words, "--workdir", WORKSPACE);
        words.push(self.image.clone().into());
        words.extend(self.words.iter().cloned());
        words
    }

    /// The words that start it, connected to us.
    pub fn start(&self) -> Vec<OsString> {
        ["start", "--attach", "--interactive", &self.name]
            .map(OsString::from)
            .to_vec()
    }

    fn user(&self, client: Client, words: &mut Vec<OsString>) {
        let (Identity::User(user, group), client) = (self.identity, client) else {
            return;
        };
        flag(words, "--user", format!("{user}:{group}"));
        if client == Client::Podman {
            // Without root podman maps users; the caller must stay the caller.
            if user != 0 {
                flag(words, "--userns", "keep-id");
            }
            // SELinux keeps containers from files that are labelled otherwise.
            flag(words, "--security-opt", "label=disable");
        }
    }

    fn mounts(&self, words: &mut Vec<OsString>) {
        let mut mount = |from: &PathBuf, to: &str, mode: &str| {
            // Not --volume: that makes a missing folder, and root owns it.
            let from = from.to_string_lossy();
            // The value is one record of CSV.
            let source = match from.contains([',', '"']) {
                true => format!("\"source={}\"", from.replace('"', "\"\"")),
                false => format!("source={from}"),
            };
            flag(
                words,
                "--mount",
                format!("type=bind,{source},target={to}{mode}"),
            );
        };
        mount(&self.root, WORKSPACE, "");
        mount(&self.target, "/workspace/target", "");
        if let Some(kernel) = &self.kernel {
            mount(kernel, "/kernel", ",readonly");
        }
    }
}

/// The words that end a container in an orderly way: SIGTERM, then SIGKILL.
pub fn stop(name: &str, seconds: u32) -> Vec<OsString> {
    ["stop", "-t", &seconds.to_string(), name]
        .map(OsString::from)
        .to_vec()
}

/// The words after which a container is gone, in whatever state it was.
pub fn remove(names: &[&str]) -> Vec<OsString> {
    let words = ["rm", "--force", "--volumes"].into_iter();
    words
        .chain(names.iter().copied())
        .map(OsString::from)
        .collect()
}

/// Of a list "name owner boot", the containers of this boot whose owner is gone.
pub fn orphans<'a>(list: &'a str, boot: &str, is_alive: impl Fn(u32) -> bool) -> Vec<&'a str> {
    let orphan = |line: &'a str| {
        let mut words = line.split_whitespace();
        let (name, owner, theirs) = (words.next()?, words.next()?, words.next()?);
        let owner = owner.parse().ok()?;
        (theirs == boot && !is_alive(owner)).then_some(name)
    };
    list.lines().filter_map(orphan).collect()
}

fn flag(words: &mut Vec<OsString>, name: &str, value: impl Into<OsString>) {
    words.extend([name.into(), value.into()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Container {
        Container {
            name: "exov6-run-7-0".to_owned(),
            image: "exov6-i386:test".to_owned(),
            platform: Platform::Linux386,
            identity: Identity::User(1000, 100),
            root: "/home/u/my exov6".into(),
            target: "/home/u/my exov6/target/docker/linux-386/target".into(),
            kernel: None,
            kvm: None,
            handed_on: vec!["EXOV6_CPU".to_owned()],
            connected: Connected::Pipes,
            owner: 7,
            boot: "b007".to_owned(),
            words: vec!["test".into()],
        }
    }

    fn line(words: &[OsString]) -> String {
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn it_runs_as_its_caller_with_nothing_it_does_not_need() {
        assert_eq!(
            line(&container().create(Client::Docker)),
            "create --rm --init --interactive --name exov6-run-7-0 \
             --label org.exov6.xtask=7 --label org.exov6.boot=b007 \
             --platform linux/386 --pull never --user 1000:100 --network none --cap-drop ALL \
             --security-opt no-new-privileges --read-only --tmpfs /tmp:exec,mode=1777 \
             --env HOME=/tmp --env EXOV6_CPU \
             --mount type=bind,source=/home/u/my exov6,target=/workspace \
             --mount type=bind,source=/home/u/my exov6/target/docker/linux-386/target,target=/workspace/target \
             --workdir /workspace exov6-i386:test test"
        );
        assert_eq!(
            line(&container().start()),
            "start --attach --interactive exov6-run-7-0"
        );
    }

    #[test]
    fn a_comma_in_a_path_is_part_of_it() {
        let odd = Container {
            root: "/a,b \"c\"".into(),
            ..container()
        };
        let line = line(&odd.create(Client::Docker));
        assert!(
            line.contains("type=bind,\"source=/a,b \"\"c\"\"\",target=/workspace "),
            "{line}"
        );
    }

    #[test]
    fn never_privileged_whatever_it_is_given() {
        let most = Container {
            kvm: Some(109),
            kernel: Some("/k".into()),
            connected: Connected::Terminal,
            ..container()
        };
        for client in Client::ALL {
            let line = line(&most.create(*client));
            assert!(!line.contains("--privileged"), "{line}");
            assert!(line.contains("--device /dev/kvm --group-add 109"), "{line}");
            assert!(line.contains("source=/k,target=/kernel,readonly"), "{line}");
            assert!(line.contains(" --tty "), "{line}");
        }
    }

    #[test]
    fn a_rootless_engine_is_not_told_a_user() {
        let rootless = Container {
            identity: Identity::MappedRoot,
            ..container()
        };
        assert!(!line(&rootless.create(Client::Docker)).contains("--user"));
        let podman = line(&container().create(Client::Podman));
        assert!(
            podman.contains("--user 1000:100 --userns keep-id"),
            "{podman}"
        );
    }

    #[test]
    fn an_orphan_is_of_this_boot_and_has_no_owner() {
        let list = "dead 7 b1\nalive 8 b1\nelsewhere 7 b2\nmade-by-hand x b1\nold 7\n\n";
        assert_eq!(orphans(list, "b1", |pid| pid == 8), ["dead"]);
    }
}

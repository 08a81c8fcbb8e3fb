//! What keeps a container engine from working, read from its own words. Pure.
//!
//! Owns the sentences that Docker's and podman's clients write when something
//! around them is wrong, and what mends each. Whoever runs a client gives its
//! standard error to [`diagnose`] before showing it to a person.

use super::engine::{Client, Platform};
use crate::failure::Failure;

/// Where Docker's daemon listens unless somebody says otherwise.
const USUAL_SOCKETS: [&str; 2] = ["unix:///var/run/docker.sock", "unix:///run/docker.sock"];
/// Translators for foreign processors, pinned: the tag `latest` was broken once.
const BINFMT: &str = "docker run --privileged --rm tonistiigi/binfmt:qemu-v9.2.2 --install";

/// One cause, and the only one that [`Trouble::failure`] speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The client is not on this machine.
    NoClient(Client),
    /// Nobody answers at the daemon's address.
    NoDaemon(String),
    /// The daemon's socket is there, and not ours to use.
    NoPermission,
    /// Docker's client lacks the plugin that builds.
    NoBuildx,
    /// A program for another processor, and nobody who translates it.
    NoBinfmt(Option<Platform>),
    /// This registry, or the way to it, does not answer.
    NoRegistry(String),
    /// The registry answers, and does not have this or does not show it to us.
    NotInRegistry(String),
    /// A file system is full; where, if the engine says so.
    DiskFull(Option<String>),
    /// An image for another processor than the one wanted.
    WrongArchitecture {
        /// The image.
        image: String,
        /// What it must be for.
        wanted: Platform,
        /// What it is for: `linux/arm64`.
        found: String,
    },
}

impl Trouble {
    /// Its name in documents.
    pub const fn word(&self) -> &'static str {
        match self {
            Trouble::NoClient(_) => "no-client",
            Trouble::NoDaemon(_) => "no-daemon",
            Trouble::NoPermission => "no-permission",
            Trouble::NoBuildx => "no-buildx",
            Trouble::NoBinfmt(_) => "no-binfmt",
            Trouble::NoRegistry(_) => "no-registry",
            Trouble::NotInRegistry(_) => "not-in-registry",
            Trouble::DiskFull(_) => "disk-full",
            Trouble::WrongArchitecture { .. } => "wrong-architecture",
        }
    }

    /// What a person reads: what happened, and what mends it.
    pub fn failure(&self) -> Failure {
        let setup = "run: cargo xtask setup --docker";
        match self {
            Trouble::NoClient(Client::Docker) => Failure::missing("docker is not there", setup),
            Trouble::NoClient(Client::Podman) => Failure::missing(
                "podman is not there",
                "run: sudo apt-get install --no-install-recommends podman\n\
                 or use Docker: leave --engine podman out",
            ),
            Trouble::NoDaemon(address) => no_daemon(address),
            Trouble::NoPermission => Failure::missing(
                "no permission to use the Docker daemon's socket",
                "join the group that may, which gives the power of root, and log in anew:\n\
                 sudo usermod --append --groups docker \"$USER\"\n\
                 or, without that power, use podman: --engine podman",
            ),
            Trouble::NoBuildx => Failure::missing(
                "docker is there, but not its plugin buildx, which builds images",
                setup,
            ),
            Trouble::NoBinfmt(platform) => no_binfmt(*platform),
            Trouble::NoRegistry(registry) => Failure::failed(format!(
                "the registry {registry} cannot be reached, and the image is not on this machine"
            ))
            .mend(
                "run: cargo xtask docker-base\n\
                 it makes the base images from Debian's packages; or name one that is here with \
                 --base, or mend the engine's network or proxy",
            ),
            Trouble::NotInRegistry(image) => Failure::failed(format!(
                "there is no image {image}, here or in its registry, or it is not public"
            ))
            .mend("look at its name, or log in with: docker login"),
            Trouble::DiskFull(place) => disk_full(place.as_deref()),
            Trouble::WrongArchitecture {
                image,
                wanted,
                found,
            } => Failure::failed(format!(
                "the image {image} is for {found}, not for {wanted}"
            ))
            .mend(format!(
                "name one for {wanted} with --base; to replace the usual one:\n\
                     cargo xtask docker-base --platform {wanted} --replace"
            )),
        }
    }
}

fn no_daemon(address: &str) -> Failure {
    let what = format!("no Docker daemon answers at {address}");
    if USUAL_SOCKETS.contains(&address) {
        return Failure::missing(
            what,
            "start it: cargo xtask setup --docker\n\
             or by hand: sudo systemctl start docker; without systemd: sudo service docker start",
        );
    }
    Failure::missing(
        what,
        "that is where DOCKER_HOST or the docker context points: start the daemon there, or\n\
         unset DOCKER_HOST; docker context use default",
    )
}

fn no_binfmt(platform: Option<Platform>) -> Failure {
    let (whose, install) = match platform {
        Some(platform) => (
            format!("programs for {platform}"),
            platform.goarch().to_owned(),
        ),
        None => (
            "a program for another processor".to_owned(),
            "386,amd64".to_owned(),
        ),
    };
    Failure::missing(
        format!("this machine cannot run {whose}: \"exec format error\""),
        format!(
            "let QEMU translate them: {BINFMT} {install}\n\
             or from Debian: sudo apt-get install --no-install-recommends qemu-user-static \
             binfmt-support\n\
             on x86-64 neither is needed for linux/386: then the image is for another processor"
        ),
    )
}

fn disk_full(place: Option<&str>) -> Failure {
    let what = match place {
        Some(place) => format!("the disk is full: no space left for {place}"),
        None => "the disk is full".to_owned(),
    };
    Failure::failed(what).mend(
        "see what the engine keeps with: docker system df; drop what no build used lately with: \
         docker builder prune",
    )
}

/// The cause that an engine's client names on its standard error, if it is one
/// that people can mend.
pub fn diagnose(said: &str) -> Option<Trouble> {
    // The order counts: a daemon that cannot be reached also has "no such
    // host", and a registry whose disk is full is not ours to mend.
    no_daemon_in(said)
        .or_else(|| no_buildx_in(said))
        .or_else(|| diagnose_disk(said))
        .or_else(|| registry_in(said))
        .or_else(|| {
            said.contains("exec format error")
                .then_some(Trouble::NoBinfmt(None))
        })
}

/// Whether a full disk is what these lines end with: also the words of what
/// runs inside a container.
pub fn diagnose_disk(said: &str) -> Option<Trouble> {
    let line = said.lines().find(|line| {
        line.to_ascii_lowercase()
            .contains("no space left on device")
    })?;
    // `write /var/lib/docker/overlay2/x/big: no space left on device`
    let path = line.split_once("write ").map(|(_, rest)| rest);
    let path = path.and_then(|rest| rest.split_once(": no space").map(|(path, _)| path));
    let path = path.filter(|path| path.starts_with('/') && !path.contains(' '));
    Some(Trouble::DiskFull(path.map(str::to_owned)))
}

fn no_daemon_in(said: &str) -> Option<Trouble> {
    for line in said.lines() {
        let is_denied = line.contains("permission denied while trying to connect to the ")
            && line.to_ascii_lowercase().contains("docker");
        if is_denied {
            return Some(Trouble::NoPermission);
        }
        // The second is what clients from version 29 on say.
        for words in [
            "Cannot connect to the Docker daemon at ",
            "failed to connect to the docker API at ",
            "annot connect to Podman",
        ] {
            if let Some((_, rest)) = line.split_once(words) {
                return Some(Trouble::NoDaemon(address(rest)));
            }
        }
        if let Some((_, rest)) = line.split_once("error during connect: ") {
            let quoted = rest.split('"').nth(1).unwrap_or("its address");
            return Some(Trouble::NoDaemon(without_path(quoted).to_owned()));
        }
    }
    None
}

/// `unix:///nowhere. Is the docker daemon running?`: up to the sentence's end.
fn address(rest: &str) -> String {
    let end = rest.find(['\n', ' ', ';']).unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').to_owned()
}

/// `http://host:2375/v1.24/containers/json` becomes `http://host:2375`.
fn without_path(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    match url[host..].find('/') {
        Some(end) => &url[..host + end],
        None => url,
    }
}

fn no_buildx_in(said: &str) -> Option<Trouble> {
    let signs = [
        "'buildx' is not a docker command",
        "unknown command: docker buildx",
        "the buildx component is missing or broken",
        "unknown flag: --progress",
    ];
    signs
        .iter()
        .any(|sign| said.contains(sign))
        .then_some(Trouble::NoBuildx)
}

fn registry_in(said: &str) -> Option<Trouble> {
    said.lines().find_map(|line| {
        let network = [
            "no such host",
            "i/o timeout",
            "connection refused",
            "network is unreachable",
            "no route to host",
            "TLS handshake timeout",
            "x509: ",
            "Client.Timeout exceeded",
            "proxyconnect",
        ];
        let quoted = line.split('"').nth(1);
        let url = quoted.filter(|url| url.starts_with("http") && url.contains("/v2/"));
        if let Some(url) = url.filter(|_| network.iter().any(|sign| line.contains(sign))) {
            let host = without_path(url);
            let host = host.split_once("://").map_or(host, |(_, host)| host);
            return Some(Trouble::NoRegistry(host.to_owned()));
        }
        not_in_registry(line).map(Trouble::NotInRegistry)
    })
}

/// `pull access denied for a/b, repository does not exist`, `manifest for
/// a/b:c not found: manifest unknown`, `a/b:c: not found`.
fn not_in_registry(line: &str) -> Option<String> {
    let word_after = |words: &str| {
        let (_, rest) = line.split_once(words)?;
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    };
    word_after("pull access denied for ").or_else(|| {
        line.contains("manifest unknown")
            .then(|| word_after("manifest for "))
            .flatten()
    })
}

#[cfg(test)]
#[path = "diagnosis_tests.rs"]
mod tests;

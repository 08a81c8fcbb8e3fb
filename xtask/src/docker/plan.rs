//! From what was asked for to the exact words of each engine call. Pure.
//!
//! Owns every flag of `docker buildx build` and `podman build` that this tool
//! gives, and every refusal of a request that an engine or a builder cannot
//! meet: those come before the first minute of work, not after it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::choices::{Cache, ImageName, Stage, Yield};
use super::engine::Platform;
use crate::failure::{Failure, Result};

/// The Dockerfile, from the root of the work tree.
pub const DOCKERFILE: &str = "ci/Dockerfile.i386";
/// The label that says from what an image was made.
pub const INPUTS_LABEL: &str = "org.exov6.inputs";
/// Proxies that builds need and images must not remember.
pub const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
];
/// How to get a builder that can do what the engine's own cannot.
const OTHER_BUILDER: &str = "docker buildx create --name exov6 --driver docker-container\n\
                             and give it with --builder exov6";

/// Who builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// The engine's own BuildKit.
    Engine,
    /// A BuildKit of its own: in a container, a cluster, or elsewhere.
    Apart,
    /// Podman's.
    Podman,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl From<bool> for Wanted {
    fn from(given: bool) -> Self {
        if given { Wanted::Yes } else { Wanted::No }
    }
}

/// What the person wants built.
#[derive(Debug, Clone)]
pub struct Request {
    /// How far the Dockerfile is followed.
    pub stage: Stage,
    /// `--builder`.
    pub builder: Option<String>,
    /// Where layers are kept.
    pub cache: Cache,
    /// Use no layer that is there.
    pub no_cache: Wanted,
    /// Ask the registry for a newer base.
    pub pull: Wanted,
    /// Write down what is in the image.
    pub sbom: Wanted,
    /// Where to push it.
    pub push: Option<ImageName>,
}

/// What is known of this machine.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Who builds.
    pub builder: Builder,
    /// The root of the work tree.
    pub root: PathBuf,
    /// Where `--cache local` keeps its layers.
    pub cache_dir: PathBuf,
    /// The certificates to trust while downloading.
    pub certificates: Option<PathBuf>,
    /// Variables of this environment that a build is told, by name.
    pub handed_on: Vec<&'static str>,
    /// Whether GitHub's cache can be reached from here.
    pub actions_cache: Wanted,
}

/// One platform's share of a request.
#[derive(Debug, Clone)]
pub struct Target {
    /// The platform.
    pub platform: Platform,
    /// The base image, as FROM wants it.
    pub base: String,
    /// What the image is made from, as one digest.
    pub inputs: String,
    /// The commit of the sources, if anybody knows it.
    pub commit: Option<String>,
    /// Where the kernel's files go, before they are checked.
    pub files: PathBuf,
}

/// Who builds, from what `docker buildx inspect` says.
pub fn builder_of(inspected: &str) -> Builder {
    let driver = inspected
        .lines()
        .find_map(|line| line.strip_prefix("Driver:"))
        .map(str::trim);
    match driver {
        Some("docker") | None => Builder::Engine,
        Some(_) => Builder::Apart,
    }
}

/// The tag of the image of a stage.
pub fn tag(platform: Platform, stage: Stage) -> String {
    format!("exov6-{}:{stage}", platform.debian_arch())
}

/// Refuses what this builder cannot do.
///
/// # Errors
/// [`Exit::Usage`](crate::failure::Exit::Usage), with what could.
pub fn check(request: &Request, facts: &Facts) -> Result<()> {
    let podman = facts.builder == Builder::Podman;
    if podman && request.builder.is_some() {
        return Err(Failure::usage(
            "--builder names a builder of buildx, and podman has none",
            "leave --builder out, or give --engine docker",
        ));
    }
    if request.sbom == Wanted::Yes {
        check_sbom(request, facts)?;
    }
    if request.push.is_some() && request.stage.leaves() == Yield::Files {
        return Err(Failure::usage(
            "--push pushes an image, and the stage `export` leaves only files",
            "give --target build, or another stage with an image",
        ));
    }
    check_cache(request, facts)
}

fn check_sbom(request: &Request, facts: &Facts) -> Result<()> {
    match facts.builder {
        Builder::Podman => Err(Failure::usage(
            "--sbom is buildx's, and podman does not have it",
            "leave --sbom out, or give --engine docker",
        )),
        Builder::Engine => Err(Failure::usage(
            "--sbom needs a builder of its own; the engine's cannot attest what it builds",
            OTHER_BUILDER,
        )),
        Builder::Apart if request.stage.leaves() == Yield::Image && request.push.is_none() => {
            Err(Failure::usage(
                format!(
                    "--sbom has nowhere to go: the stage `{}` leaves no files and nothing is pushed",
                    request.stage
                ),
                "give --target build, or --push REF",
            ))
        }
        Builder::Apart => Ok(()),
    }
}

fn check_cache(request: &Request, facts: &Facts) -> Result<()> {
    match (&request.cache, facts.builder) {
        (Cache::Gha, Builder::Podman) => Err(Failure::usage(
            "--cache gha is buildx's, and podman does not have it",
            "give --cache registry=REF, or --engine docker",
        )),
        (Cache::Gha, _) if facts.actions_cache == Wanted::No => Err(Failure::usage(
            "--cache gha works in GitHub Actions only: ACTIONS_RUNTIME_TOKEN and \
             ACTIONS_RESULTS_URL (or ACTIONS_CACHE_URL) are not both set",
            "elsewhere give --cache local or --cache registry=REF; in a workflow, \
             a step must hand on the two variables",
        )),
        (Cache::Gha | Cache::Registry(_), Builder::Engine) => Err(Failure::usage(
            format!(
                "--cache {} needs a builder of its own; the engine's keeps its layers to itself",
                request.cache
            ),
            OTHER_BUILDER,
        )),
        // The engine's own store and podman's are local already.
        _ => Ok(()),
    }
}

/// The words of the call that makes a stage's image under its tag.
pub fn image(request: &Request, facts: &Facts, target: &Target) -> Vec<OsString> {
    let mut words = begin(request, facts, target, request.stage);
    flag(
        &mut words,
        "--label",
        format!("{INPUTS_LABEL}={}", target.inputs),
    );
    flag(&mut words, "--tag", tag(target.platform, request.stage));
    if facts.builder != Builder::Podman {
        words.push("--load".into());
    }
    export_cache(&mut words, request, facts, target);
    end(words, facts)
}

/// The words of the call that leaves the kernel's files.
pub fn files(request: &Request, facts: &Facts, target: &Target) -> Vec<OsString> {
    let mut words = begin(request, facts, target, Stage::Export);
    let mut output = OsString::from("type=local,dest=");
    output.push(&target.files);
    flag(&mut words, "--output", output);
    if facts.builder == Builder::Apart {
        // Else the folder would also hold a provenance that differs each time.
        words.push("--provenance=false".into());
    }
    if request.sbom == Wanted::Yes {
        words.push("--sbom=true".into());
    }
    if request.stage.leaves() == Yield::Files {
        export_cache(&mut words, request, facts, target);
    }
    end(words, facts)
}

/// The words of the calls that push a platform's image, and its name there.
/// With one platform it gets the name that was asked for.
pub fn push(
    request: &Request,
    facts: &Facts,
    target: &Target,
    name: &ImageName,
    platforms: usize,
) -> (Vec<Vec<OsString>>, String) {
    let name = match platforms {
        1 => name.0.clone(),
        _ => with_suffix(&name.0, target.platform.debian_arch()),
    };
    if facts.builder == Builder::Apart {
        let mut words = begin(request, facts, target, request.stage);
        flag(&mut words, "--tag", &name);
        words.push("--push".into());
        if request.sbom == Wanted::Yes {
            words.push("--sbom=true".into());
        }
        return (vec![end(words, facts)], name);
    }
    let local = tag(target.platform, request.stage);
    let calls = [
        vec!["tag".into(), local.into(), OsString::from(&name)],
        vec!["push".into(), OsString::from(&name)],
    ];
    (calls.to_vec(), name)
}

/// The words of the call that joins what was pushed under one name.
pub fn join(facts: &Facts, name: &ImageName, parts: &[String]) -> Vec<Vec<OsString>> {
    let all = |words: &[&str]| -> Vec<OsString> {
        let words = words.iter().map(OsString::from);
        words.chain(parts.iter().map(OsString::from)).collect()
    };
    match facts.builder {
        Builder::Podman => vec![
            all(&["manifest", "create", "--amend", &name.0]),
            ["manifest", "push", "--all", &name.0]
                .map(OsString::from)
                .to_vec(),
        ],
        _ => vec![all(&["buildx", "imagetools", "create", "--tag", &name.0])],
    }
}

fn begin(request: &Request, facts: &Facts, target: &Target, stage: Stage) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if facts.builder == Builder::Podman {
        words.push("build".into());
    } else {
        words.extend(["buildx".into(), "build".into()]);
        // Read by this tool; people get lines made for people.
        flag(&mut words, "--progress", "rawjson");
    }
    if let Some(builder) = &request.builder {
        flag(&mut words, "--builder", builder);
    }
    flag(&mut words, "--platform", target.platform.word());
    flag(&mut words, "--file", facts.root.join(DOCKERFILE));
    flag(&mut words, "--target", stage.word());
    flag(&mut words, "--build-arg", format!("BASE={}", target.base));
    if let (Some(commit), Yield::Files | Yield::Both) = (&target.commit, stage.leaves()) {
        flag(&mut words, "--build-arg", format!("COMMIT={commit}"));
    }
    for name in &facts.handed_on {
        // Without a value: the engine's client takes it from the environment,
        // and a proxy's password stays out of every command line.
        flag(&mut words, "--build-arg", name);
    }
    if let Some(file) = &facts.certificates {
        let mut secret = OsString::from("id=ca,src=");
        secret.push(file);
        flag(&mut words, "--secret", secret);
    }
    if request.no_cache == Wanted::Yes {
        words.push("--no-cache".into());
    }
    if request.pull == Wanted::Yes {
        words.push("--pull".into());
    }
    import_cache(&mut words, request, facts, target);
    words
}

fn end(mut words: Vec<OsString>, facts: &Facts) -> Vec<OsString> {
    words.push(facts.root.clone().into());
    words
}

/// The folder that `--cache local` reads, and the one it writes before that
/// takes the first one's place.
pub fn cache_dirs(facts: &Facts, platform: Platform) -> (PathBuf, PathBuf) {
    let name = platform.debian_arch();
    (
        facts.cache_dir.join(name),
        facts.cache_dir.join(format!("{name}.new")),
    )
}

fn import_cache(words: &mut Vec<OsString>, request: &Request, facts: &Facts, target: &Target) {
    let from = match (&request.cache, facts.builder) {
        (Cache::Local, Builder::Apart) => {
            let mut from = OsString::from("type=local,src=");
            from.push(cache_dirs(facts, target.platform).0);
            from
        }
        (Cache::Gha, Builder::Apart) => format!("type=gha,scope={}", scope(target)).into(),
        (Cache::Registry(reference), Builder::Apart) => {
            let name = with_suffix(reference, target.platform.debian_arch());
            format!("type=registry,ref={name}").into()
        }
        (Cache::Registry(reference), Builder::Podman) => reference.into(),
        _ => return,
    };
    flag(words, "--cache-from", from);
}

fn export_cache(words: &mut Vec<OsString>, request: &Request, facts: &Facts, target: &Target) {
    let to = match (&request.cache, facts.builder) {
        (Cache::Local, Builder::Apart) => {
            let mut to = OsString::from("type=local,mode=max,dest=");
            to.push(cache_dirs(facts, target.platform).1);
            to
        }
        (Cache::Gha, Builder::Apart) => format!("type=gha,mode=max,scope={}", scope(target)).into(),
        (Cache::Registry(reference), Builder::Apart) => {
            let name = with_suffix(reference, target.platform.debian_arch());
            format!("type=registry,mode=max,ref={name}").into()
        }
        (Cache::Registry(reference), Builder::Podman) => reference.into(),
        _ => return,
    };
    flag(words, "--cache-to", to);
}

/// Platforms share no layers, so that neither pushes the other's out.
fn scope(target: &Target) -> String {
    format!("exov6-{}", target.platform.debian_arch())
}

/// `a/b:1` becomes `a/b:1-i386`, `a/b` becomes `a/b:i386`.
fn with_suffix(name: &str, suffix: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains(':') {
        format!("{name}-{suffix}")
    } else {
        format!("{name}:{suffix}")
    }
}

fn flag(words: &mut Vec<OsString>, name: &str, value: impl Into<OsString>) {
    words.extend([name.into(), value.into()]);
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

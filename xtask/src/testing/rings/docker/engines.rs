//! The engine, the doctor, and the base images, where all is well.

use super::Row;
use super::daemon::Daemon;
use super::lab::{Lab, Outcome, Stop};

pub(super) const CASES: &[Row] = &[
    ("doctor", "sees_the_engine", sees_the_engine),
    ("doctor", "tells_a_missing_client", tells_a_missing_client),
    ("doctor", "tells_a_missing_daemon", tells_a_missing_daemon),
    (
        "doctor",
        "tells_a_lack_of_permission",
        tells_a_lack_of_permission,
    ),
    ("doctor", "tells_a_missing_buildx", tells_a_missing_buildx),
    (
        "doctor",
        "tells_an_unreachable_registry",
        tells_an_unreachable_registry,
    ),
    (
        "base",
        "leaves_alone_what_is_there",
        leaves_alone_what_is_there,
    ),
    ("base", "is_whole_or_not_there", is_whole_or_not_there),
];

/// The trouble that doctor names for one thing; an empty word if there is none.
fn trouble(document: &str, what: &str) -> std::result::Result<String, Stop> {
    let value: serde_json::Value = serde_json::from_str(document)
        .map_err(|error| Stop::Failed(format!("doctor's document does not read: {error}")))?;
    let found = value["containers"]
        .as_array()
        .and_then(|findings| findings.iter().find(|finding| finding["what"] == what));
    match found {
        Some(finding) => Ok(finding["trouble"].as_str().unwrap_or_default().to_owned()),
        None => Err(Stop::Failed(format!("doctor says nothing of {what}"))),
    }
}

fn expect_trouble(document: &str, what: &str, wanted: &str) -> Outcome {
    match trouble(document, what)? {
        found if found == wanted => Ok(()),
        found => Err(Stop::Failed(format!(
            "doctor says `{found}` of {what}, not `{wanted}`"
        ))),
    }
}

const DOCTOR: &[&str] = &["doctor", "--json", "--quiet"];
const DOCTOR_OFFLINE: &[&str] = &["doctor", "--json", "--quiet", "--offline"];

fn sees_the_engine(lab: &Lab<'_>) -> Outcome {
    let said = lab.xtask(DOCTOR_OFFLINE).run()?;
    for what in ["docker", "docker-buildx"] {
        expect_trouble(said.document(), what, "")?;
    }
    Ok(())
}

fn tells_a_missing_client(lab: &Lab<'_>) -> Outcome {
    let said = lab.xtask(DOCTOR_OFFLINE).env("PATH", &lab.folder).run()?;
    expect_trouble(said.document(), "docker", "no-client")
}

fn tells_a_missing_daemon(lab: &Lab<'_>) -> Outcome {
    let said = lab
        .xtask(DOCTOR_OFFLINE)
        .env("DOCKER_HOST", "unix:///nowhere")
        .run()?;
    expect_trouble(said.document(), "docker", "no-daemon")
}

fn tells_a_lack_of_permission(lab: &Lab<'_>) -> Outcome {
    let said = lab.xtask(DOCTOR_OFFLINE).by_nobody()?.run()?;
    expect_trouble(said.document(), "docker", "no-permission")
}

fn tells_a_missing_buildx(lab: &Lab<'_>) -> Outcome {
    let mut asked = lab.engine.command();
    asked
        .args(["buildx", "version"])
        .env("DOCKER_CONFIG", &lab.folder);
    if lab.ask(&mut asked).is_ok() {
        return Err(Stop::Skipped(
            "buildx is installed for everybody here".to_owned(),
        ));
    }
    let said = lab
        .xtask(DOCTOR_OFFLINE)
        .env("DOCKER_CONFIG", &lab.folder)
        .run()?;
    expect_trouble(said.document(), "docker-buildx", "no-buildx")?;
    expect_trouble(said.document(), "docker", "")
}

fn tells_an_unreachable_registry(lab: &Lab<'_>) -> Outcome {
    let daemon = Daemon::start(lab, None)?;
    let said = lab.xtask(DOCTOR).env("DOCKER_HOST", daemon.host()).run()?;
    expect_trouble(said.document(), "registry", "no-registry")
}

/// The base of linux/386 is there after it was asked for once, and a second
/// time nothing is done.
fn leaves_alone_what_is_there(lab: &Lab<'_>) -> Outcome {
    let words = ["docker-base", "--platform", "linux/386"];
    lab.xtask(&words)
        .run()?
        .expect(0, &["i386/debian:bookworm"])?;
    let id = || {
        lab.docker(&[
            "image",
            "inspect",
            "--format",
            "{{.Id}}",
            "i386/debian:bookworm",
        ])
    };
    let before = id()?;
    let again = lab.xtask(&words).run()?;
    again.expect(0, &["already there; nothing to do"])?;
    match id()? == before {
        true => Ok(()),
        false => Err(Stop::Failed("the image was made anew".to_owned())),
    }
}

/// An archive that does not answer leaves no image, and no part of one.
fn is_whole_or_not_there(lab: &Lab<'_>) -> Outcome {
    let daemon = Daemon::start(lab, None)?;
    let said = lab
        .xtask(&["docker-base", "--mirror", "http://127.0.0.1:1/debian"])
        .env("DOCKER_HOST", daemon.host())
        .env("CARGO_TARGET_DIR", lab.folder.join("target"))
        .run()?;
    said.expect(1, &["could not be fetched", "--mirror"])?;
    let left = lab.ask(daemon.command(lab).args(["images", "--all", "--quiet"]))?;
    if !left.trim().is_empty() {
        return Err(Stop::Failed(format!("it left an image: {left}")));
    }
    let folder = lab.folder.join("target/docker/base");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names: Vec<_> = files.map(|file| file.file_name()).collect();
    match names.iter().find(|name| *name != ".exov6-lock") {
        Some(name) => Err(Stop::Failed(format!("it left {}", name.to_string_lossy()))),
        None => Ok(()),
    }
}

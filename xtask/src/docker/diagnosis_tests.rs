//! Tests of the diagnosis with what engines really wrote.
//!
//! Docker 20.10 and 28.2 with buildx 0.13, podman 4.3, and containerd's words of
//! Docker 29 as they are expected, not seen; the address of the name
//! server is replaced by one for documentation.

use super::*;
use crate::failure::Exit;

/// Each text, and what it must be taken for.
fn expect(texts: &[&str], wanted: &Trouble) {
    for text in texts {
        assert_eq!(diagnose(text).as_ref(), Some(wanted), "{text}");
    }
}

#[test]
fn a_daemon_that_does_not_answer() {
    expect(
        &[
            "Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?\n",
            "\nCannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?",
            "ERROR: Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?",
            "Error:         Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?",
        ],
        &Trouble::NoDaemon("unix:///nowhere".to_owned()),
    );
    expect(
        &[
            "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?",
        ],
        &Trouble::NoDaemon("tcp://127.0.0.1:1".to_owned()),
    );
    // A host that has no name is not an unreachable registry.
    expect(
        &[
            "error during connect: Get \"http://nohost.invalid:2375/v1.24/containers/json\": dial tcp: lookup nohost.invalid on 192.0.2.53:53: no such host",
        ],
        &Trouble::NoDaemon("http://nohost.invalid:2375".to_owned()),
    );
}

#[test]
fn a_socket_that_is_not_ours() {
    expect(
        &[
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json\": dial unix /var/run/docker.sock: connect: permission denied",
            "docker: permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Head \"http://%2Fvar%2Frun%2Fdocker.sock/_ping\": dial unix /var/run/docker.sock: connect: permission denied\n\nRun 'docker run --help' for more information\n",
        ],
        &Trouble::NoPermission,
    );
}

#[test]
fn a_client_without_buildx() {
    expect(
        &[
            "docker: 'buildx' is not a docker command.\nSee 'docker --help'\n",
            "docker: unknown command: docker buildx\n\nRun 'docker --help' for more information\n",
            "ERROR: BuildKit is enabled but the buildx component is missing or broken.\n       Install the buildx component to build images with BuildKit:\n       https://docs.docker.com/go/buildx/\n",
        ],
        &Trouble::NoBuildx,
    );
}

#[test]
fn a_registry_that_does_not_answer() {
    expect(
        &[
            "Error response from daemon: Get \"https://registry.invalid/v2/\": dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host",
            "Unable to find image 'registry.invalid/debian:x' locally\ndocker: Error response from daemon: Get \"https://registry.invalid/v2/\": dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host\n\nRun 'docker run --help' for more information",
            "ERROR: failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: failed to create LLB definition: failed to do request: Head \"https://registry.invalid/v2/library/debian/manifests/bookworm\": dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host",
            "Trying to pull registry.invalid/debian:x...\nError: initializing source docker://registry.invalid/debian:x: pinging container registry registry.invalid: Get \"https://registry.invalid/v2/\": dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host",
            "Error response from daemon: Get \"https://registry.invalid/v2/\": context deadline exceeded",
            "Error response from daemon: Get \"https://registry.invalid/v2/\": Forbidden",
            "Error response from daemon: failed to resolve reference \"registry.invalid/debian:x\": failed to do request: Head \"https://registry.invalid/v2/debian/manifests/x\": dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host",
        ],
        &Trouble::NoRegistry("registry.invalid".to_owned()),
    );
}

#[test]
fn a_registry_that_says_no() {
    expect(
        &[
            "Error response from daemon: pull access denied for me/nope, repository does not exist or may require 'docker login'",
            "Error response from daemon: manifest for me/nope not found: manifest unknown: manifest unknown",
            "Error response from daemon: failed to resolve reference \"me/nope\": me/nope: not found",
            "Error response from daemon: failed to resolve reference \"me/nope\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        ],
        &Trouble::NotInRegistry("me/nope".to_owned()),
    );
}

#[test]
fn a_program_of_another_processor() {
    expect(
        &[
            "WARNING: The requested image's platform (linux/arm64) does not match the detected host platform (linux/amd64) and no specific platform was requested\nexec /bin/sh: exec format error",
            "0.260 exec /bin/sh: exec format error\n------\nERROR: failed to solve: executor failed running [/bin/sh -c true]: exit code: 1",
            "exec /bin/sh: exec format error\nError: building at STEP \"RUN true\": while running runtime: exit status 1",
        ],
        &Trouble::NoBinfmt(None),
    );
}

#[test]
fn a_full_disk() {
    expect(
        &[
            "ERROR: failed to solve: write /var/lib/docker/overlay2/mdlc9o6z4xenf9fe65tzfjvh8/diff/big: no space left on device",
        ],
        &Trouble::DiskFull(Some(
            "/var/lib/docker/overlay2/mdlc9o6z4xenf9fe65tzfjvh8/diff/big".to_owned(),
        )),
    );
    expect(
        &["dd: error writing '/t/x': No space left on device\n2+0 records in"],
        &Trouble::DiskFull(None),
    );
    assert!(diagnose_disk("cc -o x x.c").is_none());
}

#[test]
fn what_is_nobodys_fault_but_the_builds_is_no_trouble() {
    for text in [
        "",
        "ERROR: failed to solve: executor failed running [/bin/sh -c false]: exit code: 1",
        "ERROR: failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: failed to read dockerfile: open /var/lib/docker/tmp/buildkit-mount2843942264/nosuch: no such file or directory",
        "cat: /root/x: Permission denied",
        "Error response from daemon: no such image: nosuch:x: No such image: nosuch:x",
    ] {
        assert_eq!(diagnose(text), None, "{text}");
    }
}

#[test]
fn each_trouble_says_its_mend_and_ends_with_its_code() {
    let wrong = Trouble::WrongArchitecture {
        image: "debian:bookworm".to_owned(),
        wanted: Platform::Linux386,
        found: "linux/amd64".to_owned(),
    };
    let usual = Trouble::NoDaemon("unix:///var/run/docker.sock".to_owned());
    let all = [
        (Trouble::NoClient(Client::Docker), 3, "setup --docker"),
        (Trouble::NoClient(Client::Podman), 3, "install"),
        (usual, 3, "setup --docker"),
        (Trouble::NoDaemon("unix:///x".to_owned()), 3, "DOCKER_HOST"),
        (Trouble::NoPermission, 3, "usermod"),
        (Trouble::NoBuildx, 3, "setup --docker"),
        (
            Trouble::NoBinfmt(Some(Platform::Linux386)),
            3,
            "--install 386\n",
        ),
        (
            Trouble::NoRegistry("r.invalid".to_owned()),
            1,
            "docker-base",
        ),
        (Trouble::NotInRegistry("a/b".to_owned()), 1, "docker login"),
        (Trouble::DiskFull(None), 1, "docker system df"),
        (wrong, 1, "--platform linux/386 --replace"),
    ];
    for (trouble, code, mend) in all {
        let failure = trouble.failure();
        assert_eq!(failure.exit.code(), code, "{failure}");
        let advice = failure.mend.as_deref().unwrap_or_default();
        assert!(advice.contains(mend), "{failure}");
    }
    assert_eq!(Exit::Missing.code(), 3);
}

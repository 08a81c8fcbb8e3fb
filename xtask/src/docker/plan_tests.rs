//! Requests and the exact words they become.

use super::*;
use crate::failure::Exit;

fn request() -> Request {
    Request {
        stage: Stage::Build,
        builder: None,
        cache: Cache::None,
        no_cache: Wanted::No,
        pull: Wanted::No,
        sbom: Wanted::No,
        push: None,
    }
}

fn facts(builder: Builder) -> Facts {
    Facts {
        builder,
        root: "/p".into(),
        cache_dir: "/p/target/docker/cache".into(),
        certificates: None,
        handed_on: Vec::new(),
        actions_cache: Wanted::No,
    }
}

fn target() -> Target {
    Target {
        platform: Platform::Linux386,
        base: "i386/debian:bookworm".to_owned(),
        inputs: "abc".to_owned(),
        commit: None,
        files: "/p/out".into(),
    }
}

fn line(words: &[OsString]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[test]
fn an_image_and_its_files_are_two_calls() {
    let facts = facts(Builder::Engine);
    assert_eq!(
        line(&image(&request(), &facts, &target())),
        "buildx build --progress rawjson --platform linux/386 --file /p/ci/Dockerfile.i386 \
         --target build --build-arg BASE=i386/debian:bookworm \
         --label org.exov6.inputs=abc --tag exov6-i386:build --load /p"
    );
    assert_eq!(
        line(&files(&request(), &facts, &target())),
        "buildx build --progress rawjson --platform linux/386 --file /p/ci/Dockerfile.i386 \
         --target export --build-arg BASE=i386/debian:bookworm \
         --output type=local,dest=/p/out /p"
    );
}

#[test]
fn every_flag_has_its_words() {
    let request = Request {
        builder: Some("b".to_owned()),
        cache: Cache::Local,
        no_cache: Wanted::Yes,
        pull: Wanted::Yes,
        sbom: Wanted::Yes,
        ..request()
    };
    let facts = Facts {
        certificates: Some("/ca.crt".into()),
        handed_on: vec!["HTTPS_PROXY"],
        ..facts(Builder::Apart)
    };
    let target = Target {
        commit: Some("c0".to_owned()),
        ..target()
    };
    let common = "--build-arg BASE=i386/debian:bookworm --build-arg COMMIT=c0 \
                  --build-arg HTTPS_PROXY --secret id=ca,src=/ca.crt --no-cache --pull \
                  --cache-from type=local,src=/p/target/docker/cache/i386";
    let image = line(&image(&request, &facts, &target));
    assert!(image.contains("--builder b"), "{image}");
    assert!(image.contains(common), "{image}");
    assert!(
        image.ends_with(
            "--load --cache-to type=local,mode=max,dest=/p/target/docker/cache/i386.new /p"
        ),
        "{image}"
    );
    let files = line(&files(&request, &facts, &target));
    assert!(files.contains(common), "{files}");
    assert!(
        files.ends_with("--output type=local,dest=/p/out --provenance=false --sbom=true /p"),
        "{files}"
    );
    assert!(!files.contains("--cache-to"), "{files}");
}

#[test]
fn only_stages_that_compile_are_told_the_commit() {
    let target = Target {
        commit: Some("c0".to_owned()),
        ..target()
    };
    for (stage, told) in [
        (Stage::Toolchain, false),
        (Stage::Test, false),
        (Stage::Build, true),
    ] {
        let request = Request { stage, ..request() };
        let line = line(&image(&request, &facts(Builder::Engine), &target));
        assert_eq!(line.contains("COMMIT"), told, "{line}");
    }
}

#[test]
fn podman_gets_its_own_words() {
    let facts = facts(Builder::Podman);
    assert_eq!(
        line(&image(&request(), &facts, &target())),
        "build --platform linux/386 --file /p/ci/Dockerfile.i386 --target build \
         --build-arg BASE=i386/debian:bookworm --label org.exov6.inputs=abc \
         --tag exov6-i386:build /p"
    );
    let files = line(&files(&request(), &facts, &target()));
    assert!(
        files.ends_with("--output type=local,dest=/p/out /p"),
        "{files}"
    );
}

#[test]
fn each_cache_fits_its_builder() {
    let words = |cache: &str, builder| {
        let request = Request {
            cache: cache.parse().expect(cache),
            ..request()
        };
        line(&image(&request, &facts(builder), &target()))
    };
    let gha = words("gha", Builder::Apart);
    assert!(
        gha.contains("--cache-from type=gha,scope=exov6-i386"),
        "{gha}"
    );
    assert!(
        gha.contains("--cache-to type=gha,mode=max,scope=exov6-i386"),
        "{gha}"
    );
    let registry = words("registry=r.example/c", Builder::Apart);
    assert!(
        registry.contains("--cache-from type=registry,ref=r.example/c:i386"),
        "{registry}"
    );
    let registry = words("registry=r.example/c", Builder::Podman);
    assert!(registry.contains("--cache-to r.example/c /p"), "{registry}");
    // Its own store is local already.
    assert!(!words("local", Builder::Engine).contains("cache"));
}

#[test]
fn what_a_builder_cannot_do_is_refused_at_once() {
    let with = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        request
    };
    let sbom = with(|request| request.sbom = Wanted::Yes);
    let gha = with(|request| request.cache = Cache::Gha);
    let registry = with(|request| request.cache = Cache::Registry("r".to_owned()));
    let named = with(|request| request.builder = Some("b".to_owned()));
    let nowhere = with(|request| {
        request.sbom = Wanted::Yes;
        request.stage = Stage::Test;
    });
    let no_image = with(|request| {
        request.stage = Stage::Export;
        request.push = Some(ImageName("r/x".to_owned()));
    });
    for (request, builder, why) in [
        (&sbom, Builder::Engine, "needs a builder of its own"),
        (&sbom, Builder::Podman, "podman does not have it"),
        (&nowhere, Builder::Apart, "has nowhere to go"),
        (&gha, Builder::Apart, "GitHub Actions only"),
        (&gha, Builder::Engine, "GitHub Actions only"),
        (&gha, Builder::Podman, "podman does not have it"),
        (&registry, Builder::Engine, "keeps its layers to itself"),
        (&named, Builder::Podman, "podman has none"),
        (&no_image, Builder::Engine, "leaves only files"),
    ] {
        let failure = check(request, &facts(builder)).expect_err(why);
        assert_eq!(failure.exit, Exit::Usage, "{failure}");
        assert!(failure.what.contains(why), "{failure}");
        assert!(failure.mend.is_some(), "{failure}");
    }
    check(&sbom, &facts(Builder::Apart)).expect("it can attest");
    check(&registry, &facts(Builder::Apart)).expect("it can export");
    let github = Facts {
        actions_cache: Wanted::Yes,
        ..facts(Builder::Apart)
    };
    check(&gha, &github).expect("it is there");
}

#[test]
fn pushing_depends_on_who_holds_the_image() {
    let name = ImageName("r.example/me/exov6:1".to_owned());
    let request = Request {
        push: Some(name.clone()),
        ..request()
    };
    let (calls, pushed) = push(&request, &facts(Builder::Engine), &target(), &name, 1);
    let lines: Vec<_> = calls.iter().map(|words| line(words)).collect();
    assert_eq!(
        lines,
        [
            "tag exov6-i386:build r.example/me/exov6:1",
            "push r.example/me/exov6:1"
        ]
    );
    assert_eq!(pushed, name.0);
    let (calls, pushed) = push(&request, &facts(Builder::Apart), &target(), &name, 2);
    assert_eq!(pushed, "r.example/me/exov6:1-i386");
    assert!(line(&calls[0]).ends_with("--tag r.example/me/exov6:1-i386 --push /p"));
    let join = join(&facts(Builder::Apart), &name, &[pushed, "x".to_owned()]);
    assert_eq!(
        line(&join[0]),
        "buildx imagetools create --tag r.example/me/exov6:1 r.example/me/exov6:1-i386 x"
    );
}

#[test]
fn the_builder_is_known_by_its_driver() {
    let inspected = |driver: &str| format!("Name:          b\nDriver:        {driver}\n\nNodes:\n");
    assert_eq!(builder_of(&inspected("docker")), Builder::Engine);
    assert_eq!(builder_of(&inspected("docker-container")), Builder::Apart);
    assert_eq!(builder_of(&inspected("remote")), Builder::Apart);
    assert_eq!(builder_of(""), Builder::Engine);
}

#[test]
fn no_call_ever_asks_for_privileges() {
    for builder in [Builder::Engine, Builder::Apart, Builder::Podman] {
        let facts = facts(builder);
        for words in [
            image(&request(), &facts, &target()),
            files(&request(), &facts, &target()),
        ] {
            let line = line(&words);
            assert!(
                !line.contains("--allow") && !line.contains("--privileged"),
                "{line}"
            );
        }
    }
}

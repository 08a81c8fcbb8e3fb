//! Tests of the recipe: names, addresses, and the words of each command.

use super::*;

fn recipe(platform: Platform) -> Recipe {
    let mirror = "http://deb.debian.org/debian/".parse().expect("an address");
    Recipe::new(platform, Suite::default(), Some(mirror), None).expect("nothing is read")
}

fn line(words: &[OsString]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[test]
fn the_usual_names_are_the_ones_that_dockerfiles_name() {
    for platform in Platform::ALL {
        assert_eq!(recipe(*platform).name(), platform.default_base());
    }
    let trixie = Recipe {
        suite: "trixie".parse().expect("a suite"),
        ..recipe(Platform::Linux386)
    };
    assert_eq!(trixie.name(), "i386/debian:trixie");
    assert_eq!(
        whole_name("debian:bookworm"),
        "docker.io/library/debian:bookworm"
    );
    assert_eq!(whole_name("i386/debian:x"), "docker.io/i386/debian:x");
    assert_eq!(whole_name("localhost/a:x"), "localhost/a:x");
    assert_eq!(whole_name("r.invalid:5000/a"), "r.invalid:5000/a");
}

#[test]
fn words_a_shell_or_debootstrap_would_misread_are_refused() {
    for text in ["", "-x", "Bookworm", "book worm", "../x", "12"] {
        assert!(text.parse::<Suite>().is_err(), "{text:?} was accepted");
    }
    for text in [
        "",
        "deb.debian.org",
        "http://",
        "http://a b",
        "http://a'b",
        "-x",
    ] {
        assert!(text.parse::<Mirror>().is_err(), "{text:?} was accepted");
    }
}

#[test]
fn the_machines_own_archive_is_used_if_it_is_debians() {
    let deb822 = "Types: deb\n# URIs: http://old/\nURIs: http://mirror.invalid/debian\nSuites: x\n";
    let of = |sources, release| Mirror::of_this_machine(sources, release).0;
    assert_eq!(of(deb822, "ID=debian\n"), "http://mirror.invalid/debian");
    let list = "# deb http://no/ x\ndeb [arch=amd64] http://m.invalid/debian/ bookworm main\n";
    assert_eq!(of(list, "ID=debian\n"), "http://m.invalid/debian");
    assert_eq!(of(deb822, "ID=ubuntu\nID_LIKE=debian\n"), MIRROR);
    assert_eq!(of("", "ID=debian\n"), MIRROR);
}

#[test]
fn nothing_needs_root_and_nothing_is_left_to_the_network() {
    let recipe = recipe(Platform::Linux386);
    let work = Path::new("/w");
    assert_eq!(
        line(&recipe.unpack("fakeroot".as_ref(), "debootstrap".as_ref(), work)),
        "fakeroot -s /w/owners -- debootstrap --foreign --variant=minbase \
         --include=ca-certificates --arch=i386 bookworm /w/fs http://deb.debian.org/debian"
    );
    assert_eq!(
        line(&recipe.pack("fakeroot".as_ref(), work)),
        "fakeroot -i /w/owners -- tar --create --numeric-owner --sort=name --exclude=./proc \
         --exclude=./dev --file /w/context/unpacked.tar --directory /w/fs ."
    );
    assert_eq!(
        line(&recipe.configure(Client::Docker, work)),
        "buildx build --progress=plain --platform=linux/386 --network=none --no-cache \
         --output=type=local,dest=/w/out /w/context"
    );
    assert!(line(&recipe.configure(Client::Podman, work)).starts_with("build --format=docker "));
}

#[test]
fn the_dockerfile_starts_from_nothing_and_trusts_what_this_machine_trusts() {
    let mut recipe = recipe(Platform::Linux386);
    let text = recipe.dockerfile(1_700_000_000);
    let bases = text.lines().filter(|line| line.starts_with("FROM "));
    assert!(bases.clone().all(|line| line.starts_with("FROM scratch")));
    assert_eq!(bases.count(), 2);
    assert!(!text.contains("ca-certificates.crt"), "{text}");
    assert!(text.contains("--mtime=@1700000000 --clamp-mtime"), "{text}");
    recipe.certificates = Some("/etc/ssl/cert.pem".into());
    assert!(
        recipe
            .dockerfile(0)
            .contains("COPY ca-certificates.crt /etc/ssl/certs/")
    );
}

#[test]
fn another_recipe_has_another_digest() {
    let one = recipe(Platform::Linux386);
    let other = recipe(Platform::LinuxAmd64);
    assert_eq!(one.digest, recipe(Platform::Linux386).digest);
    assert_ne!(one.digest, other.digest);
    let trusting = Recipe::new(
        Platform::Linux386,
        Suite::default(),
        Some(one.mirror.clone()),
        Some("/etc/os-release".into()),
    );
    assert_ne!(one.digest, trusting.expect("it is there").digest);
}

#[test]
fn the_archives_own_date_is_read() {
    let release = "Origin: Debian\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nAcquire-By-Hash: yes\n";
    assert_eq!(release_date(release), Some("Sat, 11 Jul 2026 10:16:37 UTC"));
    assert_eq!(release_date("Origin: Debian\n"), None);
}

//! Folders of builds: whole or not there, and never somebody else's.

use super::*;
use crate::failure::Exit;

/// A folder of this test alone; gone at its end.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("exov6-product-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a temporary folder");
        Place(dir)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("our folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn build(dir: &Path, kernel: &[u8]) -> Result<Manifest> {
    let folder = Unfinished::begin(dir)?;
    let product = Product {
        kernel,
        symbols: b"symbols",
        programs: &[("hello".to_owned(), b"program".to_vec())],
        sizes: Sizes::default(),
        facts: manifest::sample_facts(),
    };
    let manifest = product.fill(&folder)?;
    folder.place()?;
    Ok(manifest)
}

#[test]
fn a_folder_appears_whole_and_is_replaced_whole() {
    let place = Place::new("whole");
    let dir = place.0.join("deep/out");
    for kernel in [b"one", b"two"] {
        let manifest = build(&dir, kernel).expect("a folder");
        assert_eq!(Manifest::verify(&dir), Ok(manifest));
        assert_eq!(std::fs::read(dir.join(KERNEL)).expect("it"), kernel);
        assert_eq!(std::fs::read(dir.join("hello")).expect("it"), b"program");
    }
    assert_eq!(place.names(), ["deep"]);
    let Place(above) = &place;
    let beside = std::fs::read_dir(above.join("deep")).expect("it").count();
    assert_eq!(beside, 1, "something unfinished was left");
}

#[test]
fn an_empty_folder_may_become_one() {
    let place = Place::new("empty");
    let dir = place.0.join("out");
    std::fs::create_dir(&dir).expect("a folder");
    build(&dir, b"kernel").expect("it was empty");
    Manifest::verify(&dir).expect("whole");
}

#[test]
fn a_foreign_folder_is_never_emptied() {
    let place = Place::new("foreign");
    let dir = place.0.join("out");
    std::fs::create_dir(&dir).expect("a folder");
    let thesis = dir.join("thesis.txt");
    std::fs::write(&thesis, "years").expect("a file");
    let failure = build(&dir, b"kernel").expect_err("it has no manifest");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.what.contains("has no manifest.json"), "{failure}");

    std::fs::remove_file(&thesis).expect("ours");
    build(&dir, b"kernel").expect("it is empty now");
    std::fs::write(&thesis, "years").expect("a file");
    let failure = build(&dir, b"kernel").expect_err("one file more than ours");
    assert!(
        failure.what.contains("also holds `thesis.txt`"),
        "{failure}"
    );
    assert_eq!(std::fs::read(&thesis).expect("still there"), b"years");

    std::fs::write(dir.join(MANIFEST), "{}").expect("a file");
    let failure = build(&dir, b"kernel").expect_err("that is no manifest of ours");
    assert!(failure.what.contains("is not ours"), "{failure}");
    let failure = build(&thesis, b"kernel").expect_err("a file is no folder");
    assert!(failure.what.contains("not a folder"), "{failure}");
    assert_eq!(place.names(), ["out"], "something unfinished was left");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    // No permission stops root; /proc takes new folders from nobody.
    let failure = build(Path::new("/proc/exov6-out"), b"kernel").expect_err("nothing can be made");
    assert_eq!(failure.exit, Exit::Failed);
    assert!(failure.what.contains("written into /proc: "), "{failure}");
}

#[test]
fn a_damaged_file_is_found() {
    let place = Place::new("damaged");
    let dir = place.0.join("out");
    build(&dir, b"kernel").expect("a folder");
    std::fs::write(dir.join(KERNEL), b"kernal").expect("a file");
    let failure = Manifest::verify(&dir).expect_err("a letter changed");
    assert!(failure.what.contains("kernel.elf has 6 bytes"), "{failure}");
    std::fs::remove_file(dir.join(KERNEL)).expect("it is there");
    let failure = Manifest::verify(&dir).expect_err("it is gone");
    assert!(failure.what.contains("kernel.elf"), "{failure}");
}

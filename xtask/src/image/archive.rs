//! A tar archive of a boot's programs: what the shell starts.
//!
//! Owns its form: names without folders, in the order given, one date, nobody's
//! files. The same programs give the same bytes.

use std::path::{Path, PathBuf};

use super::date::Epoch;
use crate::compile::write_whole;
use crate::failure::{Doing, Failure, Result};

/// Writes the files to `output`.
pub fn write(files: &[PathBuf], epoch: Epoch, output: &Path) -> Result<()> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let bytes = std::fs::read(file).doing(format_args!("reading {}", file.display()))?;
        let name = file
            .file_name()
            .ok_or_else(|| Failure::failed(format!("{} has no name", file.display())))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_mtime(epoch.seconds().into());
        header.set_uid(0);
        header.set_gid(0);
        archive
            .append_data(&mut header, name, bytes.as_slice())
            .doing(format_args!("putting {} into an archive", file.display()))?;
    }
    let bytes = archive.into_inner().doing("ending an archive")?;
    write_whole(output, &bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    #[test]
    fn has_the_files_and_the_same_bytes_again() {
        let folder = std::env::temp_dir().join(format!("exov6-archive-{}", std::process::id()));
        fs::create_dir_all(folder.join("deep")).expect("a folder");
        let files = [folder.join("one"), folder.join("deep/two")];
        fs::write(&files[0], "first").expect("a file");
        fs::write(&files[1], vec![7; 1000]).expect("a file");
        let (output, again) = (folder.join("a.tar"), folder.join("b.tar"));
        let epoch = Epoch::of_seconds(86_400);
        write(&files, epoch, &output).expect("it is written");
        write(&files, epoch, &again).expect("it is written");
        let bytes = fs::read(&output).expect("it is there");
        assert_eq!(bytes, fs::read(&again).expect("it is there"));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().expect("an archive");
        let read: Vec<(String, u64, usize)> = entries
            .map(|entry| {
                let mut entry = entry.expect("an entry");
                let name = entry.path().expect("a name").display().to_string();
                let time = entry.header().mtime().expect("a date");
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).expect("its bytes");
                (name, time, bytes.len())
            })
            .collect();
        let expected = [
            ("one".to_owned(), 86_400, 5),
            ("two".to_owned(), 86_400, 1000),
        ];
        assert_eq!(read, expected);
        fs::remove_dir_all(&folder).expect("it goes");
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let missing = [PathBuf::from("/nowhere/at-all")];
        let error = write(&missing, Epoch::of_seconds(0), Path::new("/tmp/never")).expect_err("no");
        assert!(error.to_string().contains("/nowhere/at-all"), "{error}");
    }
}

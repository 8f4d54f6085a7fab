//! Files that a person writes and that are read whole: settings, policies, keys, passwords, URLs.
//!
//! None of them is ever large, but what is named by mistake may be: a dump, a device without an end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of a file that is read whole.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Reads a file of text.
///
/// # Errors
/// Those of the operating system; `InvalidData` for what is not UTF-8, or has more than [`MAX_BYTES`].
pub fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let invalid = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(format!(
            "it has more than the {MAX_BYTES} bytes that such a file may have"
        )));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_up_to_its_limit_and_refused_beyond() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (bytes, taken) in [(0, true), (MAX_BYTES, true), (MAX_BYTES + 1, false)] {
            File::create(&path).unwrap().set_len(bytes).unwrap();
            let read = read(&path);
            assert_eq!(read.map_or(0, |text| text.len() as u64), if taken { bytes } else { 0 });
        }
        assert!(read(&path).unwrap_err().to_string().contains("more than the 8388608 bytes"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_an_end_is_refused() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert!(error.to_string().contains("more than"), "{error}");
    }
}

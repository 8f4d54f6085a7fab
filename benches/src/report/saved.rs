//! A run in a file, to be compared with a later one.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::report::Row;
use crate::subject::Scale;

/// The version of the file.
const FORMAT: u32 = 1;

/// What was measured, when and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    /// The version of the file.
    argon_bench: u32,
    /// The version of Argon.
    pub version: String,
    /// When it was measured; RFC 3339.
    pub time: String,
    /// The system, the architecture and the processors of the machine.
    pub machine: String,
    /// How much work it was.
    pub scale: Scale,
    /// What came of it.
    pub rows: Vec<Row>,
}

impl Saved {
    /// A run of this program on this machine.
    pub fn new(scale: Scale, time: String, rows: Vec<Row>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        Self {
            argon_bench: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time,
            machine: format!("{system} {architecture}, {processors} processors"),
            scale,
            rows,
        }
    }

    /// Writes it to a file, which is replaced as a whole if it is there.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        replace(path, &text).map_err(|error| format!("can't write {}: {error}", path.display()))?;
        Ok(())
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// If it can't be read, or is something else; they name the file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = fs::read(path).map_err(|error| format!("can't read {name}: {error}"))?;
        let other = |error| format!("{name} is no run that was saved: {error}");
        let saved: Self = serde_json::from_slice(&text).map_err(other)?;
        if saved.argon_bench != FORMAT {
            let found = saved.argon_bench;
            return Err(format!("{name} has format {found}, and {FORMAT} is expected").into());
        }
        Ok(saved)
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ServerName;
    use crate::report::{Bar, Quantity};
    use crate::subject::EngineName;

    #[test]
    fn a_run_comes_back_from_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        let rows = vec![
            Row::new("commit", EngineName::Sled, Quantity::times(2.0))
                .floor(Some(Quantity::times(1.0)))
                .bar(Bar::AtMostFloorTimes(3.0)),
            Row::new("commit", ServerName::S3, Quantity::count(1.0)),
        ];
        let run = Saved::new(Scale::Quick, "2026-01-01T00:00:00Z".into(), rows);
        run.write(&path).unwrap();
        let found = Saved::read(&path).unwrap();
        assert_eq!(serde_json::to_string(&found).unwrap(), serde_json::to_string(&run).unwrap());
    }

    #[test]
    fn what_is_no_run_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("other.json");
        assert!(Saved::read(&path).unwrap_err().to_string().contains("other.json"));
        fs::write(&path, "{}").unwrap();
        assert!(Saved::read(&path).unwrap_err().to_string().contains("other.json is no run"));
    }
}

//! Runs the program on a disk that fails at its n-th change. `disk.c` is that disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Place, Run};

/// How long a command may take that meets a fault. What an engine does has bounds of seconds.
const BOUND: Duration = Duration::from_mins(2);

/// What happens at the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The call fails with an error of the disk; only this one.
    Eio,
    /// It fails as on a full disk, and all after it.
    Full,
    /// It is done by half and fails as on a full disk, and so does all after it that needs more room.
    Filled,
    /// The program is killed before it.
    Kill,
    /// The program is killed in the middle of it.
    Torn,
    /// The program is killed after it.
    KillAfter,
}

impl Mode {
    /// Those that any command may meet.
    pub(super) const ALL: [Self; 5] =
        [Self::Eio, Self::Full, Self::Kill, Self::Torn, Self::KillAfter];

    /// Whether the program lives on.
    pub(super) fn spares(self) -> bool {
        matches!(self, Self::Eio | Self::Full | Self::Filled)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Eio => "eio",
            Self::Full => "enospc",
            Self::Filled => "full",
            Self::Kill => "kill",
            Self::Torn => "torn",
            Self::KillAfter => "killafter",
        }
    }
}

/// What a command came to on a failing disk.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) run: Run,
    /// How many changes it made, and whether it met the fault.
    pub(super) changes: u64,
    pub(super) met: bool,
    /// Whether it did not end.
    pub(super) hung: bool,
}

/// Runs a command whose changes below `directory` are counted, and fail at the `at`-th; 0 for none.
pub(super) fn run(
    place: &Place,
    directory: &Path,
    mode: Mode,
    at: u64,
    arguments: &[&str],
) -> Outcome {
    let report = place.path("report");
    let _ = fs::remove_file(&report);
    let mut command = place.command(arguments);
    command
        .env_remove("RUST_BACKTRACE")
        .env("LD_PRELOAD", library())
        .env("FAULT_DIR", directory)
        .env("FAULT_MODE", mode.name())
        .env("FAULT_AT", at.to_string())
        .env("FAULT_REPORT", &report)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if matches!(mode, Mode::Full | Mode::Filled) {
        command.env("FAULT_STICKY", "1");
    }
    let child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let (done, ended) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let output = child.wait_with_output();
        let _ = done.send(());
        output
    });
    let hung = ended.recv_timeout(BOUND).is_err();
    if hung {
        Command::new("kill").args(["-9", &pid]).status().unwrap();
    }
    let run = waiter.join().unwrap().unwrap().into();
    let numbers = fs::read(&report).unwrap_or_default();
    let number = |at: usize| {
        let bytes = numbers.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        u64::from_le_bytes(bytes.unwrap_or_default())
    };
    Outcome { run, changes: number(0), met: number(8) == 1, hung }
}

/// The disk, compiled once for all tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/faults/disk.c");
        let library = directory.path().join("libdisk.so");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let compiled = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .expect("a C compiler is needed, as it is to build");
        assert!(compiled.success());
        (directory, library)
    });
    path
}

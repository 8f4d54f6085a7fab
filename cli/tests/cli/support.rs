//! A directory with a store in it, and the program.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The engines that are tested.
pub(crate) const ENGINES: [&str; 2] = ["sled", "fjall"];

/// A temporary directory in which `argon` runs.
pub(crate) struct Place {
    directory: TempDir,
    /// Variables of the environment, besides those that every place has.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// What a run of `argon` came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// A directory with a store of this engine and the current project `shop`.
    pub(crate) fn with_project(engine: &str) -> Self {
        let place = Self::empty();
        place.ok(&["init", &format!("{engine}:")]);
        place.ok(&["project", "create", "shop"]);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, and gives its name back.
    pub(crate) fn file<'a>(&self, name: &'a str, content: impl AsRef<[u8]>) -> &'a str {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        name
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_argon"));
        command.current_dir(self.directory.path()).args(arguments);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("ARGON_") || text.starts_with("OTEL_") || text == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.env("ARGON_ACTOR", "tester").stdin(Stdio::null());
        command.env("XDG_CONFIG_HOME", self.path("settings"));
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs with text on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        let writer = std::thread::spawn(move || {
            // A program that does not want all of it closes the pipe.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output.into()
    }

    /// Starts the program, with pipes.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs what must succeed, and gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
        run.stdout
    }

    /// Runs what must end with this code, and gives what it said about it.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:#?}");
        run.stderr
    }

    /// What a completion script is told for the last of these words, without options.
    pub(crate) fn complete(&self, words: &[&str]) -> Vec<String> {
        let mut command = self.command(&[&["--"], words].concat());
        command.env("ARGON_COMPLETE", "fish").env("SHELL", "fish");
        let run = Run::from(command.output().unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        let names = run.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        names.filter(|name| !name.starts_with('-')).collect()
    }

    /// The digests of all collections.
    #[track_caller]
    pub(crate) fn digests(&self, more: &[&str]) -> String {
        self.ok(&[&["collections", "--digest", "-o", "jsonl"], more].concat())
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Asserts that each of these is in the text.
#[track_caller]
pub(crate) fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in:\n{text}");
    }
}

/// The dump with real data that may stand beside the workspace. Without it a test says so and ends;
/// where it must be there, `ARGON_SAMPLE_DUMP=required` makes that a failure.
pub(crate) fn sample_dump() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sample_dump");
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var("ARGON_SAMPLE_DUMP").is_ok_and(|value| value == "required");
    assert!(!required, "{} is not there", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// Answers one request with success and nothing else; gives its head and its body.
pub(crate) fn answer_one(listener: &TcpListener) -> (String, Vec<u8>) {
    answer_with(listener, 200)
}

/// Answers one request with a status and nothing else; gives its head and its body.
pub(crate) fn answer_with(listener: &TcpListener, status: u16) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (mut request, mut part) = (Vec::new(), [0; 8192]);
    loop {
        let count = stream.read(&mut part).unwrap();
        assert!(count > 0, "the request ends too early");
        request.extend_from_slice(&part[..count]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).into_owned();
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = end + 4..end + 4 + length.map_or(0, |length| length.parse().unwrap());
        if request.len() >= body.end {
            let answer =
                format!("HTTP/1.1 {status} \r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            return (head, request[body].to_vec());
        }
    }
}

/// Copies a directory with all in it.
pub(crate) fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy_directory(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Random numbers that a failing test can name the seed of.
pub(crate) struct Random {
    pub(crate) seed: u64,
    state: u64,
}

impl Random {
    /// Seeded by `ARGON_SEED`, or at random.
    pub(crate) fn new() -> Self {
        let given = std::env::var("ARGON_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish()) | 1;
        Self { seed, state: seed }
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*, Vigna 2016.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit
    }
}

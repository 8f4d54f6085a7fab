//! A server process that ends with this one.

use std::fs;
use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::{Unavailable, python};

const SUPERVISOR: &str = include_str!("../python/supervise.py");
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A server gets a minute to answer.
const LOOKS: usize = 3000;

/// A server under its supervisor (`python/supervise.py`), which kills it and removes its directory
/// when this is dropped, or when this process is gone. It may not run at the moment.
pub(crate) struct Process {
    supervisor: Child,
    // None only while it is dropped.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    home: PathBuf,
    pid: u32,
}

impl Process {
    /// The supervisor with its empty directory, and no server yet.
    pub(crate) fn prepare(python: &Path) -> std::result::Result<Self, Unavailable> {
        let mut supervisor = Command::new(python)
            .args(["-c", SUPERVISOR])
            .arg(python::root()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C at the terminal is for this process; the supervisor sees it end.
            .process_group(0)
            .spawn()?;
        let commands = supervisor.stdin.take();
        let answers = supervisor.stdout.take().ok_or_else(gone)?;
        let mut process = Self {
            supervisor,
            commands,
            answers: BufReader::new(answers),
            home: PathBuf::new(),
            pid: 0,
        };
        process.home = PathBuf::from(process.answer()?);
        Ok(process)
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Starts the server on a free port, and returns that when `ready` says that the server with
    /// this process id answers there.
    pub(crate) fn start(
        &mut self,
        command: impl Fn(u16) -> Vec<String>,
        ready: impl Fn(u16, u32) -> bool,
    ) -> std::result::Result<u16, Unavailable> {
        let mut attempts = 0;
        loop {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            attempts += 1;
            match self.start_at(port, &command(port), &ready) {
                Ok(()) => return Ok(port),
                // Another process may have taken the port in between.
                Err(_) if attempts < 5 && self.ask("state")? == "ended" => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The same on a certain port.
    pub(crate) fn start_at(
        &mut self,
        port: u16,
        command: &[String],
        ready: impl Fn(u16, u32) -> bool,
    ) -> std::result::Result<(), Unavailable> {
        let pid = self.ask(&format!("start\t{}", command.join("\t")))?;
        self.pid = pid.parse().map_err(|_| Unavailable::new(pid))?;
        for _ in 0..LOOKS {
            if ready(port, self.pid) {
                return Ok(());
            }
            if self.ask("state")? == "ended" {
                return Err(self.failed("ended"));
            }
            sleep(LOOK_EVERY);
        }
        Err(self.failed("did not answer within a minute"))
    }

    /// One of the supervisor's commands; returns when it was done.
    pub(crate) fn ask(&mut self, command: &str) -> Result<String> {
        let commands = self.commands.as_mut().ok_or_else(gone)?;
        writeln!(commands, "{command}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(gone());
        }
        Ok(line.trim_end().to_owned())
    }

    fn failed(&self, how: &str) -> Unavailable {
        let log = fs::read(self.home.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n");
        Unavailable::new(format!("the server {how}; its last words:\n{last}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.supervisor.wait();
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::BrokenPipe, "the server's supervisor is gone")
}

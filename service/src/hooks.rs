//! Hooks: commands that accept or refuse a result.
//!
//! A hook gets the result as JSON on its standard input, and answers by its exit code: 0 accepts.
//! What it writes to standard output is not read, and the first lines of its standard error are why it
//! refuses. It has no terminal, and nothing secret in its environment.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Stdio;
use std::time::Duration;

use argon_core::checks::Hook;
use argon_core::{Error, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// How much of a hook's standard error is kept.
const KEPT_BYTES: usize = 4096;

/// How many lines of it are shown.
const SHOWN_LINES: usize = 5;

/// Variables that begin so are not handed on: URLs of stores, which may hold passwords, and keys.
const SECRET: [&str; 2] = ["ARGON_STORE", "AWS_"];

/// Runs hooks one after the other, each with `input` on its standard input, until one refuses.
///
/// Dropping the future stops the hook that is running, and all that it started.
///
/// # Errors
/// `Denied` if a hook refuses, by its exit code or by taking too long; `Invalid` for one that can't
/// be started.
pub async fn run(hooks: &[Hook], input: &str) -> Result<()> {
    for hook in hooks {
        run_one(hook, input).await?;
    }
    Ok(())
}

async fn run_one(hook: &Hook, input: &str) -> Result<()> {
    let mut running = Running::start(hook, std::env::vars_os())?;
    let limit = Duration::from_secs(hook.timeout_seconds);
    match tokio::time::timeout(limit, running.converse(input)).await {
        Ok(Ok(Answer::Accepted)) => Ok(()),
        Ok(Ok(Answer::Refused { how, why })) => {
            let name = name(hook);
            Err(Error::denied(match why.as_str() {
                "" => format!("hook '{name}' refuses ({how}), and does not say why"),
                why => format!("hook '{name}' refuses ({how}): {why}"),
            }))
        }
        Ok(Err(source)) => {
            Err(Error::unavailable(format!("hook '{}' can't be talked to", name(hook)))
                .with_source(source))
        }
        Err(_) => Err(Error::denied(format!(
            "hook '{}' took longer than {} seconds and was stopped; \
             raise its timeout_seconds if it needs more",
            name(hook),
            hook.timeout_seconds
        ))),
    }
}

/// What a hook is called in messages.
fn name(hook: &Hook) -> &str {
    let program = || hook.command.first().map(String::as_str);
    hook.name.as_deref().or_else(program).unwrap_or("without a command")
}

/// A hook's name and command, as a person reads it.
pub fn shown(hook: &Hook) -> String {
    let command: Vec<String> = hook.command.iter().map(|part| format!("{part:?}")).collect();
    match &hook.name {
        Some(name) => format!("{name}: {}", command.join(" ")),
        None => command.join(" "),
    }
}

fn is_secret(variable: &OsStr) -> bool {
    let variable = variable.to_string_lossy();
    SECRET.iter().any(|prefix| variable.starts_with(prefix))
}

enum Answer {
    Accepted,
    Refused { how: String, why: String },
}

/// A hook's process, which leads a group of its own. When it is dropped before its end is known, the
/// group is killed.
struct Running {
    child: Child,
    group: Option<rustix::process::Pid>,
}

impl Running {
    /// Starts a hook with what is not secret of this environment.
    fn start(hook: &Hook, environment: impl Iterator<Item = (OsString, OsString)>) -> Result<Self> {
        let Some((program, arguments)) = hook.command.split_first() else {
            return Err(Error::invalid(format!("hook '{}': its command is empty", name(hook))));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().envs(environment.filter(|(variable, _)| !is_secret(variable)));
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(|source| {
            Error::invalid(format!(
                "hook '{}': its command {program} can't be started; \
                 check that it is there and may be run",
                name(hook)
            ))
            .with_source(source)
        })?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Self { child, group: id.and_then(rustix::process::Pid::from_raw) })
    }

    /// Writes the input while reading what the hook writes, so that neither waits for the other.
    async fn converse(&mut self, input: &str) -> io::Result<Answer> {
        let child = &mut self.child;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            let Some(mut stdin) = stdin else { return Ok(()) };
            match stdin.write_all(input.as_bytes()).await {
                // A hook need not read its input.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            }
        };
        let ((), _, why, status) =
            tokio::try_join!(write, beginning(stdout), beginning(stderr), child.wait())?;
        self.group = None;
        Ok(if status.success() {
            Answer::Accepted
        } else {
            Answer::Refused { how: status.to_string(), why: first_lines(&why) }
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // A group that is gone meanwhile needs no killing.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end, and keeps the beginning.
async fn beginning(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let Some(mut pipe) = pipe else { return Ok(Vec::new()) };
    let (mut kept, mut buffer) = (Vec::new(), [0; KEPT_BYTES]);
    loop {
        let read = pipe.read(&mut buffer).await?;
        if read == 0 {
            return Ok(kept);
        }
        let room = KEPT_BYTES - kept.len();
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
}

/// The first lines of a text, on one line and without control characters.
fn first_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(SHOWN_LINES)
        .map(|line| line.replace(char::is_control, " "))
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use argon_core::ErrorKind;
    use tempfile::TempDir;

    use super::*;

    fn hook(command: &[&str]) -> Hook {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        Hook { name: None, command, timeout_seconds: 30 }
    }

    fn shell(script: &str) -> Hook {
        Hook { name: Some("check".to_owned()), ..hook(&["sh", "-c", script]) }
    }

    #[tokio::test]
    async fn a_hook_gets_the_input_and_accepts_by_ending_well() {
        run(&[shell(r#"test "$(cat)" = '{"a":1}'"#)], r#"{"a":1}"#).await.unwrap();
    }

    #[tokio::test]
    async fn a_hook_that_ends_badly_refuses_with_its_first_lines() {
        let script = "echo to nobody; printf 'one\\n\\n  two\\033[1m\\n' >&2; seq 9 >&2; exit 3";
        let error = run(&[shell(script)], "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(
            error.to_string(),
            "hook 'check' refuses (exit status: 3): one; two [1m; 1; 2; 3"
        );
    }

    #[tokio::test]
    async fn a_hook_that_says_much_is_cut_off() {
        let error = run(&[shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1")], "").await;
        assert!(error.unwrap_err().to_string().len() < KEPT_BYTES + 100);
    }

    #[tokio::test]
    async fn the_first_that_refuses_ends_it() {
        let directory = TempDir::new().unwrap();
        let ran = directory.path().join("ran");
        let hooks = [hook(&["true"]), hook(&["false"]), hook(&["touch", ran.to_str().unwrap()])];
        let error = run(&hooks, "").await.unwrap_err();
        assert!(error.to_string().contains("'false' refuses"), "{error}");
        assert!(!ran.exists());
    }

    #[tokio::test]
    async fn much_input_and_much_output_at_once_do_not_block() {
        let input = "x".repeat(8 << 20);
        run(&[shell("tee /dev/stderr")], &input).await.unwrap();
        run(&[shell("head -c 8000000 /dev/zero; head -c 8000000 /dev/zero >&2; cat")], &input)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_hook_need_not_read_its_input() {
        run(&[hook(&["true"]), shell("exec <&-; exit 0")], &"x".repeat(8 << 20)).await.unwrap();
    }

    #[tokio::test]
    async fn a_command_that_can_not_be_started_is_named() {
        for command in [vec!["/no/such/program"], vec!["/etc/passwd"], vec![]] {
            let error = run(&[hook(&command)], "").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let named = command.first().copied().unwrap_or("is empty");
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[tokio::test]
    async fn no_shell_reads_the_command() {
        run(&[hook(&["test", "$HOME; false", "=", "$HOME; false"])], "").await.unwrap();
    }

    #[tokio::test]
    async fn nothing_secret_is_handed_on() {
        let variables = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("ARGON_STORE_PASSWORD", "secret".to_owned()),
            ("ARGON_STORE_PASSWORD_FILE", "/secret".to_owned()),
            ("ARGON_STORE", "mongodb://user:secret@host/db".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("OTHER", "handed on".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let script = "test \"$OTHER\" = 'handed on' && ! env | grep -qE 'AWS|ARGON|secret'";
        let mut running = Running::start(&shell(script), variables.into_iter()).unwrap();
        assert!(matches!(running.converse("").await.unwrap(), Answer::Accepted));
    }

    /// A hook that starts a process which would live on, and writes its number to a file.
    fn lingering(file: &Path) -> Hook {
        shell(&format!("sleep 300 & echo $! > {0}.part; mv {0}.part {0}; wait", file.display()))
    }

    /// Waits for the number in a file.
    async fn process_in(file: &Path) -> rustix::process::Pid {
        for _ in 0..1000 {
            if let Ok(text) = std::fs::read_to_string(file) {
                return rustix::process::Pid::from_raw(text.trim().parse().unwrap()).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the hook did not start");
    }

    /// Whether a process ends soon; one that is dead and that nobody has waited for counts.
    async fn ends(process: rustix::process::Pid) -> bool {
        for _ in 0..500 {
            let stat = format!("/proc/{}/stat", process.as_raw_nonzero());
            match std::fs::read_to_string(stat) {
                Ok(stat) if !stat.contains(") Z ") => {}
                _ => return true,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn a_hook_that_takes_too_long_is_stopped_with_all_that_it_started() {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("process");
        let hook = Hook { timeout_seconds: 1, ..lingering(&file) };
        let error = run(&[hook], "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("took longer than 1 seconds"), "{error}");
        assert!(ends(process_in(&file).await).await);
    }

    #[tokio::test]
    async fn an_interrupted_run_leaves_no_process_behind() {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("process");
        let hook = lingering(&file);
        let running = tokio::spawn(async move { run(&[hook], "").await });
        let process = process_in(&file).await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        assert!(ends(process).await);
    }
}

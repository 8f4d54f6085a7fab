//! Python environments under the target directory: made once, by whoever comes first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Unavailable;

/// Exits well only if it can make environments that hold the pinned packages.
const PROBE: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

/// Where the environments are, and the directories that servers run in.
pub(crate) fn root() -> Result<PathBuf, Unavailable> {
    let target = target_directory();
    let root = target.join("test-servers");
    fs::create_dir_all(&root)?;
    Ok(root)
}

/// Cargo marks its target directory by this file; a test binary is somewhere below.
fn target_directory() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|exe| {
            exe.ancestors()
                .find(|ancestor| ancestor.join("CACHEDIR.TAG").exists())
                .map(Path::to_path_buf)
        })
        .or_else(|| std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

/// The environment `name` with exactly `requirements`, which is the text of a pip requirements file
/// that pins all; `what` names its purpose. Its interpreter is `bin/python`. One process at a time makes it; one
/// that was not made to its end is made again.
///
/// # Errors
/// [`Unavailable`] without a fit Python, and without the registry of packages.
pub fn environment(name: &str, what: &str, requirements: &str) -> Result<PathBuf, Unavailable> {
    let root = root()?;
    let lock = File::create(root.join(format!("{name}.lock")))?;
    lock.lock()?;
    let environment = root.join(name);
    // Holds the requirements that were installed; written last.
    let stamp = environment.join("stamp");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(environment);
    }
    let python = python()?;
    eprintln!("installing {what} for the tests, once, into {}", environment.display());
    if environment.exists() {
        fs::remove_dir_all(&environment)?;
    }
    run(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
    let list = environment.join("requirements.txt");
    fs::write(&list, requirements)?;
    run(Command::new(environment.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&list))?;
    fs::write(stamp, requirements)?;
    Ok(environment)
}

/// A `python3` that is fit; on Debian, root installs it.
pub(crate) fn python() -> Result<&'static str, Unavailable> {
    const PACKAGES: &str = "python3 python3-venv";
    let fit = || run(Command::new("python3").args(["-c", PROBE])).is_ok();
    if fit() {
        return Ok("python3");
    }
    let install =
        format!("apt-get update -qq && apt-get install -y -qq --no-install-recommends {PACKAGES}");
    let debian = Path::new("/etc/debian_version").exists();
    if debian && is_root() {
        eprintln!("installing {PACKAGES} for the tests, once: {install}");
        run(Command::new("sh").args(["-c", &install]).env("DEBIAN_FRONTEND", "noninteractive"))?;
        if fit() {
            return Ok("python3");
        }
    }
    Err(Unavailable::new(if debian {
        format!("it needs python3, 3.11 or newer, with venv; as root, run: {install}")
    } else {
        "it needs python3, 3.11 or newer, with its modules venv and ensurepip; install it".into()
    }))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<(), Unavailable> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Unavailable::new(format!("can't run {program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Unavailable::new(format!("{program} ended with {}: {}", output.status, errors.trim())))
}

//! The tests of the Python package, which cargo runs with all others: pytest, mypy and ruff in an
//! environment of their own, on the native module that cargo has just built.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use argon_test_servers::{python_environment, server_or_skip};

const REQUIREMENTS: &str = include_str!("requirements.txt");
const PROJECT: &str = include_str!("../pyproject.toml");
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_tests_and_checks_of_the_package_pass() {
    let environment = python_environment("python", "the tools of the Python package", REQUIREMENTS);
    let Some(environment) = server_or_skip("the tests of the Python package", environment) else {
        return;
    };
    let stage = stage(&environment.join("stage"));
    let checks = Checks { environment, stage };
    checks.run("ruff", &["check", "--no-cache", PACKAGE]);
    checks.run("ruff", &["format", "--check", "--no-cache", PACKAGE]);
    let cache = checks.environment.join("mypy-cache");
    let config = Path::new(PACKAGE).join("pyproject.toml");
    checks.run(
        "mypy",
        &["--cache-dir", text(&cache), "--config-file", text(&config), "-p", "argondb"],
    );
    let tests = Path::new(PACKAGE).join("tests");
    let options = ["-p", "no:cacheprovider", "-q", "--doctest-modules", "--doctest-glob=*.md"];
    let package = checks.stage.join("argondb");
    let guide = Path::new(PACKAGE).join("../docs/PYTHON.md");
    let readme = Path::new(PACKAGE).join("README.md");
    let paths = [text(&tests), text(&package), text(&guide), text(&readme)];
    checks.run("pytest", &[&options[..], &paths].concat());
}

struct Checks {
    environment: PathBuf,
    /// Where Python finds the package.
    stage: PathBuf,
}

impl Checks {
    #[track_caller]
    fn run(&self, tool: &str, arguments: &[&str]) {
        let mut command = Command::new(self.environment.join("bin/python"));
        command.args(["-m", tool]).args(arguments).current_dir(&self.stage);
        command.env("PYTHONPATH", &self.stage).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("MYPYPATH", &self.stage);
        command.env("ARGON", argon());
        // What a person has set up for themselves does not count here.
        for variable in ["ARGON_STORE", "ARGON_STORE_FILE", "ARGON_PROJECT", "ARGON_BRANCH"] {
            command.env_remove(variable);
        }
        command.env("XDG_CONFIG_HOME", self.stage.join("config"));
        command.env("IPYTHONDIR", self.stage.join("ipython"));
        command.env("JUPYTER_RUNTIME_DIR", self.stage.join("jupyter"));
        let output = command.output().unwrap();
        let (printed, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{tool} failed:\n{printed}\n{errors}");
    }
}

/// Puts the package together: its sources, the native module under the name by which Python loads it, and the
/// entry points that an installed package has.
fn stage(stage: &Path) -> PathBuf {
    let package = stage.join("argondb");
    if stage.exists() {
        fs::remove_dir_all(stage).unwrap();
    }
    copy(&Path::new(PACKAGE).join("argondb"), &package);
    fs::copy(native_module(), package.join("_argondb.abi3.so")).unwrap();
    describe(stage);
    stage.to_path_buf()
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), target).unwrap();
        } else if entry.file_name() != "__pycache__" {
            copy(&entry.path(), &target);
        }
    }
}

/// Writes what an installed package says of itself, so that others find it by its entry points.
fn describe(stage: &Path) {
    let mut versions = PROJECT.lines().filter_map(|line| line.strip_prefix("version = "));
    let version = versions.next().unwrap().trim_matches('"');
    let installed = stage.join(format!("argondb-{version}.dist-info"));
    fs::create_dir(&installed).unwrap();
    let metadata = format!("Metadata-Version: 2.1\nName: argondb\nVersion: {version}\n");
    fs::write(installed.join("METADATA"), metadata).unwrap();
    fs::write(installed.join("entry_points.txt"), entry_points()).unwrap();
}

/// The entry points of pyproject.toml.
fn entry_points() -> String {
    let mut found = String::new();
    let mut is_inside = false;
    for line in PROJECT.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let group = match table {
                "project.scripts]" => Some("console_scripts"),
                _ => table
                    .strip_prefix("project.entry-points.\"")
                    .and_then(|group| group.strip_suffix("\"]")),
            };
            is_inside = group.is_some();
            found.extend(group.map(|group| format!("[{group}]\n")));
        } else if is_inside {
            found.extend([line.replace('"', ""), "\n".to_owned()]);
        }
    }
    found
}

/// The library that cargo has built beside this test.
fn native_module() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = test.parent().unwrap();
    let name = format!("{}_argondb{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let found = [built.join(&name), built.parent().unwrap().join(&name)].into_iter();
    let newest = found.filter(|path| path.exists()).max_by_key(|path| {
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
        modified.unwrap()
    });
    newest.unwrap_or_else(|| panic!("cargo has not built {name} in {}", built.display()))
}

/// The command `argon` of the same profile, which cargo builds now if it does not exist.
fn argon() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let argon = profile.join(format!("argon{}", env::consts::EXE_SUFFIX));
    if !argon.exists() {
        let name = profile.file_name().unwrap().to_str().unwrap();
        let name = if name == "debug" { "dev" } else { name };
        let target = profile.parent().unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "-p", "argon-cli", "--bin", "argon", "--profile", name])
            .arg("--target-dir")
            .arg(target)
            .current_dir(PACKAGE)
            .status();
        assert!(built.unwrap().success(), "cargo can't build argon");
    }
    argon
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

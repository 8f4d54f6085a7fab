//! Stores on a network, through the real program: MongoDB and S3 as `argon-test-servers` starts
//! them. Without its server a test says so; under `CI=true` it fails.

mod doctor;
mod gone;
mod passwords;
mod servers;

use crate::support::{Place, Run, has};
use servers::remotes;

const USERS: &str = r#"{"_id":1,"name":"Ada","tags":["maths"]}
{"_id":2,"name":"Grace","tags":["navy","compilers"]}
{"_id":3,"name":"Joan","city":"Oxford"}
"#;

/// The main job, as the README has it: gives all that it printed on stdout.
fn main_job(place: &Place) -> String {
    place.file("users.jsonl", USERS);
    place.file("prices.csv", "_id,price\na,1.5\nb,2\n");
    let mut printed = String::new();
    for command in [
        "project create shop",
        "import users.jsonl",
        "import prices.csv -m prices",
        "branch create try",
        "switch try",
        "put -c users {\"_id\":3,\"name\":\"Joan\",\"city\":\"Cambridge\"}",
        "put -c users {\"_id\":4}",
        "delete -c users --id 1",
        "collections rename prices costs",
        "diff main try",
        "count",
        "find -c users",
        "get -c users 1 --at main",
        "history -c users 3 -o jsonl",
        "restore preview ~2",
        "restore reset ~1 --yes",
        "snapshot create",
        "collections --digest -o jsonl",
        "collections --digest -o jsonl -b main",
        "export copy --at main",
        "compact",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let said = place.ok(&arguments);
        // Times differ from run to run.
        let stable = !command.starts_with("history") && !command.starts_with("restore");
        printed += &format!("$ {command}\n{}", if stable { said } else { String::new() });
    }
    has(&place.ok(&["fsck"]), &["no problems"]);
    printed
}

#[test]
fn the_main_job_comes_to_the_same_as_in_a_directory() {
    let local = Place::empty();
    local.ok(&["init"]);
    let expected = main_job(&local);
    for remote in remotes("the main job on a network") {
        let place = remote.place();
        let made = place.run(&["init", &remote.url("main_job")]);
        assert_eq!(made.code, Some(0), "{}: {made:?}", remote.name);
        has(&made.stderr, &["made a", &format!(" {} store", remote.name), ".argon/url names it"]);
        assert_eq!(main_job(&place), expected, "{}", remote.name);
        // What was exported is what another store takes.
        let again = Place::with_project("sled");
        again.ok(&["import", &place.path("copy").display().to_string()]);
        assert_eq!(again.digests(&[]), local.digests(&["-b", "main"]), "{}", remote.name);
    }
}

/// The commands that the README shows for a store of this scheme.
fn shown_in_readme(scheme: &str) -> Vec<String> {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let section = readme.split("\n## MongoDB and S3\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let block = section.split("```").find(|block| block.contains(&format!("'{scheme}://")));
    let commands = block.unwrap().lines().filter(|line| line.starts_with("argon "));
    commands.map(str::to_owned).collect()
}

#[test]
fn the_commands_of_the_readme_work() {
    for remote in remotes("the README's commands for a network") {
        let place = remote.place();
        place.file("dump/shop/users.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
        let commands = shown_in_readme(remote.name);
        assert!(commands.len() >= 3, "{commands:?}");
        for command in commands {
            let (before, rest) = command.split_once('\'').unwrap_or((&command, ""));
            let after = rest.split_once('\'').map_or("", |(_, after)| after);
            let url = remote.url("readme");
            let words = before.split_whitespace().skip(1);
            let words = words.chain((!rest.is_empty()).then_some(url.as_str()));
            let after = after.split_whitespace().take_while(|word| *word != "#");
            let arguments: Vec<&str> = words.take_while(|word| *word != "#").chain(after).collect();
            let elsewhere = remote.place();
            let at = if arguments.contains(&"--existing") { &elsewhere } else { &place };
            at.ok(&arguments);
        }
        assert_eq!(place.ok(&["count", "-c", "users"]), "1\n");
    }
}

#[test]
fn a_directory_remembers_store_project_and_branch() {
    for remote in remotes("remembering a store") {
        let (place, url) = (remote.place(), remote.url("remembered"));
        place.fails(3, &["init", &url, "--existing"]);
        assert!(!place.path(".argon").exists());
        place.ok(&["init", &url]);
        has(&place.fails(4, &["init", &url]), &["argon init URL --existing"]);
        has(&place.fails(4, &["init"]), &["names a store already", "remove .argon"]);
        place.ok(&["project", "create", "shop"]);
        place.ok(&["branch", "create", "try"]);
        place.ok(&["switch", "try"]);
        let status = place.ok(&["status"]);
        has(&status, &["named by     .argon/url", "by many processes", "branch       try"]);

        // The same store by its URL, from within and from elsewhere.
        has(&place.ok(&["status", "--store", &url]), &["branch       try"]);
        let other = remote.place();
        let named = |arguments: &[&str]| {
            Run::from(other.command(arguments).env("ARGON_STORE", &url).output().unwrap())
        };
        has(&named(&["status"]).stdout, &["project      shop"]);
        assert_eq!(named(&["use", "shop"]).code, Some(0));
        has(&named(&["status"]).stdout, &["named by     ARGON_STORE", "branch       main"]);
        assert!(!other.path(".argon").exists());
        assert_eq!(std::fs::read_dir(other.path("settings/argon/stores")).unwrap().count(), 1);

        // A second directory has its own current branch.
        let second = remote.place();
        has(&second.run(&["init", &url, "--existing"]).stderr, &["found a", ".argon/url names it"]);
        second.ok(&["use", "shop"]);
        has(&second.ok(&["status"]), &["branch       main"]);
        has(&place.ok(&["status"]), &["branch       try"]);
    }
}

#[test]
fn the_statistics_count_what_goes_over_the_network() {
    for remote in remotes("counting requests") {
        let place = remote.place();
        place.ok(&["init", &remote.url("counted")]);
        let run = place.run(&["project", "create", "shop", "--stats"]);
        let line = run.stderr.lines().last().unwrap_or_default();
        has(line, &["stats: 0.", " requests (0 repeated), ", " sent, ", " received"]);
        let status = place.ok(&["status", "-o", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status["shared"], true);
        assert!(status["traffic"]["requests"].as_u64().unwrap() > 0, "{status}");
        assert!(!status["location"].as_str().unwrap().is_empty(), "{status}");
    }
    let place = Place::with_project("sled");
    let run = place.run(&["status", "--stats"]);
    assert!(run.stderr.starts_with("stats: 0.") && run.stderr.ends_with(" s\n"), "{run:?}");
    has(&place.ok(&["status", "-o", "jsonl"]), &[r#""shared":false"#, r#""traffic":null"#]);
}

#[test]
fn a_command_waits_for_the_snapshot_that_it_brought_about() {
    for remote in remotes("snapshots").iter().filter(|remote| remote.name == "s3") {
        let place = remote.place();
        place.ok(&["init", &format!("{}&snapshot_commits=10", remote.url("snapshots"))]);
        place.ok(&["project", "create", "shop"]);
        let lines: String = (0..12).map(|id| format!("{{\"_id\":{id}}}\n")).collect();
        place.file("lines.jsonl", lines);
        place.ok(&["import", "lines.jsonl", "--batch", "1"]);
        assert_eq!(place.ok(&["snapshot", "list", "-o", "jsonl"]).lines().count(), 1);
    }
}

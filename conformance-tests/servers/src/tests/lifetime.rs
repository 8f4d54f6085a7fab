//! That no server outlives the process that started it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{park, sleep};
use std::time::Duration;

use crate::{MongoServer, S3Server, server_or_skip};

/// Set for the process that a test starts only to kill it.
const VICTIM: &str = "ARGON_TEST_SERVERS_VICTIM";

fn runs(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn ended_within_seconds(pid: u32) -> bool {
    (0..500).any(|_| {
        sleep(Duration::from_millis(10));
        !runs(pid)
    })
}

#[test]
fn a_server_ends_when_it_is_dropped() {
    let Some(server) = server_or_skip("tests of S3", S3Server::start()) else { return };
    let pid = server.pid();
    assert!(runs(pid));
    server.pause().unwrap();
    drop(server);
    assert!(!runs(pid));
}

#[test]
fn a_server_ends_and_its_data_goes_when_its_process_is_killed() {
    let Some(server) = server_or_skip("tests of MongoDB", MongoServer::start()) else { return };
    if std::env::var_os(VICTIM).is_some() {
        println!("\nserver {} in {}", server.pid(), server.home().display());
        loop {
            park();
        }
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("tests::lifetime::a_server_ends_and_its_data_goes_when_its_process_is_killed")
        .env(VICTIM, "")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("server ")).unwrap();
    let words: Vec<_> = line.split(' ').collect();
    let (pid, home) = (words[1].parse().unwrap(), Path::new(words[3]));
    assert!(runs(pid) && home.join("data").exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(ended_within_seconds(pid));
    // The supervisor removes it after the server has ended.
    assert!((0..500).any(|_| {
        sleep(Duration::from_millis(10));
        !home.exists()
    }));
}

//! Counting what commands do, across processes.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::support::{ENGINES, Place, has};

fn put(place: &Place, id: u32) {
    let run = place.run_with(&["put", "-c", "users"], format!("{{\"_id\":{id}}}"));
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// The sample of this name in the text format of Prometheus.
fn sample(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse().unwrap()
}

#[test]
fn the_counts_of_processes_add_up() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        for id in 1..=3 {
            put(&place, id);
        }
        let text = place.ok(&["metrics", "--prometheus"]);
        assert!((sample(&text, "argon_append_total") - 3.0).abs() < 0.1, "{engine}: {text}");
        has(&place.ok(&["metrics"]), &["METRIC", "P99", "append", "group_size", "refs"]);
        has(
            &place.ok(&["metrics", "-o", "json"]),
            &["\"metric\":\"append\",\"command\":null,\"unit\":\"ns\",\"count\":3"],
        );
        has(&place.ok(&["fsck"]), &["no problems"]);
    }
}

#[test]
fn many_processes_are_absorbed_into_one_record_and_counted_once() {
    let place = Place::with_project("fjall");
    for id in 1..=40 {
        put(&place, id);
    }
    for _ in 0..2 {
        let text = place.ok(&["metrics", "--prometheus"]);
        assert!((sample(&text, "argon_append_total") - 40.0).abs() < 0.1, "{text}");
    }
}

#[test]
fn looks_are_counted_and_do_not_change_the_store() {
    let place = Place::empty();
    place.ok(&["init", "legacy+file:v2"]);
    place.ok(&["project", "create", "shop"]);
    put(&place, 1);
    place.ok(&["flush"]);
    place.ok(&["get", "-c", "users", "1"]);
    let counted = |name: &str| sample(&place.ok(&["metrics", "--prometheus"]), name);
    let before = counted("argon_read_total");
    let size = place.ok(&["status", "-o", "json"]);
    for _ in 0..3 {
        place.ok(&["get", "-c", "users", "1"]);
        place.ok(&["find", "-c", "users"]);
    }
    assert_eq!(place.ok(&["status", "-o", "json"]), size, "looking writes nothing");
    assert!(counted("argon_read_total") >= before + 3.0);
    assert!(counted("argon_materialize_total") >= 3.0);
    // What was counted goes to the store with the next write, and is counted once.
    let reads = counted("argon_read_total");
    put(&place, 2);
    std::fs::remove_dir_all(place.path("state")).unwrap();
    assert!(counted("argon_read_total") >= reads);
    assert!(counted("argon_read_total") < 2.0 * reads);
}

#[test]
fn what_is_waiting_is_shown_with_what_was_done() {
    let place = Place::empty();
    place.ok(&["init", "legacy+file:v2?batch_changes=1"]);
    place.ok(&["project", "create", "shop"]);
    put(&place, 1);
    place.ok(&["flush"]);
    has(&place.ok(&["metrics"]), &["\njob ", "\nsync ", "\nbacklog_waiting ", "\nbacklog_dead "]);
    let text = place.ok(&["metrics", "--prometheus"]);
    assert!(sample(&text, "argon_sync_seconds_count") >= 1.0, "{text}");
    assert!(sample(&text, "argon_backlog_dead") < 0.1, "{text}");
    let other = Place::with_project("fjall").ok(&["metrics", "--prometheus"]);
    assert!(!other.contains("backlog"), "a store without a queue owes nothing: {other}");
}

#[test]
fn a_command_that_goes_on_is_counted_before_its_end() {
    let place = Place::with_project("fjall");
    // Counts are kept every ten seconds; a busy machine may take longer to begin.
    for seconds in [12, 30, 60] {
        let mut import = place.start(&["import", "-c", "users", "--batch", "1", "-"]);
        let input = import.stdin.as_mut().unwrap();
        for id in 0..5 {
            writeln!(input, "{{\"_id\":\"{seconds}/{id}\"}}").unwrap();
        }
        input.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_secs(seconds));
        import.kill().unwrap();
        import.wait().unwrap();
        if place.ok(&["metrics", "--prometheus"]).contains("argon_append_total ") {
            return;
        }
    }
    panic!("{}", place.ok(&["metrics"]));
}

#[test]
fn the_live_view_is_printed_where_there_is_no_terminal_to_draw_on() {
    let place = Place::with_project("sled");
    put(&place, 1);
    let frame = place.ok(&["top", "--once"]);
    has(&frame, &["argon top sled:.argon", "append", "Branches by activity: 1", "shop/main"]);
    assert!(!frame.contains('\x1b'), "{frame}");
    let error = place.fails(9, &["top"]);
    has(&error, &["no terminal", "`argon top --once`"]);
    assert!(!error.contains('\x1b'), "{error}");
}

#[test]
fn nothing_is_kept_when_the_settings_say_so() {
    let mut place = Place::empty();
    place.variables.push(("ARGON_METRICS", "false".to_owned()));
    place.ok(&["init", "fjall:"]);
    place.ok(&["project", "create", "shop"]);
    put(&place, 1);
    assert_eq!(place.ok(&["metrics", "--prometheus"]).trim(), "");
}

#[test]
fn every_line_of_the_prometheus_format_is_a_comment_or_a_sample_and_buckets_grow() {
    let place = Place::with_project("fjall");
    put(&place, 1);
    let text = place.ok(&["metrics", "--prometheus"]);
    let mut last = 0.0;
    for line in text.lines().filter(|line| !line.starts_with("# TYPE ")) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("argon_"), "{line}");
        let value: f64 = value.parse().unwrap();
        if name.starts_with("argon_append_seconds_bucket") {
            assert!(value >= last, "{line}");
            last = value;
        }
    }
    assert!((sample(&text, "argon_append_seconds_count") - last).abs() < 0.1, "{text}");
}

/// What a server answers to a request for a path.
fn get(address: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn metrics_are_served_and_a_store_that_is_away_is_told_with_the_last_values() {
    let place = Place::with_project("fjall");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    let mut server = place.start(&["serve-metrics", "--listen", "127.0.0.1:0"]);
    let mut line = String::new();
    BufReader::new(server.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split(['/', ' ']).find(|part| part.starts_with("127.0.0.1:")).unwrap();
    let answer = get(address, "/metrics");
    has(&answer, &["200 OK", "version=0.0.4", "argon_up 1", "argon_append_total 1"]);
    // Between two requests the store is free.
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#]);
    has(&get(address, "/metrics"), &["argon_up 1", "argon_append_total 2"]);
    std::fs::rename(place.path(".argon"), place.path("away")).unwrap();
    has(&get(address, "/metrics"), &["argon_up 0", "argon_append_total 2"]);
    has(&get(address, "/else"), &["404", "/metrics"]);
    server.kill().unwrap();
    server.wait().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    has(&place.fails(6, &["serve-metrics", "--listen", &address]), &["can't listen at", &address]);
}

#[test]
fn a_slow_client_keeps_nobody_else_from_the_metrics() {
    let place = Place::with_project("fjall");
    let mut server = place.start(&["serve-metrics", "--listen", "127.0.0.1:0"]);
    let mut line = String::new();
    BufReader::new(server.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split(['/', ' ']).find(|part| part.starts_with("127.0.0.1:")).unwrap();
    let slow: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    has(&get(address, "/metrics"), &["200 OK", "argon_up 1"]);
    // The server has given up none of the silent clients, so nobody waited for that.
    for mut silent in slow {
        silent.set_nonblocking(true).unwrap();
        let error = silent.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

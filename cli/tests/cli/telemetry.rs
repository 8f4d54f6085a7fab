//! Traces for OpenTelemetry, as a collector gets them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::support::{Place, has};

/// A place whose spans go to this address.
fn place(endpoint: &str) -> Place {
    let mut place = Place::with_project("fjall");
    place.variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned()));
    place
}

/// Reads a request, and gives its first line and its body.
fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (mut all, mut part) = (Vec::new(), [0; 8192]);
    loop {
        let count = stream.read(&mut part).unwrap();
        all.extend_from_slice(&part[..count]);
        let Some(end) = all.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if all.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return (head.lines().next().unwrap().to_owned(), all[end + 4..].to_vec());
        }
    }
}

#[test]
fn a_command_is_a_trace_without_documents_or_secrets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let place = place(&format!("http://ada:s3cret@{address}"));
    let collector = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = request(&mut stream);
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    let run = place.run(&["put", "-c", "users", r#"{"_id":1,"name":"confidential"}"#]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.stderr.contains("note:"), "{run:?}");
    let (line, body) = collector.join().unwrap();
    has(&line, &["POST ", "/v1/traces"]);
    // Names are text in protobuf, as they are.
    let text = String::from_utf8_lossy(&body);
    has(&text, &["argon", "put", "open_store", "commit", "service.version"]);
    assert!(!text.contains("confidential") && !text.contains("s3cret"), "{text}");
}

#[test]
fn a_collector_that_is_away_or_silent_costs_a_note_and_neither_the_command_nor_its_end() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [away, silent.local_addr().unwrap()] {
        let place = place(&format!("http://ada:s3cret@{address}"));
        let run = place.run(&["put", "-c", "users", r#"{"_id":1}"#]);
        assert_eq!(run.code, Some(0), "{run:?}");
        has(&run.stderr, &["note: ", "spans were not exported", "OTEL_SDK_DISABLED=true"]);
        assert!(!run.stderr.contains("s3cret"), "{run:?}");
    }
}

#[test]
fn nothing_is_exported_unless_a_collector_is_named() {
    let mut place = place("http://127.0.0.1:9");
    place.variables.push(("OTEL_SDK_DISABLED", "true".to_owned()));
    let run = place.run(&["status"]);
    assert!(run.code == Some(0) && run.stderr.is_empty(), "{run:?}");
    place.variables.pop();
    place.variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "no URL".to_owned()));
    has(&place.fails(2, &["status"]), &["OTEL_EXPORTER_OTLP_ENDPOINT"]);
}

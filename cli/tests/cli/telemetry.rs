//! Traces for OpenTelemetry, as a collector gets them.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::{Place, answer_one, answer_with, has};

/// A place whose spans go to this address.
fn place(endpoint: &str) -> Place {
    let mut place = Place::with_project("fjall");
    place.variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned()));
    place
}

#[test]
fn a_command_is_a_trace_without_documents_or_secrets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let place = place(&format!("http://ada:s3cret@{address}"));
    let collector = std::thread::spawn(move || answer_one(&listener));
    let run = place.run(&["put", "-c", "users", r#"{"_id":1,"name":"confidential"}"#]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.stderr.contains("note:"), "{run:?}");
    let (head, body) = collector.join().unwrap();
    has(&head, &["POST ", "/v1/traces"]);
    // Names are text in protobuf, as they are.
    let text = String::from_utf8_lossy(&body);
    has(&text, &["argon", "put", "open_store", "commit", "append", "service.version"]);
    // A span begins with its trace, of 16 bytes, and its own name, of 8.
    let spans = body.windows(20).filter(|span| span[..2] == [0x0a, 16] && span[18..] == [0x12, 8]);
    let traces: BTreeSet<&[u8]> = spans.map(|span| &span[2..18]).collect();
    assert_eq!(traces.len(), 1, "what is done for a command belongs to it");
    assert!(!text.contains("confidential") && !text.contains("s3cret"), "{text}");
}

#[test]
fn a_collector_that_is_away_or_silent_costs_a_note_and_neither_the_command_nor_its_end() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [away, silent.local_addr().unwrap()] {
        let place = place(&format!("http://ada:s3cret@{address}"));
        #[expect(clippy::disallowed_methods, reason = "the bound is one of real time")]
        let begun = Instant::now();
        let run = place.run(&["put", "-c", "users", r#"{"_id":1}"#]);
        // Three seconds of patience, the command itself, and a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?} {run:?}", begun.elapsed());
        assert_eq!(run.code, Some(0), "{run:?}");
        has(&run.stderr, &["note: ", "spans were not exported", "OTEL_SDK_DISABLED=true"]);
        has(&run.stderr, &[&address.to_string()]);
        assert!(!run.stderr.contains("s3cret"), "{run:?}");
    }
}

#[test]
fn a_batch_that_is_refused_is_told_though_the_next_one_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut place = place(&format!("http://{address}"));
    place.variables.push(("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1".to_owned()));
    // Requests come one after the other, and the spans of a command are two at least.
    let collector = std::thread::spawn(move || {
        answer_with(&listener, 400);
        loop {
            answer_one(&listener);
        }
    });
    let run = place.run(&["put", "-c", "users", r#"{"_id":1}"#]);
    assert!(run.code == Some(0) && !collector.is_finished(), "{run:?}");
    has(&run.stderr, &["spans were not exported", &format!("{address} answers 400")]);
}

#[test]
fn a_request_takes_as_long_as_its_variable_says() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let mut place = place(&format!("http://{address}"));
    place.variables.push(("OTEL_EXPORTER_OTLP_TIMEOUT", "200".to_owned()));
    let run = place.run(&["status"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stderr, &[&format!("{address} does not answer in time")]);
}

#[test]
fn nothing_is_exported_unless_a_collector_is_named() {
    let mut place = place("http://127.0.0.1:9");
    for yes in ["true", "True"] {
        place.variables.push(("OTEL_SDK_DISABLED", yes.to_owned()));
        let run = place.run(&["status"]);
        assert!(run.code == Some(0) && run.stderr.is_empty(), "{run:?}");
        place.variables.pop();
    }
    place.variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "no URL".to_owned()));
    let run = place.run(&["status"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stderr, &["note: spans are not exported", "OTEL_EXPORTER_OTLP_ENDPOINT", "4318"]);
}

//! Bytes that are no messages end the connection, and nothing else.
//!
//! `ARGON_FUZZ_SECONDS=3600 cargo test -p argon-server --test wire` mutates the corpus for an hour.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use std::time::Duration;

use argon_server::wire::{
    Compressor, Flags, Form, Frame, Header, MAX_MESSAGE_BYTES, Message, Opcode, Request,
};
use bson::{doc, rawdoc};
use common::{options, serve};
use proptest::prelude::*;
use tokio::time::Instant;

/// The body of an `OP_MSG` with a list.
fn with_sequence() -> Vec<u8> {
    let mut body = 0_u32.to_le_bytes().to_vec();
    body.push(0);
    body.extend_from_slice(rawdoc! { "insert": "c", "$db": "shop" }.as_bytes());
    body.push(1);
    let mut list = b"documents\0".to_vec();
    for id in 0..3 {
        list.extend_from_slice(rawdoc! { "_id": id, "text": "some text" }.as_bytes());
    }
    body.extend_from_slice(&i32::try_from(list.len() + 4).unwrap().to_le_bytes());
    body.extend_from_slice(&list);
    body
}

fn query() -> Vec<u8> {
    let mut body = 0_i32.to_le_bytes().to_vec();
    body.extend_from_slice(b"admin.$cmd\0");
    body.extend_from_slice(&0_i32.to_le_bytes());
    body.extend_from_slice(&(-1_i32).to_le_bytes());
    body.extend_from_slice(rawdoc! { "isMaster": 1, "helloOk": true }.as_bytes());
    body
}

fn frame(opcode: Opcode, body: Vec<u8>) -> Frame {
    Frame { header: Header { request_id: 9, response_to: 0, opcode }, body }
}

/// Messages of every kind.
fn corpus() -> Vec<Frame> {
    let mut frames = vec![frame(Opcode::Msg, with_sequence()), frame(Opcode::Query, query())];
    let reply = rawdoc! { "ok": 1, "text": "x".repeat(200) };
    for compressor in Compressor::ALL {
        let form = Form::Message(Flags::default());
        let request = Request {
            id: 1,
            form,
            compressor: Some(compressor),
            body: rawdoc! {},
            sequences: Vec::new(),
        };
        let bytes = request.encode_reply(&reply, 2, 1, false);
        frames.push(frame(Opcode::Compressed, bytes[16..].to_vec()));
    }
    let summed = Message::encode(&reply, Flags { checksum: true, ..Flags::default() }, 9, 0);
    frames.push(frame(Opcode::Msg, summed[16..].to_vec()));
    frames
}

#[test]
fn messages_are_decoded() {
    let mut forms = Vec::new();
    for frame in corpus() {
        let request = Request::decode(&frame, MAX_MESSAGE_BYTES).unwrap();
        forms.push((request.form, request.compressor, request.sequences.len()));
    }
    assert_eq!(forms[0], (Form::Message(Flags::default()), None, 1));
    assert_eq!(forms[1], (Form::Query, None, 0));
    for (form, compressor) in forms[2..5].iter().zip(Compressor::ALL) {
        assert_eq!(form.1, Some(compressor));
    }
    let request = Request::decode(&corpus()[0], MAX_MESSAGE_BYTES).unwrap();
    assert_eq!(request.sequences[0].name, "documents");
    assert_eq!(request.sequences[0].documents.len(), 3);
    let request = Request::decode(&corpus()[1], MAX_MESSAGE_BYTES).unwrap();
    assert_eq!(request.body.get_str("$db").unwrap(), "admin");
}

#[test]
fn a_checksum_that_differs_is_refused() {
    let frame = corpus().pop().unwrap();
    for position in 0..frame.body.len() {
        let mut damaged = frame.clone();
        damaged.body[position] ^= 0x10;
        // The flag itself may say that there is none.
        if position >= 4 {
            assert!(Request::decode(&damaged, MAX_MESSAGE_BYTES).is_err(), "{position}");
        }
    }
}

/// Whatever is decoded can be encoded; nothing else may happen.
fn decode(frame: &Frame) {
    if let Ok(request) = Request::decode(frame, MAX_MESSAGE_BYTES) {
        assert!(request.body.as_bytes().len() <= frame.body.len().max(48_000_000));
        let reply = rawdoc! { "ok": 1 };
        assert!(request.encode_reply(&reply, 1, 2, false).len() >= 16);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0..3_usize,
    ) {
        let opcode = [Opcode::Msg, Opcode::Query, Opcode::Compressed][kind];
        decode(&frame(opcode, body));
    }
}

#[test]
fn mutations_of_messages_are_decoded_or_refused() {
    let seconds = std::env::var("ARGON_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(1));
    let corpus = corpus();
    // xorshift64: a failure prints the seed of its mutation.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    while Instant::now() < end {
        let seed = next();
        let mut frame = corpus[usize::try_from(seed % 6).unwrap()].clone();
        for _ in 0..=(next() % 4) {
            let length = frame.body.len().max(1) as u64;
            let place = usize::try_from(next() % length).unwrap();
            match next() % 4 {
                0 => frame.body.truncate(place),
                1 => frame.body.extend_from_within(place.min(frame.body.len())..),
                _ => {
                    if let Some(byte) = frame.body.get_mut(place) {
                        *byte = u8::try_from(next() % 256).unwrap();
                    }
                }
            }
        }
        let result = std::panic::catch_unwind(|| decode(&frame));
        assert!(result.is_ok(), "the mutation of seed {seed}: {:02x?}", frame.body);
    }
}

#[tokio::test]
async fn a_malformed_message_ends_its_connection_only() {
    let server = serve(options()).await;
    let mut other = server.client().await;
    for bytes in [
        vec![0xff; 16],
        [&[16, 0, 0, 0][..], &[0; 8], &[0xdd, 0x07, 0, 0]].concat(),
        [&[0xff, 0xff, 0xff, 0x7f][..], &[0; 8], &[0xdd, 0x07, 0, 0]].concat(),
    ] {
        let mut client = server.client().await;
        client.send(&bytes).await;
        assert!(client.is_closed().await, "{bytes:02x?}");
        other.ok("admin", doc! { "ping": 1 }).await;
    }
}

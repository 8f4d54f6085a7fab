//! The part of HTTP that a client of S3 speaks: requests with a length, answers with a length.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

use percent_encoding::percent_decode_str;

/// A request as a script sees it, without its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The object's name, or nothing for the bucket.
    pub key: String,
    /// The parameters of the URL.
    pub query: BTreeMap<String, String>,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many came before, since the log of requests was taken last.
    pub number: usize,
}

impl Request {
    /// Whether it writes an object that has this in its name.
    pub fn is_put_to(&self, part: &str) -> bool {
        self.method == "PUT" && self.key.contains(part)
    }

    pub(super) fn is_list(&self) -> bool {
        self.method == "GET" && self.key.is_empty()
    }

    /// A parameter of the URL, or nothing.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// The next request of a connection with its body, or `None` if there comes none that is whole.
pub(super) fn read_request(
    reader: &mut BufReader<&TcpStream>,
    bucket: &str,
) -> Option<(Request, Vec<u8>)> {
    let line = read_line(reader)?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?);
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = read_line(reader)?.split_once(": ") {
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    if headers.get("expect").is_some_and(|expected| expected == "100-continue") {
        reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix('/')?.strip_prefix(bucket)?;
    let key = decoded(path.strip_prefix('/').unwrap_or(path));
    let query = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query.map(|(name, value)| (decoded(name), decoded(value))).collect();
    Some((Request { method, key, query, headers, number: 0 }, body))
}

fn read_line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    Some(line.trim_end().to_owned())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What a request is answered with.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        Self { status, headers: Vec::new(), body: body.into() }
    }

    #[must_use]
    pub(super) fn with(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }

    /// Writes it, without its body if only the headers were asked for.
    pub(super) fn write(&self, mut stream: &TcpStream, date: &str, head: bool) -> Result<()> {
        let mut bytes = format!("HTTP/1.1 {} X\r\ndate: {date}\r\n", self.status).into_bytes();
        for header in &self.headers {
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        if !head {
            bytes.extend_from_slice(&self.body);
        }
        stream.write_all(&bytes)
    }
}

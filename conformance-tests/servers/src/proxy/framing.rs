//! Where in the bytes of a client one request ends and the next begins: MongoDB's wire protocol by
//! its length header, HTTP/1.1 by `Content-Length` or its chunks.

/// What a client's bytes fall into.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A request begins: `PUT /path` of HTTP, `insert` of MongoDB. Its bytes follow.
    Request(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy)]
enum State {
    Head,
    Body(usize),
    ChunkSize,
    Chunk(usize),
    Trailer,
}

/// The requests of one connection. Which protocol it speaks shows in its fourth byte: the highest
/// of a length below 16 MiB times two, or a part of a method.
pub(super) struct Framer {
    state: State,
    pending: Vec<u8>,
}

impl Framer {
    pub(super) fn new() -> Self {
        Self { state: State::Head, pending: Vec::new() }
    }

    /// What can be passed on after `bytes` have come; a head is held until it is whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.pending.extend(bytes);
        let mut pieces = Vec::new();
        while self.step(&mut pieces).is_some() {}
        pieces
    }

    /// None when it needs more bytes.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> Option<()> {
        self.state = match self.state {
            State::Head => {
                let (name, length, next) = head(&self.pending)?;
                pieces.push(Piece::Request(name));
                self.pass(length, pieces)?;
                next
            }
            State::Body(0) => State::Head,
            State::Body(left) => State::Body(left - self.pass(left, pieces)?),
            State::Chunk(0) => State::ChunkSize,
            State::Chunk(left) => State::Chunk(left - self.pass(left, pieces)?),
            State::ChunkSize => {
                let line = self.line()?;
                let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
                let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                self.pass(line.len(), pieces)?;
                // Its bytes are followed by an end of line.
                if size == 0 { State::Trailer } else { State::Chunk(size + 2) }
            }
            State::Trailer => {
                let line = self.line()?;
                self.pass(line.len(), pieces)?;
                if line == b"\r\n" { State::Head } else { State::Trailer }
            }
        };
        Some(())
    }

    fn line(&self) -> Option<Vec<u8>> {
        let end = self.pending.iter().position(|byte| *byte == b'\n')?;
        Some(self.pending[..=end].to_vec())
    }

    /// Passes on up to `length` bytes; None if none are there.
    fn pass(&mut self, length: usize, pieces: &mut Vec<Piece>) -> Option<usize> {
        let length = length.min(self.pending.len());
        let bytes = self.pending.drain(..length);
        match pieces.last_mut() {
            Some(Piece::Bytes(before)) => before.extend(bytes),
            _ if length == 0 => {}
            _ => pieces.push(Piece::Bytes(bytes.collect())),
        }
        (length > 0).then_some(length)
    }
}

/// The name of the request, the length of its head, and what follows that.
fn head(bytes: &[u8]) -> Option<(String, usize, State)> {
    if *bytes.get(3)? < b' ' { mongo_head(bytes) } else { http_head(bytes) }
}

fn http_head(bytes: &[u8]) -> Option<(String, usize, State)> {
    let length = 4 + bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..length]);
    let mut lines = head.lines();
    let name = lines.next()?.rsplit_once(' ')?.0.to_owned();
    let mut body = State::Body(0);
    for (field, value) in lines.filter_map(|line| line.split_once(':')) {
        if field.eq_ignore_ascii_case("content-length") {
            body = State::Body(value.trim().parse().ok()?);
        } else if field.eq_ignore_ascii_case("transfer-encoding") && value.contains("chunked") {
            body = State::ChunkSize;
        }
    }
    Some((name, length, body))
}

fn mongo_head(bytes: &[u8]) -> Option<(String, usize, State)> {
    const HEADER: usize = 16;
    const OP_MSG: usize = 2013;
    const OP_QUERY: usize = 2004;
    let length = number(bytes, 0)?;
    // The first key of a document: it begins after the document's length and the value's type.
    let command = match number(bytes, 12)? {
        OP_MSG => HEADER + 4 + 1 + 4 + 1,
        OP_QUERY => HEADER + 4 + string(bytes, HEADER + 4)?.len() + 1 + 8 + 4 + 1,
        _ => return Some(("unknown".to_owned(), HEADER, State::Body(length - HEADER))),
    };
    let name = String::from_utf8_lossy(string(bytes, command)?).into_owned();
    Some((name, HEADER, State::Body(length - HEADER)))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(number)).ok()
}

/// Up to the next zero byte.
fn string(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    Some(&rest[..rest.iter().position(|byte| *byte == 0)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(opcode: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let mut bytes: Vec<u8> =
            [length, 1, 0, opcode].into_iter().flat_map(u32::to_le_bytes).collect();
        bytes.extend(body);
        bytes
    }

    /// Every way of cutting the stream into two reads, and into single bytes, gives this.
    fn check(stream: &[u8], names: &[&str]) {
        let cuts = (0..=stream.len()).map(|cut| vec![&stream[..cut], &stream[cut..]]);
        for reads in cuts.chain([stream.chunks(1).collect()]) {
            let mut framer = Framer::new();
            let (mut found, mut passed) = (Vec::new(), Vec::new());
            for piece in reads.into_iter().flat_map(|read| framer.feed(read)) {
                match piece {
                    Piece::Request(name) => found.push(name),
                    Piece::Bytes(bytes) => passed.extend(bytes),
                }
            }
            assert_eq!(found, names);
            assert_eq!(passed, stream);
        }
    }

    #[test]
    fn requests_of_mongodb_are_told_apart_by_their_lengths() {
        let insert = message(2013, b"\0\0\0\0\0\x20\0\0\0\x02insert\0PUT / HTTP/1.1\r\n\r\n");
        let hello =
            message(2004, b"\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff\x13\0\0\0\x10isMaster\0");
        let other = message(2012, b"compressed");
        check(
            &[hello, insert.clone(), insert, other].concat(),
            &["isMaster", "insert", "insert", "unknown"],
        );
    }

    #[test]
    fn requests_of_http_are_told_apart_by_length_or_chunks() {
        check(
            b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n\
              PUT /b?c=d HTTP/1.1\r\ncontent-length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n\
              PUT /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
              4;x=y\r\n\r\n\r\n\r\n0A\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\n\
              HEAD /f HTTP/1.1\r\n\r\n",
            &["GET /a", "PUT /b?c=d", "PUT /e", "HEAD /f"],
        );
    }
}

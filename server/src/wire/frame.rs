//! The header of a message, and reading whole messages.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::WireError;

/// The bytes of a header.
pub const HEADER_BYTES: usize = 16;

/// The most bytes of a message, which `hello` announces.
pub const MAX_MESSAGE_BYTES: usize = 48_000_000;

/// How many bytes of a message are made room for before they arrive.
const FIRST_BYTES: usize = 64 * 1024;

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The answer to `OP_QUERY`.
    Reply,
    /// The old form of a command, which drivers use for their first `hello`.
    Query,
    /// Another message, compressed.
    Compressed,
    /// A command or a reply.
    Msg,
}

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The number that its sender gave the message.
    pub request_id: i32,
    /// The number of the message that this one answers.
    pub response_to: i32,
    /// The kind.
    pub opcode: Opcode,
}

/// A message whose content is not decoded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The header.
    pub header: Header,
    /// The bytes after the header.
    pub body: Vec<u8>,
}

impl Opcode {
    pub(super) fn of(code: i32) -> Result<Self, WireError> {
        match code {
            1 => Ok(Self::Reply),
            2004 => Ok(Self::Query),
            2012 => Ok(Self::Compressed),
            2013 => Ok(Self::Msg),
            code => Err(WireError::Opcode { code }),
        }
    }

    pub(super) fn code(self) -> i32 {
        match self {
            Self::Reply => 1,
            Self::Query => 2004,
            Self::Compressed => 2012,
            Self::Msg => 2013,
        }
    }
}

impl Header {
    /// The bytes of the header of a message whose body has `length` bytes.
    pub(super) fn encode(&self, length: usize) -> [u8; HEADER_BYTES] {
        let length = i32::try_from(length + HEADER_BYTES).unwrap_or(i32::MAX);
        let fields = [length, self.request_id, self.response_to, self.opcode.code()];
        let mut bytes = [0; HEADER_BYTES];
        for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// The header, and the length of the body.
    fn decode(bytes: [u8; HEADER_BYTES], most: usize) -> Result<(Self, usize), WireError> {
        let mut fields = [0; 4];
        for (field, bytes) in fields.iter_mut().zip(bytes.as_chunks().0) {
            *field = i32::from_le_bytes(*bytes);
        }
        let [length, request_id, response_to, code] = fields;
        let body = usize::try_from(length).ok().filter(|length| *length <= most);
        let body = body.and_then(|length| length.checked_sub(HEADER_BYTES));
        let body = body.ok_or(WireError::Length { length, most })?;
        Ok((Self { request_id, response_to, opcode: Opcode::of(code)? }, body))
    }
}

/// Reads a message of at most `most` bytes, such as [`MAX_MESSAGE_BYTES`]; `None` at the end of the stream.
/// Memory grows as its bytes arrive.
///
/// # Errors
/// `Broken` if the stream fails or ends within the message; `Length` or `Opcode` for a header that is
/// refused.
pub async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> Result<Option<Frame>, WireError> {
    let mut bytes = [0; HEADER_BYTES];
    let mut filled = 0;
    while filled < HEADER_BYTES {
        match stream.read(&mut bytes[filled..]).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            read => filled += read,
        }
    }
    let (header, length) = Header::decode(bytes, most)?;
    let mut body = Vec::with_capacity(length.min(FIRST_BYTES));
    stream.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(Frame { header, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_header_out_of_bounds_is_refused_before_its_body_is_read() {
        for (length, opcode) in [(15, 2013), (-1, 2013), (48_000_001, 2013), (16, 2001)] {
            let mut bytes = Vec::new();
            for field in [length, 1, 0, opcode] {
                bytes.extend_from_slice(&i32::to_le_bytes(field));
            }
            let error = read_frame(&mut bytes.as_slice(), MAX_MESSAGE_BYTES).await.unwrap_err();
            assert!(
                matches!(error, WireError::Length { .. } | WireError::Opcode { .. }),
                "{length} {opcode}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn a_stream_ends_between_messages_and_breaks_within_one() {
        let header = Header { request_id: 7, response_to: 0, opcode: Opcode::Msg };
        let mut bytes = header.encode(5).to_vec();
        bytes.extend_from_slice(b"12345");
        for end in 1..bytes.len() {
            let result = read_frame(&mut &bytes[..end], MAX_MESSAGE_BYTES).await;
            assert!(matches!(result, Err(WireError::Broken(_))), "{end}: {result:?}");
        }
        let mut stream = bytes.as_slice();
        let frame = read_frame(&mut stream, MAX_MESSAGE_BYTES).await.unwrap().unwrap();
        assert_eq!((frame.header, frame.body.as_slice()), (header, &b"12345"[..]));
        assert_eq!(read_frame(&mut stream, MAX_MESSAGE_BYTES).await.unwrap(), None);
    }
}

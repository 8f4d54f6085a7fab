//! `OP_MSG`: a document, and lists of documents beside it.

use bson::raw::{RawDocument, RawDocumentBuf};

use super::cursor::Cursor;
use super::frame::{HEADER_BYTES, Header, Opcode};
use super::{Frame, WireError};

const CHECKSUM_PRESENT: u32 = 1;
const MORE_TO_COME: u32 = 1 << 1;
const EXHAUST_ALLOWED: u32 = 1 << 16;
/// The most lists of a message; commands have two at most.
const MAX_SEQUENCES: usize = 16;
/// The flags that a receiver has to know.
const REQUIRED: u32 = 0xffff;

/// What the sender of a message says about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// The message ends with a CRC-32C of its bytes.
    pub checksum: bool,
    /// In a request: no reply is wanted. In a reply: another one follows without a request.
    pub more_to_come: bool,
    /// In a request: several replies may follow.
    pub exhaust_allowed: bool,
}

/// A named list of documents beside the body of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The field of the command that it stands for.
    pub name: String,
    /// The documents. Only their lengths and ends are checked.
    pub documents: Vec<RawDocumentBuf>,
}

/// The content of an `OP_MSG`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The flags.
    pub flags: Flags,
    /// The command or the reply. Only its length and its end are checked.
    pub body: RawDocumentBuf,
    /// The lists of documents, each with another name.
    pub sequences: Vec<Sequence>,
}

impl Flags {
    fn of(bits: u32) -> Result<Self, WireError> {
        let unknown = bits & REQUIRED & !(CHECKSUM_PRESENT | MORE_TO_COME);
        if unknown != 0 {
            return Err(WireError::Flags { flags: unknown });
        }
        let has = |flag| bits & flag != 0;
        Ok(Self {
            checksum: has(CHECKSUM_PRESENT),
            more_to_come: has(MORE_TO_COME),
            exhaust_allowed: has(EXHAUST_ALLOWED),
        })
    }

    fn bits(self) -> u32 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        flag(self.checksum, CHECKSUM_PRESENT)
            | flag(self.more_to_come, MORE_TO_COME)
            | flag(self.exhaust_allowed, EXHAUST_ALLOWED)
    }
}

impl Message {
    /// Decodes a message.
    ///
    /// # Errors
    /// `Flags`, `Checksum` or `Malformed`.
    pub fn decode(frame: &Frame) -> Result<Self, WireError> {
        let mut content = Cursor(&frame.body);
        let flags = Flags::of(content.u32()?)?;
        if flags.checksum {
            let length = content.0.len().checked_sub(4);
            let length = length.ok_or(WireError::malformed("a checksum is missing"))?;
            let actual = Cursor(&content.0[length..]).u32()?;
            content = Cursor(&content.0[..length]);
            let header = frame.header.encode(frame.body.len());
            let covered = &frame.body[..frame.body.len() - 4];
            let expected = crc32c::crc32c_append(crc32c::crc32c(&header), covered);
            if actual != expected {
                return Err(WireError::Checksum { expected, actual });
            }
        }
        let (mut body, mut sequences) = (None, Vec::<Sequence>::new());
        while !content.is_empty() {
            match content.u8()? {
                0 if body.is_some() => return Err(WireError::malformed("two bodies")),
                0 => body = Some(content.document()?.to_owned()),
                1 => {
                    let sequence = Sequence::decode(&mut content)?;
                    if sequences.len() == MAX_SEQUENCES {
                        return Err(WireError::malformed("too many lists"));
                    }
                    if sequences.iter().any(|other| other.name == sequence.name) {
                        return Err(WireError::malformed("two lists of one name"));
                    }
                    sequences.push(sequence);
                }
                _ => return Err(WireError::malformed("a section of an unknown kind")),
            }
        }
        let body = body.ok_or(WireError::malformed("it has no body"))?;
        Ok(Self { flags, body, sequences })
    }

    /// The bytes of a message without lists, with its header. `flags.checksum` adds a checksum.
    pub fn encode(body: &RawDocument, flags: Flags, request_id: i32, response_to: i32) -> Vec<u8> {
        let body = body.as_bytes();
        let length = 4 + 1 + body.len() + if flags.checksum { 4 } else { 0 };
        let header = Header { request_id, response_to, opcode: Opcode::Msg };
        let mut bytes = Vec::with_capacity(HEADER_BYTES + length);
        bytes.extend_from_slice(&header.encode(length));
        bytes.extend_from_slice(&flags.bits().to_le_bytes());
        bytes.push(0);
        bytes.extend_from_slice(body);
        if flags.checksum {
            let checksum = crc32c::crc32c(&bytes);
            bytes.extend_from_slice(&checksum.to_le_bytes());
        }
        bytes
    }
}

impl Sequence {
    fn decode(content: &mut Cursor<'_>) -> Result<Self, WireError> {
        let length = usize::try_from(content.i32()?).ok().and_then(|length| length.checked_sub(4));
        let length = length.ok_or(WireError::malformed("the length of a list"))?;
        let mut content = Cursor(content.bytes(length)?);
        let name = content.text()?.to_owned();
        let mut documents = Vec::new();
        while !content.is_empty() {
            documents.push(content.document()?.to_owned());
        }
        Ok(Self { name, documents })
    }
}

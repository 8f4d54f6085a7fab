//! MongoDB's wire protocol: messages on a stream of bytes. Nothing here knows a command.
//!
//! Source: MongoDB's specification of the wire protocol, the messages `OP_MSG`, `OP_COMPRESSED`,
//! and `OP_QUERY` with `OP_REPLY` as far as the handshake of drivers needs these.
//!
//! | file | content |
//! | --- | --- |
//! | `frame.rs` | the header, and reading whole messages |
//! | `message.rs` | `OP_MSG` |
//! | `query.rs` | `OP_QUERY` and `OP_REPLY` |
//! | `compression.rs` | `OP_COMPRESSED` |
//! | `request.rs` | a request in any of these forms, and the reply in the same form |
//! | `depth.rs` | how deep documents are nested |
//! | `cursor.rs` | reading fields from a message |

mod compression;
mod cursor;
mod depth;
mod frame;
mod message;
mod query;
mod request;

pub use compression::Compressor;
pub use frame::{Frame, HEADER_BYTES, Header, MAX_MESSAGE_BYTES, Opcode, read_frame};
pub use message::{Flags, Message, Sequence};
pub use request::{Form, Request};

/// A message that does not follow the protocol. The connection can't be used after it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The stream failed, or ended within a message.
    #[error("the connection broke within a message")]
    Broken(#[from] std::io::Error),
    /// The length of the header is out of bounds.
    #[error("a message of {length} bytes: expected {HEADER_BYTES} to {most}")]
    Length {
        /// The length.
        length: i32,
        /// The most that is taken: less before a login.
        most: usize,
    },
    /// The message is of a kind that is not supported.
    #[error("unsupported opcode {code}: expected OP_MSG (2013); OP_QUERY (2004) is for hello only")]
    Opcode {
        /// The opcode.
        code: i32,
    },
    /// A flag is set that is not known and that may not be ignored.
    #[error("unknown required flags {flags:#06x} in OP_MSG")]
    Flags {
        /// The unknown flags.
        flags: u32,
    },
    /// The message ends too early, or a part of it is malformed.
    #[error("malformed message: {what}")]
    Malformed {
        /// What is malformed.
        what: &'static str,
    },
    /// The checksum differs.
    #[error("the checksum of a message is {actual:#010x}, but its content has {expected:#010x}")]
    Checksum {
        /// The checksum of the content.
        expected: u32,
        /// The checksum in the message.
        actual: u32,
    },
    /// The compressor is not known, or was not agreed on.
    #[error("a message is compressed with the unknown compressor {id}")]
    Compressor {
        /// The number of the compressor.
        id: u8,
    },
}

impl WireError {
    fn malformed(what: &'static str) -> Self {
        Self::Malformed { what }
    }
}

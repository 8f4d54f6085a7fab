//! A request in any form, and its reply in the same form.

use bson::raw::{RawDocument, RawDocumentBuf};

use super::compression::{self, Compressor};
use super::frame::{Frame, Header, Opcode};
use super::message::{Flags, Message, Sequence};
use super::{WireError, query};

/// The form of a request, which its reply has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `OP_MSG`.
    Message(Flags),
    /// `OP_QUERY`, which is answered by `OP_REPLY`.
    Query,
}

/// A command as a client sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The number that the client gave it.
    pub id: i32,
    /// The form.
    pub form: Form,
    /// How it was compressed.
    pub compressor: Option<Compressor>,
    /// The command with its arguments. Only its length and its end are checked.
    pub body: RawDocumentBuf,
    /// The lists of documents that belong to it.
    pub sequences: Vec<Sequence>,
}

impl Request {
    /// Decodes a request, which may have at most `most` bytes when it is decompressed.
    ///
    /// # Errors
    /// Any [`WireError`] but `Broken`.
    pub fn decode(frame: &Frame, most: usize) -> Result<Self, WireError> {
        if frame.header.opcode == Opcode::Compressed {
            let (inner, compressor) = compression::unwrap(frame, most)?;
            return Ok(Self { compressor: Some(compressor), ..Self::decode_plain(&inner)? });
        }
        Self::decode_plain(frame)
    }

    fn decode_plain(frame: &Frame) -> Result<Self, WireError> {
        let id = frame.header.request_id;
        match frame.header.opcode {
            Opcode::Msg => {
                let Message { flags, body, sequences } = Message::decode(frame)?;
                Ok(Self { id, form: Form::Message(flags), compressor: None, body, sequences })
            }
            Opcode::Query => {
                let (body, sequences) = (query::decode(frame)?, Vec::new());
                Ok(Self { id, form: Form::Query, compressor: None, body, sequences })
            }
            opcode => Err(WireError::Opcode { code: opcode.code() }),
        }
    }

    /// Whether the client waits for a reply.
    pub fn wants_reply(&self) -> bool {
        !matches!(self.form, Form::Message(Flags { more_to_come: true, .. }))
    }

    /// Whether several replies may follow.
    pub fn allows_exhaust(&self) -> bool {
        matches!(self.form, Form::Message(Flags { exhaust_allowed: true, .. }))
    }

    /// The bytes of a reply, numbered `reply_id`. `more_to_come` says that another follows.
    pub fn encode_reply(
        &self,
        body: &RawDocument,
        reply_id: i32,
        response_to: i32,
        more_to_come: bool,
    ) -> Vec<u8> {
        match self.form {
            Form::Query => query::encode_reply(body, reply_id, response_to),
            Form::Message(asked) => {
                let flags = Flags { checksum: asked.checksum, more_to_come, ..Flags::default() };
                let bytes = Message::encode(body, flags, reply_id, response_to);
                let Some(compressor) = self.compressor else { return bytes };
                let header = Header { request_id: reply_id, response_to, opcode: Opcode::Msg };
                compression::wrap(bytes, header, compressor)
            }
        }
    }
}

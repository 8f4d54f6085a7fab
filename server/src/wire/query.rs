//! `OP_QUERY` and `OP_REPLY`, in which drivers send their first `hello`.

use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::rawdoc;

use super::cursor::Cursor;
use super::frame::{HEADER_BYTES, Header, Opcode};
use super::{Frame, WireError};

/// In a reply: the server may wait for data.
const AWAIT_CAPABLE: i32 = 1 << 3;

/// Decodes a command in its old form. The database of its namespace becomes the field `$db`.
///
/// # Errors
/// `Malformed`, also for a query of documents, which is not supported.
pub(super) fn decode(frame: &Frame) -> Result<RawDocumentBuf, WireError> {
    let mut content = Cursor(&frame.body);
    let _flags = content.i32()?;
    let namespace = content.text()?;
    let (_skip, _limit) = (content.i32()?, content.i32()?);
    let document = content.document()?;
    let database = namespace
        .strip_suffix(".$cmd")
        .ok_or(WireError::malformed("a query of documents by OP_QUERY, which is not supported"))?;
    // A read preference wraps the command.
    let command = match document.get("$query") {
        Ok(Some(RawBsonRef::Document(command))) => command,
        _ => document,
    };
    let mut body = command.to_owned();
    if !matches!(body.get("$db"), Ok(Some(_))) {
        let mut whole = rawdoc! {};
        for field in &body {
            let (name, value) = field.map_err(|_| WireError::malformed("a document"))?;
            whole.append(name, value);
        }
        let name = bson::raw::CString::try_from("$db");
        whole.append(name.map_err(|_| WireError::malformed("a name"))?, database);
        body = whole;
    }
    Ok(body)
}

/// The bytes of a reply, with its header.
pub(super) fn encode_reply(body: &RawDocument, request_id: i32, response_to: i32) -> Vec<u8> {
    let body = body.as_bytes();
    let length = 20 + body.len();
    let header = Header { request_id, response_to, opcode: Opcode::Reply };
    let mut bytes = Vec::with_capacity(HEADER_BYTES + length);
    bytes.extend_from_slice(&header.encode(length));
    bytes.extend_from_slice(&AWAIT_CAPABLE.to_le_bytes());
    // No cursor, from document 0, one document.
    bytes.extend_from_slice(&[0; 12]);
    bytes.extend_from_slice(&1_i32.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

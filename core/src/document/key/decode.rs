//! Decodes keys. Accepts only what `encode.rs` writes: one value has one encoding.

use bson::{
    Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, Regex, Timestamp, oid::ObjectId,
    raw::CString, spec::BinarySubtype,
};

use super::{
    KeyError, MAX_NESTING, db_pointer,
    encode::{END, ESCAPE, one_level_deeper, uncounted_bytes},
    number,
    tag::Tag,
};

/// Decodes one value that fills `bytes`.
///
/// Refuses two fields of one name in a document, because [`Document`] can't hold them; encoding
/// accepts them. Memory and recursion are bounded by the length of `bytes` and by [`MAX_NESTING`].
pub(super) fn decode(bytes: &[u8]) -> Result<Bson, KeyError> {
    let (value, length) = decode_first(bytes)?;
    if length < bytes.len() {
        return Err(KeyError::Malformed { offset: length, expected: "the end of the key" });
    }
    Ok(value)
}

/// Decodes the value at the start of `bytes`, and returns its length too.
pub(crate) fn decode_first(bytes: &[u8]) -> Result<(Bson, usize), KeyError> {
    let mut reader = Reader { bytes, position: 0 };
    let tag = reader.tag("a type tag")?.ok_or_else(|| reader.malformed("a type tag"))?;
    let value = decode_body(tag, MAX_NESTING, &mut reader)?;
    Ok((value, reader.position))
}

fn decode_body(tag: Tag, levels_left: usize, reader: &mut Reader<'_>) -> Result<Bson, KeyError> {
    Ok(match tag {
        Tag::MinKey => Bson::MinKey,
        Tag::Undefined => Bson::Undefined,
        Tag::Null => Bson::Null,
        Tag::Number => number::decode(reader)?,
        Tag::Text => Bson::String(reader.text()?),
        Tag::Document => Bson::Document(decode_document(levels_left, reader)?),
        Tag::Array => Bson::Array(decode_array(levels_left, reader)?),
        Tag::Binary => Bson::Binary(decode_binary(reader)?),
        Tag::ObjectId => Bson::ObjectId(ObjectId::from_bytes(reader.array("an ObjectId")?)),
        Tag::Boolean => Bson::Boolean(decode_boolean(reader)?),
        Tag::DateTime => {
            let millis = i64::from_be_bytes(reader.array("a date")?) ^ i64::MIN;
            Bson::DateTime(DateTime::from_millis(millis))
        }
        Tag::Timestamp => Bson::Timestamp(Timestamp {
            time: reader.integer("the time of a timestamp")?,
            increment: reader.integer("the increment of a timestamp")?,
        }),
        Tag::Regex => Bson::RegularExpression(Regex {
            pattern: CString::try_from(reader.name()?)?,
            options: CString::try_from(reader.name()?)?,
        }),
        Tag::DbPointer => db_pointer::build(&reader.text()?, reader.array("an ObjectId")?)?,
        Tag::Code => Bson::JavaScriptCode(reader.text()?),
        Tag::CodeWithScope => Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope {
            code: reader.text()?,
            scope: decode_document(levels_left, reader)?,
        }),
        Tag::MaxKey => Bson::MaxKey,
    })
}

fn decode_document(levels_left: usize, reader: &mut Reader<'_>) -> Result<Document, KeyError> {
    let levels_left = one_level_deeper(levels_left)?;
    let mut document = Document::new();
    while let Some(tag) = reader.tag("a field or the end of the document")? {
        let name = reader.name()?;
        if document.contains_key(name) {
            return Err(KeyError::DuplicateField { name: name.to_owned() });
        }
        document.insert(name, decode_body(tag, levels_left, reader)?);
    }
    Ok(document)
}

fn decode_array(levels_left: usize, reader: &mut Reader<'_>) -> Result<Vec<Bson>, KeyError> {
    let levels_left = one_level_deeper(levels_left)?;
    let mut array = Vec::new();
    while let Some(tag) = reader.tag("an element or the end of the array")? {
        array.push(decode_body(tag, levels_left, reader)?);
    }
    Ok(array)
}

fn decode_binary(reader: &mut Reader<'_>) -> Result<Binary, KeyError> {
    let stated: u32 = reader.integer("the length of a binary")?;
    let subtype = BinarySubtype::from(reader.byte("the subtype of a binary")?);
    let length = usize::try_from(stated)
        .ok()
        .and_then(|stated| stated.checked_sub(uncounted_bytes(subtype)))
        .ok_or_else(|| reader.malformed("a length that fits the subtype"))?;
    let bytes = reader.take(length, "the bytes of a binary")?.to_vec();
    Ok(Binary { subtype, bytes })
}

fn decode_boolean(reader: &mut Reader<'_>) -> Result<bool, KeyError> {
    match reader.byte("a boolean")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.malformed("0 or 1 for a boolean")),
    }
}

/// A reader of a key's bytes. Each method advances; its text describes the expected bytes in an
/// error.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Returns the bytes read since an earlier [`Reader::position`].
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.position]
    }

    /// The error at the last byte read.
    pub(super) fn malformed(&self, expected: &'static str) -> KeyError {
        KeyError::Malformed { offset: self.position.saturating_sub(1), expected }
    }

    fn take(&mut self, length: usize, expected: &'static str) -> Result<&'a [u8], KeyError> {
        let rest = &self.bytes[self.position..];
        let taken =
            rest.get(..length).ok_or(KeyError::Malformed { offset: self.position, expected })?;
        self.position += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        expected: &'static str,
    ) -> Result<[u8; N], KeyError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, expected)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self, expected: &'static str) -> Result<u8, KeyError> {
        self.array(expected).map(|[byte]| byte)
    }

    fn integer(&mut self, expected: &'static str) -> Result<u32, KeyError> {
        self.array(expected).map(u32::from_be_bytes)
    }

    /// Returns the tag of the next value, or none at the end of a document or an array.
    fn tag(&mut self, expected: &'static str) -> Result<Option<Tag>, KeyError> {
        match self.byte(expected)? {
            END => Ok(None),
            byte => Tag::from_byte(byte).map(Some).ok_or_else(|| self.malformed(expected)),
        }
    }

    /// Reads bytes up to [`END`], which is skipped.
    fn name(&mut self) -> Result<&'a str, KeyError> {
        let start = self.position;
        let rest = &self.bytes[start..];
        let length = rest.iter().position(|byte| *byte == END);
        let length =
            length.ok_or(KeyError::Malformed { offset: start, expected: "a terminated name" })?;
        self.position += length + 1;
        str::from_utf8(&rest[..length])
            .map_err(|_| KeyError::Malformed { offset: start, expected: "a name in UTF-8" })
    }

    fn text(&mut self) -> Result<String, KeyError> {
        let start = self.position;
        let mut text = Vec::new();
        loop {
            match self.byte("text and its end")? {
                END => break,
                ESCAPE => match self.byte("an escaped byte")?.checked_sub(1) {
                    Some(escaped @ ..=ESCAPE) => text.push(escaped),
                    _ => return Err(self.malformed("an escaped byte")),
                },
                plain => text.push(plain),
            }
        }
        String::from_utf8(text)
            .map_err(|_| KeyError::Malformed { offset: start, expected: "text in UTF-8" })
    }
}

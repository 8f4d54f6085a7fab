//! How deep documents are nested, before anything is decoded.

use bson::raw::RawDocument;

/// The most levels of a document in a message, as in MongoDB.
pub(super) const MAX_DEPTH: usize = 200;

/// Whether a document nests no deeper than [`MAX_DEPTH`]. It takes no stack, whatever the document. Malformed
/// parts are not looked into: who decodes them refuses them.
pub(super) fn is_shallow(document: &RawDocument) -> bool {
    let bytes = document.as_bytes();
    // The ends of the documents around the position.
    let mut ends = vec![bytes.len()];
    let mut at = 4;
    while let Some(end) = ends.last().copied() {
        let Some(kind) = bytes.get(at).copied().filter(|_| at < end) else { return true };
        at += 1;
        if kind == 0 {
            ends.pop();
            continue;
        }
        let Some(name) = bytes[at..].iter().position(|byte| *byte == 0) else { return true };
        at += name + 1;
        let text = |at: usize| length(bytes, at).map(|length| length + 4);
        let value = match kind {
            0x01 | 0x09 | 0x11 | 0x12 => Some(8),
            0x02 | 0x0d | 0x0e => text(at),
            0x03 | 0x04 => {
                let Some(length) = length(bytes, at) else { return true };
                if ends.len() == MAX_DEPTH {
                    return false;
                }
                ends.push(at.saturating_add(length).min(end));
                at += 4;
                continue;
            }
            0x05 => text(at).map(|length| length + 1),
            0x07 => Some(12),
            0x08 => Some(1),
            0x0b => {
                let mut zeros = bytes[at..].iter().enumerate().filter(|(_, byte)| **byte == 0);
                zeros.nth(1).map(|(position, _)| position + 1)
            }
            0x0c => text(at).map(|length| length + 12),
            // A scope is a document: its length, the code, and then that.
            0x0f => {
                let code = length(bytes, at + 4).map(|length| at + 8 + length);
                let Some((code, whole)) = code.zip(length(bytes, at)) else { return true };
                if ends.len() == MAX_DEPTH {
                    return false;
                }
                ends.push(at.saturating_add(whole).min(end));
                at = code + 4;
                continue;
            }
            0x10 => Some(4),
            0x13 => Some(16),
            0x06 | 0x0a | 0x7f | 0xff => Some(0),
            _ => return true,
        };
        let Some(value) = value else { return true };
        at += value;
    }
    true
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(4)?)?.first_chunk()?;
    usize::try_from(i32::from_le_bytes(*field)).ok()
}

#[cfg(test)]
mod tests {
    use bson::raw::RawDocumentBuf;
    use bson::rawdoc;

    use super::*;

    fn nested(levels: usize, as_list: bool) -> RawDocumentBuf {
        let mut document = rawdoc! { "x": 1, "s": "text", "n": null };
        for _ in 1..levels {
            document = if as_list {
                let list = bson::rawbson!([document]);
                rawdoc! { "before": 1.5, "a": list }
            } else {
                rawdoc! { "before": { "b": true }, "a": document, "after": bson::Regex {
                    pattern: bson::raw::cstr!("a").into(), options: bson::raw::cstr!("i").into()
                } }
            };
        }
        document
    }

    #[test]
    fn documents_and_lists_count_as_levels() {
        assert!(is_shallow(&rawdoc! {}));
        assert!(is_shallow(&nested(200, false)));
        assert!(!is_shallow(&nested(201, false)));
        assert!(is_shallow(&nested(100, true)));
        assert!(!is_shallow(&nested(101, true)));
        assert!(!is_shallow(&nested(500, true)));
    }
}

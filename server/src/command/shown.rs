//! Commands as they may be shown to others: their fields, without values.

use bson::raw::{RawArray, RawBsonRef, RawDocument};
use bson::{Bson, Document};

use crate::wire::Request;

/// What stands for a value, as in MongoDB's log.
const REDACTED: &str = "###";
/// The most fields and elements that are shown, and the most bytes of a name.
const MOST_FIELDS: usize = 100;
const MOST_NAME_BYTES: usize = 100;

/// Returns a command with the name of its collection and its options, and without its values. What is beyond a
/// bounded size is left out.
pub(super) fn shown(request: &Request) -> Document {
    let mut fields = Fields(MOST_FIELDS);
    let mut shown = Document::new();
    for (position, field) in request.body.iter().enumerate() {
        let Ok((name, value)) = field else { break };
        if name.as_str().starts_with('$') || name.as_str() == "lsid" || !fields.take() {
            continue;
        }
        let value = match value {
            RawBsonRef::String(collection) if position == 0 => cut(collection).into(),
            RawBsonRef::Boolean(_) | RawBsonRef::Int32(_) | RawBsonRef::Double(_) => {
                Bson::try_from(value).unwrap_or(Bson::Null)
            }
            value => fields.value(value),
        };
        shown.insert(cut(name.as_str()), value);
    }
    for sequence in &request.sequences {
        let documents = sequence.documents.iter().take_while(|_| fields.take()).collect::<Vec<_>>();
        let documents = documents.iter().map(|document| fields.document(document).into());
        shown.insert(cut(&sequence.name), documents.collect::<Vec<Bson>>());
    }
    shown
}

/// How many more fields are shown.
struct Fields(usize);

impl Fields {
    fn take(&mut self) -> bool {
        let is_left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        is_left
    }

    fn value(&mut self, value: RawBsonRef<'_>) -> Bson {
        match value {
            RawBsonRef::Document(document) => self.document(document).into(),
            RawBsonRef::Array(array) => self.array(array).into(),
            _ => REDACTED.into(),
        }
    }

    fn document(&mut self, document: &RawDocument) -> Document {
        let mut shown = Document::new();
        for field in document {
            let Ok((name, value)) = field else { break };
            if !self.take() {
                break;
            }
            shown.insert(cut(name.as_str()), self.value(value));
        }
        shown
    }

    fn array(&mut self, array: &RawArray) -> Vec<Bson> {
        let mut shown = Vec::new();
        for element in array {
            let Ok(element) = element else { break };
            if !self.take() {
                break;
            }
            shown.push(self.value(element));
        }
        shown
    }
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(MOST_NAME_BYTES)]
}

#[cfg(test)]
mod tests {
    use bson::{doc, rawdoc};

    use super::*;
    use crate::testing::request;
    use crate::wire::Sequence;

    #[test]
    fn a_command_is_shown_without_values() {
        let secret = doc! { "find": "users", "filter": { "mail": "ada@x.org", "n": { "$in": [1, "x"] } },
        "limit": 5, "singleBatch": true, "$db": "shop", "lsid": { "id": 1 }, "comment": "ada" };
        let expected = doc! { "find": "users", "filter": { "mail": "###", "n": { "$in": ["###", "###"] } },
        "limit": 5, "singleBatch": true, "comment": "###" };
        assert_eq!(shown(&request(&secret, Vec::new())), expected);
        let documents = vec![rawdoc! { "pwd": "s3cret" }];
        let sequence = Sequence { name: "documents".to_owned(), documents };
        let insert = request(&doc! { "insert": "users", "pwd": "s3cret" }, vec![sequence]);
        let expected = doc! { "insert": "users", "pwd": "###", "documents": [{ "pwd": "###" }] };
        assert_eq!(shown(&insert), expected);
    }

    #[test]
    fn a_large_command_is_shown_in_part() {
        let many: Vec<i32> = (0..100_000).collect();
        let name = "ü".repeat(1000);
        let large = doc! { "find": &name, "filter": { "_id": { "$in": many }, &name: 1 } };
        let shown = shown(&request(&large, Vec::new())).to_string();
        assert!(shown.len() < 2000, "{} bytes", shown.len());
    }
}

//! Which columns can be read, and how.

use std::collections::HashSet;

use arrow_schema::{DataType, Field, Fields, Schema};
use bson::raw::{CString, cstr};
use bson::spec::BinarySubtype;

use super::super::super::columns::arrow::{NOTE, NULLS};
use super::super::super::validate::MAX_DEPTH;

/// The key of a field's metadata with the name of its extension type.
const EXTENSION: &str = "ARROW:extension:name";
const UUID: &str = "arrow.uuid";

/// A column of a file, or a part of one.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: CString,
    /// The names down to it, with dots between them.
    pub(super) path: String,
    /// Whether a null is one in the document; otherwise it is a missing field.
    pub(super) keeps_nulls: bool,
    pub(super) kind: Kind,
}

/// What becomes of the values of a column, where its type alone does not say it.
#[derive(Debug)]
pub(super) enum Kind {
    /// What the type says.
    Plain,
    /// Hex digits of `ObjectId`s.
    ObjectIds,
    /// Digits of decimals.
    Decimals,
    /// Bytes of this subtype.
    Binary(BinarySubtype),
    /// An array with these elements.
    List(Box<Column>),
    /// A document with these fields.
    Struct(Vec<Column>),
    /// A document, or an array of keys and values if the keys are no texts.
    Map(Box<[Column; 2]>),
    /// One of these values.
    Dictionary(Box<Column>),
}

/// The columns of a file.
///
/// # Errors
/// The column that can't be read, why, and what can be done.
pub(super) fn of_schema(schema: &Schema) -> Result<Vec<Column>, String> {
    of_fields(schema.fields(), None, 0)
}

fn of_fields(fields: &Fields, parent: Option<&str>, depth: usize) -> Result<Vec<Column>, String> {
    let mut names = HashSet::new();
    for field in fields {
        if !names.insert(field.name()) {
            return Err(format!(
                "column {} is there twice; rename one of the two",
                path_of(parent, field.name())
            ));
        }
    }
    fields.iter().map(|field| Column::of(field, parent, depth)).collect()
}

fn path_of(parent: Option<&str>, name: &str) -> String {
    parent.map_or_else(|| name.to_owned(), |parent| format!("{parent}.{name}"))
}

impl Column {
    fn of(field: &Field, parent: Option<&str>, depth: usize) -> Result<Self, String> {
        let path = path_of(parent, field.name());
        if depth > MAX_DEPTH {
            return Err(format!("column {path} is nested deeper than {MAX_DEPTH} levels"));
        }
        let name = CString::try_from(field.name().as_str())
            .map_err(|_| format!("the name of column {path:?} has a NUL; rename it"))?;
        let keeps_nulls = field.metadata().get(NULLS).is_some_and(|value| value == "null");
        let kind = Kind::of(field, field.data_type(), &path, depth + 1)?;
        Ok(Self { name, path, keeps_nulls, kind })
    }
}

impl Kind {
    fn of(field: &Field, of: &DataType, path: &str, depth: usize) -> Result<Self, String> {
        let part = |part: &Field| Column::of(part, Some(path), depth);
        Ok(match of {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::of_text(field),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary(subtype(field)),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => Self::List(Box::new(part(item)?)),
            DataType::Struct(fields) => Self::Struct(of_fields(fields, Some(path), depth)?),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    let named = |field: &Field, name| part(&field.clone().with_name(name));
                    Self::Map(Box::new([named(&fields[0], "key")?, named(&fields[1], "value")?]))
                }
                _ => return Err(format!("column {path} is a map without keys and values")),
            },
            DataType::Dictionary(_, values) => {
                let values = Field::new("", values.as_ref().clone(), true)
                    .with_metadata(field.metadata().clone());
                let kind = Self::of(&values, values.data_type(), path, depth)?;
                let (name, path) = (cstr!("").to_owned(), path.to_owned());
                Self::Dictionary(Box::new(Column { name, path, keeps_nulls: false, kind }))
            }
            DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Duration(_)
            | DataType::Interval(_)
            | DataType::Union(..)
            | DataType::RunEndEncoded(..) => {
                return Err(format!(
                    "column {path} has the type {of}, which documents do not have; convert it to a number, \
                     a text or a timestamp, or leave it out"
                ));
            }
            _ => Self::Plain,
        })
    }

    fn of_text(field: &Field) -> Self {
        match field.metadata().get(NOTE).map(String::as_str) {
            Some("objectId") => Self::ObjectIds,
            Some("decimal") => Self::Decimals,
            _ => Self::Plain,
        }
    }
}

fn subtype(field: &Field) -> BinarySubtype {
    let said = field.metadata().get(NOTE).and_then(|note| note.strip_prefix("binData:"));
    if let Some(subtype) = said.and_then(|subtype| subtype.parse::<u8>().ok()) {
        return subtype.into();
    }
    let is_uuid = *field.data_type() == DataType::FixedSizeBinary(16)
        && field.metadata().get(EXTENSION).is_some_and(|name| name == UUID);
    if is_uuid { BinarySubtype::Uuid } else { BinarySubtype::Generic }
}

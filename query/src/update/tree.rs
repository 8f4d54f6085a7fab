//! A document that can be edited, over its bytes.
//!
//! A value stays as it is stored until a path leads into it. Only then do its fields become nodes,
//! whose values again stay as they are.

use std::borrow::Cow;

use argon_core::Result;
use bson::raw::{CStr, RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::spec::ElementType;

use crate::Code;
use crate::expression::field_name;
use crate::value::{Value, malformed, to_owned};

/// The most nulls that fill an array up to an index.
const MAX_PADDING: usize = 1_500_000;

/// A value, or the fields or elements of one that was opened.
#[derive(Debug)]
pub(super) enum Tree<'a> {
    /// A value of the document or of the update.
    Raw(RawBsonRef<'a>),
    /// A computed value.
    Owned(RawBson),
    /// An opened document.
    Document(Vec<Field<'a>>),
    /// An opened array.
    Array(Vec<Tree<'a>>),
}

/// A field of an opened document.
pub(super) type Field<'a> = (Cow<'a, CStr>, Tree<'a>);

impl<'a> Tree<'a> {
    pub(super) fn of(document: &'a RawDocument) -> Self {
        Self::Raw(RawBsonRef::Document(document))
    }

    pub(super) fn element_type(&self) -> ElementType {
        match self {
            Self::Raw(value) => value.element_type(),
            Self::Owned(value) => value.element_type(),
            Self::Document(_) => ElementType::EmbeddedDocument,
            Self::Array(_) => ElementType::Array,
        }
    }

    /// The value. What was opened is put together again.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Raw(value) => Value::Ref(*value),
            Self::Owned(value) => Value::Ref(value.as_raw_bson_ref()),
            Self::Document(fields) => document_of(fields).into(),
            Self::Array(elements) => array_of(elements).into(),
        }
    }

    /// The value as a document; an empty one for other types.
    pub(super) fn into_document(self) -> RawDocumentBuf {
        match self.value().into_bson() {
            RawBson::Document(document) => document,
            _ => RawDocumentBuf::new(),
        }
    }

    /// The fields, if it is a document.
    pub(super) fn fields(&mut self) -> Result<Option<&mut Vec<Field<'a>>>> {
        self.open()?;
        Ok(match self {
            Self::Document(fields) => Some(fields),
            _ => None,
        })
    }

    /// The elements, if it is an array.
    pub(super) fn elements(&mut self) -> Result<Option<&mut Vec<Tree<'a>>>> {
        self.open()?;
        Ok(match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        })
    }

    /// Finds the longest beginning of a path that exists: the position of each value in the one
    /// before.
    pub(super) fn locate(&mut self, path: &[String]) -> Result<Vec<usize>> {
        let mut positions = Vec::with_capacity(path.len());
        let mut tree = self;
        for name in path {
            tree.open()?;
            let Some(position) = tree.position(name) else { break };
            let Some(child) = tree.child(position) else { break };
            positions.push(position);
            tree = child;
        }
        Ok(positions)
    }

    /// The value at the positions that [`locate`](Self::locate) found.
    pub(super) fn at(&mut self, positions: &[usize]) -> &mut Self {
        let Some((position, rest)) = positions.split_first() else { return self };
        match self {
            Self::Document(fields) => fields[*position].1.at(rest),
            Self::Array(elements) => elements[*position].at(rest),
            leaf => leaf,
        }
    }

    /// Removes the value at these positions. An element of an array becomes null instead.
    pub(super) fn remove(&mut self, positions: &[usize]) {
        let Some((last, parent)) = positions.split_last() else { return };
        match self.at(parent) {
            Self::Document(fields) => {
                fields.remove(*last);
            }
            Self::Array(elements) => elements[*last] = Self::Raw(RawBsonRef::Null),
            _ => {}
        }
    }

    /// Creates a value at a path, of which the positions are what exists. An array grows by nulls.
    ///
    /// # Errors
    /// `PathNotViable` if the value that exists can't have such a field; `CannotBackfillArray`.
    pub(super) fn create(
        &mut self,
        path: &[String],
        positions: &[usize],
        value: Tree<'a>,
    ) -> Result<()> {
        let (taken, missing) = path.split_at(positions.len());
        let Some((first, deeper)) = missing.split_first() else { return Ok(()) };
        let parent = self.at(positions);
        parent.open()?;
        let value = deeper.iter().rev().try_fold(value, |inner, name| -> Result<_> {
            Ok(Self::Document(vec![(Cow::Owned(field_name(name)?), inner)]))
        })?;
        match parent {
            Self::Document(fields) => fields.push((Cow::Owned(field_name(first)?), value)),
            Self::Array(elements) if let Some(index) = index(first) => {
                let padding = index.saturating_sub(elements.len());
                if padding > MAX_PADDING {
                    return Err(Code::CANNOT_BACKFILL_ARRAY
                        .error(format!("can't backfill more than {MAX_PADDING} elements")));
                }
                elements.extend((0..padding).map(|_| Self::Raw(RawBsonRef::Null)));
                elements.push(value);
            }
            other => {
                let name = taken.last().map_or("", String::as_str);
                return Err(Code::PATH_NOT_VIABLE.error(format!(
                    "Cannot create field '{first}' in element {{{}}}",
                    super::text::element(name, &other.value())
                )));
            }
        }
        Ok(())
    }

    /// Makes nodes of the fields of a document or the elements of an array.
    fn open(&mut self) -> Result<()> {
        let opened = match self {
            Self::Raw(RawBsonRef::Document(document)) => {
                let field = |field: bson::error::Result<_>| {
                    let (name, value): (&'a CStr, _) = field.map_err(malformed)?;
                    Ok((Cow::Borrowed(name), Self::Raw(value)))
                };
                Self::Document(document.into_iter().map(field).collect::<Result<_>>()?)
            }
            Self::Raw(RawBsonRef::Array(array)) => {
                let element =
                    |element: bson::error::Result<_>| element.map(Self::Raw).map_err(malformed);
                Self::Array(array.into_iter().map(element).collect::<Result<_>>()?)
            }
            Self::Owned(RawBson::Document(document)) => {
                let field = |field: bson::error::Result<(&CStr, _)>| {
                    let (name, value) = field.map_err(malformed)?;
                    Ok((Cow::Owned(name.to_owned()), Self::Owned(to_owned(value))))
                };
                Self::Document(document.iter().map(field).collect::<Result<_>>()?)
            }
            Self::Owned(RawBson::Array(array)) => {
                let element = |element: bson::error::Result<_>| {
                    element.map(|value| Self::Owned(to_owned(value))).map_err(malformed)
                };
                Self::Array(array.into_iter().map(element).collect::<Result<_>>()?)
            }
            _ => return Ok(()),
        };
        *self = opened;
        Ok(())
    }

    fn position(&self, name: &str) -> Option<usize> {
        match self {
            Self::Document(fields) => fields.iter().position(|(known, _)| known.as_str() == name),
            Self::Array(elements) => index(name).filter(|index| *index < elements.len()),
            _ => None,
        }
    }

    fn child(&mut self, position: usize) -> Option<&mut Self> {
        match self {
            Self::Document(fields) => fields.get_mut(position).map(|(_, value)| value),
            Self::Array(elements) => elements.get_mut(position),
            _ => None,
        }
    }
}

/// The index that a name stands for in an array.
pub(super) fn index(name: &str) -> Option<usize> {
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| name.parse().ok()).flatten()
}

fn document_of(fields: &[Field<'_>]) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    for (name, value) in fields {
        if let Some(value) = value.value().get() {
            document.append(name, value);
        }
    }
    document
}

fn array_of(elements: &[Tree<'_>]) -> RawArrayBuf {
    let mut array = RawArrayBuf::new();
    for element in elements {
        array.push(element.value().get().unwrap_or(RawBsonRef::Null));
    }
    array
}

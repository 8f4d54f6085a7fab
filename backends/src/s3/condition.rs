//! The condition of a write.

/// The object that must be there for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutCondition<'a> {
    /// None.
    Absent,
    /// The object with this `ETag`.
    Match(&'a str),
}

impl PutCondition<'_> {
    /// The value of an `If-Match` header. The quotes belong to it (RFC 9110, 8.8.3), but radosgw
    /// compares it with an `ETag` without quotes.
    pub(super) fn if_match(&self, unquoted: bool) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Match(etag) if unquoted => Some((*etag).to_owned()),
            Self::Match(etag) => Some(format!("\"{etag}\"")),
        }
    }

    /// The value of an `If-None-Match` header.
    pub(super) fn if_none_match(&self) -> Option<String> {
        matches!(self, Self::Absent).then(|| "*".to_owned())
    }
}

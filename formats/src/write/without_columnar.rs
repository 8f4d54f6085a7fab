//! The writer of tables in a build that leaves them out.

use std::convert::Infallible;

use bson::RawDocument;

use super::super::FormatError;
use super::super::columns::Fields;
use super::{Target, Written};
use crate::ColumnarFormat;

/// Writes documents as the rows of a table; this build leaves it out.
#[derive(Debug)]
pub struct ColumnarWriter(Infallible);

impl ColumnarWriter {
    /// # Errors
    /// `NoColumnar`.
    pub fn create(
        target: Target<'_>,
        format: ColumnarFormat,
        _: Fields,
        _: bool,
    ) -> Result<Self, FormatError> {
        Err(FormatError::NoColumnar { path: target.path(), format })
    }

    /// Never called.
    pub fn write(&mut self, _: &RawDocument) -> Result<(), FormatError> {
        match self.0 {}
    }

    /// Never called.
    pub fn finish(self) -> Result<Written, FormatError> {
        match self.0 {}
    }
}

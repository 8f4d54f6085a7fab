//! The reader of tables in a build that leaves them out.

use std::convert::Infallible;
use std::path::Path;

use super::super::{ColumnarFormat, FormatError};
use super::Input;
use super::record::{Damage, Record};

#[derive(Debug)]
pub(super) struct ColumnarReader(Infallible);

impl ColumnarReader {
    pub(super) fn new(path: &Path, format: ColumnarFormat, _: Input) -> Result<Self, FormatError> {
        Err(FormatError::NoColumnar { path: path.to_owned(), format })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, Damage>> {
        match self.0 {}
    }

    pub(super) fn notes(&self) -> std::iter::Empty<&str> {
        match self.0 {}
    }
}

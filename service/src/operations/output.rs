//! Where the results of operations go.

use argon_core::Error;
use async_trait::async_trait;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef, RawDocument};
use bson::rawdoc;
use futures::{Stream, TryStreamExt};
use serde::Serialize;

use super::Operation;
use crate::{Failure, Result};

/// Takes the result of an operation.
#[async_trait]
pub trait Output: Send {
    /// Takes the result; of a list, the next item.
    ///
    /// # Errors
    /// `Internal` if it can't be written; those of whoever takes it.
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result;

    /// Resolves when there is room for another item.
    ///
    /// # Errors
    /// `Output` if nobody takes it any more.
    async fn ready(&mut self) -> Result {
        Ok(())
    }
}

/// Gives a list to whoever takes it.
pub(super) async fn give<T: Serialize>(
    output: &mut dyn Output,
    items: impl Stream<Item = Result<T, Failure>>,
) -> Result {
    let mut items = std::pin::pin!(items);
    while let Some(item) = items.try_next().await? {
        output.put(&item)?;
        output.ready().await?;
    }
    Ok(())
}

/// Results as BSON, in which values of documents are bytes, as [`ExtJson`](crate::json::ExtJson) says.
pub(super) struct BsonOutput {
    /// The items of a list; `None` for another result.
    items: Option<RawArrayBuf>,
    result: Vec<u8>,
    bytes: usize,
}

/// A result as the only field of a document.
#[derive(Serialize)]
struct Returned<'r> {
    result: &'r dyn erased_serde::Serialize,
}

impl BsonOutput {
    /// An output for the result of an operation.
    pub(super) fn of(operation: &Operation) -> Self {
        let items = operation.is_list.then(RawArrayBuf::new);
        Self { items, result: Vec::new(), bytes: 0 }
    }

    /// A document whose field `result` has the result.
    pub(super) fn finish(self) -> Vec<u8> {
        match self.items {
            Some(items) => rawdoc! { "result": items }.into_bytes(),
            None => self.result,
        }
    }
}

impl Output for BsonOutput {
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result {
        let failed = |error: bson::error::Error| {
            Error::internal("a result can't be encoded").with_source(error)
        };
        let bytes = bson::serialize_to_vec(&Returned { result }).map_err(failed)?;
        self.bytes += bytes.len();
        if i32::try_from(self.bytes).is_err() {
            let message = "the result has more than 2 GiB: ask for less of it";
            return Err(Error::unsupported(message).into());
        }
        match &mut self.items {
            Some(items) => {
                let document = RawDocument::from_bytes(&bytes).map_err(failed)?;
                let item = document.get("result").map_err(failed)?.unwrap_or(RawBsonRef::Null);
                items.push(RawBson::from(item));
            }
            None => self.result = bytes,
        }
        Ok(())
    }
}

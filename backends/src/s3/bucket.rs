//! Plain requests for objects: read, list, remove, and write without looking back. `put.rs` has the
//! writes that must know whether they happened.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argon_core::{Environment, Error, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::Bytes;
use futures::FutureExt;

use crate::s3::condition::PutCondition;
use crate::s3::failure::{Failure, Outcome};
use crate::s3::retry::{IN_ALL, Retry};
use crate::s3::settings::{Encryption, Settings};
use crate::s3::traffic::Meter;

/// The most names that a server gives in one answer, and about how many bytes they take.
pub(super) const PAGE: usize = 1000;
const LISTING_BYTES: u64 = 1024 * 1024;

/// The objects under a store's prefix. Names are given without it.
///
/// The futures of the SDK are large, so they are put on the heap.
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    pub(super) environment: Environment,
    /// How long a request without large content is tried.
    pub(super) patience: Duration,
    /// Whether the server takes the `ETag`s of conditions without quotes (see `put.rs`).
    pub(super) unquoted: AtomicBool,
}

/// An object, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    /// Its `ETag`, which names its content, without quotes.
    pub(super) etag: String,
    /// The length of the whole object.
    pub(super) length: u64,
}

/// The part of an object that a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it. It has about this many bytes, or an unknown number if 0: a large object has more
    /// time.
    Whole(u64),
    /// The last N bytes, or all of a shorter object.
    Last(u64),
    /// These bytes; not empty.
    Bytes(Range<u64>),
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) etag: String,
    pub(super) length: u64,
    /// When it was written by the server's clock, in seconds since 1970.
    pub(super) modified: i64,
}

/// A part of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    /// The folders below, with a slash at the end; only in a listing of a folder.
    pub(super) folders: Vec<String>,
    /// Whether the listing continues after this page.
    pub(super) more: bool,
}

impl Bucket {
    pub(super) fn new(
        client: Client,
        settings: Settings,
        meter: Meter,
        environment: &Environment,
    ) -> Self {
        let environment = environment.clone();
        let unquoted = AtomicBool::new(false);
        Self { client, settings, meter, environment, patience: IN_ALL, unquoted }
    }

    /// The whole name of an object.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.settings.prefix)
    }

    /// A request as errors name it: `get log/… in s3://bucket/prefix at https://…`, or of all objects
    /// if `name` is empty.
    pub(super) fn request(&self, verb: &str, name: &str) -> String {
        let gap = if name.is_empty() { "" } else { " " };
        format!("{verb}{gap}{name} in {}", self.settings)
    }

    /// The attempts of a request that moves this many bytes.
    pub(super) fn retry(&self, bytes: u64) -> Retry {
        Retry::new(&self.meter, &self.environment, self.patience, bytes)
    }

    /// Sends a request that moves about this many bytes until it succeeds, or another attempt would be
    /// useless or too late.
    async fn repeat<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        what: &str,
        bytes: u64,
        send: impl Fn() -> F,
    ) -> Result<T, Failure> {
        let mut attempts = self.retry(bytes);
        loop {
            match attempts.one(what, send()).await {
                Err(failure) if failure.outcome.may_pass() && attempts.again().await => {}
                ended => return ended,
            }
        }
    }

    /// An object, or `None` if the name is free.
    pub(super) async fn get(&self, name: &str, wanted: Wanted) -> Result<Option<Object>> {
        let bytes = match &wanted {
            Wanted::Whole(count) | Wanted::Last(count) => *count,
            Wanted::Bytes(range) => range.end - range.start,
        };
        let what = self.request("get", name);
        match self.repeat(&what, bytes, || self.get_once(&what, name, &wanted)).await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.outcome == Outcome::Missing => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    async fn get_once(&self, what: &str, name: &str, wanted: &Wanted) -> Result<Object, Failure> {
        let range = match wanted {
            Wanted::Whole(_) => None,
            Wanted::Last(count) => Some(format!("bytes=-{count}")),
            Wanted::Bytes(range) => Some(format!("bytes={}-{}", range.start, range.end - 1)),
        };
        let request = self.client.get_object().bucket(&self.settings.bucket).key(self.key(name));
        let answer = request.set_range(range).send().boxed().await;
        let answer = answer.map_err(|error| Failure::of(what, &error))?;
        let GetObjectOutput { body, e_tag, content_range, content_length, .. } = answer;
        let bytes = body.collect().await.map_err(|source| Failure::broken(what, source))?.to_vec();
        let promised = content_length.and_then(|length| u64::try_from(length).ok());
        if promised.is_some_and(|promised| promised != bytes.len() as u64) {
            return Err(Failure::broken(what, "its length differs from its header"));
        }
        let total = content_range.and_then(|range| range.rsplit('/').next()?.parse().ok());
        let length = total.unwrap_or(bytes.len() as u64);
        Ok(Object { length, etag: without_quotes(e_tag), bytes })
    }

    /// The objects whose names begin with `prefix` and come after `after`, at most `most` of them
    /// and at most [`PAGE`], in ascending order.
    ///
    /// # Errors
    /// Besides those of the server, `Unsupported` if the names are out of order.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Page> {
        self.list_with(prefix, after, most, None).await
    }

    /// The objects and folders right below a folder, whose name ends with a slash.
    pub(super) async fn list_folder(&self, folder: &str, after: Option<&str>) -> Result<Page> {
        self.list_with(folder, after, PAGE, Some("/")).await
    }

    async fn list_with(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
        delimiter: Option<&str>,
    ) -> Result<Page> {
        let what = self.request("list", prefix);
        let list = || self.list_once(&what, prefix, after, most, delimiter);
        let page =
            self.repeat(&what, LISTING_BYTES, list).await.map_err(|failure| failure.error)?;
        let after = after.unwrap_or_default();
        let ordered = page.objects.windows(2).all(|pair| pair[0].name < pair[1].name)
            && page.objects.first().is_none_or(|first| first.name.as_str() > after);
        if ordered {
            return Ok(page);
        }
        Err(Error::unsupported(format!(
            "the server does not list objects in the order of their names, so the head of a timeline \
             can't be found ({what}); use a general purpose bucket"
        )))
    }

    async fn list_once(
        &self,
        what: &str,
        prefix: &str,
        after: Option<&str>,
        most: usize,
        delimiter: Option<&str>,
    ) -> Result<Page, Failure> {
        let most = i32::try_from(most.clamp(1, PAGE)).unwrap_or(1);
        let request = self.client.list_objects_v2().bucket(&self.settings.bucket);
        let answer = request
            .prefix(self.key(prefix))
            .set_start_after(after.map(|after| self.key(after)))
            .set_delimiter(delimiter.map(str::to_owned))
            .max_keys(most)
            .send()
            .boxed()
            .await
            .map_err(|error| Failure::of(what, &error))?;
        Ok(self.page(answer))
    }

    fn page(&self, answer: ListObjectsV2Output) -> Page {
        let short = |name: &str| name.strip_prefix(&self.settings.prefix).map(str::to_owned);
        let objects = answer.contents.unwrap_or_default().into_iter().filter_map(|object| {
            Some(Listed {
                name: short(&object.key?)?,
                etag: without_quotes(object.e_tag),
                length: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                modified: object.last_modified.map_or(0, |modified| modified.secs()),
            })
        });
        let folders = answer.common_prefixes.unwrap_or_default().into_iter();
        Page {
            objects: objects.collect(),
            folders: folders.filter_map(|folder| short(&folder.prefix?)).collect(),
            more: answer.is_truncated.unwrap_or(false),
        }
    }

    /// All objects whose names begin with `prefix`, in ascending order.
    pub(super) async fn list_all(&self, prefix: &str) -> Result<Vec<Listed>> {
        let mut found: Vec<Listed> = Vec::new();
        loop {
            let after = found.last().map(|last| last.name.clone());
            let page = self.list(prefix, after.as_deref(), PAGE).await?;
            let more = page.more && !page.objects.is_empty();
            found.extend(page.objects);
            if !more {
                return Ok(found);
            }
        }
    }

    /// Removes an object, unless it is gone.
    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        let what = self.request("delete", name);
        let delete = || async {
            let request = self.client.delete_object().bucket(&self.settings.bucket);
            let answer = request.key(self.key(name)).send().boxed().await;
            answer.map(drop).map_err(|error| Failure::of(&what, &error))
        };
        match self.repeat(&what, 0, delete).await {
            Err(failure) if failure.outcome != Outcome::Missing => Err(failure.error),
            _ => Ok(()),
        }
    }

    /// Writes an object over any other of its name, and returns its `ETag`. This is for a name that
    /// determines the content, or whose last writer is right.
    pub(super) async fn put_always(&self, name: &str, bytes: &Bytes) -> Result<String> {
        let what = self.request("put", name);
        let put = || self.put_once(&what, name, bytes, None);
        self.repeat(&what, bytes.len() as u64, put).await.map_err(|failure| failure.error)
    }

    /// Sends a write once, and returns the object's `ETag`. The request shares the bytes: a segment may
    /// have a gigabyte.
    pub(super) async fn put_once(
        &self,
        what: &str,
        name: &str,
        bytes: &Bytes,
        condition: Option<PutCondition<'_>>,
    ) -> Result<String, Failure> {
        let answer = self.put_request(name, bytes, condition).send().boxed().await;
        let answer = answer.map_err(|error| Failure::of(what, &error))?;
        Ok(without_quotes(answer.e_tag))
    }

    /// The request that writes.
    pub(super) fn put_request(
        &self,
        name: &str,
        bytes: &Bytes,
        condition: Option<PutCondition<'_>>,
    ) -> PutObjectFluentBuilder {
        let unquoted = self.unquoted.load(Ordering::Relaxed);
        let (encryption, key) = self.encryption();
        let request = self.client.put_object().bucket(&self.settings.bucket).key(self.key(name));
        request
            .body(ByteStream::from(bytes.clone()))
            .set_if_match(condition.and_then(|condition| condition.if_match(unquoted)))
            .set_if_none_match(condition.and_then(|condition| condition.if_none_match()))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
    }

    /// The encryption of new objects.
    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.settings.encryption {
            None => (None, None),
            Some(Encryption::Aes256) => (Some(ServerSideEncryption::Aes256), None),
            Some(Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }
}

/// An `ETag` without the quotes that belong to its header.
pub(super) fn without_quotes(etag: Option<String>) -> String {
    etag.map(|etag| etag.trim_matches('"').to_owned()).unwrap_or_default()
}

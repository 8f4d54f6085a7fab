//! The objects of a bucket, and what S3 does with them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Bound, Range};

use super::http::{Answer, Request};
use super::{Conditions, Quirks, time};

struct StoredObject {
    content: Vec<u8>,
    etag: String,
    /// In seconds since 1970.
    modified: i64,
}

/// A bucket: objects by name, and the parts of uploads that were not joined.
#[derive(Default)]
pub(super) struct Objects {
    by_name: BTreeMap<String, StoredObject>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    /// How many uploads were begun.
    begun: usize,
}

impl Objects {
    /// The names that have this in them.
    pub(super) fn names(&self, part: &str) -> Vec<String> {
        self.by_name.keys().filter(|name| name.contains(part)).cloned().collect()
    }

    pub(super) fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.by_name.get(name).map(|stored| stored.content.clone())
    }

    /// Writes an object; gives its `ETag`.
    pub(super) fn put(&mut self, name: &str, content: Vec<u8>, now: i64) -> String {
        let etag = etag(&content);
        let stored = StoredObject { content, etag: etag.clone(), modified: now };
        self.by_name.insert(name.to_owned(), stored);
        etag
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.uploads.len()
    }

    /// Serves a request.
    pub(super) fn answer(
        &mut self,
        request: &Request,
        body: Vec<u8>,
        quirks: Quirks,
        now: i64,
    ) -> Answer {
        if request.is_list() {
            return self.list(request, quirks);
        }
        let upload = request.query.get("uploadId");
        match (request.method.as_str(), upload) {
            ("GET" | "HEAD", _) => self.get(request),
            ("PUT", None) => self.write_if(request, body, quirks, now),
            ("DELETE", None) => {
                self.remove(&request.key);
                Answer::ok("")
            }
            ("POST", None) => {
                let id = format!("upload{}", self.begun);
                self.begun += 1;
                self.uploads.insert(id.clone(), BTreeMap::new());
                Answer::ok(format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            ("PUT", Some(upload)) => {
                let number = request.parameter("partNumber").parse().unwrap_or(0);
                let Some(parts) = self.uploads.get_mut(upload) else { return no_upload() };
                parts.insert(number, body);
                Answer::ok("").with("etag: \"part\"")
            }
            ("POST", Some(upload)) => self.join(request, upload, quirks, now),
            ("DELETE", Some(upload)) => {
                self.uploads.remove(upload);
                Answer::ok("")
            }
            _ => Answer::error(405, "MethodNotAllowed"),
        }
    }

    /// Makes an object of the parts of an upload.
    fn join(&mut self, request: &Request, upload: &str, quirks: Quirks, now: i64) -> Answer {
        let Some(parts) = self.uploads.get(upload) else { return no_upload() };
        let content = parts.values().flatten().copied().collect();
        let asked = quirks.conditions != Conditions::IgnoredOfUploads;
        if let Some(refusal) = self.refusal(request, quirks).filter(|_| asked) {
            return refusal;
        }
        let etag = self.put(&request.key, content, now);
        self.uploads.remove(upload);
        Answer::ok(format!(
            "<CompleteMultipartUploadResult><ETag>\"{etag}\"</ETag></CompleteMultipartUploadResult>"
        ))
    }

    /// Writes an object if the request's condition holds.
    fn write_if(&mut self, request: &Request, body: Vec<u8>, quirks: Quirks, now: i64) -> Answer {
        self.refusal(request, quirks).unwrap_or_else(|| self.write(request, body, now))
    }

    pub(super) fn write(&mut self, request: &Request, body: Vec<u8>, now: i64) -> Answer {
        let etag = self.put(&request.key, body, now);
        Answer::ok("").with(format!("etag: \"{etag}\""))
    }

    /// The answer if the condition of a write does not hold.
    pub(super) fn refusal(&self, request: &Request, quirks: Quirks) -> Option<Answer> {
        if quirks.conditions == Conditions::Ignored {
            return None;
        }
        let there = self.by_name.get(&request.key).map(|stored| &stored.etag);
        if request.headers.contains_key("if-none-match") && there.is_some() {
            return Some(Answer::error(412, "PreconditionFailed"));
        }
        let expected = request.headers.get("if-match")?;
        let Some(etag) = there else { return Some(Answer::error(404, "NoSuchKey")) };
        let shown = if quirks.wants_unquoted { etag.clone() } else { format!("\"{etag}\"") };
        (*expected != shown).then(|| Answer::error(412, "PreconditionFailed"))
    }

    fn get(&self, request: &Request) -> Answer {
        let Some(stored) = self.by_name.get(&request.key) else {
            return Answer::error(404, "NoSuchKey");
        };
        let content = &stored.content;
        let etag = format!("etag: \"{}\"", stored.etag);
        let Some(range) = request.headers.get("range") else {
            return Answer::ok(content.clone()).with(etag);
        };
        let Some(range) = wanted(range, content.len()) else {
            return Answer::error(416, "InvalidRange");
        };
        let shown = format!("{}-{}/{}", range.start, range.end - 1, content.len());
        let mut answer = Answer::ok(&content[range]).with(etag);
        answer.status = 206;
        answer.with(format!("content-range: bytes {shown}"))
    }

    fn list(&self, request: &Request, quirks: Quirks) -> Answer {
        let (prefix, after) = (request.parameter("prefix"), request.parameter("start-after"));
        let by_folder = !request.parameter("delimiter").is_empty();
        let most = request.parameter("max-keys").parse().unwrap_or(1000);
        let from = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        let (mut contents, mut folders, mut more) = (Vec::new(), Vec::<&str>::new(), false);
        for (name, stored) in self.by_name.range::<str, _>((from, Bound::Unbounded)) {
            let Some(rest) = name.strip_prefix(prefix) else { break };
            if let Some(at) = rest.find('/').filter(|_| by_folder) {
                let folder = &name[..=prefix.len() + at];
                if folders.last() != Some(&folder) {
                    folders.push(folder);
                }
                continue;
            }
            if contents.len() == most {
                more = true;
                break;
            }
            contents.push(format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>\"{}\"</ETag><Size>{}</Size></Contents>",
                escaped(name),
                time::in_listings(stored.modified),
                stored.etag,
                stored.content.len()
            ));
        }
        if quirks.lists_backwards {
            contents.reverse();
        }
        let folders = folders.iter().map(|folder| {
            format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(folder))
        });
        contents.extend(folders);
        Answer::ok(format!(
            "<ListBucketResult><IsTruncated>{more}</IsTruncated>{}</ListBucketResult>",
            contents.concat()
        ))
    }
}

fn no_upload() -> Answer {
    Answer::error(404, "NoSuchUpload")
}

/// What a range header asks for, `bytes=FROM-TO` or `bytes=-COUNT`, of so many bytes.
fn wanted(header: &str, length: usize) -> Option<Range<usize>> {
    let (from, to) = header.strip_prefix("bytes=")?.split_once('-')?;
    let range = match from.parse::<usize>() {
        Ok(from) => from..length.min(to.parse::<usize>().ok()?.saturating_add(1)),
        Err(_) => length.saturating_sub(to.parse().ok()?)..length,
    };
    (!range.is_empty()).then_some(range)
}

/// Names a content, as S3's does: the same content has the same one.
fn etag(content: &[u8]) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, content).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

fn escaped(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;")
}

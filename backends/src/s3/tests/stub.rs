//! A small S3 in this process, which can be told to misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use argon_core::model::Digest;

/// What the server does with a request instead of serving it.
#[derive(Debug, Clone)]
pub(super) enum Reaction {
    /// The request never arrives.
    LoseRequest,
    /// It is served, and the answer never arrives.
    LoseAnswer,
    /// It is served, the object is then written over with what is made of it, and the answer never
    /// arrives.
    LoseAnswerAnd(fn(&[u8]) -> Vec<u8>),
    /// It is served, and then answered with this status and code.
    AnswerAfter(u16, &'static str),
    /// It is answered with this status and code.
    Answer(u16, &'static str),
    /// It is answered with this status, code and header.
    AnswerWith(u16, &'static str, &'static str),
    /// Nothing comes back, and the connection stays open.
    Stall,
}

/// A request as a script sees it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// The object's name, or nothing for the bucket.
    pub(super) key: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    body: Vec<u8>,
    /// How many came before.
    pub(super) number: usize,
}

impl Request {
    pub(super) fn is_put_to(&self, part: &str) -> bool {
        self.method == "PUT" && self.key.contains(part)
    }

    fn is_list(&self) -> bool {
        self.method == "GET" && self.key.is_empty()
    }
}

type Script = Box<dyn FnMut(&Request) -> Option<Reaction> + Send>;

/// What a server makes of the conditions of writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Conditions {
    #[default]
    Kept,
    Ignored,
    /// They are kept but when the parts of an upload are joined.
    IgnoredOfUploads,
    /// It looks whether they hold, and writes a large object some time later.
    LookedAtEarly,
}

/// How the server differs from S3.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quirks {
    pub(super) conditions: Conditions,
    /// Compares conditions with `ETag`s without quotes.
    pub(super) wants_unquoted: bool,
    pub(super) lists_backwards: bool,
}

struct Stored {
    content: Vec<u8>,
    modified: i64,
}

struct State {
    objects: BTreeMap<String, Stored>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    script: Script,
    log: Vec<Request>,
}

/// The server. It ends with the process.
#[derive(Clone)]
pub(super) struct Stub {
    state: Arc<Mutex<State>>,
    /// What its clock shows, in seconds since 1970.
    clock: Arc<AtomicI64>,
    quirks: Quirks,
    address: SocketAddr,
}

impl Stub {
    pub(super) fn start() -> Self {
        Self::with(Quirks::default())
    }

    pub(super) fn with(quirks: Quirks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = State {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            script: Box::new(|_| None),
            log: Vec::new(),
        };
        let stub = Self {
            state: Arc::new(Mutex::new(state)),
            clock: Arc::new(AtomicI64::new(1_700_000_000)),
            quirks,
            address: listener.local_addr().unwrap(),
        };
        let serving = stub.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stub, stream) = (serving.clone(), stream.unwrap());
                std::thread::spawn(move || stub.serve(&stream));
            }
        });
        stub
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The URL of a store.
    pub(super) fn url(&self, more: &str) -> argon_core::storage::StoreUrl {
        let url = format!(
            "s3://bucket/prefix?region=us-east-1&endpoint=http://{}&path_style=true{more}",
            self.address
        );
        url.parse().unwrap()
    }

    /// What to do with requests from now on.
    pub(super) fn script(&self, script: impl FnMut(&Request) -> Option<Reaction> + Send + 'static) {
        self.state().script = Box::new(script);
    }

    /// Serves all from now on.
    pub(super) fn behave(&self) {
        self.script(|_| None);
    }

    /// The requests since the last call.
    pub(super) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().log)
    }

    /// The names of all objects whose names have this in them.
    pub(super) fn names(&self, part: &str) -> Vec<String> {
        self.state().objects.keys().filter(|name| name.contains(part)).cloned().collect()
    }

    pub(super) fn content(&self, name: &str) -> Vec<u8> {
        self.state().objects[name].content.clone()
    }

    pub(super) fn put(&self, name: &str, content: Vec<u8>) {
        let modified = self.clock.load(Ordering::SeqCst);
        self.state().objects.insert(name.to_owned(), Stored { content, modified });
    }

    pub(super) fn remove(&self, name: &str) {
        self.state().objects.remove(name);
    }

    /// Moves the server's clock.
    pub(super) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn serve(&self, stream: &TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream);
        while let Some(mut request) = read_request(&mut reader) {
            let reaction = {
                let mut state = self.state();
                request.number = state.log.len();
                let reaction = (state.script)(&request);
                state.log.push(request.clone());
                reaction
            };
            let answer = match reaction {
                None if self.looks_early(&request) => self.late(&request),
                None => self.answer(&request),
                Some(Reaction::LoseRequest) => return,
                Some(Reaction::LoseAnswer) => {
                    self.answer(&request);
                    return;
                }
                Some(Reaction::LoseAnswerAnd(make)) => {
                    self.answer(&request);
                    let content = make(&self.content(&request.key));
                    self.put(&request.key, content);
                    return;
                }
                Some(Reaction::AnswerAfter(status, code)) => {
                    self.answer(&request);
                    Answer::error(status, code)
                }
                Some(Reaction::Answer(status, code)) => Answer::error(status, code),
                Some(Reaction::AnswerWith(status, code, header)) => {
                    Answer { headers: vec![header.to_owned()], ..Answer::error(status, code) }
                }
                Some(Reaction::Stall) => loop {
                    std::thread::sleep(std::time::Duration::from_mins(1));
                },
            };
            if self.write(stream, &answer, request.method == "HEAD").is_err() {
                return;
            }
        }
    }

    fn write(
        &self,
        mut stream: &TcpStream,
        answer: &Answer,
        headers_only: bool,
    ) -> std::io::Result<()> {
        let date = aws_sdk_s3::primitives::DateTime::from_secs(self.clock.load(Ordering::SeqCst));
        let date = date.fmt(aws_sdk_s3::primitives::DateTimeFormat::HttpDate).unwrap();
        let mut head = format!("HTTP/1.1 {} X\r\ndate: {date}\r\n", answer.status);
        for header in &answer.headers {
            head.push_str(&format!("{header}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
        stream.write_all(head.as_bytes())?;
        if headers_only { Ok(()) } else { stream.write_all(&answer.body) }
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut state = self.state();
        if request.is_list() {
            return self.list(&state, request);
        }
        let upload = request.query.get("uploadId");
        match (request.method.as_str(), upload) {
            ("GET", _) => get(&state, request),
            ("PUT", None) => self.store(&mut state, request, request.body.clone()),
            ("DELETE", None) => {
                state.objects.remove(&request.key);
                Answer::ok("")
            }
            ("POST", None) => {
                let id = format!("upload{}", state.uploads.len());
                state.uploads.insert(id.clone(), BTreeMap::new());
                Answer::ok(&format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            ("PUT", Some(upload)) => {
                let number = request.query["partNumber"].parse().unwrap();
                state.uploads.get_mut(upload).unwrap().insert(number, request.body.clone());
                Answer { headers: vec!["etag: \"part\"".into()], ..Answer::ok("") }
            }
            ("POST", Some(upload)) => {
                let content = state.uploads[upload].values().flatten().copied().collect();
                let mut answer = if self.quirks.conditions == Conditions::IgnoredOfUploads {
                    self.write_object(&mut state, request, content)
                } else {
                    self.store(&mut state, request, content)
                };
                if answer.status == 200 {
                    let etag = answer.headers[0].trim_start_matches("etag: ").to_owned();
                    answer.body = format!(
                        "<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
                    )
                    .into();
                    state.uploads.remove(upload);
                }
                answer
            }
            ("DELETE", Some(upload)) => {
                state.uploads.remove(upload);
                Answer::ok("")
            }
            _ => Answer::error(405, "MethodNotAllowed"),
        }
    }

    /// How many uploads were neither completed nor given up.
    pub(super) fn open_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    fn store(&self, state: &mut State, request: &Request, content: Vec<u8>) -> Answer {
        self.refusal(state, request).unwrap_or_else(|| self.write_object(state, request, content))
    }

    /// The answer if the condition of a write does not hold.
    fn refusal(&self, state: &State, request: &Request) -> Option<Answer> {
        let there = state.objects.get(&request.key).map(|stored| etag(&stored.content));
        if self.quirks.conditions == Conditions::Ignored {
            return None;
        }
        let expected = request.headers.get("if-match");
        if request.headers.contains_key("if-none-match") && there.is_some() {
            return Some(Answer::error(412, "PreconditionFailed"));
        }
        if expected.is_some() && there.is_none() {
            return Some(Answer::error(404, "NoSuchKey"));
        }
        let shown =
            there.map(|etag| if self.quirks.wants_unquoted { etag } else { format!("\"{etag}\"") });
        let refused = expected.is_some() && expected != shown.as_ref();
        refused.then(|| Answer::error(412, "PreconditionFailed"))
    }

    fn looks_early(&self, request: &Request) -> bool {
        self.quirks.conditions == Conditions::LookedAtEarly
            && request.method == "PUT"
            && request.body.len() > 100_000
    }

    /// Writes without a lock around the look at the condition and the write.
    fn late(&self, request: &Request) -> Answer {
        let refusal = self.refusal(&self.state(), request);
        refusal.unwrap_or_else(|| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            self.write_object(&mut self.state(), request, request.body.clone())
        })
    }

    fn write_object(&self, state: &mut State, request: &Request, content: Vec<u8>) -> Answer {
        let etag = etag(&content);
        let modified = self.clock.load(Ordering::SeqCst);
        state.objects.insert(request.key.clone(), Stored { content, modified });
        Answer { headers: vec![format!("etag: \"{etag}\"")], ..Answer::ok("") }
    }

    fn list(&self, state: &State, request: &Request) -> Answer {
        let of = |name: &str| request.query.get(name).cloned().unwrap_or_default();
        let (prefix, after) = (of("prefix"), of("start-after"));
        let most: usize = of("max-keys").parse().unwrap_or(1000);
        let (mut contents, mut folders, mut more) = (Vec::new(), Vec::<String>::new(), false);
        for (name, stored) in &state.objects {
            let Some(rest) = name.strip_prefix(&prefix).filter(|_| *name > after) else { continue };
            if let Some((folder, _)) = rest.split_once('/').filter(|_| !of("delimiter").is_empty())
            {
                let folder = format!("{prefix}{folder}/");
                if folders.last() != Some(&folder) {
                    folders.push(folder);
                }
                continue;
            }
            if contents.len() == most {
                more = true;
                break;
            }
            let modified = aws_sdk_s3::primitives::DateTime::from_secs(stored.modified);
            let modified = modified.fmt(aws_sdk_s3::primitives::DateTimeFormat::DateTime).unwrap();
            contents.push(format!(
                "<Contents><Key>{name}</Key><LastModified>{modified}</LastModified>\
                 <ETag>\"{}\"</ETag><Size>{}</Size></Contents>",
                etag(&stored.content),
                stored.content.len()
            ));
        }
        if self.quirks.lists_backwards {
            contents.reverse();
        }
        let folders: String = folders
            .iter()
            .map(|folder| format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"))
            .collect();
        Answer::ok(&format!(
            "<ListBucketResult><IsTruncated>{more}</IsTruncated>{}{folders}</ListBucketResult>",
            contents.concat()
        ))
    }
}

fn get(state: &State, request: &Request) -> Answer {
    let Some(stored) = state.objects.get(&request.key) else {
        return Answer::error(404, "NoSuchKey");
    };
    let content = &stored.content;
    let mut answer =
        Answer { headers: vec![format!("etag: \"{}\"", etag(content))], ..Answer::ok("") };
    let Some(range) = request.headers.get("range") else {
        return Answer { body: content.clone(), ..answer };
    };
    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let range = match from.parse::<usize>() {
        Ok(from) => from..content.len().min(to.parse::<usize>().unwrap() + 1),
        Err(_) => content.len().saturating_sub(to.parse().unwrap())..content.len(),
    };
    answer.status = 206;
    let (start, end) = (range.start, range.end - 1);
    answer.headers.push(format!("content-range: bytes {start}-{end}/{}", content.len()));
    Answer { body: content[range].to_vec(), ..answer }
}

struct Answer {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn ok(body: &str) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        Self { status, headers: Vec::new(), body: body.into() }
    }
}

fn etag(content: &[u8]) -> String {
    Digest::of(content).to_string()[..32].to_owned()
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = url::Url::parse(&format!("http://stub{target}")).ok()?;
    let path = url.path().trim_start_matches("/bucket").trim_start_matches('/').to_owned();
    let key = url::form_urlencoded::parse(format!("k={}", path.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, key)| key.into_owned())?;
    let query = url.query_pairs().into_owned().collect();
    Some(Request { method, key, query, headers, body, number: 0 })
}

//! A collection of a state as a file.
//!
//! JSON, BSON and CSV are sent as they are read, and reading ends when the client goes away: a program that looks at
//! the head of a reply costs nothing. Parquet and Arrow, and a part of any file, come from a temporary file
//! ([`Exports`]), which is written once for all who ask for it.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use argon_core::State as CoreState;
use argon_core::model::{BranchName, CollectionName, ProjectName};
use argon_service::export::{ExportDocuments, ExportFormat, export};
use argon_service::operations::Operation;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tower_http::services::ServeFile;

use super::asked::{parameters, query_parameters};
use super::problem::Problem;
use super::spool::Spooled;
use super::{Http, answer, reply};
use crate::rights;

/// The path; the name of the file is that of the collection, and ends as its format says.
pub(super) const PATH: &str = "/v1/projects/{project}/states/{revision}/export/{file}";

/// The formats: how a name ends, the type, and whether the file is written before it is sent.
pub(super) const FORMATS: &[(&str, ExportFormat, &str, bool)] = &[
    ("jsonl", ExportFormat::Json, "application/x-ndjson", false),
    ("bson", ExportFormat::Bson, "application/bson", false),
    ("csv", ExportFormat::Csv, "text/csv", false),
    ("parquet", ExportFormat::Parquet, "application/vnd.apache.parquet", true),
    ("arrow", ExportFormat::Arrow, "application/vnd.apache.arrow.file", true),
];

/// Part of the tag, so that a file that a later version writes differently has another one.
const VERSION: u8 = 1;
/// How many parts of a file wait to be sent.
const WAITING: usize = 4;
/// How long a client may take for a part.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a request may say in its URL.
#[derive(Debug, Default)]
struct Options {
    /// JSON: relaxed Extended JSON.
    relaxed: bool,
    /// JSON: documents that it can't express are changed.
    lossy: bool,
    /// The columns.
    fields: Vec<String>,
}

/// A file that is asked for.
struct Asked {
    state: CoreState,
    request: ExportDocuments,
    kind: &'static str,
    is_spooled: bool,
    name: String,
    tag: String,
}

/// Answers `GET` and `HEAD`.
pub(super) async fn file(
    State(http): State<Arc<Http>>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, _) = request.into_parts();
    let who = http.logins.who(&http, &head).await?;
    let named = parameters(PATH, head.uri.path())?;
    let project = Some(ProjectName::new(&named["project"])?);
    let branch: BranchName = http.shared.options.branch.clone();
    let target = answer::target_of(&http, project, branch, who.as_ref())?;
    let find = Operation::named("document.find")?;
    let mut asked = rights::Asked::new(find, target.project.as_ref());
    asked.revision = Some(&named["revision"]);
    if let Err(error) = rights::check_operation(&http.shared, who.as_ref(), &asked).await {
        let problem = Problem::from(error);
        let what = ("collection.export", &named);
        answer::audit_refusal(&http, &head, who.as_ref(), what, &problem);
        return Err(problem);
    }
    let (state, _) = target.exact(&named["revision"].parse()?).await?;
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked::new(state, &named["file"], query).await?;
    if asked.is_known(&head.headers) {
        return Ok(asked.with_headers(StatusCode::NOT_MODIFIED.into_response()));
    }
    let exporting = http.exporting.clone().try_acquire_owned().map_err(|_| {
        let detail = "too many files are exported at this time; try again later";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    let range = asked.range(&head.headers);
    let response = if asked.is_spooled || range.is_some() {
        asked.part(&http, &head.method, range).await?
    } else if head.method == Method::HEAD {
        // The length is not known; that of an empty body would be 0.
        Body::from_stream(stream::empty::<io::Result<Bytes>>()).into_response()
    } else {
        asked.stream(exporting).await?
    };
    Ok(asked.with_headers(response))
}

impl Asked {
    async fn new(state: CoreState, name: &str, query: &str) -> Result<Self, Problem> {
        let endings = || FORMATS.iter().map(|(ending, ..)| *ending).collect::<Vec<_>>().join(", .");
        let unknown = || {
            let detail = format!("'{name}' should be the name of a collection and .{}", endings());
            Problem::bad_request(detail)
        };
        let (collection, ending) = name.rsplit_once('.').ok_or_else(unknown)?;
        let found = FORMATS.iter().find(|(known, ..)| *known == ending).ok_or_else(unknown)?;
        let (_, format, kind, is_spooled) = *found;
        let collection = CollectionName::new(collection)?;
        if state.collection(&collection)?.info().options.contains_key("viewOn") {
            let detail = format!("'{collection}' is a view: export the collection below");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        let options = Options::parse(query)?;
        let request = ExportDocuments {
            target: "-".into(),
            format: Some(format),
            collection: Some(collection),
            gzip: false,
            fields: options.fields.clone(),
            relaxed: options.relaxed,
            lossy: options.lossy,
            force: true,
        };
        let digest = state.shown_digest().await?;
        let what = format!("{VERSION}\n{digest}\n{name}\n{options:?}");
        let tag = data_encoding::HEXLOWER.encode(&Sha256::digest(what)[..16]);
        let tag = format!("\"{tag}\"");
        Ok(Self { state, request, kind, is_spooled, name: name.to_owned(), tag })
    }

    /// Whether the client has the file already.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == self.tag))
    }

    /// The part that is asked for; `None` for the whole, also if the client has a part of another file.
    fn range<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let range = headers.get(header::RANGE)?;
        let of_file = headers.get(header::IF_RANGE);
        of_file.is_none_or(|tag| tag.as_bytes() == self.tag.as_bytes()).then_some(range)
    }

    fn with_headers(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.remove(header::LAST_MODIFIED);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let encoded =
            percent_encoding::utf8_percent_encode(&self.name, percent_encoding::NON_ALPHANUMERIC);
        let saved = format!("attachment; filename*=UTF-8''{encoded}");
        for (name, value) in [(header::ETAG, &self.tag), (header::CONTENT_DISPOSITION, &saved)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    /// The file, or a part of it, from a temporary file.
    async fn part(
        &self,
        http: &Http,
        method: &Method,
        range: Option<&HeaderValue>,
    ) -> Result<Response, Problem> {
        let spooled = http.exports.get(&self.tag, || self.spool(http)).await?;
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        if let Some(range) = range {
            request.headers_mut().insert(header::RANGE, range.clone());
        }
        let served = ServeFile::new(spooled.path()).try_call(request).await;
        let failed = |error| {
            argon_core::Error::unavailable("the temporary file can't be read").with_source(error)
        };
        Ok(served.map_err(failed)?.map(Body::new))
    }

    /// Writes the file.
    async fn spool(&self, http: &Http) -> Result<Spooled, Problem> {
        let spooled = Spooled::new()?;
        let target = spooled.path().to_owned();
        let (state, request) =
            (self.state.clone(), ExportDocuments { target, ..self.request.clone() });
        let _permit = http.shared.computing.acquire().await;
        let written = crate::computing::aside(async move {
            let nowhere = || Box::new(io::sink()) as Box<dyn Write + Send>;
            export(&state, &request, &nowhere, &()).await
        });
        let failed = || argon_core::Error::internal("the server failed while it wrote the file");
        written.await.ok_or_else(failed)??;
        Ok(spooled)
    }

    /// The whole file as it is read.
    async fn stream(&self, exporting: OwnedSemaphorePermit) -> Result<Response, Problem> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (state, request) = (self.state.clone(), self.request.clone());
        // What is written waits for the client, and so does the thread.
        tokio::task::spawn_blocking(move || {
            let _exporting = exporting;
            Handle::current().block_on(async {
                let parts = Parts { sender: sender.clone() };
                let open = move || Box::new(parts.clone()) as Box<dyn Write + Send>;
                let written = tokio::select! {
                    written = export(&state, &request, &open, &()) => written,
                    () = sender.closed() => return,
                };
                if let Err(failure) = written {
                    let _ = sender.send(Err(failure.into())).await;
                }
            });
        });
        reply::stream(receiver, self.kind).await
    }
}

/// Sends what is written to a client.
#[derive(Clone)]
struct Parts {
    sender: mpsc::Sender<Result<Bytes, Problem>>,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = Ok(Bytes::copy_from_slice(bytes));
        let sent = tokio::time::timeout(PATIENCE, self.sender.send(part));
        // The client has gone, or does not read.
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        futures::executor::block_on(sent).map_err(|_| gone())?.map_err(|_| gone())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Options {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut options = Self::default();
        for (name, texts) in query_parameters(query)? {
            let is_set = || match texts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["" | "true"] => Ok(true),
                ["false"] => Ok(false),
                _ => Err(Problem::bad_request(format!("'{name}' should be true or false"))),
            };
            match name.as_str() {
                "relaxed" => options.relaxed = is_set()?,
                "lossy" => options.lossy = is_set()?,
                "fields" => options.fields = texts,
                _ => {
                    let detail =
                        format!("unknown parameter '{name}': relaxed, lossy and fields are known");
                    return Err(Problem::bad_request(detail));
                }
            }
        }
        Ok(options)
    }
}

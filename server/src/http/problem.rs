//! Errors, as RFC 9457 has them.

use argon_core::{Error, ErrorKind, Hint};
use argon_service::{ErrorObject, Failure};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::CommandError;
use crate::requests::error_object;

/// An error of a request: an `application/problem+json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProblemDetails")]
pub(super) struct Problem {
    /// Always `about:blank`: `kind` says what kind of error it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// The message.
    detail: String,
    /// Whether the rest of the request is not read, so that the connection ends.
    #[serde(skip)]
    closes: bool,
    /// The error, as docs/JSON.md has it.
    #[serde(flatten)]
    error: Option<Box<ErrorObject>>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: detail.into(),
            closes: false,
            error: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn no_such_path(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}; see /openapi.json"))
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "the path does not take this method; see the header Allow";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// Whether a document was changed meanwhile, or is there already and should not be.
    pub(super) fn is_of_condition(&self) -> bool {
        let kinds = [ErrorKind::Conflict, ErrorKind::AlreadyExists].map(ErrorKind::as_str);
        self.error.as_ref().is_some_and(|error| kinds.contains(&error.kind))
    }

    /// Whether nobody knows if the request was done.
    pub(super) fn is_indeterminate(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Indeterminate.as_str())
    }

    /// The same before the body of its request was read.
    pub(super) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The same with another status.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self.title = status.canonical_reason().unwrap_or_default();
        self
    }

    /// The problem as the last event of a stream.
    pub(super) fn event(&self) -> Event {
        Event::default().event("error").data(serde_json::to_string(self).unwrap_or_default())
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match error_object(&failure, hint_text) {
            Some((kind, object)) => {
                let problem = Self::new(status_of(kind), object.message.as_str());
                Self { error: Some(Box::new(object)), ..problem }
            }
            None => Self::new(StatusCode::INTERNAL_SERVER_ERROR, failure.in_full()),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let status = match error.code() {
            13 => StatusCode::FORBIDDEN,
            6 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.message())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let kind = HeaderValue::from_static("application/problem+json");
        let closes = self.closes;
        let mut response = (status, [(header::CONTENT_TYPE, kind)], Json(self)).into_response();
        if closes {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Basic realm=\"argon\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What can be done, where it is another request.
fn hint_text(hint: &Hint) -> Option<String> {
    Some(match hint {
        Hint::CreateProject { project } => {
            format!("create it: POST /v1/projects {{\"project\": \"{project}\"}}")
        }
        Hint::CreateBranch { branch } => {
            format!("create it: POST /v1/projects/PROJECT/branches {{\"branch\": \"{branch}\"}}")
        }
        Hint::ListBranches | Hint::SandboxEnded { .. } => {
            "list the branches: GET /v1/projects/PROJECT/branches".to_owned()
        }
        Hint::Unprotect { branch } => format!(
            "remove the protection: PUT /v1/projects/PROJECT/branches/{branch}/protection {{\"protected\": false}}"
        ),
        Hint::AllowWrites { branch } => format!(
            "make it writable: PUT /v1/projects/PROJECT/branches/{branch}/read-only {{\"read_only\": false}}"
        ),
        Hint::ListPlans => "list the plans: GET /v1/projects/PROJECT/plans".to_owned(),
        Hint::CheckLog => {
            "look into the log whether it happened: GET /v1/projects/PROJECT/states/BRANCH/log"
                .to_owned()
        }
        Hint::CheckStore => "check the store: POST /v1/store/fsck".to_owned(),
        Hint::TryAgain => "send the request again".to_owned(),
        Hint::FreeSpace => "free disk space, then send the request again".to_owned(),
        _ => return None,
    })
}

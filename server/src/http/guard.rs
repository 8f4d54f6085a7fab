//! What browsers may not: pages of others send requests to servers on the machine of their reader.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Http;
use super::problem::Problem;

/// The pages of the server load nothing from elsewhere, have no script but its files, and are in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The reference is one file.
pub(super) const POLICY_OF_REFERENCE: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'";

/// Refuses requests that a page of another server made, and says to browsers what pages of this one may.
pub(super) async fn guard(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    http.shared.counters.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path();
    let is_page = request.method() == Method::GET
        && (path == "/" || path == "/reference" || path.starts_with("/console"));
    let by_script = request.headers().get("sec-fetch-dest").is_some_and(|of| of == "empty");
    let mut response = match refusal(request.headers(), http.shared.options.auth, is_page) {
        Some(detail) => Problem::new(StatusCode::FORBIDDEN, detail).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    if by_script && headers.contains_key(header::WWW_AUTHENTICATE) {
        // The page asks for the password; the browser would ask by a window of its own.
        let scheme = HeaderValue::from_static("Session realm=\"argon\"");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static(POLICY));
    let of_origin = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(of_origin, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// Why a request is refused.
fn refusal(headers: &HeaderMap, has_users: bool, is_page: bool) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    // A name that somebody else lets point to this machine.
    if !has_users && !is_local(host) {
        return Some(format!(
            "the server is addressed as '{host}': without users it answers only to localhost and addresses"
        ));
    }
    if let Some(origin) = text(header::ORIGIN) {
        let of_origin = origin.split_once("://").map(|(_, host)| host);
        if of_origin != Some(host) {
            return Some(format!("a page of {origin} may not use the server"));
        }
    }
    let fetch = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Who follows a link sees the page, and nobody else does.
    let is_link = fetch("sec-fetch-mode") == Some("navigate") && is_page;
    let is_foreign = matches!(fetch("sec-fetch-site"), Some("cross-site" | "same-site"));
    (is_foreign && !is_link).then(|| "a page of another server may not use it".to_owned())
}

/// Whether the host of a request is an address, or this machine.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

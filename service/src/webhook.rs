//! Posting to webhooks.
//!
//! The address of a webhook is often its password as well, so errors name its host only.

use std::fmt::Write as _;
use std::time::Duration;

use argon_core::storage::Secret;
use argon_core::{Error, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ureq::Agent;

/// The header with the signature.
const SIGNATURE: &str = "X-Argon-Signature";

/// How long an answer may take, name look-up and connecting included.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Posts `body`, which is JSON, to `url`. With a secret it is signed: the header `X-Argon-Signature`
/// is `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits. Proxies are taken from the
/// environment (`HTTPS_PROXY`, `NO_PROXY` …), and a redirection is not followed.
///
/// # Errors
/// `Invalid` unless `url` is an `http` or `https` URL; `Unavailable` if no answer arrives, or its status
/// is not 2xx. The receiver may have got the body all the same.
pub async fn post_signed(url: &str, secret: Option<&Secret>, body: String) -> Result<()> {
    let host = host(url)?;
    let signature = secret.map(|secret| signature(secret, body.as_bytes()));
    let url = url.to_owned();
    let posted = tokio::task::spawn_blocking(move || post(&url, signature.as_deref(), &body));
    let failed = |what: String| Error::unavailable(format!("webhook at {host} {what}"));
    match posted.await {
        Ok(Ok(200..=299)) => Ok(()),
        Ok(Ok(status)) => Err(failed(format!("answers {status}: expected 2xx"))),
        // Its text has the address.
        Ok(Err(ureq::Error::BadUri(_) | ureq::Error::Http(_))) => Err(invalid_url()),
        Ok(Err(source)) => Err(failed("does not answer".to_owned()).with_source(source)),
        Err(source) => {
            Err(Error::internal("the thread that posts to a webhook crashed").with_source(source))
        }
    }
}

/// What posts: an answer may take so long, name look-up and connecting included; one of any status is
/// an answer, and a redirection is not followed.
pub fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("argon/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// The status of the answer.
fn post(url: &str, signature: Option<&str>, body: &str) -> Result<u16, ureq::Error> {
    let mut request = agent(TIMEOUT).post(url).header("Content-Type", "application/json");
    if let Some(signature) = signature {
        request = request.header(SIGNATURE, signature);
    }
    Ok(request.send(body)?.status().as_u16())
}

fn signature(secret: &Secret, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("a key");
    mac.update(body);
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Host and port of a webhook, without what may be secret: user, password, path and query.
fn host(url: &str) -> Result<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = authority.map(|authority| authority.rsplit('@').next().unwrap_or(authority));
    host.filter(|host| !host.is_empty()).map(str::to_owned).ok_or_else(invalid_url)
}

fn invalid_url() -> Error {
    Error::invalid("invalid URL of a webhook: expected http:// or https:// and a host")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use argon_core::ErrorKind;

    use super::*;

    /// A server that gives one answer, and what it was sent: headers in small letters, and the body.
    fn server(answer: &'static str) -> (String, JoinHandle<(String, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://user:pass@{}/token?x=1", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                let line = line.to_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            (head, String::from_utf8(body).unwrap())
        });
        (url, served)
    }

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // RFC 4231, test case 2.
        let signed = signature(&Secret::new("Jefe"), b"what do ya want for nothing?");
        assert_eq!(
            signed,
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[tokio::test]
    async fn a_body_arrives_with_its_signature() {
        let (url, served) = server("204 No Content");
        let body = r#"{"a":1}"#.to_owned();
        post_signed(&url, Some(&Secret::new("k")), body.clone()).await.unwrap();
        let (head, received) = served.join().unwrap();
        assert_eq!(received, body);
        assert!(head.contains("content-type: application/json"), "{head}");
        let header = signature(&Secret::new("k"), body.as_bytes());
        assert!(head.contains(&format!("x-argon-signature: {header}")), "{head}");
    }

    #[tokio::test]
    async fn without_a_secret_there_is_no_signature() {
        let (url, served) = server("200 OK");
        post_signed(&url, None, "{}".to_owned()).await.unwrap();
        assert!(!served.join().unwrap().0.contains("x-argon-signature"));
    }

    #[tokio::test]
    async fn an_answer_that_is_no_success_is_an_error_that_names_the_host_only() {
        for answer in ["500 Oops", "302 Found", "404 Not Found"] {
            let (url, served) = server(answer);
            let error = post_signed(&url, None, "{}".to_owned()).await.unwrap_err();
            served.join().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            let text = format!("{error:?} {error}");
            assert!(text.contains("127.0.0.1:") && text.contains(&answer[..3]), "{text}");
            assert!(!text.contains("token") && !text.contains("pass"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_silent_host_and_an_invalid_url_are_different_errors() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = post_signed(&format!("http://{address}/token"), None, String::new()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
        for url in ["", "ftp://x/token", "https://", "https:///token", "http://a b/token"] {
            let error = post_signed(url, None, String::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}: {error:?}");
            assert!(!format!("{error:?}").contains("token"), "{error:?}");
        }
    }
}

//! What of a URL may be shown, and what may be written down.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Parameters whose values hold no secret, in lower case. Everything else is shown as `name=…`, since
/// a new option of a driver, or a misspelled one, may hold a password.
const SHOWN: [&str; 51] = [
    "appname",
    "authmechanism",
    "authsource",
    "batch_changes",
    "batch_seconds",
    "cache",
    "compaction_grace",
    "compressors",
    "connecttimeoutms",
    "directconnection",
    "endpoint",
    "heartbeatfrequencyms",
    "journal",
    "loadbalanced",
    "localthresholdms",
    "maxconnecting",
    "maxidletimems",
    "maxpoolsize",
    "maxstalenessseconds",
    "minpoolsize",
    "path_style",
    "profile",
    "queue",
    "ratio",
    "readconcernlevel",
    "readpreference",
    "readpreferencetags",
    "region",
    "replicaset",
    "retryreads",
    "retrywrites",
    "serverselectiontimeoutms",
    "snapshot_bytes",
    "snapshot_commits",
    "sockettimeoutms",
    "srvmaxhosts",
    "srvservicename",
    "sse",
    "sse_kms_key_id",
    "ssl",
    "timeoutms",
    "tls",
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlscafile",
    "tlscertificatekeyfile",
    "tlsinsecure",
    "w",
    "workers",
    "wtimeoutms",
    "zstd_level",
];

/// How deep URLs in parameters are followed. What is nested deeper is neither shown nor written down.
const MOST_NESTED: u32 = 4;

/// What is written as `%XX` in the value of a parameter.
const IN_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What follows the scheme, as it may be shown.
pub(super) fn shown(rest: &str) -> String {
    shown_within(rest, MOST_NESTED)
}

/// What follows the scheme, without passwords and secret parameters; `None` when the end of a password
/// is unknown.
pub(super) fn removed(rest: &str) -> Option<String> {
    removed_within(rest, MOST_NESTED)
}

fn shown_within(rest: &str, depth: u32) -> String {
    let (before, rest) = match without_credentials(rest) {
        Some(after) if rest.starts_with("//") => ("//…@", after),
        Some(after) => ("…@", after),
        None => ("", rest),
    };
    let (place, query) = split_query(rest);
    let mut text = format!("{before}{}", without_hidden(place));
    for (at, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        text += &shown_parameter(parameter, depth);
    }
    text
}

fn shown_parameter(parameter: &str, depth: u32) -> String {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    if SHOWN.binary_search(&name.to_ascii_lowercase().as_str()).is_err() {
        return format!("{name}=…");
    }
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    match nested(&decoded) {
        Some((scheme, rest)) if depth > 0 => {
            format!("{name}={scheme}:{}", shown_within(rest, depth - 1))
        }
        Some(_) => format!("{name}=…"),
        None if may_hide(&decoded) => format!("{name}=…"),
        None => parameter.to_owned(),
    }
}

fn removed_within(rest: &str, depth: u32) -> Option<String> {
    if !rest.starts_with("//") && may_hide(split_query(rest).0) {
        return None;
    }
    let without_password = without_password(rest)?;
    let (place, query) = split_query(&without_password);
    let mut kept = place.to_owned();
    let mut separator = '?';
    for parameter in query.into_iter().flat_map(|query| query.split('&')) {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        if !is_secret(name) {
            kept.push(separator);
            kept += &removed_parameter(parameter, depth)?;
            separator = '&';
        }
    }
    Some(kept)
}

/// The parameter without a password in a URL that it holds.
fn removed_parameter(parameter: &str, depth: u32) -> Option<String> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let Some((scheme, rest)) = nested(&decoded) else {
        return (!may_hide(&decoded)).then(|| parameter.to_owned());
    };
    let kept = removed_within(rest, depth.checked_sub(1)?)?;
    if kept == rest {
        return Some(parameter.to_owned());
    }
    let url = format!("{scheme}:{kept}");
    Some(format!("{name}={}", utf8_percent_encode(&url, IN_VALUE)))
}

/// Scheme and rest of a value that is a URL.
fn nested(value: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = value.split_once(':')?;
    let is_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    (rest.starts_with("//") && !scheme.is_empty() && scheme.bytes().all(is_scheme))
        .then_some((scheme, rest))
}

/// Whether a text may hold `user:password@`.
fn may_hide(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'))
}

/// A text with `…` in place of what may be a user and a password.
fn without_hidden(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, after)) if before.contains(':') => {
            let kept = before.rfind('/').filter(|slash| !before[..*slash].contains(':'));
            format!("{}…@{after}", kept.map_or("", |slash| &before[..=slash]))
        }
        _ => text.to_owned(),
    }
}

/// What stands before the first `?`, and what follows it.
fn split_query(rest: &str) -> (&str, Option<&str>) {
    rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)))
}

/// Whether a user, with or without a password, may stand before the host.
fn may_have_credentials(rest: &str) -> bool {
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next());
    authority.is_some_and(|authority| authority.contains(['@', ':']))
}

/// What follows the credentials in `//user:password@host/…`. A password may hold an `@`, a `/` or a
/// `?` that should have been escaped, so the last `@` outside of a value of a parameter counts where a
/// user may stand before the host: it is better to show too little.
fn without_credentials(rest: &str) -> Option<&str> {
    if !may_have_credentials(rest) {
        return None;
    }
    rest.rsplit_once('@').map(|(_, after)| after)
}

/// The same with `//user@` in place of `//user:password@`; `None` if these can't be told apart.
fn without_password(rest: &str) -> Option<String> {
    let Some((before, after)) = rest.split_once('@').filter(|_| may_have_credentials(rest)) else {
        return Some(rest.to_owned());
    };
    let credentials = before.strip_prefix("//").unwrap_or(before);
    if credentials.contains(['/', '?']) || after.contains('@') {
        return None;
    }
    let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
    Some(format!("//{user}@{after}"))
}

/// Whether a parameter of this name is not to be written down.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "credential", "properties", "access_key"]
        .iter()
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_that_are_shown_are_sorted_and_none_is_secret() {
        assert!(SHOWN.is_sorted());
        assert!(SHOWN.iter().all(|name| !is_secret(name) && name.to_lowercase() == *name));
    }
}

//! The parts of a URL that may be shown, and those that may be stored.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Parameters whose values hold no secret, in lower case. Everything else is shown as `name=…`,
/// since a new option of a driver, or a misspelled one, may hold a password.
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

/// The depth to which URLs in parameters are followed. Deeper ones are neither shown nor stored.
const MOST_NESTED: u32 = 4;

/// The characters that are written as `%XX` in the value of a parameter.
const IN_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns the part after the scheme as it may be shown.
pub(super) fn shown(rest: &str) -> String {
    shown_within(rest, MOST_NESTED)
}

/// Returns the part after the scheme without passwords and secret parameters; `None` when the end
/// of a password is unknown.
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

/// Returns a parameter without the password of a URL in it.
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

/// Splits a value that is a URL into scheme and rest.
fn nested(value: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = value.split_once(':')?;
    let is_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    (rest.starts_with("//") && !scheme.is_empty() && scheme.bytes().all(is_scheme))
        .then_some((scheme, rest))
}

/// Returns whether a text may have `user:password@`.
fn may_hide(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'))
}

/// Returns a text with `…` in place of a possible user and password.
fn without_hidden(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, after)) if before.contains(':') => {
            let kept = before.rfind('/').filter(|slash| !before[..*slash].contains(':'));
            format!("{}…@{after}", kept.map_or("", |slash| &before[..=slash]))
        }
        _ => text.to_owned(),
    }
}

/// Splits a text at the first `?`.
fn split_query(rest: &str) -> (&str, Option<&str>) {
    rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)))
}

/// Returns whether the host may be preceded by a user, with or without a password.
fn may_have_credentials(rest: &str) -> bool {
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next());
    authority.is_some_and(|authority| authority.contains(['@', ':']))
}

/// Returns the part after the credentials in `//user:password@host/…`. A password may have an `@`,
/// a `/` or a `?` that is not escaped. So the last `@` counts wherever a user may precede the host:
/// the result may show too little, but never too much.
fn without_credentials(rest: &str) -> Option<&str> {
    if !may_have_credentials(rest) {
        return None;
    }
    rest.rsplit_once('@').map(|(_, after)| after)
}

/// Replaces `//user:password@` by `//user@`; `None` if the end of the password is unknown.
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

/// Returns whether a parameter of this name must not be stored.
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

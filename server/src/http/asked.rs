//! From the path, the query and the body to the request of an operation.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::prepared::{Kind, Prepared};
use super::problem::Problem;
use crate::requests::of_pages;

/// What a request asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The parameters of the path, decoded.
    pub(super) path: BTreeMap<&'static str, String>,
    /// The fields of the request, each as JSON.
    fields: BTreeMap<String, String>,
    /// The parameters of pages.
    pub(super) cursor: Option<String>,
    pub(super) limit: Option<String>,
}

/// The parameters with which the next page is asked for, and its size.
pub(super) const CURSOR: &str = "cursor";
pub(super) const LIMIT: &str = "limit";

impl Asked {
    /// What a request asks for, by its path and its query.
    pub(super) fn new(route: &Prepared, path: &str, query: &str) -> Result<Self, Problem> {
        let mut asked = Self::default();
        asked.take_path(route, path)?;
        asked.take_query(route, query)?;
        Ok(asked)
    }

    /// Takes up its body.
    pub(super) fn add_body(
        &mut self,
        route: &Prepared,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Problem> {
        if body.is_empty() {
            return Ok(());
        }
        check_type(headers)?;
        self.take_body(route, body)
    }

    fn take_path(&mut self, route: &Prepared, path: &str) -> Result<(), Problem> {
        self.path = parameters(route.route.path, path)?;
        for (name, text) in &self.path {
            if let Some(field) = route.field_of(name) {
                let value = route.fields[field].value(name, &[text.as_str()])?;
                self.fields.insert(field.to_owned(), value);
            }
        }
        Ok(())
    }

    fn take_query(&mut self, route: &Prepared, query: &str) -> Result<(), Problem> {
        let mut texts = query_parameters(query)?;
        if route.operation.is_list {
            self.cursor = texts.remove(CURSOR).and_then(|mut texts| texts.pop());
            if !route.fields.contains_key(LIMIT) {
                self.limit = texts.remove(LIMIT).and_then(|mut texts| texts.pop());
            }
        }
        for (name, texts) in texts {
            let kind = route.fields.get(&name).filter(|_| route.takes_in_url(&name));
            let Some(kind) = kind else {
                if !route.has_query() && route.route.body.is_none() {
                    let detail = format!(
                        "unknown parameter '{name}': the fields of the request are in its body"
                    );
                    return Err(Problem::bad_request(detail));
                }
                return Err(unknown(route, "parameter", &name));
            };
            if self.fields.contains_key(&name) {
                return Err(Problem::bad_request(format!("'{name}' is in the path already")));
            }
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            self.fields.insert(name.clone(), kind.value(&name, &texts)?);
        }
        Ok(())
    }

    fn take_body(&mut self, route: &Prepared, body: &[u8]) -> Result<(), Problem> {
        if route.has_query() {
            let detail =
                "the request has a body, and takes none: its fields are parameters of the URL";
            return Err(Problem::bad_request(detail));
        }
        let Members(members) = serde_json::from_slice(body).map_err(|error| {
            Problem::bad_request(format!("the body should be an object of JSON: {error}"))
        })?;
        if let Some(field) = route.route.body {
            let document = self.document(members)?;
            self.fields.insert(field.to_owned(), format!("[{document}]"));
            return Ok(());
        }
        for (name, value) in members {
            if !route.fields.contains_key(&name) {
                return Err(unknown(route, "field", &name));
            }
            if self.fields.insert(name.clone(), value.get().to_owned()).is_some() {
                return Err(Problem::bad_request(format!("'{name}' is given by the path")));
            }
        }
        Ok(())
    }

    /// A document with the `_id` that the path names.
    fn document(&self, members: Vec<(String, Box<RawValue>)>) -> Result<String, Problem> {
        let text = self.path.get("id").map(String::as_str).unwrap_or_default();
        let id = Kind::Json.value("id", &[text])?;
        let mut document = format!("{{\"_id\":{id}");
        for (name, value) in members {
            if name == "_id" {
                let as_value = serde_json::from_str::<serde_json::Value>;
                if as_value(value.get()).ok() != as_value(&id).ok() {
                    let detail =
                        format!("the _id of the document is {value}, and in the path {id}");
                    return Err(Problem::bad_request(detail));
                }
                continue;
            }
            document.push(',');
            document.push_str(&serde_json::Value::from(name).to_string());
            document.push(':');
            document.push_str(value.get());
        }
        document.push('}');
        Ok(document)
    }

    /// Sets a field of the request.
    pub(super) fn set(&mut self, field: &str, value: String) {
        self.fields.insert(field.to_owned(), value);
    }

    /// A field of the request, as JSON.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Removes a field of the request, and returns it.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.fields.remove(name)
    }

    /// What the request asks for, whatever page of it: a cursor of one is not one of another.
    pub(super) fn of_pages(&self, operation: &str) -> String {
        of_pages(operation, &self.fields)
    }

    /// The request as JSON.
    pub(super) fn request(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

/// The parameters of a URL, decoded, each with its values.
pub(super) fn query_parameters(query: &str) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let both = decoded(&name.replace('+', " ")).zip(decoded(&text.replace('+', " ")));
        let (name, text) = both
            .ok_or_else(|| Problem::bad_request(format!("'{pair}' in the query is not UTF-8")))?;
        texts.entry(name).or_default().push(text);
    }
    Ok(texts)
}

/// The parameters of a path, decoded.
pub(super) fn parameters(
    pattern: &'static str,
    path: &str,
) -> Result<BTreeMap<&'static str, String>, Problem> {
    let mut parameters = BTreeMap::new();
    for (pattern, part) in pattern.split('/').zip(path.split('/')) {
        let name = pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        let Some(name) = name else { continue };
        let text = decoded(part)
            .ok_or_else(|| Problem::bad_request(format!("'{part}' in the path is not UTF-8")))?;
        parameters.insert(name, text);
    }
    Ok(parameters)
}

/// Browsers send other types without asking the server whether they may.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = format!("the body is '{kind}'; expected Content-Type: application/json");
    Err(Problem::new(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

fn unknown(route: &Prepared, what: &str, name: &str) -> Problem {
    let known = route
        .fields
        .keys()
        .map(String::as_str)
        .filter(|field| !route.is_in_path(field) && route.route.body != Some(*field));
    let known: Vec<&str> = known.collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Problem::bad_request(format!("unknown {what} '{name}'; known: {known}"))
}

/// What is percent-encoded in a URL.
fn decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

impl Kind {
    /// The value of a parameter, as JSON.
    fn value(&self, name: &str, texts: &[&str]) -> Result<String, Problem> {
        if let Self::List(kind) = self {
            let values: Result<Vec<_>, _> =
                texts.iter().map(|text| kind.value(name, &[text])).collect();
            return Ok(format!("[{}]", values?.join(",")));
        }
        let [text] = texts else {
            return Err(Problem::bad_request(format!("'{name}' is there more than once")));
        };
        let expected =
            |what| Problem::bad_request(format!("'{name}' should be {what}, and is '{text}'"));
        match self {
            Self::Boolean => match *text {
                "true" => Ok("true".to_owned()),
                "false" => Ok("false".to_owned()),
                _ => Err(expected("true or false")),
            },
            Self::Number => match serde_json::from_str::<serde_json::Number>(text) {
                Ok(_) => Ok((*text).to_owned()),
                Err(_) => Err(expected("a number")),
            },
            Self::Json if serde_json::from_str::<&RawValue>(text).is_ok() => Ok((*text).to_owned()),
            _ => Ok(serde_json::Value::from(*text).to_string()),
        }
    }
}

/// The members of an object, as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let (mut members, mut names) = (Vec::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("'{name}' is there twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        input.deserialize_map(Read)
    }
}

//! Reads a patch. Nothing in it is trusted: what is wrong is named with its line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::config;
use argon_core::Error;
use argon_core::document::Path as FieldPath;
use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName, Document, Lsn};
use argon_core::patch::{
    CollectionMetadata, DocumentChange, Edit, FieldEdit, FieldPosition, OrderEdit, Patch,
    SectionChange,
};
use argon_formats::extjson::parse_nested;
use bson::raw::{RawBson, RawBsonRef, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson};

use super::VERSION;

/// The longest line, in bytes: a document of 16 MiB on both sides, as text, many times over.
const MOST_LINE_BYTES: u64 = 512 * 1024 * 1024;

/// The longest first line, in bytes.
const MOST_HEADER_BYTES: u64 = 64 * 1024;

/// Levels of JSON around a value in a line.
const LEVELS: usize = 3;

type Result<T, E = String> = std::result::Result<T, E>;

/// A patch, and the states that it says it is of.
#[derive(Debug)]
pub struct ReadPatch {
    /// The patch.
    pub patch: Patch,
    /// The state before, if it is named in full.
    pub from: Option<NamedState>,
    /// The state after, likewise.
    pub to: Option<NamedState>,
}

/// A state as a patch names it; it may be one of another store.
#[derive(Debug)]
pub struct NamedState {
    /// The branch.
    pub branch: BranchName,
    /// Its position.
    pub lsn: Lsn,
    /// As it is written.
    pub digest: String,
}

impl NamedState {
    /// `None` if it is not named in full.
    fn of(value: &Bson) -> Option<Self> {
        let side = value.as_document()?;
        let lsn = side.get_i64("lsn").ok().or_else(|| side.get_i32("lsn").ok().map(i64::from))?;
        Some(Self {
            branch: BranchName::new(side.get_str("branch").ok()?).ok()?,
            lsn: Lsn::new(u64::try_from(lsn).ok()?),
            digest: side.get_str("digest").ok()?.to_owned(),
        })
    }
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// `Invalid`, naming the line; those of opening the file.
pub fn read_patch(path: &Path) -> argon_core::Result<ReadPatch> {
    let (name, input): (String, Box<dyn Read>) = if path == Path::new("-") {
        ("standard input".to_owned(), Box::new(std::io::stdin()))
    } else {
        let open = |error| config::failed("open", path, error);
        (path.display().to_string(), Box::new(std::fs::File::open(path).map_err(open)?))
    };
    parse_patch(&name, input)
}

/// Reads a patch; errors call it `name`.
///
/// # Errors
/// `Invalid`, naming the line.
pub(super) fn parse_patch(name: &str, input: impl Read) -> argon_core::Result<ReadPatch> {
    let mut lines = Lines { input: BufReader::new(input), number: 0 };
    parse(&mut lines).map_err(|problem| {
        let number = lines.number;
        Error::invalid(format!("{name}, line {number}: {problem}"))
    })
}

fn parse(lines: &mut Lines<impl Read>) -> Result<ReadPatch> {
    let mut first = lines.next()?.ok_or("it is empty; a patch begins with \"argon_patch\"")?;
    let version = first.take("argon_patch").ok_or("a patch begins with \"argon_patch\"")?;
    if version != Bson::Int32(VERSION) {
        return Err(format!(
            "it is of format {version}; this version of argon reads format {VERSION}"
        ));
    }
    let [from, to] = ["from", "to"].map(|side| first.take(side).as_ref().and_then(NamedState::of));
    let mut patch = Patch::new();
    loop {
        let before = lines.number;
        let Some(mut line) = lines.next()? else {
            return Err("the patch is cut off: its last line, {\"end\": …}, is missing".to_owned());
        };
        if let Some(end) = line.take("end") {
            let counted = end.as_i64().or_else(|| end.as_i32().map(i64::from));
            if counted.and_then(|lines| u64::try_from(lines).ok()) != Some(before) {
                return Err(format!("there are {before} lines before the end, not {end}"));
            }
            line.finish()?;
            return match lines.next()? {
                None => Ok(ReadPatch { patch, from, to }),
                Some(_) => Err("there is a line behind the end".to_owned()),
            };
        }
        if line.has("collection") {
            let change = section(line)?;
            patch.begin(change).map_err(text)?;
        } else {
            let (key, change) = document(line)?;
            patch.push(key, change).map_err(text)?;
        }
    }
}

struct Lines<R> {
    input: BufReader<R>,
    /// The number of the line that was read last.
    number: u64,
}

impl<R: Read> Lines<R> {
    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        let most = if self.number == 0 { MOST_HEADER_BYTES } else { MOST_LINE_BYTES };
        let mut limited = (&mut self.input).take(most + 1);
        limited.read_until(b'\n', &mut bytes).map_err(|error| error.to_string())?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if bytes.len() as u64 > most {
            return Err(format!("it has more than {most} bytes"));
        }
        match parse_nested(&bytes, LEVELS).map_err(|error| error.to_string())? {
            Bson::Document(fields) => Ok(Some(Line(fields))),
            other => Err(format!("an object is expected, not {other}")),
        }
    }
}

/// The fields of an object, each of which is to be taken.
struct Line(bson::Document);

impl Line {
    fn of(value: Bson) -> Result<Self> {
        match value {
            Bson::Document(fields) => Ok(Self(fields)),
            other => Err(format!("an object is expected, not {other}")),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn take(&mut self, name: &str) -> Option<Bson> {
        self.0.remove(name)
    }

    fn needed(&mut self, name: &str) -> Result<Bson> {
        self.take(name).ok_or_else(|| format!("\"{name}\" is missing"))
    }

    fn text(&mut self, name: &str) -> Result<String> {
        match self.needed(name)? {
            Bson::String(text) => Ok(text),
            other => Err(format!("\"{name}\" should be a string, not {other}")),
        }
    }

    fn list(&mut self, name: &str) -> Result<Vec<Bson>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Bson::Array(items)) => Ok(items),
            Some(other) => Err(format!("\"{name}\" should be an array, not {other}")),
        }
    }

    /// A value that stands as Extended JSON or as BSON.
    fn value(&mut self, name: &str) -> Result<Option<RawBson>> {
        let in_bson = format!("{name}_bson");
        match (self.take(name), self.take(&in_bson)) {
            (None, None) => Ok(None),
            (Some(value), None) => RawBson::try_from(value).map(Some).map_err(text),
            (None, Some(Bson::String(base64))) => held(&base64).map(Some).ok_or_else(|| {
                format!("\"{in_bson}\" is not the base64 of a document that holds a value")
            }),
            (None, Some(_)) => Err(format!("\"{in_bson}\" should be a string")),
            (Some(_), Some(_)) => Err(format!("\"{name}\" is there as JSON and as BSON")),
        }
    }

    /// Sees to it that nothing is left.
    fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("the field \"{name}\" has no place here")),
        }
    }
}

/// The value that a document in base64 holds under an empty name.
fn held(base64: &str) -> Option<RawBson> {
    let bytes = Binary::from_base64(base64, BinarySubtype::Generic).ok()?.bytes;
    let document = RawDocumentBuf::from_bytes(bytes).ok()?;
    let mut fields = document.iter();
    match (fields.next(), fields.next()) {
        (Some(Ok((name, value))), None) if name.as_str().is_empty() => Some(match value {
            // The conversion of `bson` sorts the options, and gives another value.
            RawBsonRef::RegularExpression(regex) => RawBson::RegularExpression(bson::Regex {
                pattern: regex.pattern.to_owned(),
                options: regex.options.to_owned(),
            }),
            other => other.into(),
        }),
        _ => None,
    }
}

fn section(mut line: Line) -> Result<SectionChange> {
    let name = CollectionName::new(line.text("collection")?).map_err(text)?;
    let change = if let Some(created) = line.take("created") {
        SectionChange::Created(facts(created, name)?)
    } else if let Some(dropped) = line.take("dropped") {
        SectionChange::Dropped(facts(dropped, name)?)
    } else if let Some(before) = line.take("before") {
        let mut before = Line::of(before)?;
        let earlier = CollectionName::new(before.text("name")?).map_err(text)?;
        let before = facts(Bson::Document(before.0), earlier)?;
        SectionChange::Changed { before, after: facts(line.needed("after")?, name)? }
    } else {
        SectionChange::Same(name)
    };
    line.finish()?;
    Ok(change)
}

fn facts(value: Bson, name: CollectionName) -> Result<CollectionMetadata> {
    let mut line = Line::of(value)?;
    let mut fact = |fact: &str| -> Result<Bson> {
        let value = line.value(fact)?.ok_or_else(|| format!("\"{fact}\" is missing"))?;
        Bson::try_from(value).map_err(text)
    };
    let options = Line::of(fact("options")?)?.0;
    let Bson::Array(indexes) = fact("indexes")? else {
        return Err("\"indexes\" should be an array".to_owned());
    };
    let indexes = indexes.into_iter().map(|index| Ok(Line::of(index)?.0)).collect::<Result<_>>()?;
    line.finish()?;
    Ok(CollectionMetadata { name, options, indexes })
}

fn document(mut line: Line) -> Result<(Key, DocumentChange)> {
    let whole = |value: RawBson| match value {
        RawBson::Document(document) => Document::checked(document).map_err(text),
        _ => Err("a document is expected".to_owned()),
    };
    let change = if let Some(added) = line.value("added")? {
        let (key, document) = whole(added)?;
        (key, DocumentChange::Added(document))
    } else if let Some(removed) = line.value("removed")? {
        let (key, document) = whole(removed)?;
        (key, DocumentChange::Removed(document))
    } else if let Some(id) = line.value("changed")? {
        let key = Key::of_id(id.as_raw_bson_ref()).map_err(text)?;
        let fields = line.list("fields")?.into_iter().map(field).collect::<Result<_>>()?;
        let orders = line.list("orders")?.into_iter().map(order).collect::<Result<_>>()?;
        (key, DocumentChange::Changed(Edit::new(fields, orders).map_err(text)?))
    } else {
        return Err("a collection, a document that is added, removed or changed, or the end is \
                    expected"
            .to_owned());
    };
    line.finish()?;
    Ok(change)
}

fn field(value: Bson) -> Result<FieldEdit> {
    let mut line = Line::of(value)?;
    let path = path(&mut line)?;
    let (before, after) = (line.value("before")?, line.value("after")?);
    let place = match (line.take("first"), line.take("behind")) {
        (None, None) => FieldPosition::Last,
        (Some(Bson::Boolean(true)), None) => FieldPosition::First,
        (None, Some(Bson::String(name))) => FieldPosition::Behind(name),
        _ => return Err("\"first\" is true, or \"behind\" a field's name, or none".to_owned()),
    };
    line.finish()?;
    Ok(FieldEdit { path, before, after, place })
}

fn order(value: Bson) -> Result<OrderEdit> {
    let mut line = Line::of(value)?;
    let path = path(&mut line)?;
    let mut names = |side: &str| -> Result<Vec<String>> {
        let names = line.list(side)?.into_iter().map(|name| match name {
            Bson::String(name) => Ok(name),
            other => Err(format!("a field's name is expected, not {other}")),
        });
        names.collect()
    };
    let (before, after) = (names("before")?, names("after")?);
    line.finish()?;
    Ok(OrderEdit { path, before, after })
}

fn path(line: &mut Line) -> Result<FieldPath> {
    line.text("path")?.parse().map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

//! `$regexFind`, `$regexFindAll`, `$regexMatch`.

use argon_core::document::{Captures, CapturingRegex};
use argon_core::{Error, Result};
use bson::Bson;
use bson::raw::{RawArrayBuf, RawBsonRef, RawDocumentBuf, cstr};

use crate::Code;
use crate::expression::{Compiler, Expression, Form, Refusal, Scope, Signature};
use crate::value::Value;

/// The most bytes that the matches of one text take.
const MOST_BYTES: usize = 64 << 20;

macro_rules! regex_signature {
    ($name:literal) => {
        Signature {
            object: Refusal(
                51103,
                concat!($name, " expects an object of named arguments but found: "),
            ),
            unknown: Refusal(31024, concat!($name, " found an unknown argument: ")),
            required: &[
                ("input", Refusal(31022, concat!($name, " requires 'input' parameter"))),
                ("regex", Refusal(31023, concat!($name, " requires 'regex' parameter"))),
            ],
            optional: &["options"],
        }
    };
}

static FIND: Signature = regex_signature!("$regexFind");
static FIND_ALL: Signature = regex_signature!("$regexFindAll");
static MATCH: Signature = regex_signature!("$regexMatch");

/// A search for a regular expression in a text.
#[derive(Debug)]
struct Search {
    kind: Kind,
    input: Expression,
    regex: Source,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    First,
    All,
    Any,
}

/// The regular expression of a search.
#[derive(Debug)]
enum Source {
    /// The same for all documents; `None` if it is null.
    Constant(Option<CapturingRegex>),
    /// Of the document.
    Evaluated { regex: Expression, options: Option<Expression> },
}

pub(super) fn find(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    compile(Kind::First, compiler.signed(argument, &FIND)?)
}

pub(super) fn find_all(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    compile(Kind::All, compiler.signed(argument, &FIND_ALL)?)
}

pub(super) fn matches(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    compile(Kind::Any, compiler.signed(argument, &MATCH)?)
}

fn compile(kind: Kind, mut arguments: Vec<Option<Expression>>) -> Result<Expression> {
    let missing = || Expression::Constant(bson::raw::RawBson::Null);
    let options = arguments.pop().flatten();
    let regex = arguments.pop().flatten().unwrap_or_else(missing);
    let input = arguments.pop().flatten().unwrap_or_else(missing);
    let constant = |expression: &Expression| expression.constant().is_some();
    let regex = if constant(&regex) && options.as_ref().is_none_or(constant) {
        let options = options.as_ref().and_then(Expression::constant);
        Source::Constant(kind.regex(&regex.constant().into(), &options.into())?)
    } else {
        Source::Evaluated { regex, options }
    };
    Ok(Expression::Form(Box::new(Search { kind, input, regex })))
}

impl Form for Search {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let kind = self.kind;
        let input = self.input.evaluate(scope)?;
        let compiled;
        let regex = match &self.regex {
            Source::Constant(regex) => regex.as_ref(),
            Source::Evaluated { regex, options } => {
                let regex = regex.evaluate(scope)?;
                let options =
                    options.as_ref().map(|options| options.evaluate(scope)).transpose()?;
                compiled = kind.regex(&regex, &options.unwrap_or_default())?;
                compiled.as_ref()
            }
        };
        if !input.is_nullish() && input.as_str().is_none() {
            return Err(kind.error(51104, "needs 'input' to be of type string"));
        }
        match (input.as_str(), regex) {
            (Some(text), Some(regex)) => kind.search(text, regex),
            _ => Ok(match kind {
                Kind::First => Value::NULL,
                Kind::All => RawArrayBuf::new().into(),
                Kind::Any => false.into(),
            }),
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::First => "$regexFind",
            Self::All => "$regexFindAll",
            Self::Any => "$regexMatch",
        }
    }

    fn error(self, code: u32, problem: impl std::fmt::Display) -> Error {
        Code::location(code).error(format!("{} {problem}", self.name()))
    }

    /// Compiles a pattern and options that are strings, or a regular expression that may have
    /// options of its own; `None` if the pattern is null.
    fn regex(self, regex: &Value<'_>, options: &Value<'_>) -> Result<Option<CapturingRegex>> {
        let (pattern, own) = match regex.get() {
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => (None, ""),
            Some(RawBsonRef::String(pattern)) => (Some(pattern), ""),
            Some(RawBsonRef::RegularExpression(regex)) => {
                (Some(regex.pattern.as_str()), regex.options.as_str())
            }
            Some(_) => {
                return Err(self.error(51105, "needs 'regex' to be of type string or regex"));
            }
        };
        if !options.is_nullish() && options.as_str().is_none() {
            return Err(self.error(51106, "needs 'options' to be of type string"));
        }
        let given = options.as_str();
        if given.is_some() && !own.is_empty() {
            let problem = "found regex option(s) specified in both 'regex' and 'option' fields";
            return Err(self.error(51107, problem));
        }
        let options = given.unwrap_or(own);
        if pattern.is_some_and(|pattern| pattern.contains('\0')) {
            let problem = "regular expression cannot contain an embedded null byte";
            return Err(self.error(51109, problem));
        }
        if options.contains('\0') {
            let problem = "regular expression options cannot contain an embedded null byte";
            return Err(self.error(51110, problem));
        }
        let Some(pattern) = pattern else { return Ok(None) };
        if let Some(flag) = options.chars().find(|flag| !"imsxu".contains(*flag)) {
            return Err(self.error(51108, format!("invalid flag in regex options: {flag}")));
        }
        CapturingRegex::compile(pattern, options).map(Some).map_err(|source| {
            let problem = format!("Invalid Regex in {}: {source}", self.name());
            Code::location(51111).error(problem).with_source(source)
        })
    }

    fn search<'a>(self, text: &str, regex: &CapturingRegex) -> Result<Value<'a>> {
        let find = |from: usize| {
            regex.find(text, from).map_err(|source| {
                let name = self.name();
                let problem =
                    format!("Error occurred while executing the regular expression in {name}.");
                Code::location(51156).error(problem).with_source(source)
            })
        };
        match self {
            Self::Any => Ok(find(0)?.is_some().into()),
            Self::First => Ok(find(0)?.map_or(Value::NULL, |captures| {
                let index = text[..captures.whole.start].chars().count();
                found(text, &captures, index).into()
            })),
            Self::All => self.search_all(text, find),
        }
    }

    /// As MongoDB's server does: after an empty match one character is skipped, and nothing is
    /// looked for at the end of a text that is not empty (`ExpressionRegexFindAll::evaluate`).
    fn search_all<'a>(
        self,
        text: &str,
        find: impl Fn(usize) -> Result<Option<Captures>>,
    ) -> Result<Value<'a>> {
        let mut matches = RawArrayBuf::new();
        let (mut byte, mut index, mut size) = (0, 0, 0);
        while let Some(captures) = find(byte)? {
            let whole = captures.whole.clone();
            index += text[byte..whole.start].chars().count();
            let found = found(text, &captures, index);
            size += found.as_bytes().len();
            if size > MOST_BYTES {
                let problem = "the size of buffer to store output exceeded the 64MB limit";
                return Err(self.error(51151, problem));
            }
            matches.push(found);
            let step = match text[whole.clone()].len() {
                0 => text[whole.start..].chars().next().map_or(0, char::len_utf8),
                length => length,
            };
            byte = whole.start + step;
            index += text[whole.start..byte].chars().count();
            if byte >= text.len() {
                break;
            }
        }
        Ok(matches.into())
    }
}

/// The document of a match, which begins at a code point of the text.
fn found(text: &str, captures: &Captures, index: usize) -> RawDocumentBuf {
    let mut groups = RawArrayBuf::new();
    for group in &captures.groups {
        match group {
            Some(range) => groups.push(&text[range.clone()]),
            None => groups.push(RawBsonRef::Null),
        }
    }
    let mut found = RawDocumentBuf::new();
    found.append(cstr!("match"), &text[captures.whole.clone()]);
    found.append(cstr!("idx"), i32::try_from(index).unwrap_or(i32::MAX));
    found.append(cstr!("captures"), groups);
    found
}

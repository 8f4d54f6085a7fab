//! Prints BSON as Extended JSON text.

use std::fmt::Write;

use bson::raw::{RawBson, RawBsonRef, RawDocument, RawIter};
use bson::{Bson, DateTime};

use super::super::validate::{InvalidDocument, MAX_DEPTH};
use data_encoding::BASE64;

use super::{dates, db_pointer};

/// Which format of Extended JSON to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Numbers and dates in readable form; `Int64` and `Int32` look the same.
    #[default]
    Relaxed,
    /// Every value keeps its type; parsing returns the same document.
    Canonical,
    /// Like canonical, but a value whose type the relaxed form keeps is in that form: all but `Int64` and
    /// dates that have no readable form. For people who edit a document.
    Typed,
}

/// The layout of the text. Wrappers such as `{"$oid": "…"}` stay on one line in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// One line, without spaces; also the layout inside a wrapper.
    #[default]
    Compact,
    /// One field or element per line, indented by two spaces.
    Pretty,
}

/// Prints a document. Fails if it isn't [valid](super::super::validate()); nothing is replaced.
pub fn print_document(
    document: &RawDocument,
    mode: Mode,
    layout: Layout,
) -> Result<String, InvalidDocument> {
    print_raw_value(RawBsonRef::Document(document), mode, layout)
}

/// Prints a value; otherwise like [`print_document`].
pub fn print_raw_value(
    value: RawBsonRef<'_>,
    mode: Mode,
    layout: Layout,
) -> Result<String, InvalidDocument> {
    let mut printer = Printer { out: String::new(), mode, layout, depth: 0 };
    printer.value(value)?;
    Ok(printer.out)
}

/// Prints a value; fails if it can't be encoded as BSON, for example because of a NUL in a field's
/// name.
pub fn print_value(value: &Bson, mode: Mode, layout: Layout) -> Result<String, InvalidDocument> {
    let raw = RawBson::try_from(value.clone())?;
    print_raw_value(raw.as_raw_bson_ref(), mode, layout)
}

/// Formats a value for an error message: on one line, and shortened.
pub(in super::super) fn excerpt(value: &Bson) -> String {
    const LONGEST: usize = 60;
    let text = print_value(value, Mode::Relaxed, Layout::Compact)
        .unwrap_or_else(|_| "something that isn't BSON".to_owned());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

struct Printer {
    out: String,
    mode: Mode,
    layout: Layout,
    depth: usize,
}

impl Printer {
    fn value(&mut self, value: RawBsonRef<'_>) -> Result<(), InvalidDocument> {
        match value {
            RawBsonRef::Document(inner) => self.members(inner.iter_elements(), ['{', '}']),
            RawBsonRef::Array(inner) => self.members(inner.iter_elements(), ['[', ']']),
            RawBsonRef::JavaScriptCodeWithScope(code) => {
                self.out.push_str("{\"$code\":");
                self.string(code.code);
                self.out.push_str(",\"$scope\":");
                let layout = std::mem::take(&mut self.layout);
                self.depth += 1;
                self.value(RawBsonRef::Document(code.scope))?;
                self.depth -= 1;
                self.layout = layout;
                self.out.push('}');
                Ok(())
            }
            scalar => {
                self.scalar(scalar);
                Ok(())
            }
        }
    }

    /// The fields of a document, with their names, or the elements of an array, without names.
    fn members(
        &mut self,
        elements: RawIter<'_>,
        [open, close]: [char; 2],
    ) -> Result<(), InvalidDocument> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(InvalidDocument::TooDeep);
        }
        self.out.push(open);
        let mut empty = true;
        for element in elements {
            let element = element?;
            if !empty {
                self.out.push(',');
            }
            empty = false;
            self.new_line();
            if open == '{' {
                self.string(element.key().as_str());
                self.out.push_str(if self.layout == Layout::Pretty { ": " } else { ":" });
            }
            self.value(element.value()?)?;
        }
        self.depth -= 1;
        if !empty {
            self.new_line();
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", self.depth));
        }
    }

    fn scalar(&mut self, value: RawBsonRef<'_>) {
        match value {
            RawBsonRef::Double(number) => self.double(number),
            RawBsonRef::Int32(number) => self.number("$numberInt", &number.to_string()),
            RawBsonRef::Int64(number) if self.mode == Mode::Typed => {
                self.wrapped("$numberLong", &number.to_string());
            }
            RawBsonRef::Int64(number) => self.number("$numberLong", &number.to_string()),
            RawBsonRef::String(text) => self.string(text),
            RawBsonRef::Boolean(value) => self.out.push_str(if value { "true" } else { "false" }),
            RawBsonRef::ObjectId(id) => self.wrapped("$oid", &id.to_hex()),
            RawBsonRef::DateTime(date) => self.date(date),
            RawBsonRef::Decimal128(number) => self.wrapped("$numberDecimal", &number.to_string()),
            RawBsonRef::Symbol(text) => self.wrapped("$symbol", text),
            RawBsonRef::JavaScriptCode(code) => self.wrapped("$code", code),
            RawBsonRef::Undefined => self.out.push_str("{\"$undefined\":true}"),
            RawBsonRef::MinKey => self.out.push_str("{\"$minKey\":1}"),
            RawBsonRef::MaxKey => self.out.push_str("{\"$maxKey\":1}"),
            RawBsonRef::Binary(binary) => {
                let subtype = format!("{:02x}", u8::from(binary.subtype));
                let base64 = BASE64.encode(binary.bytes);
                self.pair("$binary", ("base64", &base64), ("subType", &subtype));
            }
            RawBsonRef::RegularExpression(regex) => {
                let pattern = ("pattern", regex.pattern.as_str());
                self.pair("$regularExpression", pattern, ("options", regex.options.as_str()));
            }
            RawBsonRef::Timestamp(stamp) => {
                let (t, i) = (stamp.time, stamp.increment);
                self.write(format_args!("{{\"$timestamp\":{{\"t\":{t},\"i\":{i}}}}}"));
            }
            RawBsonRef::DbPointer(_) => self.db_pointer(value),
            // The caller has handled documents, arrays and code with scope.
            _ => self.out.push_str("null"),
        }
    }

    fn double(&mut self, number: f64) {
        // Debug prints the shortest digits that parse to the same double, always with a point or an
        // exponent: valid JSON that isn't parsed as an integer.
        match number {
            f64::INFINITY => self.wrapped("$numberDouble", "Infinity"),
            f64::NEG_INFINITY => self.wrapped("$numberDouble", "-Infinity"),
            _ if number.is_nan() => self.wrapped("$numberDouble", "NaN"),
            _ => self.number("$numberDouble", &format!("{number:?}")),
        }
    }

    fn number(&mut self, wrapper: &str, digits: &str) {
        match self.mode {
            Mode::Relaxed | Mode::Typed => self.out.push_str(digits),
            Mode::Canonical => self.wrapped(wrapper, digits),
        }
    }

    fn date(&mut self, date: DateTime) {
        let readable = if self.mode == Mode::Canonical { None } else { dates::print(date) };
        if let Some(text) = readable {
            self.wrapped("$date", &text);
        } else {
            let millis = date.timestamp_millis();
            self.write(format_args!("{{\"$date\":{{\"$numberLong\":\"{millis}\"}}}}"));
        }
    }

    fn db_pointer(&mut self, pointer: RawBsonRef<'_>) {
        if let Some((namespace, id)) = db_pointer::parts(pointer) {
            self.out.push_str("{\"$dbPointer\":{\"$ref\":");
            self.string(&namespace);
            self.write(format_args!(",\"$id\":{{\"$oid\":\"{}\"}}}}}}", id.to_hex()));
        }
    }

    /// `{"wrapper":"text"}`
    fn wrapped(&mut self, wrapper: &str, text: &str) {
        self.write(format_args!("{{\"{wrapper}\":"));
        self.string(text);
        self.out.push('}');
    }

    /// `{"wrapper":{"first name":"text","second name":"text"}}`
    fn pair(&mut self, wrapper: &str, first: (&str, &str), second: (&str, &str)) {
        self.write(format_args!("{{\"{wrapper}\":{{\"{}\":", first.0));
        self.string(first.1);
        self.write(format_args!(",\"{}\":", second.0));
        self.string(second.1);
        self.out.push_str("}}");
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
            let (plain, tail) = rest.split_at(at);
            let (special, tail) = tail.split_at(1);
            self.out.push_str(plain);
            match special {
                "\n" => self.out.push_str("\\n"),
                "\r" => self.out.push_str("\\r"),
                "\t" => self.out.push_str("\\t"),
                "\"" | "\\" => self.write(format_args!("\\{special}")),
                control => self.write(format_args!("\\u{:04x}", control.as_bytes()[0])),
            }
            rest = tail;
        }
        self.out.push_str(rest);
        self.out.push('"');
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String can't fail.
        let _ = self.out.write_fmt(text);
    }
}

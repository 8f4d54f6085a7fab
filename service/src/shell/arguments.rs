//! The arguments of a method.

use argon_core::{Error, Result};
use argon_formats::extjson::{ShellMethod, print_shell_bson};
use bson::{Bson, Document};

use crate::json::QueryDocument;

/// The arguments of a method, which are taken one after the other.
pub(super) struct Arguments<'a> {
    /// The method with what it belongs to, such as `db.users.find`.
    name: String,
    values: &'a [Bson],
    taken: usize,
}

impl<'a> Arguments<'a> {
    /// Of values that stand elsewhere, such as in an operation of `bulkWrite`, which `name` names.
    pub(super) fn of_values(name: String, values: &'a [Bson]) -> Self {
        Self { name, values, taken: 0 }
    }

    /// Of a method of `owner`, such as `db.users`.
    pub(super) fn of(owner: &str, method: &'a ShellMethod) -> Self {
        Self { name: format!("{owner}.{}", method.name), values: &method.arguments, taken: 0 }
    }

    /// The next argument; `None` if it is not given, or undefined.
    pub(super) fn optional(&mut self) -> Option<&'a Bson> {
        let value = self.values.get(self.taken);
        self.taken += 1;
        value.filter(|value| **value != Bson::Undefined)
    }

    /// The next argument.
    ///
    /// # Errors
    /// `Invalid` if it is not given; `expected` says what it is.
    pub(super) fn required(&mut self, expected: &str) -> Result<&'a Bson> {
        let place = self.taken + 1;
        self.optional().ok_or_else(|| {
            Error::invalid(format!("{}: missing argument {place}: expected {expected}", self.name))
        })
    }

    /// The next argument, a document.
    pub(super) fn document(&mut self) -> Result<&'a Document> {
        match self.required("a document")? {
            Bson::Document(document) => Ok(document),
            other => Err(self.wrong("a document", other)),
        }
    }

    /// The next argument, a document such as a filter; empty if it is not given.
    pub(super) fn query(&mut self) -> Result<QueryDocument> {
        match self.optional() {
            None | Some(Bson::Null) => Ok(QueryDocument::default()),
            Some(Bson::Document(document)) => Ok(QueryDocument(document.clone())),
            Some(other) => Err(self.wrong("a document", other)),
        }
    }

    /// The next argument, a text.
    pub(super) fn text(&mut self) -> Result<&'a str> {
        match self.required("a text")? {
            Bson::String(text) => Ok(text),
            other => Err(self.wrong("a text", other)),
        }
    }

    /// The next argument, a list of documents.
    pub(super) fn documents(&mut self) -> Result<Vec<Document>> {
        let expected = "a list of documents";
        match self.required(expected)? {
            Bson::Array(values) => self.all_documents(values, expected),
            other => Err(self.wrong(expected, other)),
        }
    }

    /// The next arguments: a list of documents, or documents.
    pub(super) fn stages(&mut self) -> Result<Vec<Document>> {
        let rest = self.values.get(self.taken..).unwrap_or_default();
        match rest {
            [Bson::Document(_), Bson::Document(_), ..] => {
                self.taken = self.values.len();
                self.all_documents(rest, "stages")
            }
            [Bson::Document(stage), ..] => {
                self.taken += 1;
                Ok(vec![stage.clone()])
            }
            [] => Ok(Vec::new()),
            _ => self.documents(),
        }
    }

    /// The next argument, options that are among these; each with its name.
    pub(super) fn options(&mut self, known: &[&str]) -> Result<Document> {
        let options = self.query()?.0;
        if let Some(unknown) = options.keys().find(|name| !known.contains(&name.as_str())) {
            let known = known.join(", ");
            return Err(Error::unsupported(format!(
                "{}: unsupported option {unknown}; supported options: {known}",
                self.name
            )));
        }
        Ok(options)
    }

    /// An option that is a document; empty if it is not given.
    pub(super) fn option_document(
        &self,
        options: &mut Document,
        name: &str,
    ) -> Result<QueryDocument> {
        match options.remove(name) {
            None | Some(Bson::Null) => Ok(QueryDocument::default()),
            Some(Bson::Document(document)) => Ok(QueryDocument(document)),
            Some(other) => Err(self.wrong(&format!("a document as option {name}"), &other)),
        }
    }

    /// An option that is true or false; false if it is not given.
    pub(super) fn option_switch(&self, options: &mut Document, name: &str) -> Result<bool> {
        match options.remove(name) {
            None => Ok(false),
            Some(Bson::Boolean(is_on)) => Ok(is_on),
            Some(other) => Err(self.wrong(&format!("true or false as option {name}"), &other)),
        }
    }

    /// Ends the arguments.
    ///
    /// # Errors
    /// `Invalid` if there are more.
    pub(super) fn end(self) -> Result<()> {
        match self.values.get(self.taken) {
            None => Ok(()),
            Some(extra) => Err(Error::invalid(format!(
                "{}: unexpected argument {}: {}",
                self.name,
                self.taken + 1,
                shown(extra)
            ))),
        }
    }

    /// The error for the argument that was taken last.
    pub(super) fn wrong(&self, expected: &str, found: &Bson) -> Error {
        let (name, place) = (&self.name, self.taken);
        Error::invalid(format!(
            "{name}: argument {place}: expected {expected}, found {}",
            shown(found)
        ))
    }

    fn all_documents(&self, values: &[Bson], expected: &str) -> Result<Vec<Document>> {
        let documents = values.iter().map(|value| match value {
            Bson::Document(document) => Ok(document.clone()),
            other => Err(self.wrong(expected, other)),
        });
        documents.collect()
    }
}

/// A number that is not negative.
pub(super) fn number(value: &Bson) -> Option<u64> {
    match value {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn shown(value: &Bson) -> String {
    print_shell_bson(value).unwrap_or_else(|_| value.to_string())
}

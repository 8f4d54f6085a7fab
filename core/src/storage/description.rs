//! The description of a backend, for URLs and help.

/// The URLs and the location of a backend's stores.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// The location of its stores.
    pub locality: Locality,
    /// The forms of a URL, such as `s3://BUCKET[/PREFIX]`.
    pub urls: &'static [&'static str],
    /// The kind of such a store, as the continuation of a sentence.
    pub about: &'static str,
    /// The options after `?` in a URL.
    pub options: &'static [UrlOption],
}

/// The location of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locality {
    /// In a directory that is the store, which a command finds by looking upwards.
    Directory,
    /// A location that only a URL names: on servers, or in a directory of another system.
    Elsewhere,
    /// In the memory of one process.
    Process,
}

/// A parameter of a URL.
#[derive(Debug, Clone, Copy)]
pub struct UrlOption {
    /// Its name.
    pub name: &'static str,
    /// The placeholder of its value in help, such as `SECONDS`.
    pub value: &'static str,
    /// The expected values, for errors.
    pub expected: &'static str,
    /// Its purpose, with its unit and default.
    pub about: &'static str,
}

impl UrlOption {
    /// Lists the names of options for a sentence.
    pub fn names(options: &[Self]) -> String {
        options.iter().map(|option| option.name).collect::<Vec<_>>().join(", ")
    }

    /// Returns the expected values of an option; empty if no option has this name.
    pub fn expected(options: &[Self], name: &str) -> &'static str {
        options.iter().find(|option| option.name == name).map_or("", |option| option.expected)
    }
}

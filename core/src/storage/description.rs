//! What a backend says about itself to those who write URLs and help.

/// How the stores of a backend are named, and where they are.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// Where its stores are.
    pub locality: Locality,
    /// The forms of a URL, such as `s3://BUCKET[/PREFIX]`.
    pub urls: &'static [&'static str],
    /// What such a store is, as the continuation of a sentence.
    pub about: &'static str,
    /// What may follow `?` in a URL.
    pub options: &'static [UrlOption],
}

/// Where a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locality {
    /// In a directory that is the store, which a command finds by looking upwards.
    Directory,
    /// Somewhere that only a URL tells: on servers, or in a directory of another system.
    Elsewhere,
    /// In the memory of one process.
    Process,
}

/// A parameter of a URL.
#[derive(Debug, Clone, Copy)]
pub struct UrlOption {
    /// Its name.
    pub name: &'static str,
    /// What stands for its value in help, such as `SECONDS`.
    pub value: &'static str,
    /// What a value may be, for the error about another one.
    pub expected: &'static str,
    /// What it is for, with its unit and default.
    pub about: &'static str,
}

impl UrlOption {
    /// The names of options, as a list for a sentence.
    pub fn names(options: &[Self]) -> String {
        options.iter().map(|option| option.name).collect::<Vec<_>>().join(", ")
    }

    /// What is expected of the option of this name; nothing if there is none.
    pub fn expected(options: &[Self], name: &str) -> &'static str {
        options.iter().find(|option| option.name == name).map_or("", |option| option.expected)
    }
}

use argon_formats::extjson::Mode;
use schemars::JsonSchema;
use serde::Deserialize;

/// How much of the changes is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Added and removed documents, and changed documents with the fields that differ. The documents of a
    /// collection that was created or dropped are counted.
    #[default]
    Changes,
    /// Every document, before and after.
    Documents,
    /// Every document: added and removed ones, and of changed ones only the fields that differ.
    Fields,
    /// Numbers for each collection.
    Stat,
    /// Only the summary.
    Summary,
}

/// How changes are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Listing {
    /// How much of the changes is listed.
    #[serde(default)]
    pub detail: Detail,
    /// Whether values are canonical Extended JSON, in which every value keeps its type.
    #[serde(default)]
    pub canonical: bool,
}

impl Listing {
    /// How values are written.
    pub fn mode(self) -> Mode {
        if self.canonical { Mode::Canonical } else { Mode::Relaxed }
    }

    /// Whether changes are listed one by one.
    pub(crate) fn has_changes(self) -> bool {
        !matches!(self.detail, Detail::Stat | Detail::Summary)
    }

    /// Whether the documents of a collection that is in one state only are listed one by one.
    pub(super) fn is_complete(self) -> bool {
        matches!(self.detail, Detail::Documents | Detail::Fields)
    }

    /// Whether changed documents have the fields that differ.
    pub(super) fn has_fields(self) -> bool {
        matches!(self.detail, Detail::Changes | Detail::Fields)
    }

    /// Whether changed documents are shown whole.
    pub(super) fn has_documents(self) -> bool {
        matches!(self.detail, Detail::Changes | Detail::Documents)
    }
}

//! Words that depend on the front end.

use argon_core::storage::Remedy;

use crate::credentials::Exposure;
use crate::discover::Found;
use crate::settings::Origin;
use crate::settings::keys::Key;

/// The words of a front end in results. Each has a default in the service's own words.
pub trait Wording: Send + Sync {
    /// What repairs a failed check; `None` if this front end offers nothing for it.
    fn remedy(&self, remedy: &Remedy) -> Option<String> {
        match remedy {
            Remedy::Text(text) => Some(text.clone()),
            Remedy::Hint(_) => None,
        }
    }

    /// What named the store.
    fn found(&self, found: &Found) -> String {
        found.to_string()
    }

    /// The finding about an exposed password, and its remedy.
    fn exposure(&self, exposure: &Exposure) -> (String, String);

    /// The origin of the setting with this key.
    fn origin(&self, key: &str, origin: &Origin) -> String {
        let _ = key;
        origin.to_string()
    }

    /// The meaning of a setting.
    fn setting(&self, key: &Key) -> &'static str {
        key.help
    }
}

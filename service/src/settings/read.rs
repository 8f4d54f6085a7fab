//! Values as they are written in a file or a variable: with units, and without passwords.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use argon_core::model::Actor;
use argon_core::storage::StoreUrl;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::duration::{parse_duration, parse_seconds};
use crate::size::parse_size;

/// A number, or a text that holds one with its unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Quantity {
    Whole(u64),
    Decimal(f64),
    Text(String),
}

impl Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

pub(super) fn size<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    parse_size(&Quantity::deserialize(input)?.to_string()).map_err(D::Error::custom)
}

pub(super) fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    parse_duration(&Quantity::deserialize(input)?.to_string()).map_err(D::Error::custom)
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    parse_seconds(&Quantity::deserialize(input)?.to_string()).map_err(D::Error::custom)
}

pub(super) fn actor<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Actor>, D::Error> {
    Actor::new(String::deserialize(input)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn store<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(input)?;
    // What has a colon and is no URL may hold a password too.
    let is_fit = !text.is_empty() && (!text.contains(':') || is_open(&text));
    if is_fit { Ok(Some(text)) } else { Err(D::Error::custom(NO_PASSWORDS)) }
}

pub(super) fn stores<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let stores = BTreeMap::<String, String>::deserialize(input)?;
    if !stores.keys().all(|name| is_name(name)) {
        return Err(D::Error::custom("a store's name has letters, digits, '-', '_' and '.' only"));
    }
    if stores.values().all(|url| is_open(url)) {
        Ok(stores)
    } else {
        Err(D::Error::custom(NO_PASSWORDS))
    }
}

const NO_PASSWORDS: &str = "a store URL is SCHEME:WHERE, and has no password in a configuration; \
                            ARGON_STORE_PASSWORD or ARGON_STORE_PASSWORD_FILE gives it";

/// Whether a text is a store URL that may be shown to anybody.
fn is_open(text: &str) -> bool {
    text.parse::<StoreUrl>().is_ok_and(|url| !url.has_secrets())
}

/// Whether a store may be called so: it can't be taken for a path or a URL.
pub fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_plain)
}

//! Changing a file of settings: comments and order stay as they are.

use std::io;
use std::path::Path;

use argon_core::Error;
use toml_edit::{DocumentMut, Item, Table};

use super::keys::{self, Kind};
use super::layer::{self, Level, Origin};
use super::resolve::check_new;
use crate::{Failure, Hint, Result, config, small_file};

/// Sets a key in a file, which is made if it is not there: whole, or not at all. Paths are written as
/// absolute ones.
///
/// # Errors
/// `Invalid` for an unknown key, for a value of another type, and for a file that is not valid as it
/// stands; those of reading and writing.
pub fn set(level: Level, path: &Path, name: &str, text: &str) -> Result<()> {
    let key = keys::find(name).filter(|key| key.name == name || key.kind == Kind::Stores);
    let key = key.ok_or_else(|| layer::unknown(name, ""))?;
    if key.kind == Kind::Alerts || name == "stores" {
        let error =
            Error::invalid(format!("'{name}' is a table: write it into {}", path.display()));
        return Err(Failure::from(error).hint(Hint::AddStoreName));
    }
    if level == Level::Store && keys::is_of_user(key) {
        let error = Error::invalid(format!(
            "'{name}' says which store is meant, so it belongs in the user's file"
        ));
        return Err(Failure::from(error).hint(Hint::UseUserSettings));
    }
    let mut entry = layer::entry(key, text, Origin::Default);
    name.clone_into(&mut entry.name);
    check_new(&entry)?;
    entry.value = key.kind.absolute(entry.value, Path::new(""))?;
    let value = edited(&entry.value);
    let mut document = load(level, path)?;
    let (table, last) = inner(&mut document, name, true);
    if let Some(table) = table {
        match table.get_mut(last) {
            Some(Item::Value(old)) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            _ => {
                table.insert(last, Item::Value(value));
            }
        }
    }
    Ok(config::write_whole(path, &document.to_string())?)
}

/// Removes a key from a file; says whether it was there.
///
/// # Errors
/// As for [`set`].
pub fn unset(level: Level, path: &Path, name: &str) -> Result<bool> {
    keys::find(name).ok_or_else(|| layer::unknown(name, ""))?;
    let mut document = load(level, path)?;
    let (table, last) = inner(&mut document, name, false);
    let removed = table.and_then(|table| table.remove(last)).is_some();
    if removed {
        config::write_whole(path, &document.to_string())?;
    }
    Ok(removed)
}

/// A value of one line as it is written into a file.
fn edited(value: &toml::Value) -> toml_edit::Value {
    match value {
        toml::Value::Boolean(value) => (*value).into(),
        toml::Value::Integer(value) => (*value).into(),
        toml::Value::String(value) => value.into(),
        other => other.to_string().into(),
    }
}

fn load(level: Level, path: &Path) -> Result<DocumentMut> {
    // It is not changed while something is wrong with it, which the change might hide.
    layer::file(level, path)?;
    let text = match small_file::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(config::failed("read", path, error).into()),
    };
    text.parse().map_err(|_| Error::invalid(format!("{} is not TOML", path.display())).into())
}

/// The table in which a key stands, and its name there.
fn inner<'a, 'n>(
    document: &'a mut DocumentMut,
    name: &'n str,
    make: bool,
) -> (Option<&'a mut dyn toml_edit::TableLike>, &'n str) {
    let Some((outer, last)) = name.split_once('.') else {
        return (Some(document.as_table_mut()), name);
    };
    if make && !document.contains_key(outer) {
        document.insert(outer, Item::Table(Table::new()));
    }
    (document.get_mut(outer).and_then(Item::as_table_like_mut), last)
}

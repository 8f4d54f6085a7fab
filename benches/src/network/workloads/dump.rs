//! What the documents of a dump take in object storage.

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::{CollectionName, Document};
use argon_core::write::Precondition;
use argon_core::{Branch, snapshot};
use bson::raw::RawDocumentBuf;

use crate::Result;
use crate::network::{Remote, ServerName};
use crate::report::{Bar, Quantity, Row};
use crate::workloads::writers::count;
use crate::writing::{IMPORT_COMMIT, Ready, commit};

/// Weighs the log of an import of all `.bson` files below the directory, and then log and snapshot
/// together; next to the files' own bytes.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let (Some(directory), ServerName::S3) = (&remote.dump, remote.server()) else {
        return Ok(Vec::new());
    };
    let (store, main) = remote.create("dump").await?;
    let mut bytes = 0;
    for path in files(directory)? {
        let content = fs::read(&path)?;
        bytes += content.len() as u64;
        import(&main, &path, &content).await?;
    }
    let floor = Quantity::bytes(count(bytes));
    let row = |what: &str, stored: u64| {
        let stored = Quantity::bytes(count(stored));
        Row::new(format!("bytes stored of a dump, {what}"), remote.server(), stored)
            .floor(Some(floor))
    };
    let log = row("log", store.stored_bytes().await?).bar(Bar::AtMostFloorTimes(0.5));
    snapshot::create(&main.head().await?).await?;
    Ok(vec![log, row("log and snapshot", store.stored_bytes().await?)])
}

/// The `.bson` files below a directory, by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "bson") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Commits the documents of a file, a thousand at a time, into the collection
/// `<folder>.<file without .bson>`.
async fn import(main: &Branch, path: &Path, content: &[u8]) -> Result<()> {
    let name = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let folder = name(path.parent().and_then(Path::file_name));
    let collection = CollectionName::new(format!("{folder}.{}", name(path.file_stem())))?;
    for documents in documents(content)?.chunks(IMPORT_COMMIT) {
        commit(main, &collection, documents.iter().cloned(), Precondition::Absent).await?;
    }
    Ok(())
}

/// The documents that stand one after the other in a file.
fn documents(mut content: &[u8]) -> Result<Vec<Ready>> {
    let mut documents = Vec::new();
    while let Some(length) = content.first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length))?;
        let (document, rest) =
            content.split_at_checked(length).ok_or("the file ends within a document")?;
        documents.push(Document::checked(RawDocumentBuf::from_bytes(document.to_vec())?)?);
        content = rest;
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn bytes_of(documents: &[Ready]) -> Vec<&[u8]> {
        documents.iter().map(|(_, document)| document.as_bytes()).collect()
    }

    #[test]
    fn documents_of_a_file_are_told_apart_by_their_lengths() {
        let both = [rawdoc! { "_id": 1 }, rawdoc! { "_id": 2, "a": "b" }];
        let content = both.each_ref().map(|raw| raw.as_bytes()).concat();
        let found = documents(&content).unwrap();
        assert_eq!(both.each_ref().map(|raw| raw.as_bytes()).to_vec(), bytes_of(&found));
        assert!(documents(&content[..content.len() - 1]).is_err());
    }
}

//! Pins: names for states that are retained permanently.
//!
//! A pin is one record. It protects its state against garbage collection, whatever happens to the
//! branch, and records the digest of the state's history. A signature lets others check who vouched
//! for it ([`mod@crate::verify`]).

use std::sync::Arc;

use bson::DateTime;
use futures::future::try_join;

use crate::model::{BranchName, Head, PinName, Point, Timeline, View};
use crate::storage::CasResult;
use crate::store::mask::refuse_masked;
use crate::store::records::{self, BaseRecord, PinRecord, VersionedRecord};
use crate::store::signature::{PublicKey, SigningKey};
use crate::store::{Project, State, kept};
use crate::{DetailKey, Error, Result};

/// The maximum length of a pin's note, in bytes.
pub const MAX_NOTE_BYTES: usize = 1024;

/// A pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The name.
    pub name: PinName,
    /// The last commit of the state.
    pub head: Head,
    /// The state; `None` for the empty one.
    pub point: Option<Point>,
    /// The branch that the state was named by.
    pub branch: String,
    /// The time of creation.
    pub created: DateTime,
    /// The creator.
    pub actor: String,
    /// The reason that the creator gave.
    pub note: String,
    /// The key of the signature, which was not verified.
    pub signed_by: Option<PublicKey>,
}

/// The properties of a new pin besides its state.
#[derive(Debug, Clone, Copy)]
pub struct NewPin<'a> {
    /// The branch that the state was named by, for people.
    pub branch: &'a BranchName,
    /// The reason for the pin; at most [`MAX_NOTE_BYTES`].
    pub note: &'a str,
    /// The key to sign it with.
    pub key: Option<&'a SigningKey>,
}

impl Pin {
    fn new(name: PinName, record: PinRecord) -> Result<Self> {
        let key = record.signature.as_ref().map(records::SignatureRecord::key);
        Ok(Self {
            head: record.head(),
            point: record.point(),
            signed_by: key.transpose()?,
            name,
            branch: record.branch,
            created: record.created,
            actor: record.actor,
            note: record.note,
        })
    }
}

impl Project {
    /// Creates a permanent name for a state.
    ///
    /// ```
    /// # use bson::rawdoc;
    /// # use argon_core::model::{CollectionName, PinName};
    /// # use argon_core::pins::NewPin;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// let main = argon_backends::memory_branch().await?;
    /// let users = main.collection(&CollectionName::new("users")?);
    /// users.insert(rawdoc! { "_id": 1 }).await?;
    ///
    /// let new = NewPin { branch: main.name(), note: "the first one", key: None };
    /// main.project().create_pin(&PinName::new("v1")?, &main.head().await?, new).await?;
    /// users.insert(rawdoc! { "_id": 2 }).await?;
    ///
    /// let revision: argon_core::Revision = "v1".parse()?;
    /// assert_eq!(revision.resolve(main.project(), main.name()).await?.lsn().get(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists` if a pin or a branch has the name, `Invalid` if the note is too long,
    /// `Denied` for a state of a masked branch.
    pub async fn create_pin(&self, name: &PinName, state: &State, new: NewPin<'_>) -> Result<Pin> {
        if !Arc::ptr_eq(state.shared(), &self.shared) {
            return Err(Error::invalid(
                "the state belongs to another store; expected a state of this store",
            ));
        }
        // A pin has no mask, so it would show the originals.
        refuse_masked(state, "pin a state of")?;
        if new.note.len() > MAX_NOTE_BYTES {
            return Err(Error::invalid(format!(
                "the note has {} bytes; at most {MAX_NOTE_BYTES} are allowed",
                new.note.len()
            )));
        }
        let mut record = PinRecord {
            state: BaseRecord::of(state.view().point(), &state.last().await?),
            branch: new.branch.to_string(),
            created: self.shared.environment.now(),
            actor: self.shared.actor.to_string(),
            note: new.note.to_owned(),
            signature: None,
        };
        record.signature = new.key.map(|key| key.sign(self.id(), name, &record));
        self.create_pin_record(name, &record).await?;
        if let Err(error) = kept::confirm(&self.shared, state.view()).await {
            self.delete_pin(name).await?;
            return Err(error);
        }
        Pin::new(name.clone(), record)
    }

    /// Writes a pin so that no branch gets the same name. The pin is written before branches are
    /// checked, and a new branch checks pins while it is written. So each of the two sees the
    /// other, unless one of them was complete before. The name then stands for the branch.
    async fn create_pin_record(&self, name: &PinName, record: &PinRecord) -> Result<()> {
        let reference = records::pin_ref(self.id(), name);
        let refs = &self.shared.backend.refs;
        let value = records::encode(record)?;
        let version = match refs.compare_and_set(&reference, None, Some(value)).await? {
            CasResult::Done(version) => version,
            CasResult::Moved(_) => {
                return Err(Error::already_exists(format!("pin '{name}' already exists"))
                    .with_detail(DetailKey::Pin, name.as_str()));
            }
        };
        let looked = try_join(self.find(name.as_branch()), self.ensure_exists()).await;
        let refused = match looked {
            Ok((None, ())) => return Ok(()),
            Ok((Some(_), ())) => Error::already_exists(format!(
                "branch '{name}' already exists; choose another name for the pin"
            )),
            Err(error) => error,
        };
        refs.compare_and_set(&reference, version.as_ref(), None).await?;
        Err(refused)
    }

    /// The pins, by name.
    pub async fn pins(&self) -> Result<Vec<Pin>> {
        let records = self.pin_records().await?;
        records.into_iter().map(|(name, record)| Pin::new(name, record)).collect()
    }

    pub(crate) async fn pin_records(&self) -> Result<Vec<(PinName, PinRecord)>> {
        let prefix = records::pins_of(self.id());
        let refs = self.shared.backend.refs.list(&prefix).await?;
        refs.into_iter()
            .map(|(reference, stored)| {
                let name = PinName::new(reference.strip_prefix(&prefix).unwrap_or(&reference))?;
                Ok((name, records::decode::<PinRecord>(&reference, stored)?.record))
            })
            .collect()
    }

    pub(crate) async fn find_pin(
        &self,
        name: &PinName,
    ) -> Result<Option<VersionedRecord<PinRecord>>> {
        let reference = records::pin_ref(self.id(), name);
        let stored = self.shared.backend.refs.get(&reference).await?;
        stored.map(|stored| records::decode(&reference, stored)).transpose()
    }

    /// The state of a pin.
    ///
    /// # Errors
    /// `NotFound`, with a list of the known pins.
    pub async fn pinned(&self, name: &PinName) -> Result<State> {
        let pin = self.pin_record(name).await?.record;
        self.pinned_by(&pin).await
    }

    pub(crate) async fn pinned_by(&self, pin: &PinRecord) -> Result<State> {
        Ok(self.state_of(pin.point()).await?.ending_with(pin.head()))
    }

    async fn pin_record(&self, name: &PinName) -> Result<VersionedRecord<PinRecord>> {
        match self.find_pin(name).await? {
            Some(stored) => Ok(stored),
            None => Err(Error::not_found(format!(
                "unknown pin '{name}' in project '{}'; {}",
                self.name(),
                list_known("pins", self.pin_records().await?.iter().map(|(name, _)| name.as_str()))
            ))
            .with_detail(DetailKey::Project, self.name().as_str())
            .with_detail(DetailKey::Pin, name.as_str())),
        }
    }

    /// Removes a pin. Its state is then retained only as long as something else needs it.
    ///
    /// # Errors
    /// `NotFound`, with a list of the known pins; `Conflict` if the pin was changed concurrently.
    pub async fn delete_pin(&self, name: &PinName) -> Result<Pin> {
        let stored = self.pin_record(name).await?;
        let reference = records::pin_ref(self.id(), name);
        let refs = &self.shared.backend.refs;
        match refs.compare_and_set(&reference, Some(&stored.version), None).await? {
            CasResult::Done(_) => Pin::new(name.clone(), stored.record),
            CasResult::Moved(_) => {
                Err(Error::conflict(format!("pin '{name}' was changed concurrently; try again")))
            }
        }
    }

    /// Returns the state at a point; `None` is the empty state.
    ///
    /// # Errors
    /// `NotFound` if the timeline is no longer in the log.
    pub(crate) async fn state_of(&self, point: Option<Point>) -> Result<State> {
        let view = match point {
            None => View::new([]),
            Some(Point { timeline, lsn }) => {
                let timeline = self.timeline_of(timeline).await?;
                self.shared.timelines.view(timeline, lsn).await?
            }
        };
        let lsn = view.lsn();
        State::kept(self.shared.clone(), view, None)
            .await?
            .ok_or_else(|| Error::not_found(format!("the state at LSN {lsn} was collected")))
    }

    async fn timeline_of(&self, id: crate::model::TimelineId) -> Result<Timeline> {
        match self.shared.backend.wal.state(id).await? {
            Some(state) => Ok(state.timeline),
            None => Err(Error::not_found(format!(
                "the state was collected: its timeline {id} is no longer in the log"
            ))),
        }
    }
}

/// Lists known names for an error: at most 20.
pub(crate) fn list_known<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let names: Vec<&str> = names.collect();
    match names.len().saturating_sub(MOST) {
        _ if names.is_empty() => format!("no {what} exist"),
        0 => format!("known {what}: {}", names.join(", ")),
        more => format!("known {what}: {} and {more} more", names[..MOST].join(", ")),
    }
}

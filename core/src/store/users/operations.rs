//! Creating, reading, changing and removing users.

use super::record::{self, SECRET, SecretRecord, USERS, UserRecord};
use super::{Credentials, Grant, User, UserName};
use crate::model::backoff::Backoff;
use crate::storage::CasResult;
use crate::store::Store;
use crate::store::records::{VersionedRecord, decode, encode};
use crate::{Error, Result};

impl Store {
    /// Creates a user.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken.
    pub async fn create_user(
        &self,
        name: UserName,
        grants: Vec<Grant>,
        credentials: Credentials,
    ) -> Result<User> {
        let user = User {
            name,
            id: self.environment().random(),
            grants: sorted(grants),
            credentials,
            created: self.environment().now(),
            actor: self.actor().to_string(),
        };
        let (reference, value) = (record::user_ref(&user.name), encode(&UserRecord::of(&user))?);
        match self.shared.backend.refs.compare_and_set(&reference, None, Some(value)).await? {
            CasResult::Done(_) => Ok(user),
            CasResult::Moved(_) => {
                Err(Error::already_exists(format!("user '{}' already exists", user.name)))
            }
        }
    }

    /// The users, by database and name.
    pub async fn users(&self) -> Result<Vec<User>> {
        let refs = self.shared.backend.refs.list(USERS).await?;
        let users = refs.into_iter().map(|(reference, stored)| {
            let record = decode::<UserRecord>(&reference, stored)?.record;
            record.user(record::user_of_ref(&reference)?)
        });
        let mut users = users.collect::<Result<Vec<_>>>()?;
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(users)
    }

    /// The user of this name; `None` if there is none.
    pub async fn find_user(&self, name: &UserName) -> Result<Option<User>> {
        Ok(self.versioned_user(name).await?.map(|found| found.record))
    }

    /// Changes a user; after a lost race, again.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` if others keep changing it; the error of `change`.
    pub async fn change_user(
        &self,
        name: &UserName,
        change: impl Fn(&mut User) -> Result<()>,
    ) -> Result<User> {
        let reference = record::user_ref(name);
        let mut backoff = Backoff::new(self.environment());
        while backoff.attempt().await {
            let found = self.versioned_user(name).await?.ok_or_else(|| unknown(name))?;
            let mut user = found.record;
            change(&mut user)?;
            user.grants = sorted(std::mem::take(&mut user.grants));
            let value = encode(&UserRecord::of(&user))?;
            let refs = &self.shared.backend.refs;
            let expected = Some(&found.version);
            if let CasResult::Done(_) =
                refs.compare_and_set(&reference, expected, Some(value)).await?
            {
                return Ok(user);
            }
        }
        Err(Error::conflict(format!("user '{name}' changed during every attempt; try again")))
    }

    /// Removes a user, and returns it as it was.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` if others keep changing it.
    pub async fn drop_user(&self, name: &UserName) -> Result<User> {
        let reference = record::user_ref(name);
        let mut backoff = Backoff::new(self.environment());
        while backoff.attempt().await {
            let found = self.versioned_user(name).await?.ok_or_else(|| unknown(name))?;
            let refs = &self.shared.backend.refs;
            let expected = Some(&found.version);
            if let CasResult::Done(_) = refs.compare_and_set(&reference, expected, None).await? {
                return Ok(found.record);
            }
        }
        Err(Error::conflict(format!("user '{name}' changed during every attempt; try again")))
    }

    /// A secret of the store, created when it is first asked for. From it a server derives the salts of
    /// users that do not exist, so that they look the same always and everywhere.
    pub async fn users_secret(&self) -> Result<[u8; 32]> {
        let refs = &self.shared.backend.refs;
        let stored = match refs.get(SECRET).await? {
            Some(stored) => stored,
            None => {
                let key: [u8; 32] = self.environment().random();
                let value = encode(&SecretRecord { key: record::binary(&key) })?;
                match refs.compare_and_set(SECRET, None, Some(value)).await? {
                    CasResult::Moved(Some(stored)) => stored,
                    _ => return Ok(key),
                }
            }
        };
        let record = decode::<SecretRecord>(SECRET, stored)?.record;
        let key = record.key.bytes.as_slice().try_into();
        key.map_err(|_| Error::corrupt(format!("the record '{SECRET}' is malformed")))
    }

    async fn versioned_user(&self, name: &UserName) -> Result<Option<VersionedRecord<User>>> {
        let reference = record::user_ref(name);
        let Some(stored) = self.shared.backend.refs.get(&reference).await? else {
            return Ok(None);
        };
        let VersionedRecord { version, record } = decode::<UserRecord>(&reference, stored)?;
        Ok(Some(VersionedRecord { version, record: record.user(name.clone())? }))
    }
}

/// The grants in one order, each once.
fn sorted(mut grants: Vec<Grant>) -> Vec<Grant> {
    grants.sort();
    grants.dedup();
    grants
}

fn unknown(name: &UserName) -> Error {
    let database = name.database();
    Error::not_found(format!("unknown user '{}' of database '{database}'", name.name()))
}

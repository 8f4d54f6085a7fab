//! Which project has the audit of the servers of a store: `server/audit`.

use serde::{Deserialize, Serialize};

use crate::model::ProjectName;
use crate::storage::CasResult;
use crate::store::Store;
use crate::store::records::{decode, encode};
use crate::{Error, Result};

/// The ref of the record.
const AUDIT: &str = "server/audit";

/// Where the audit is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AuditRecord {
    pub(super) project: String,
}

impl Store {
    /// The project in which servers record who did what, and to which none of them lets a user write; `None` if no
    /// server has recorded anything yet.
    pub async fn audit_project(&self) -> Result<Option<ProjectName>> {
        let Some(stored) = self.shared.backend.refs.get(AUDIT).await? else { return Ok(None) };
        let record = decode::<AuditRecord>(AUDIT, stored)?.record;
        ProjectName::new(record.project).map(Some)
    }

    /// Makes a project that of the audit, for good.
    ///
    /// # Errors
    /// `AlreadyExists` if it is another one.
    pub async fn set_audit_project(&self, project: &ProjectName) -> Result<()> {
        let value = encode(&AuditRecord { project: project.to_string() })?;
        let refs = &self.shared.backend.refs;
        if let CasResult::Done(_) = refs.compare_and_set(AUDIT, None, Some(value)).await? {
            return Ok(());
        }
        match self.audit_project().await? {
            Some(known) if known != *project => Err(Error::already_exists(format!(
                "the audit of this store is in project '{known}', and can't be in '{project}' too"
            ))),
            _ => Ok(()),
        }
    }
}

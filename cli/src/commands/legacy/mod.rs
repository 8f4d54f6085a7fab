//! `argon projects` and `argon branches`: the deprecated commands, on the store of `legacy.store`.
//!
//! They are other names for `argon project` and `argon branch`, with the options of their time.

mod branches;
mod projects;
mod stats;

pub(crate) use self::branches::BranchesCommand;
pub(crate) use self::projects::ProjectsCommand;

use argon_service::credentials;

use crate::context::Context;

const ABOUT: &str = "\
These commands are deprecated. They work on the store that the setting `legacy.store` names, or --store.
`argon migrate SOURCE TARGET` copies its whole history into another store. ARGON_NO_DEPRECATION=1
silences the reminder.";

/// Reminds of what to use instead.
fn remind(context: &Context, old: &str, new: &str) -> argon_core::Result<()> {
    if credentials::variable("ARGON_NO_DEPRECATION")?.is_none() {
        context.output.note(&format!(
            "`argon {old}` is deprecated: use `argon {new}`, after `argon migrate SOURCE TARGET` \
             (ARGON_NO_DEPRECATION=1 hides this)"
        ));
    }
    Ok(())
}

//! `argon project create`

use argon_core::ErrorKind;
use argon_core::model::ProjectName;
use argon_service::config::Config;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::Json;

/// Make a project with an empty branch main; the first one becomes the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon project create shop")]
pub(crate) struct CreateArgs {
    /// Up to 63 letters, digits, '-', '_' and '.'
    pub(in crate::commands) name: ProjectName,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let name = self.name;
        opened
            .store
            .create_project(&name)
            .await
            .hint_on(ErrorKind::AlreadyExists, || format!("`argon use {name}` makes it current"))?;
        let current = Config { project: Some(name.clone()), branch: None };
        let becomes_current = opened.config.project.is_none()
            && opened.config_file.is_some()
            && opened.set_current_after(&current, &context.output);
        let mut words = format!("made project {name} with branch main");
        if becomes_current {
            words.push_str("; it is the current one");
        } else {
            words.push_str(&format!("\n`argon use {name}` makes it the current one"));
        }
        context.output.done(&words, || {
            Json::object([("project", name.as_str().into()), ("current", becomes_current.into())])
        })
    }
}

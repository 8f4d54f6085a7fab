//! `argon config …`

use argon_service::settings::{
    self, ChangedSetting, GetSetting, ListSettings, ListedSetting, SetSetting, SettingsFile,
    UnsetSetting,
};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::hints::CommandLine;
use crate::output::Cells;

const EXAMPLES: &str = "\
Where settings are read, the later before the earlier:
  store        argon.toml in the store's directory, or in the .argon that points to the store
  user         argon/argon.toml in $XDG_CONFIG_HOME or ~/.config
  environment  variables, as `argon config list` gives them
  options      such as --output

Examples:
  argon config list --show-origin
  argon config set output json
  argon config set retention 30d --store-level";

/// Read and change the settings.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum ConfigCommand {
    /// Print the value of a setting
    Get(NamedArgs),
    /// Change a setting in a file, whose comments and order stay
    Set(SetArgs),
    /// Remove a setting from a file
    Unset(UnsetArgs),
    /// List all settings with their meanings
    List(ListArgs),
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config get retention")]
pub(crate) struct NamedArgs {
    /// The setting, such as cache.size
    #[arg(value_name = "KEY")]
    key: String,
}

/// The file that is changed.
#[derive(Args)]
struct InFile {
    /// Change the user's file, which is the default
    #[arg(long, conflicts_with = "store_level")]
    user: bool,
    /// Change the file of the store
    #[arg(long)]
    store_level: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config set retention 30d")]
pub(crate) struct SetArgs {
    /// The setting, such as cache.size
    #[arg(value_name = "KEY")]
    key: String,
    /// The value
    value: String,
    #[command(flatten)]
    file: InFile,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config unset retention")]
pub(crate) struct UnsetArgs {
    /// The setting, such as cache.size
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    file: InFile,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config list --show-origin")]
pub(crate) struct ListArgs {
    /// Print where each setting is set, with file and line
    #[arg(long)]
    show_origin: bool,
}

impl ConfigCommand {
    pub(crate) fn run(self, context: &Context) -> CommandResult {
        let (overrides, current) = (context.overrides(), context.settings());
        match self {
            Self::Get(NamedArgs { key }) => {
                let setting = settings::get(&context.resolved, &CommandLine, GetSetting { key })?;
                context.output.result(|| setting.value.clone(), &setting)
            }
            Self::Set(SetArgs { key, value, file }) => {
                let request = SetSetting { key, value, file: file.file() };
                done(context, "set", &settings::set(&overrides, current, request)?)
            }
            Self::Unset(UnsetArgs { key, file }) => {
                let request = UnsetSetting { key, file: file.file() };
                done(context, "removed", &settings::unset(&overrides, current, request)?)
            }
            Self::List(args) => args.run(context),
        }
    }
}

fn done(context: &Context, what: &str, changed: &ChangedSetting) -> CommandResult {
    let ChangedSetting { key, file } = changed;
    context.output.reply(&format!("{what} {key} in {}", file.display()), changed)
}

impl InFile {
    fn file(&self) -> SettingsFile {
        if self.store_level { SettingsFile::Store } else { SettingsFile::User }
    }
}

/// A setting in a list with its origin.
#[derive(Serialize)]
#[serde(transparent)]
struct WithOrigin(ListedSetting);

impl Cells for WithOrigin {
    fn cells(&self) -> Vec<String> {
        let Self(ListedSetting { key, value, origin, .. }) = self;
        vec![key.clone(), value.clone().unwrap_or_default(), origin.clone().unwrap_or_default()]
    }
}

impl Cells for ListedSetting {
    fn cells(&self) -> Vec<String> {
        vec![
            self.key.clone(),
            self.value.clone().unwrap_or_default(),
            self.kind.to_owned(),
            self.default.unwrap_or_default().to_owned(),
            self.variable.unwrap_or_default().to_owned(),
            self.help.to_owned(),
        ]
    }
}

impl ListArgs {
    fn run(&self, context: &Context) -> CommandResult {
        let listed = settings::list(&context.resolved, &CommandLine, ListSettings {});
        if self.show_origin {
            let mut listing = context.output.listing(&["KEY", "VALUE", "ORIGIN"]);
            for setting in listed {
                listing.item(&WithOrigin(setting))?;
            }
            return listing.finish();
        }
        let columns = &["KEY", "VALUE", "TYPE", "DEFAULT", "VARIABLE", "MEANING"];
        let mut listing = context.output.listing(columns);
        for setting in listed {
            listing.item(&setting)?;
        }
        listing.finish()
    }
}

//! `argon doctor`

use argon_core::storage::{Diagnosis, Health, OpenOptions, Remedy, Secret};
use argon_service::config::Config;
use argon_service::credentials::{self, Exposure, Said, SaidBy};
use argon_service::discover::{self, Place};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::hints;
use crate::output::{Colours, Json};

const EXAMPLES: &str = "\
Examples:
  argon doctor                                       the store that the other commands use
  argon doctor mongodb://ada@db.example/shop         one that may not be made yet
  argon doctor -o json | jq '.checks[] | select(.state == \"failed\")'";

/// Look at what a store needs, one thing after the other, and say what mends what is not in order.
///
/// It works where the store can't be opened, changes nothing in it, and removes again what it writes
/// to see whether it may. Exit code 11 says that a check failed.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The store [default: the one that every command would use]
    #[arg(value_name = "URL")]
    url: Option<String>,
}

impl DoctorArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let said = self.url.map(|text| Said { text, by: SaidBy::Argument });
        let mut report = Report::default();
        report.look(said, context).await;
        let colours = context.output.colours;
        context.output.one(|| report.text(colours), || report.json())?;
        if report.is_healthy() { Ok(()) } else { Err(Failure::Unhealthy) }
    }
}

/// What was looked at, in order.
#[derive(Default)]
struct Report {
    store: Option<String>,
    checks: Vec<Diagnosis>,
}

impl Report {
    async fn look(&mut self, said: Option<Said>, context: &Context) {
        let place = match said {
            Some(said) => said.place().map_err(Failure::from),
            None => discover::find(&context.overrides(), context.settings()).map_err(Failure::from),
        };
        match place {
            Ok(place) => {
                self.store = Some(place.url.to_string());
                let found = format!("{}, named by {}", place.url, hints::found(&place.found));
                self.checks.push(Diagnosis::good("place", found));
                self.look_at(&place, context).await;
            }
            Err(Failure::Error { error, hint }) => {
                self.checks.push(Diagnosis::failed("place", &error, hint.map(Remedy::Text)));
            }
            // Finding a store ends in no other way.
            Err(_) => {}
        }
    }

    async fn look_at(&mut self, place: &Place, context: &Context) {
        let password = self.password(place);
        let config = place.config_in_directory().map(|path| Config::load(&path));
        if let Some(Err(Failure::Error { error, hint })) =
            config.map(|config| config.map_err(Failure::from))
        {
            self.checks.push(Diagnosis::failed("settings", &error, hint.map(Remedy::Text)));
        }
        let lock_timeout = context.settings().lock_timeout;
        let options = OpenOptions { lock_timeout, password, cache: context.cache() };
        match argon_service::backends::registry().factory(&place.url) {
            Ok(factory) => {
                let environment = &context.environment;
                self.checks.extend(factory.diagnose(&place.url, &options, environment).await);
            }
            Err(error) => self.checks.push(Diagnosis::failed("backend", &error, None)),
        }
    }

    /// The password that the environment gives, with what is to be said of it.
    fn password(&mut self, place: &Place) -> Option<Secret> {
        let by = place.found.said_by();
        let mut exposures: Vec<Exposure> =
            by.and_then(|by| Exposure::of_url(&place.url, by)).into_iter().collect();
        let password = credentials::password();
        match &password {
            Ok(password) => {
                let file = password.as_ref().and_then(|password| password.file.as_deref());
                exposures.extend(file.and_then(Exposure::of_file));
            }
            Err(error) => self.checks.push(Diagnosis::failed("password", error, None)),
        }
        self.checks.extend(exposures.into_iter().map(|it| {
            Diagnosis::doubtful("password", hints::exposed(&it), hints::of_exposure(&it))
        }));
        password.ok().flatten().map(|password| password.secret)
    }

    fn is_healthy(&self) -> bool {
        self.checks.iter().all(|check| check.health != Health::Failed)
    }

    fn text(&self, colours: Colours) -> String {
        let width = |least: &str, words: &mut dyn Iterator<Item = usize>| {
            words.fold(least.len(), usize::max)
        };
        let name = width("CHECK", &mut self.checks.iter().map(|check| check.check.len()));
        let state = width("STATE", &mut self.checks.iter().map(|check| word(check.health).len()));
        let mut lines = vec![format!("{:name$}  {:state$}  FOUND", "CHECK", "STATE")];
        for Diagnosis { check, health, found, remedy } in &self.checks {
            let padded = format!("{:state$}", word(*health));
            let painted = match health {
                Health::Good => colours.green(&padded),
                Health::Doubtful => colours.yellow(&padded),
                Health::Failed => colours.red(&padded),
            };
            lines.push(format!("{check:name$}  {painted}  {found}"));
            if let Some(remedy) = remedy.as_ref().and_then(hints::of_diagnosis) {
                lines.push(format!("{:name$}  {:state$}  to do: {remedy}", "", ""));
            }
        }
        lines.join("\n")
    }

    fn json(&self) -> Json {
        let checks = self.checks.iter().map(|check| {
            Json::object([
                ("check", check.check.as_str().into()),
                ("state", word(check.health).into()),
                ("found", check.found.as_str().into()),
                ("remedy", check.remedy.as_ref().and_then(hints::of_diagnosis).into()),
            ])
        });
        Json::object([
            ("store", self.store.as_deref().into()),
            ("healthy", self.is_healthy().into()),
            ("checks", Json::Array(checks.collect())),
        ])
    }
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Good => "ok",
        Health::Doubtful => "warning",
        Health::Failed => "failed",
    }
}

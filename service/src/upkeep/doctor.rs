//! Diagnosis of a store that may not open.

use argon_core::Environment;
use argon_core::storage::{CacheOptions, Diagnosis, OpenOptions, Remedy, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends;
use crate::config::Config;
use crate::credentials::{self, Exposure, Said, SaidBy};
use crate::discover::{self, Place};
use crate::health::{ShownCheck, Verdict};
use crate::settings::{Overrides, Settings};
use crate::{Failure, Wording};

/// Check the requirements of a store, one after the other.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DiagnoseStore {
    /// The URL or the directory; default: the store that every operation would use.
    #[serde(default)]
    pub store: Option<String>,
}

/// The diagnosis of a store.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct DiagnosedStore {
    /// The URL of the store, without a password; null if no store was found.
    pub store: Option<String>,
    /// Whether no check failed.
    pub healthy: bool,
    /// The checks.
    pub checks: Vec<ShownCheck>,
}

/// The settings and the surroundings of a diagnosis.
pub struct Surroundings<'a> {
    /// The words of the front end.
    pub wording: &'a dyn Wording,
    /// The settings that the caller overrides.
    pub overrides: &'a Overrides,
    /// The settings.
    pub settings: &'a Settings,
    /// The cache for stores on a network.
    pub cache: Option<CacheOptions>,
    /// The clock and the source of identifiers.
    pub environment: &'a Environment,
}

/// Diagnoses a store, even if it can't be opened. Changes nothing in it, and removes again what it writes as a test
/// of permissions. Failures are checks that failed.
pub async fn diagnose(surroundings: Surroundings<'_>, request: DiagnoseStore) -> DiagnosedStore {
    let mut diagnosis = Diagnoser { surroundings, diagnosed: DiagnosedStore::default() };
    diagnosis.find(request).await;
    let mut diagnosed = diagnosis.diagnosed;
    diagnosed.healthy = diagnosed.checks.iter().all(|check| check.state != Verdict::Failed);
    diagnosed
}

struct Diagnoser<'a> {
    surroundings: Surroundings<'a>,
    diagnosed: DiagnosedStore,
}

impl Diagnoser<'_> {
    fn push(&mut self, diagnosis: Diagnosis) {
        let check = ShownCheck::of_diagnosis(diagnosis, self.surroundings.wording);
        self.diagnosed.checks.push(check);
    }

    fn push_failure(&mut self, check: &str, failure: &Failure) {
        // Finding a store and reading its settings fail in no other way.
        if let Failure::Error { error, hint } = failure {
            self.push(Diagnosis::failed(check, error, hint.clone().map(Remedy::Hint)));
        }
    }

    async fn find(&mut self, request: DiagnoseStore) {
        let Surroundings { overrides, settings, .. } = self.surroundings;
        let place = match request.store {
            Some(text) => Said { text, by: SaidBy::Argument }.place().map_err(Failure::from),
            None => discover::find(overrides, settings),
        };
        match place {
            Ok(place) => {
                self.diagnosed.store = Some(place.url.to_string());
                let found = self.surroundings.wording.found(&place.found);
                self.push(Diagnosis::good("place", format!("{}, named by {found}", place.url)));
                self.examine(&place).await;
            }
            Err(failure) => self.push_failure("place", &failure),
        }
    }

    async fn examine(&mut self, place: &Place) {
        let password = self.password(place);
        let config = place.config_in_directory().map(|path| Config::load(&path));
        if let Some(Err(failure)) = config {
            self.push_failure("settings", &failure);
        }
        let Surroundings { settings, environment, .. } = self.surroundings;
        let (lock_timeout, cache) = (settings.lock_timeout, self.surroundings.cache.clone());
        let options = OpenOptions { lock_timeout, password, cache, share: false, join: false };
        match backends::registry().factory(&place.url) {
            Ok(factory) => {
                for diagnosis in factory.diagnose(&place.url, &options, environment).await {
                    self.push(diagnosis);
                }
            }
            Err(error) => self.push(Diagnosis::failed("backend", &error, None)),
        }
    }

    /// Reads the password of the environment, and checks for exposed passwords.
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
            Err(error) => self.push(Diagnosis::failed("password", error, None)),
        }
        for exposure in exposures {
            let (found, remedy) = self.surroundings.wording.exposure(&exposure);
            self.push(Diagnosis::doubtful("password", found, remedy));
        }
        password.ok().flatten().map(|password| password.secret)
    }
}

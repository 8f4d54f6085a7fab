//! How a program opens a store.

use std::future::IntoFuture;
use std::sync::Arc;

use argon_core::model::Actor;
use argon_core::storage::{OpenOptions, Registry, Secret, StoreUrl};
use argon_core::{Environment, ErrorKind, Result, Store};
use futures::future::{BoxFuture, FutureExt};

/// Opens the store at a URL, such as `sled:.argon`, `memory:` or `mongodb://HOST/DATABASE`:
/// `argon::open(url).await?`. Methods of [`Open`] set more before the `await`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// # let url = format!("sled:{}", directory.path().join(".argon").display());
/// let store = argon::open(&url).or_create().actor("ada").await?;
/// store.project_or_create("shop").await?;
/// drop(store);
///
/// let store = argon::open(&url).await?;
/// assert_eq!(store.projects().await?.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When awaited: `Invalid` for an invalid URL or actor, `Unsupported` for a backend that this build
/// does not have, and the errors of [`Store::open`]: `NotFound` if the store does not exist,
/// `Unavailable` if another process has it open.
pub fn open(url: impl AsRef<str>) -> Open {
    Open::new(url.as_ref(), Existence::Required)
}

/// Creates a store at a URL, and opens it: `argon::create(url).await?`.
///
/// # Errors
/// When awaited: those of [`open()`], and `AlreadyExists` if the store exists.
pub fn create(url: impl AsRef<str>) -> Open {
    Open::new(url.as_ref(), Existence::Refused)
}

/// A store that is going to be opened, by `await`.
#[derive(Debug)]
#[must_use = "the store is opened by `.await`"]
pub struct Open {
    url: Result<StoreUrl>,
    existence: Existence,
    actor: Option<Arc<str>>,
    options: OpenOptions,
    environment: Option<Environment>,
    registry: Option<Registry>,
}

/// What is expected of the store.
#[derive(Debug, Clone, Copy)]
enum Existence {
    Required,
    Optional,
    Refused,
}

impl Open {
    fn new(url: &str, existence: Existence) -> Self {
        let options = OpenOptions::default();
        let (actor, environment, registry) = (None, None, None);
        Self { url: url.parse(), existence, actor, options, environment, registry }
    }

    /// Creates the store if it does not exist.
    pub fn or_create(self) -> Self {
        Self { existence: Existence::Optional, ..self }
    }

    /// Sets the actor who signs what is written. Without one it is the user of the machine: `$USER`,
    /// or else `$LOGNAME`, or else `unknown`.
    pub fn actor(self, name: impl Into<Arc<str>>) -> Self {
        Self { actor: Some(name.into()), ..self }
    }

    /// Sets the password of the user that the URL names.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.options.password = Some(Secret::new(password));
        self
    }

    /// Sets all options: how long to wait for a lock or a server, the password, the cache.
    pub fn options(self, options: OpenOptions) -> Self {
        Self { options, ..self }
    }

    /// Sets the clock and the source of identifiers. Without them, those of the [machine](environment).
    pub fn environment(self, environment: Environment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// Sets the backends. Without them, [all of this build](registry).
    pub fn registry(self, registry: Registry) -> Self {
        Self { registry: Some(registry), ..self }
    }

    async fn run(self) -> Result<Store> {
        let url = self.url?;
        let actor = self.actor.unwrap_or_else(user_of_machine);
        let actor = Actor::new(actor)?;
        let environment = self.environment.unwrap_or_else(environment);
        let registry = self.registry.unwrap_or_else(registry);
        let open =
            || Store::open(&registry, &url, &self.options, environment.clone(), actor.clone());
        let create =
            || Store::create(&registry, &url, &self.options, environment.clone(), actor.clone());
        match self.existence {
            Existence::Required => open().await,
            Existence::Refused => create().await,
            Existence::Optional => match open().await {
                Err(error) if error.kind() == ErrorKind::NotFound => match create().await {
                    // Somebody else was faster.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => open().await,
                    created => created,
                },
                opened => opened,
            },
        }
    }
}

impl IntoFuture for Open {
    type Output = Result<Store>;
    type IntoFuture = BoxFuture<'static, Result<Store>>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

/// The backends of this build, by the scheme of their URLs.
#[cfg(feature = "legacy")]
pub fn registry() -> Registry {
    argon_service::backends::registry().clone()
}

/// The backends of this build, by the scheme of their URLs.
#[cfg(not(feature = "legacy"))]
pub fn registry() -> Registry {
    argon_backends::registry()
}

/// The clock and the randomness of this machine.
pub fn environment() -> Environment {
    argon_backends::environment()
}

fn user_of_machine() -> Arc<str> {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let mut named = named.filter(|name| !name.is_empty());
    named.next().map_or_else(|| "unknown".into(), Arc::from)
}

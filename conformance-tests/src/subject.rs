//! A backend under test.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use argon_core::model::{Actor, BranchName, ProjectName};
use argon_core::storage::{Backend, Capabilities, OpenOptions, Registry, StoreUrl};
use argon_core::{Branch, Environment, Project, Store};

use crate::case::block_on;
use crate::environment::{SeededIds, SetClock};

/// Makes a URL where no store is yet, with what keeps the place (a temporary directory, say).
type MakeUrl = dyn Fn() -> (StoreUrl, Box<dyn Any + Send + Sync>) + Send + Sync;

/// Stands between a backend and the trials.
type Decorate = dyn Fn(Backend) -> Backend + Send + Sync;

/// A backend under test: how to make its stores. Cheap to clone.
#[derive(Clone)]
pub struct Subject {
    name: String,
    proves: String,
    registry: Registry,
    make_url: Arc<MakeUrl>,
    decorate: Arc<Decorate>,
    capabilities: Arc<OnceLock<Capabilities>>,
    areas: Areas,
}

/// The areas whose trials a backend is held to.
#[derive(Clone, Copy)]
enum Areas {
    All,
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

impl Subject {
    /// A subject whose stores are made by `registry` where `make_url` says. The second thing that
    /// `make_url` gives is dropped when the store is not needed any more. `proves` says in a few
    /// words what a run with it shows, and what not.
    pub fn new<G: Any + Send + Sync>(
        name: &str,
        proves: &str,
        registry: Registry,
        make_url: impl Fn() -> (StoreUrl, G) + Send + Sync + 'static,
    ) -> Self {
        let make_url = move || -> (StoreUrl, Box<dyn Any + Send + Sync>) {
            let (url, guard) = make_url();
            (url, Box::new(guard))
        };
        let decorate: Arc<Decorate> = Arc::new(|backend| backend);
        Self {
            name: name.to_owned(),
            proves: proves.to_owned(),
            registry,
            make_url: Arc::new(make_url),
            decorate,
            capabilities: Arc::default(),
            areas: Areas::All,
        }
    }

    /// Only the trials of these areas, for a backend that differs in little from another one.
    #[must_use]
    pub fn only(self, areas: &'static [&'static str]) -> Self {
        Self { areas: Areas::Only(areas), ..self }
    }

    /// Without the trials of these areas, for a backend that is held to them elsewhere.
    #[must_use]
    pub fn all_but(self, areas: &'static [&'static str]) -> Self {
        Self { areas: Areas::AllBut(areas), ..self }
    }

    pub(crate) fn has(&self, area: &str) -> bool {
        match self.areas {
            Areas::All => true,
            Areas::Only(areas) => areas.contains(&area),
            Areas::AllBut(areas) => !areas.contains(&area),
        }
    }

    /// The same, with a decorator before every backend that is opened.
    pub(crate) fn decorated(
        &self,
        decorate: impl Fn(Backend) -> Backend + Send + Sync + 'static,
    ) -> Self {
        let inner = self.decorate.clone();
        let decorate: Arc<Decorate> = Arc::new(move |backend| decorate(inner(backend)));
        Self { decorate, capabilities: Arc::default(), ..self.clone() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn proves(&self) -> &str {
        &self.proves
    }

    /// What its backends can do: asks one that is made for it, once.
    pub(crate) fn capabilities(&self) -> Capabilities {
        // On a thread of its own, as this may be asked inside a trial's runtime.
        *self.capabilities.get_or_init(|| {
            let ask = || block_on(async { self.place().create().await.capabilities });
            std::thread::scope(|scope| scope.spawn(ask).join().unwrap())
        })
    }

    /// `usual` for a backend in this process; the smaller `afar` for one that others share, as that
    /// takes a round trip for every step.
    pub(crate) fn scaled<T>(&self, usual: T, afar: T) -> T {
        if self.capabilities().shared { afar } else { usual }
    }

    /// Where a new store may be made.
    pub(crate) fn place(&self) -> StoreLocation {
        let (url, guard) = (self.make_url)();
        let clock = Arc::new(SetClock::new());
        let environment = Environment::new(clock.clone(), Arc::new(SeededIds::new(1)));
        StoreLocation { subject: self.clone(), url, clock, environment, _guard: guard }
    }

    /// A new backend at a place of its own.
    pub(crate) async fn backend(&self) -> (StoreLocation, Backend) {
        let place = self.place();
        let backend = place.create().await;
        (place, backend)
    }

    /// A new project in a new store.
    pub(crate) async fn project(&self) -> (StoreLocation, Project) {
        let (place, backend) = self.backend().await;
        let project = place.project(backend).await;
        (place, project)
    }

    /// The first branch of a new project in a new store.
    pub(crate) async fn branch(&self) -> (StoreLocation, Branch) {
        let (place, project) = self.project().await;
        let branch = first_branch(&project).await;
        (place, branch)
    }
}

/// Where one store is; keeps what its backend needs to be opened again.
pub(crate) struct StoreLocation {
    subject: Subject,
    url: StoreUrl,
    pub(crate) clock: Arc<SetClock>,
    environment: Environment,
    _guard: Box<dyn Any + Send + Sync>,
}

impl StoreLocation {
    /// Makes the store.
    pub(crate) async fn create(&self) -> Backend {
        let factory = self.subject.registry.factory(&self.url).unwrap();
        let options = OpenOptions::default();
        let backend = factory.create(&self.url, &options, &self.environment).await.unwrap();
        (self.subject.decorate)(backend)
    }

    /// Opens the store again; the caller has dropped every handle to it.
    pub(crate) async fn open(&self) -> Backend {
        let factory = self.subject.registry.factory(&self.url).unwrap();
        let options = OpenOptions::default();
        let backend = factory.open(&self.url, &options, &self.environment).await.unwrap();
        (self.subject.decorate)(backend)
    }

    /// A backend elsewhere, to hold while this place is closed.
    pub(crate) async fn stand_in(&self) -> Backend {
        self.subject.place().create().await
    }

    /// A store over a backend.
    pub(crate) fn store(&self, backend: Backend) -> Store {
        Store::new(backend, self.environment.clone(), Actor::new("tester").unwrap())
    }

    /// A new project, `shop`, over a backend.
    pub(crate) async fn project(&self, backend: Backend) -> Project {
        self.store(backend).create_project(&project_name()).await.unwrap()
    }

    /// The project `shop` over a backend that was opened again.
    pub(crate) async fn project_again(&self, backend: Backend) -> Project {
        self.store(backend).project(&project_name()).await.unwrap()
    }
}

fn project_name() -> ProjectName {
    ProjectName::new("shop").unwrap()
}

/// The branch with which a project begins.
pub(crate) async fn first_branch(project: &Project) -> Branch {
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap()
}

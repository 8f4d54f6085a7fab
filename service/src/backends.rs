//! The backends that every front end knows. This is the only place that names all of them.

pub use argon_backends::{environment, error_of_panic, note_panic, take_troubles};
use std::sync::LazyLock;

use argon_core::storage::{Locality, Registry, StoreUrl};

#[cfg(any(feature = "sled", feature = "fjall"))]
pub use argon_backends::ReadWatch;

/// No store of this build is read on this machine's disks.
#[cfg(not(any(feature = "sled", feature = "fjall")))]
#[derive(Default)]
pub struct ReadWatch;

#[cfg(not(any(feature = "sled", feature = "fjall")))]
impl ReadWatch {
    /// Nothing hangs.
    pub fn look(&mut self) -> Option<argon_core::Error> {
        None
    }
}

/// Every backend of this build, by scheme.
pub fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        let registry = argon_backends::registry();
        #[cfg(feature = "legacy")]
        let registry = legacy::added_to(registry);
        registry
    });
    &REGISTRY
}

/// Returns whether a URL names a store without a directory that can be searched for, such as a store on servers; true
/// for an unknown scheme.
pub fn is_remote(url: &StoreUrl) -> bool {
    let factory = registry().factory(url);
    factory.map_or(true, |factory| factory.describe().locality == Locality::Elsewhere)
}

/// The directory of this machine that a URL names, as it is written there.
pub fn directory_of(url: &StoreUrl) -> Option<&str> {
    registry().factory(url).ok()?.directory(url)
}

#[cfg(feature = "legacy")]
pub use argon_legacy::{Job, LegacyStore, MOST_WORKERS};
#[cfg(feature = "legacy")]
pub use legacy::factory as legacy;

#[cfg(feature = "legacy")]
mod legacy {
    use std::sync::Arc;

    use argon_core::storage::{Objects, OpenOptions, Registry, Secret, StoreUrl};
    use argon_core::{Environment, Result};
    use argon_legacy::{Connect, Deliver, LegacyFactory};
    use async_trait::async_trait;

    use crate::{config, credentials, webhook};

    pub(super) fn added_to(registry: Registry) -> Registry {
        let factory = Arc::new(factory());
        registry.with("legacy+file", factory.clone()).with("legacy+s3", factory)
    }

    /// Opens stores of the legacy system, with their queues in any other backend.
    pub fn factory() -> LegacyFactory {
        let queues = config::user_state();
        let queues = queues.map(|directory| directory.join("queues"));
        let factory =
            LegacyFactory::new(argon_backends::registry()).with_deliver(Arc::new(Webhook));
        // A value that is not UTF-8 is not a URL.
        let factory =
            factory.with_notify(credentials::variable("ARGON_WEBHOOK_URL").ok().flatten());
        if cfg!(feature = "s3") { factory.with_s3(Arc::new(S3), queues) } else { factory }
    }

    /// Delivers the outcomes of jobs, signed by the secret of the environment if it is set.
    struct Webhook;

    #[async_trait]
    impl Deliver for Webhook {
        async fn deliver(&self, url: &str, body: String) -> Result<()> {
            let secret = credentials::variable("ARGON_WEBHOOK_SECRET")?.map(Secret::new);
            webhook::post_signed(url, secret.as_ref(), body).await
        }
    }

    struct S3;

    #[async_trait]
    impl Connect for S3 {
        #[cfg(feature = "s3")]
        async fn objects(
            &self,
            url: &StoreUrl,
            options: &OpenOptions,
            environment: &Environment,
        ) -> Result<Arc<dyn Objects>> {
            argon_backends::s3_objects(url, options, environment).await
        }

        #[cfg(not(feature = "s3"))]
        async fn objects(
            &self,
            _: &StoreUrl,
            _: &OpenOptions,
            _: &Environment,
        ) -> Result<Arc<dyn Objects>> {
            Err(argon_core::Error::unsupported("this program was built without S3"))
        }
    }
}

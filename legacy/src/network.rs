//! The networks of the objects and of the queue, as one.

use std::sync::Arc;

use argon_core::Result;
use argon_core::storage::{Backend, Network, Objects, ServerFacts, Traffic};
use async_trait::async_trait;

/// [`Network`] of a legacy store.
pub(crate) struct LegacyNetwork {
    objects: Arc<dyn Objects>,
    queue: Option<Arc<dyn Network>>,
}

impl LegacyNetwork {
    /// `None` if both are on this machine.
    pub(crate) fn new(objects: &Arc<dyn Objects>, queue: &Backend) -> Option<Arc<dyn Network>> {
        let network = Self { objects: Arc::clone(objects), queue: queue.network.clone() };
        let exists = network.parts().next().is_some();
        exists.then(|| Arc::new(network) as Arc<dyn Network>)
    }

    fn parts(&self) -> impl Iterator<Item = &dyn Network> {
        self.objects.network().into_iter().chain(self.queue.as_deref())
    }
}

#[async_trait]
impl Network for LegacyNetwork {
    fn traffic(&self) -> Traffic {
        self.parts().map(Network::traffic).sum()
    }

    async fn servers(&self) -> Result<Vec<ServerFacts>> {
        let mut servers = Vec::new();
        for network in self.parts() {
            servers.extend(network.servers().await?);
        }
        Ok(servers)
    }
}

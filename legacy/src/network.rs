//! The networks of the objects and of the queue, as one.

use std::sync::Arc;

use argon_core::Result;
use argon_core::storage::{Network, ServerFacts, Traffic};
use async_trait::async_trait;

use crate::engine::LegacyEngine;

impl LegacyEngine {
    /// `None` if objects and queue are on this machine.
    pub(crate) fn network(self: &Arc<Self>) -> Option<Arc<dyn Network>> {
        let exists = self.networks().next().is_some();
        exists.then(|| Arc::clone(self) as Arc<dyn Network>)
    }

    fn networks(&self) -> impl Iterator<Item = &dyn Network> {
        self.objects.network().into_iter().chain(self.queue.network.as_deref())
    }
}

#[async_trait]
impl Network for LegacyEngine {
    fn traffic(&self) -> Traffic {
        self.networks().map(Network::traffic).sum()
    }

    async fn servers(&self) -> Result<Vec<ServerFacts>> {
        let mut servers = Vec::new();
        for network in self.networks() {
            servers.extend(network.servers().await?);
        }
        Ok(servers)
    }
}

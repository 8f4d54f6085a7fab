//! What a line is about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::network::ServerName;
use crate::subject::EngineName;

/// An engine in this process, or a server on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnyEngine {
    /// In this process.
    Embedded(EngineName),
    /// On the network.
    Network(ServerName),
}

impl From<EngineName> for AnyEngine {
    fn from(engine: EngineName) -> Self {
        Self::Embedded(engine)
    }
}

impl From<ServerName> for AnyEngine {
    fn from(server: ServerName) -> Self {
        Self::Network(server)
    }
}

impl fmt::Display for AnyEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(engine) => engine.fmt(f),
            Self::Network(server) => server.fmt(f),
        }
    }
}

impl FromStr for AnyEngine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let embedded = [EngineName::Sled, EngineName::Fjall, EngineName::Memory].map(Self::from);
        let network = ServerName::ALL.map(Self::from);
        let mut all = embedded.iter().chain(&network);
        all.clone().find(|engine| engine.to_string() == name).copied().ok_or_else(|| {
            let first = all.next().map(ToString::to_string).unwrap_or_default();
            let names = all.fold(first, |names, engine| format!("{names}, {engine}"));
            format!("'{name}' is no engine; there are: {names}")
        })
    }
}

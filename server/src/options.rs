//! How a server is set up.

use std::collections::BTreeMap;
use std::time::Duration;

use argon_core::model::{BranchName, ProjectName};

use crate::tls::TlsFiles;

/// How a server presents itself to drivers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Topology {
    /// A replica set of one member, named `argon`: transactions, change streams and retryable writes.
    #[default]
    ReplicaSet,
    /// A standalone server: drivers do not retry writes.
    Standalone,
}

/// What a server is asked for.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The branch of databases whose name has no revision.
    pub branch: BranchName,
    /// Names of databases, and which database each one stands for.
    pub aliases: BTreeMap<String, String>,
    /// Whether clients have to log in, and may do only what their roles allow.
    pub auth: bool,
    /// The files of TLS; `None` to take connections without it.
    pub tls: Option<TlsFiles>,
    /// Whether all writes are refused.
    pub read_only: bool,
    /// How the server presents itself.
    pub topology: Topology,
    /// The address that drivers are told, as `host:port`; `None` for the one that they connected to.
    pub advertise: Option<String>,
    /// The most connections at one time; further ones are closed at once.
    pub connections: usize,
    /// How long a connection may stay idle; `None` for ever.
    pub idle: Option<Duration>,
    /// Commands that take longer are logged.
    pub slow: Duration,
    /// The project in which is recorded who did what; `None` to record nothing.
    pub audit: Option<ProjectName>,
    /// Whether agents are served over HTTP.
    pub mcp: bool,
}

impl ServeOptions {
    /// The most connections, by default.
    pub const CONNECTIONS: usize = 1000;
    /// The time after which a command is slow, by default.
    pub const SLOW: Duration = Duration::from_millis(100);

    /// The options by default, with this branch for databases without a revision.
    pub fn new(branch: BranchName) -> Self {
        Self {
            branch,
            aliases: BTreeMap::new(),
            auth: false,
            tls: None,
            read_only: false,
            topology: Topology::default(),
            advertise: None,
            connections: Self::CONNECTIONS,
            idle: None,
            slow: Self::SLOW,
            audit: None,
            mcp: true,
        }
    }
}

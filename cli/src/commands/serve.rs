//! `argon serve`

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::ProjectName;
use argon_core::{Error, Store};
use argon_server::{OperationOptions, ServeOptions, Server, TlsFiles, Topology};
use argon_service::{OpenStore, first_branch};
use clap::{Args, ValueEnum};

use crate::context::Context;
use crate::exit::CommandResult;

/// Where it listens if no address is given.
const WIRE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 27017);
const HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7700);

const EXAMPLES: &str = "\
Examples:
  argon serve
  argon serve --listen 127.0.0.1:0 --print-uri
  argon serve --http 127.0.0.1:7700 --mcp
  curl http://127.0.0.1:7700/v1/projects/shop/states/try@1234/collections
  argon serve --alias shop=shop:try
  argon serve --listen 0.0.0.0:27017 --tls-cert server.pem --tls-key server.key
  mongosh 'mongodb://127.0.0.1:27017/shop:try?directConnection=true'

The name of a database is a project, or a project and a revision: `shop` is the head of branch main (or of
--branch), `shop:try` that of branch try, `shop:try@1234` and `shop@2026-07-07` are past states, which take
no writes. Writing to a project that does not exist creates it; writing to a branch that does not exist
creates it from the head of the default branch. Other argon commands use a local store through the server while
it runs, by a socket in its directory. Every command that writes is a commit, signed by the user, or
without one by the application's name; its comment is the message.

Without an address, it listens for drivers at 127.0.0.1:27017 and for HTTP at 127.0.0.1:7700, with the tools of
agents at /mcp; with --listen, --http or --mcp, only for these. HTTP has all operations as REST: its page is the
reference, and /openapi.json describes them.

With --auth, clients log in (`argon user create`), and may do what their roles allow. At an address that other
machines reach, --auth and TLS are required; --insecure does without.";

/// Serve the store to MongoDB's drivers and over HTTP, until Ctrl-C or SIGTERM.
///
/// Writes are durable before they are acknowledged. At the end, commands that run may take ten seconds more.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(crate) struct ServeArgs {
    /// Where to listen for drivers; port 0 takes a free one
    #[arg(long, visible_alias = "wire", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where to listen for HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Serve agents at /mcp of the address for HTTP, by the Model Context Protocol
    #[arg(long)]
    mcp: bool,
    /// Give a database another name, such as shop=shop:try; repeatable
    #[arg(long, value_name = "NAME=DATABASE", value_parser = alias)]
    alias: Vec<(String, String)>,
    /// Let only users in, who may do what their roles allow; always so beyond this machine
    #[arg(long)]
    auth: bool,
    /// Record logins, writes and what is refused in a project of the store, `audit` if none is named; needs --auth
    #[arg(long, value_name = "PROJECT", num_args = 0..=1, default_missing_value = argon_service::audit::PROJECT)]
    audit: Option<ProjectName>,
    /// Listen beyond this machine without --auth and without TLS
    #[arg(long)]
    insecure: bool,
    /// Take only connections by TLS, with the certificate in this file: PEM, the server's first
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The authority of the clients' certificates, in PEM: they log in by these (MONGODB-X509), or by a password
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_ca: Option<PathBuf>,
    /// Refuse all writes of clients; argon commands on this machine still write
    #[arg(long)]
    read_only: bool,
    /// How the server presents itself to drivers
    #[arg(long, value_enum, default_value = "replica-set")]
    topology: TopologyArg,
    /// The address that drivers are told; by default the one that they connected to
    #[arg(long, value_name = "HOST:PORT")]
    advertise: Option<String>,
    /// The most connections at one time
    #[arg(long, value_name = "N", default_value_t = ServeOptions::CONNECTIONS)]
    max_connections: usize,
    /// Close a connection that sends nothing for so long, such as 10m; by default, never
    #[arg(long, value_name = "DURATION", value_parser = argon_service::duration::parse_duration)]
    idle_timeout: Option<Duration>,
    /// Log commands that take longer, such as 250ms
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = argon_service::duration::parse_duration)]
    slow: Duration,
    /// Print the connection string, and the address of HTTP, to standard output, once the server listens
    #[arg(long)]
    print_uri: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TopologyArg {
    /// A replica set of one member: drivers retry writes
    ReplicaSet,
    /// A standalone server
    Standalone,
}

impl ServeArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let (wire, http) = self.addresses();
        let mcp = self.mcp || (self.listen.is_none() && self.http.is_none());
        let exposed =
            [wire, http].into_iter().flatten().find(|address| !address.ip().is_loopback());
        let is_open = exposed.is_some() && !self.insecure;
        let auth = self.auth || is_open;
        let tls = self.tls();
        if let Some(exposed) = exposed.filter(|_| is_open && tls.is_none()) {
            return Err(Error::denied(format!(
                "other machines reach {exposed}, and would send what they read and write in the open: add \
                 --tls-cert and --tls-key, listen at 127.0.0.1, or say --insecure"
            ))
            .into());
        }
        if self.audit.is_some() && !auth {
            let problem = "--audit records who did what, and without --auth nobody logs in: add it";
            return Err(Error::invalid(problem).into());
        }
        let OpenStore { store, place, .. } = context.shared_store().await?;
        if auth {
            note_no_users(context, &store).await?;
        }
        let branch = context.options.branch.clone().unwrap_or_else(first_branch);
        let has_tls = tls.is_some();
        let options = ServeOptions {
            auth,
            tls,
            aliases: self.alias.into_iter().collect(),
            read_only: self.read_only,
            topology: match self.topology {
                TopologyArg::ReplicaSet => Topology::ReplicaSet,
                TopologyArg::Standalone => Topology::Standalone,
            },
            advertise: self.advertise,
            connections: self.max_connections,
            idle: self.idle_timeout,
            slow: self.slow,
            audit: self.audit,
            mcp,
            ..ServeOptions::new(branch)
        };
        let mut server = Server::new(store, options)?;
        let mut uris = Vec::new();
        if let Some(address) = wire {
            let address = server.listen(&address.to_string()).await?;
            let tls = if has_tls { "&tls=true" } else { "" };
            uris.push(format!("mongodb://{address}/?directConnection=true{tls}"));
        }
        if let Some(address) = http {
            let settings = Some(Arc::new(context.settings().clone()));
            let address = server
                .listen_http(&address.to_string(), OperationOptions { place, settings })
                .await?;
            let scheme = if has_tls { "https" } else { "http" };
            uris.push(format!("{scheme}://{address}/"));
        }
        context.output.say(&format!("serving {}; Ctrl-C ends it", uris.join(" and ")));
        if self.print_uri {
            for uri in &uris {
                context.output.print(uri)?;
            }
        }
        serve_until_asked_to_end(server).await
    }
}

impl ServeArgs {
    /// Where it listens for drivers, and for HTTP.
    fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        match (self.listen, self.http) {
            (None, None) if !self.mcp => (Some(WIRE), Some(HTTP)),
            (wire, None) if self.mcp => (wire, Some(HTTP)),
            asked => asked,
        }
    }

    fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { certificate, key, authority: self.tls_ca.clone() })
    }
}

/// Runs a server until Ctrl-C or SIGTERM.
pub(super) async fn serve_until_asked_to_end(server: Server) -> CommandResult {
    let stopper = server.stopper();
    let mut running = std::pin::pin!(server.run());
    tokio::select! {
        () = &mut running => Ok(()),
        ended = crate::teardown::asked_to_end() => {
            stopper.stop();
            running.await;
            ended
        }
    }
}

/// Says that nobody can log in.
async fn note_no_users(context: &Context, store: &Store) -> CommandResult {
    if store.users().await?.is_empty() {
        context.output.note(
            "there are no users, so nobody can log in; `argon user create NAME --role root` creates one",
        );
    }
    Ok(())
}

fn alias(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, database)) if !name.is_empty() && !database.is_empty() => {
            Ok((name.to_owned(), database.to_owned()))
        }
        _ => Err("expected NAME=DATABASE, such as shop=shop:try".to_owned()),
    }
}

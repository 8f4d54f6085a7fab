//! `argon console`

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;

use argon_core::ErrorKind;
use argon_server::{OperationOptions, ServeOptions, Server};
use argon_service::{OpenStore, first_branch};
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::serve::serve_until_asked_to_end;
use crate::context::Context;
use crate::exit::CommandResult;

/// Where it listens by default, or at a free port if that one is taken.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7700);

const EXAMPLES: &str = "\
Examples:
  argon console
  argon console --store prod
  argon console --http 127.0.0.1:8080 --no-browser

The console shows branches as a graph, documents of any state, what differs between two states, merges as a review,
and who changed what; it edits documents, and takes changes back. Its address is of this machine only, and anybody
who can use the machine can use it: `argon serve --auth` has the same pages with users who log in. Other argon
commands use a local store meanwhile.";

/// Open the console in a browser, and serve it until Ctrl-C.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConsoleArgs {
    /// Where to listen: an address of this machine; port 0 takes a free one [default: 127.0.0.1:7700, or a free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Start no browser
    #[arg(long)]
    no_browser: bool,
    /// Refuse all writes
    #[arg(long)]
    read_only: bool,
}

impl ConsoleArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        if let Some(address) = self.http.filter(|address| !address.ip().is_loopback()) {
            return Err(argon_core::Error::invalid(format!(
                "other machines reach {address}, and nobody logs in to the console of this command: \
                 use `argon serve --http {address}`"
            ))
            .into());
        }
        let OpenStore { store, place, config, .. } = context.shared_or_joined_store().await?;
        let branch = context.options.branch.clone().unwrap_or_else(first_branch);
        let options = ServeOptions {
            read_only: self.read_only,
            mcp: false,
            ..ServeOptions::new(branch.clone())
        };
        let operations =
            OperationOptions { place, settings: Some(Arc::new(context.settings().clone())) };
        let mut server = Server::new(store, options)?;
        let wanted = self.http.unwrap_or(ADDRESS);
        let mut listening = server.listen_http(&wanted.to_string(), operations.clone()).await;
        if self.http.is_none()
            && listening.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable)
        {
            let free = SocketAddr::new(ADDRESS.ip(), 0);
            listening = server.listen_http(&free.to_string(), operations).await;
        }
        let start = match &config.project {
            Some(project) => {
                let branch = config.branch.as_ref().unwrap_or(&branch).as_str();
                format!("{project}/{}", utf8_percent_encode(branch, NON_ALPHANUMERIC))
            }
            None => String::new(),
        };
        let url = format!("http://{}/console/{start}", listening?);
        context.output.print(&url)?;
        context.output.say("Ctrl-C ends it");
        if !self.no_browser && !open(&url) {
            context.output.note("no browser could be started: open the address yourself");
        }
        serve_until_asked_to_end(server).await
    }
}

/// Opens an address as the system does; whether there is something that does.
fn open(url: &str) -> bool {
    let programs: &[&[&str]] = match std::env::consts::OS {
        "macos" => &[&["open"]],
        "windows" => &[&["rundll32", "url.dll,FileProtocolHandler"]],
        _ => &[&["xdg-open"], &["wslview"]],
    };
    let of_user = std::env::var("BROWSER").ok().filter(|program| !program.is_empty());
    let of_user = of_user.as_deref().map(|program| vec![program]);
    let mut programs = of_user.into_iter().chain(programs.iter().map(|words| words.to_vec()));
    programs.any(|words| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
    })
}

//! Runs the bench against servers that are started for it.

use std::process::{Command, ExitCode};

use argon_benches::Result;
use argon_benches::network::ServerName;
use argon_benches::network::servers::Started;

use crate::arguments::url_option;

/// Starts the servers and runs this program again with their URLs. The credentials are in that
/// process's environment, where programs take them from. The servers end with this one.
pub(crate) fn run_again_with(missing: &[ServerName]) -> Result<ExitCode> {
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    let mut servers = Vec::new();
    for server in missing {
        eprintln!("{server}: starting a server");
        let started = Started::new(*server)?;
        again.args([url_option(*server), &started.url]).envs(started.environment.clone());
        // It is gone with the server.
        again.args(["--keep", &server.to_string()]);
        servers.push(started);
    }
    let status = again.status()?;
    drop(servers);
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

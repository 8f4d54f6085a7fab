//! `argon user create`

use argon_core::users::UserDatabase;
use argon_service::user::scram::Mechanism;
use argon_service::user::{self, CreateUser};
use clap::Args;

use super::password::PasswordArgs;
use super::roles_of;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon user create root --role root --password-file ~/root.password
  argon user create ada --role readWrite@shop:try --role read@shop < ada.password
  ARGON_USER_PASSWORD=… argon user create backup --role backup
  argon user create agent --role read@shop --role 'readWrite@shop:sandbox/*' < agent.password
  argon user create 'CN=billing,O=Example' --certificate --role read@*

Roles: read, readWrite, dbAdmin, userAdmin and root on a project (read@shop), on a branch with its past states
(read@shop:try), on branches by a pattern (readWrite@shop:sandbox/*), or on everything (read@*); MongoDB's dbOwner, readAnyDatabase, readWriteAnyDatabase,
dbAdminAnyDatabase, userAdminAnyDatabase, clusterMonitor, backup and restore as there. dbAdmin sees no documents.
Over HTTP and for agents, rights on a branch suffice to create it from a state that may be read; for drivers, they do not.

The password is read from --password-file, from ARGON_USER_PASSWORD, or from standard input. What is stored verifies
it, and does not contain it.";

/// Create a user.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// The name; with --certificate, the subject, such as CN=billing,O=Example
    user: String,
    /// Where the user is known, which drivers call authSource: admin, or a project
    #[arg(long, value_name = "DATABASE", default_value = "admin", conflicts_with = "certificate")]
    database: UserDatabase,
    /// A role, such as readWrite@shop; repeatable
    #[arg(long = "role", value_name = "ROLE@WHERE")]
    roles: Vec<String>,
    /// The user has no password, but a certificate (MONGODB-X509, see `argon serve --tls-ca`)
    #[arg(long, conflicts_with = "password_file")]
    certificate: bool,
    /// No login by SCRAM-SHA-1, which clients before MongoDB 4.0 need
    #[arg(long, conflicts_with = "certificate")]
    no_sha_1: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        // Roles that can't be granted are refused before a password is asked for.
        user::roles::parse_all(&self.roles)?;
        let password = if self.certificate { None } else { Some(self.password.read(context)?) };
        let store = context.store().await?.store;
        let request = CreateUser {
            user: self.user,
            database: Some(if self.certificate { UserDatabase::External } else { self.database }),
            roles: self.roles,
            mechanisms: if self.no_sha_1 { vec![Mechanism::Sha256] } else { Vec::new() },
        };
        let user = user::create(&store, request, password.as_ref()).await?;
        context.output.reply(&format!("created user {}\n{}", user.user, roles_of(&user)), &user)
    }
}

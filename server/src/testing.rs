//! A server without a network, for tests: requests go where those of a connection go.

use std::sync::Arc;

use argon_core::Store;
use argon_core::model::BranchName;
use argon_core::users::{Credentials, User, UserDatabase, UserName};
use argon_service::user::roles;
use bson::Document;
use bson::raw::RawDocumentBuf;

use crate::auth::{Login, Who};
use crate::command;
use crate::connection::Connection;
use crate::options::ServeOptions;
use crate::shared::Shared;
use crate::wire::{Flags, Form, Request, Sequence};

/// A request as a message.
pub(crate) fn request(body: &Document, sequences: Vec<Sequence>) -> Request {
    let body = RawDocumentBuf::try_from(body).unwrap();
    Request { id: 1, form: Form::Message(Flags::default()), compressor: None, body, sequences }
}

/// A server, to which users are logged in without a password.
pub(crate) struct TestServer {
    pub(crate) shared: Arc<Shared>,
}

/// A connection to it.
pub(crate) struct Client {
    shared: Arc<Shared>,
    pub(crate) connection: Connection,
}

impl TestServer {
    /// A server over an empty store, at which users have to log in.
    pub(crate) async fn new() -> Self {
        let options =
            ServeOptions { auth: true, ..ServeOptions::new(BranchName::new("main").unwrap()) };
        Self::with(options).await
    }

    pub(crate) async fn with(options: ServeOptions) -> Self {
        let store = argon_backends::memory_store().await.unwrap();
        Self { shared: Arc::new(Shared::new(store, options)) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Creates a user with these roles.
    pub(crate) async fn user(&self, name: &str, grants: &[&str]) -> User {
        let name = UserName::new(UserDatabase::Admin, name).unwrap();
        let grants = roles::parse_all(grants).unwrap();
        self.store().create_user(name, grants, Credentials::default()).await.unwrap()
    }

    /// A connection on which nobody has logged in.
    pub(crate) fn connect(&self) -> Client {
        let address = "127.0.0.1:1".parse().unwrap();
        let connection = Connection::new(1, address, address, None);
        Client { shared: self.shared.clone(), connection }
    }

    /// A connection on which a user has logged in.
    pub(crate) fn connect_as(&self, user: &User) -> Client {
        let client = self.connect();
        *client.connection.login() = Login { user: Some(Who::of(user)), ..Login::default() };
        client
    }

    /// A connection of a new user with these roles.
    pub(crate) async fn client(&self, name: &str, grants: &[&str]) -> Client {
        self.connect_as(&self.user(name, grants).await)
    }
}

impl Client {
    /// Runs a command on a database, and returns the reply.
    pub(crate) async fn run(&self, database: &str, mut command: Document) -> Document {
        command.insert("$db", database);
        let request = Arc::new(Request {
            id: 1,
            form: Form::Message(Flags::default()),
            compressor: None,
            body: RawDocumentBuf::try_from(&command).unwrap(),
            sequences: Vec::new(),
        });
        let answer = command::run(&self.shared, &self.connection, &request).await;
        Document::try_from(answer.body.as_ref()).unwrap()
    }

    /// Runs a command, and returns the code of its error; 0 if it succeeded.
    pub(crate) async fn code(&self, database: &str, command: Document) -> i32 {
        self.run(database, command).await.get_i32("code").unwrap_or(0)
    }
}

//! Who calls, and how its commits are signed.

use argon_core::Store;
use argon_core::model::{Actor, MAX_ACTOR_BYTES, Trailer, Trailers};
use argon_service::Result;
use data_encoding::HEXLOWER;
use rmcp::service::{RequestContext, RoleServer};

use sha2::{Digest, Sha256};

use super::Mcp;
use crate::auth::Who;

/// The trailer with the name of a run.
const SESSION: &str = "Session";
/// The trailer with the program, where a user signs.
const AGENT: &str = "Agent";
/// Who signs if the client does not say its name.
const NAMELESS: &str = "agent";
/// The header with the session, in revisions of the protocol that have one.
pub(super) const SESSION_HEADER: &str = "mcp-session-id";

/// The agents of a server.
#[derive(Clone)]
pub(crate) enum Agents {
    /// Any, over HTTP: each request says who it is.
    OfRequests,
    /// One, at the other end of the streams of this process.
    One {
        /// The user whose rights it has; `None` for those of whoever runs this process.
        who: Option<Who>,
        /// Who signs; without it, the name that the program gives itself.
        actor: Option<Actor>,
        /// The name of the run.
        session: String,
    },
}

/// The user of a request over HTTP.
#[derive(Clone)]
pub(super) struct Caller(pub(super) Option<Who>);

/// Who calls a tool.
#[derive(Clone)]
pub(super) struct Agent {
    /// The user; `None` if nobody has to log in.
    pub(super) who: Option<Who>,
    actor: Actor,
    session: Option<String>,
    /// What the program calls itself.
    program: Option<String>,
}

impl Mcp {
    /// Who sends a request.
    pub(super) fn agent(&self, context: &RequestContext<RoleServer>) -> Result<Agent> {
        let client = context.client_info();
        let name = client.as_ref().and_then(|client| actor_of(&client.name));
        let program = client.map(|client| format!("{} {}", client.name, client.version));
        let parts = context.extensions.get::<axum::http::request::Parts>();
        let (who, actor, session) = match &self.agents {
            Agents::One { who, actor, session } => {
                (who.clone(), actor.clone(), Some(session.clone()))
            }
            Agents::OfRequests => {
                let caller = parts.and_then(|parts| parts.extensions.get::<Caller>());
                let session = parts.and_then(|parts| parts.headers.get(SESSION_HEADER));
                // The name itself is what requests show: commits, which others read, have its hash.
                let session = session.map(|session| Sha256::digest(session.as_bytes()));
                let session = session.map(|hash| HEXLOWER.encode(&hash[..8]));
                (caller.and_then(|caller| caller.0.clone()), None, session)
            }
        };
        let of_user = who.as_ref().map(|who| Actor::new(who.name.to_string())).transpose()?;
        let actor = match of_user.or(actor).or(name) {
            Some(actor) => actor,
            None => Actor::new(NAMELESS)?,
        };
        Ok(Agent { who, actor, session, program })
    }
}

impl Agent {
    /// The store, where what the agent changes is signed by it, in a run of this name.
    pub(super) fn sign(&self, store: &Store, session: Option<&str>) -> Result<Store> {
        let mut trailers = Trailers::default();
        if let Some(session) = session.or(self.session.as_deref()) {
            trailers = trailers.with(Trailer::new(SESSION, session)?)?;
        }
        let of_program = self.program.as_ref().filter(|_| self.who.is_some());
        if let Some(program) = of_program.and_then(|program| Trailer::new(AGENT, program).ok()) {
            trailers = trailers.with(program)?;
        }
        Ok(store.session(self.actor.clone()).with_trailers(trailers))
    }

    /// Who signs.
    pub(super) fn actor(&self) -> &str {
        self.actor.as_str()
    }
}

/// The actor that a program names itself, as far as an actor may be called so.
fn actor_of(name: &str) -> Option<Actor> {
    let name = name.trim();
    Actor::new(&name[..name.floor_char_boundary(MAX_ACTOR_BYTES)]).ok()
}

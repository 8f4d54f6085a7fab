//! The audit: who did what over the server, and who was refused, as documents of a project of the same store.
//!
//! Its commits are in the hash chain as all others, so what is there can't be changed unnoticed, and it is read, exported
//! and verified as all others. Recorded are logins, writes, and all that was refused; what clients read is not. Events
//! are committed a moment after the reply, in groups; at the end of the server, all are. Clients can't write to the
//! project, whatever their roles are, and only those who manage all users read it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon_core::model::{Actor, CollectionName, Document, ProjectName};
use argon_core::write::Precondition;
use argon_core::{Branch, Store};
use argon_service::audit::{self, AuditEvent, EVENTS, Outcome};
use bson::oid::ObjectId;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::auth::Who;
use crate::shared::Shared;

/// Events that wait to be committed; beyond that, they are counted, and lost.
const WAITING: usize = 10_000;
/// The most events of a commit.
const MOST_OF_COMMIT: usize = 1000;
/// How long events are gathered before they are committed.
const GATHERING: Duration = Duration::from_millis(100);
/// How long it takes to try again after a commit that failed.
const AGAIN: Duration = Duration::from_secs(1);
/// Who signs the commits.
const ACTOR: &str = "audit";

/// Records what clients do.
pub(crate) struct Audit {
    /// The project that has the events.
    pub(crate) project: ProjectName,
    sender: mpsc::Sender<Message>,
    receiver: Mutex<Option<mpsc::Receiver<Message>>>,
    lost: AtomicU64,
}

enum Message {
    Event(ObjectId, Box<AuditEvent>),
    /// Answered once all before it are committed.
    Flush(oneshot::Sender<()>),
}

/// Who did something, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) via: &'static str,
    pub(crate) who: Option<&'a Who>,
    pub(crate) client: Option<SocketAddr>,
}

/// What was done, and how it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    pub(crate) action: &'a str,
    pub(crate) project: Option<&'a str>,
    pub(crate) branch: Option<&'a str>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<&'a str>,
}

impl<'a> Deed<'a> {
    /// What a request wants that has these parameters in its path; it is done, unless somebody says otherwise.
    pub(crate) fn of_path(action: &'a str, path: &'a BTreeMap<&'static str, String>) -> Self {
        let text = |name: &str| path.get(name).map(String::as_str);
        let (project, branch) = (text("project"), text("branch").or(text("revision")));
        Self { action, project, branch, outcome: Outcome::Done, reason: None }
    }
}

impl Audit {
    pub(crate) fn new(project: ProjectName) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let receiver = Mutex::new(Some(receiver));
        Self { project, sender, receiver, lost: AtomicU64::new(0) }
    }

    /// Records an event, whose id orders it by time.
    fn record(&self, id: ObjectId, event: AuditEvent) {
        if self.sender.try_send(Message::Event(id, Box::new(event))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Commits what was recorded, for as long as the server is there.
    pub(crate) async fn run(&self, store: &Store) {
        let Some(mut receiver) = self.receiver.lock().await.take() else { return };
        let mut waiting = Vec::new();
        while let Some(message) = receiver.recv().await {
            let mut flushed = Vec::new();
            let mut next = Some(message);
            if matches!(next, Some(Message::Event(..))) {
                tokio::time::sleep(GATHERING).await;
            }
            while let Some(message) = next {
                match message {
                    Message::Event(id, event) => waiting.push((id, *event)),
                    Message::Flush(done) => flushed.push(done),
                }
                if waiting.len() >= MOST_OF_COMMIT {
                    break;
                }
                next = receiver.try_recv().ok();
            }
            self.commit(store, &mut waiting).await;
            for done in flushed {
                let _ = done.send(());
            }
        }
    }

    /// Waits until all that was recorded is committed.
    pub(crate) async fn flush(&self) {
        let (sender, done) = oneshot::channel();
        if self.sender.send(Message::Flush(sender)).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Commits events, again and again until it succeeds.
    async fn commit(&self, store: &Store, waiting: &mut Vec<(ObjectId, AuditEvent)>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let reason =
                format!("{lost} events were lost: they came faster than they are committed");
            tracing::error!(lost, "events of the audit were lost");
            let environment = store.environment();
            let event = AuditEvent::new(environment, "server", "audit.lost", Outcome::Failed);
            let event = AuditEvent { reason: Some(reason), ..event };
            waiting.push((environment.object_id(), event));
        }
        while !waiting.is_empty() {
            match self.try_commit(store, waiting).await {
                Ok(()) => waiting.clear(),
                Err(error) => {
                    tracing::error!(error = error.in_full(), "the audit can't be written");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Commits events, without those that an earlier attempt has committed whose answer was lost.
    async fn try_commit(
        &self,
        store: &Store,
        events: &[(ObjectId, AuditEvent)],
    ) -> argon_core::Result<()> {
        let branch = self.branch(store).await?;
        let mut request = branch.request();
        let name: CollectionName = EVENTS.parse()?;
        for (id, event) in events {
            let (key, document) = Document::checked(event.document(*id)?)?;
            request.put(name.clone(), key, document, Precondition::SkipUnlessAbsent)?;
        }
        branch.commit(request).await?;
        Ok(())
    }

    async fn branch(&self, store: &Store) -> argon_core::Result<Branch> {
        let store = store.session(Actor::new(ACTOR)?);
        let project = store.project_or_create(self.project.as_str()).await?;
        project.branch(&argon_service::first_branch()).await
    }
}

impl Shared {
    /// Records what a client did, if there is an audit. Reads are not recorded, unless they are refused.
    pub(crate) fn audit(&self, by: By<'_>, deed: Deed<'_>) {
        let Some(audit) = &self.audit else { return };
        let environment = self.store.environment();
        let text = |text: Option<&str>| text.map(|text| audit::short(text).to_owned());
        let event = AuditEvent {
            user: by.who.map(|who| who.name.to_string()),
            token: by.who.and_then(|who| Some(who.token.as_ref()?.id.to_string())),
            client: by.client.map(|client| client.to_string()),
            project: text(deed.project),
            branch: text(deed.branch),
            reason: text(deed.reason),
            ..AuditEvent::new(environment, by.via, deed.action, deed.outcome)
        };
        audit.record(environment.object_id(), event);
    }

    /// Records that a login failed, or did not.
    pub(crate) fn audit_login(
        &self,
        via: &'static str,
        client: SocketAddr,
        user: &str,
        is_right: bool,
    ) {
        let Some(audit) = &self.audit else { return };
        let outcome = if is_right { Outcome::Done } else { Outcome::Refused };
        let environment = self.store.environment();
        let event = AuditEvent {
            user: Some(audit::short(user).to_owned()),
            client: Some(client.to_string()),
            ..AuditEvent::new(environment, via, "login", outcome)
        };
        audit.record(environment.object_id(), event);
    }
}

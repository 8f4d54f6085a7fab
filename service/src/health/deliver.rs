//! Delivery of an alert to its receiver.

use argon_core::alerts::Notice;
use argon_core::checks::Hook;
use argon_core::storage::Secret;
use argon_core::{Error, Result};

use serde::Serialize;

use super::rule::{Rule, op_text};
use crate::settings::Severity;
use crate::{credentials, hooks, webhook, words};

/// How long a command may take.
const TIMEOUT_SECONDS: u64 = 30;

/// Delivers a notice to the webhook or the command of its rule. `store` is the store's identity.
///
/// # Errors
/// `Unavailable` unless the receiver accepts it; `Invalid` without its secret.
pub(super) async fn deliver(
    rule: &Rule,
    notice: &Notice,
    value: Option<f64>,
    store: &str,
) -> Result<()> {
    let configured = &rule.configured;
    let body = body(rule, notice, value, store)?;
    if let Some(url) = &configured.webhook {
        let secret = configured.secret_env.as_deref().map(secret).transpose()?;
        return webhook::post_signed(url, secret.as_ref(), body).await;
    }
    let hook = Hook {
        name: Some(configured.name.clone()),
        command: configured.command.clone().unwrap_or_default(),
        timeout_seconds: TIMEOUT_SECONDS,
    };
    hooks::run(&[hook], &body).await.map_err(|source| {
        Error::unavailable("the command of the alert did not take it").with_source(source)
    })
}

fn secret(variable: &str) -> Result<Secret> {
    credentials::variable(variable)?.map(Secret::new).ok_or_else(|| {
        Error::invalid(format!(
            "the secret of the webhook is expected in {variable}, which is not set"
        ))
    })
}

/// What a receiver is sent, as JSON.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    alert: &'a str,
    state: &'static str,
    severity: Severity,
    at: String,
    metric: &'a str,
    op: &'static str,
    threshold: f64,
    value: Option<f64>,
    store: &'a str,
}

fn body(rule: &Rule, notice: &Notice, value: Option<f64>, store: &str) -> Result<String> {
    let configured = &rule.configured;
    let body = Body {
        id: &notice.id,
        alert: &configured.name,
        state: if notice.raised { "raised" } else { "cleared" },
        severity: configured.severity,
        at: words::time(notice.at),
        metric: &configured.metric,
        op: op_text(configured.op),
        threshold: rule.threshold,
        value,
        store,
    };
    serde_json::to_string(&body)
        .map_err(|error| Error::internal("a notice can't be written as JSON").with_source(error))
}

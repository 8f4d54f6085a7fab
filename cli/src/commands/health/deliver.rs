//! Telling the receiver of an alert.

use argon_core::alerts::Notice;
use argon_core::checks::Hook;
use argon_core::storage::Secret;
use argon_core::{Error, Result};
use argon_service::credentials;
use argon_service::{hooks, webhook};

use super::rule::{Rule, op_text, severity_text};
use crate::output::{self, Json};

/// How long a command may take.
const TIMEOUT_SECONDS: u64 = 30;

/// Delivers a notice to the webhook or the command of its rule. `store` is the store's identity.
///
/// # Errors
/// Whatever the receiver does but to accept it.
pub(super) async fn deliver(
    rule: &Rule,
    notice: &Notice,
    value: Option<f64>,
    store: &str,
) -> Result<()> {
    let configured = &rule.configured;
    let body = body(rule, notice, value, store).compact();
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

fn body(rule: &Rule, notice: &Notice, value: Option<f64>, store: &str) -> Json {
    let configured = &rule.configured;
    Json::object([
        ("id", notice.id.as_str().into()),
        ("alert", configured.name.as_str().into()),
        ("state", if notice.raised { "raised" } else { "cleared" }.into()),
        ("severity", severity_text(configured.severity).into()),
        ("at", output::time(notice.at).into()),
        ("metric", configured.metric.as_str().into()),
        ("op", op_text(configured.op).into()),
        ("threshold", rule.threshold.into()),
        ("value", value.into()),
        ("store", store.into()),
    ])
}

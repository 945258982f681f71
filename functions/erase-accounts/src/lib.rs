//! Consumer of the queue of erasures: deletes the account of a customer in the user pool, after which nobody can sign in to
//! it, and asks for a second erasure of what the shop keeps.
//!
//! The second one ends what the customer has begun between the question and the deletion: a session of a sign-in just
//! before, and what was sent with it. A message that is delivered twice finds no account, and does no harm.
//!
//! It also removes the archived messages of people and orders that were erased, because the consumers that write the archive
//! cannot remove anything from it.

mod archived;

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_cognitoidentityprovider::{
    Client, Config,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    operation::admin_delete_user::AdminDeleteUserError,
};
use shared::{
    ApiError, App,
    aws::explained,
    batch::{self, Fault},
    messages::{Content, ErasureV1, Submission},
    parameters::Queue,
    session::Pool,
};
use time::OffsetDateTime;

/// Short, because the queue delivers a message again.
const DELETE_WITHIN: Duration = Duration::from_secs(2);

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    Ok(batch::independent(app, event, Queue::ErasureDeadLetters, erase).await)
}

async fn erase(app: &App, body: &str) -> Result<(), Fault> {
    let message = Submission::parse(body, OffsetDateTime::now_utc()).map_err(Fault::Permanent)?;
    match &message.content {
        Content::Erasure(erasure) => erase_account(app, erasure, message.request_id).await,
        Content::ArchiveErasure(erasure) => archived::erase(app, erasure).await.map_err(Fault::Transient),
        _ => Err(Fault::Permanent("not an erasure".to_owned())),
    }
}

async fn erase_account(app: &App, erasure: &ErasureV1, request_id: Option<String>) -> Result<(), Fault> {
    let ErasureV1 { subject, .. } = *erasure;
    let config = app.config().await.map_err(transient)?;
    let pool = config.sign_in.get(&Pool::Customers).and_then(|provider| provider.pool_id());
    let pool = pool.ok_or_else(|| Fault::Transient(anyhow::anyhow!("nobody can sign in on this stage")))?;
    // By the id that no other account ever has. An address can belong to another account by now.
    let deleted = client(app).admin_delete_user().user_pool_id(pool).username(subject.to_string()).send().await;
    let had_account = match deleted {
        Ok(_) => true,
        Err(error) if error.as_service_error().is_some_and(AdminDeleteUserError::is_user_not_found_exception) => false,
        Err(error) => return Err(Fault::Transient(explained(error).context("deleting the account"))),
    };
    let rest = Submission::erasure(subject, OffsetDateTime::now_utc(), request_id);
    app.submissions().await.map_err(transient)?.send(&rest).await.map_err(Fault::Transient)?;
    if had_account {
        tracing::info!(submission.id = %rest.id, "Account deleted");
    } else {
        tracing::info!(submission.id = %rest.id, "The account was deleted already");
    }
    Ok(())
}

fn transient(error: ApiError) -> Fault {
    Fault::Transient(explained(error))
}

fn client(app: &App) -> Client {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(Duration::from_millis(900)).operation_timeout(DELETE_WITHIN);
    let config = Config::from(app.sdk()).to_builder();
    Client::from_conf(config.retry_config(RetryConfig::disabled()).timeout_config(timeouts.build()).build())
}

#[cfg(test)]
mod tests {
    use shared::{domain::Email, messages::CustomerV1, session::Subject};
    use time::macros::datetime;

    use super::*;

    /// The erasure in a message, and the request that asked for it.
    fn parse(body: &str, now: OffsetDateTime) -> Result<(ErasureV1, Option<String>), String> {
        let message = Submission::parse(body, now)?;
        match message.content {
            Content::Erasure(erasure) => Ok((erasure, message.request_id)),
            _ => Err("not an erasure".to_owned()),
        }
    }

    #[test]
    fn only_an_erasure_deletes_an_account_and_only_that_of_its_subject() {
        let (ana, now) =
            (Subject::parse("5b1f2a6e-0c3d-4e8f-9a70-1d2c3b4a5968").unwrap(), datetime!(2026-03-01 12:00 UTC));
        let body = |message: &Submission| serde_json::to_string(message).unwrap();
        let asked = body(&Submission::erasure(ana, now, Some("a-request".to_owned())));
        let (erasure, request) = parse(&asked, now).unwrap();
        assert_eq!((erasure.subject, request.as_deref()), (ana, Some("a-request")));

        let signed_in = CustomerV1 {
            subject: ana,
            email: Email::parse("ana@example.org").unwrap(),
            email_verified: true,
            visitor: None,
            signed_in_at: now,
        };
        assert_eq!(parse(&body(&Submission::customer(signed_in, now, None)), now).unwrap_err(), "not an erasure");
        for garbage in ["", "{}", "null", r#"{"kind":"erasure.v1"}"#, &asked.replace("erasure.v1", "erasure.v9")] {
            assert!(parse(garbage, now).is_err(), "{garbage}");
        }
        let by_hand = format!(
            r#"{{"kind":"erasure.v1","id":"44d8f4a8-50a1-40ab-9e0b-8e8f4c6a6a77","subject":"{ana}","sent_at":"2026-03-01T11:59:59Z","asked_at":"2026-03-01T11:59:59Z"}}"#
        );
        assert_eq!(parse(&by_hand, now).unwrap().0.subject, ana, "as the runbook sends it");
        let of_tomorrow = body(&Submission::erasure(ana, now + time::Duration::DAY, None));
        assert!(parse(&of_tomorrow, now).is_err());
    }
}

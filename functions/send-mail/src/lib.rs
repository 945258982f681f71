//! Consumer of the queue of mails: sends each with Amazon SES.
//!
//! A mail that SES refuses for good is sent to the dead-letter queue with the reason. Otherwise the message returns to
//! its queue. A message that the queue delivers twice is sent twice.

use std::time::{Duration, Instant};

use anyhow::Context;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sesv2::{
    Client, Config,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::SdkError,
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message, MessageTag},
};
use shared::{
    App,
    aws::explained,
    lambda::catch_panic,
    mail::{MailMessage, MailSettings, MailV1},
    metrics::InvocationStatus,
    parameters::Queue,
};
use tracing::{Instrument, info_span};

/// No mail is begun after this. One may take [`SEND_WITHIN`], and two seconds for the dead-letter queue; the function's
/// timeout is ten.
const BEGIN_WITHIN: Duration = Duration::from_secs(3);
/// A mail that SES accepts without answering in time is sent again by the queue's next delivery, so the time is long, and
/// there is no second attempt within it.
const SEND_WITHIN: Duration = Duration::from_secs(4);

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    let began = Instant::now();
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let span = info_span!("message", message.id = message.message_id);
        let is_done = began.elapsed() < BEGIN_WITHIN && process(app, &message).instrument(span).await;
        if !is_done {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

/// A batch succeeds only if no message of it is retried.
pub fn status(batch: &SqsBatchResponse) -> InvocationStatus {
    if batch.batch_item_failures.is_empty() { InvocationStatus::Ok } else { InvocationStatus::Unavailable }
}

/// Why a mail was not sent.
#[derive(Debug)]
enum Fault {
    /// No retry can succeed, unless something is changed.
    Permanent(String),
    Transient(anyhow::Error),
}

/// Whether the queue may delete the message.
async fn process(app: &App, message: &SqsMessage) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let fault = match catch_panic(send(app, body)).await {
        Ok(Ok(())) => return true,
        Ok(Err(fault)) => fault,
        Err(panic) => Fault::Transient(panic),
    };
    match fault {
        Fault::Permanent(reason) => match park(app, body, &reason).await {
            Ok(()) => {
                tracing::error!(reason, "Mail sent to the dead-letter queue");
                true
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    reason,
                    "Mail could not be sent to the dead-letter queue"
                );
                false
            }
        },
        Fault::Transient(error) => {
            tracing::warn!(error = format!("{error:#}"), "Mail will be retried");
            false
        }
    }
}

async fn park(app: &App, body: &str, reason: &str) -> anyhow::Result<()> {
    app.queue(Queue::MailDeadLetters).await?.dead_letter(body, reason).await
}

async fn send(app: &App, body: &str) -> Result<(), Fault> {
    let mail = MailMessage::parse(body)
        .map_err(|error| Fault::Permanent(format!("not a mail that this version understands: {error}")))?;
    let settings = MailSettings::from_env().map_err(Fault::Transient)?;
    let built = |error: anyhow::Error| Fault::Permanent(format!("{error:#}"));
    let content = content(&mail).map_err(built)?;
    let tag = MessageTag::builder().name("mail").value(mail.id.to_string()).build();
    let tag = tag.context("the tag of a mail").map_err(built)?;
    let request = client(app)
        .send_email()
        .from_email_address(settings.from())
        .destination(Destination::builder().to_addresses(mail.to.to_ascii()).build())
        .reply_to_addresses(settings.reply_to.to_ascii())
        .configuration_set_name(&settings.configuration_set)
        .email_tags(tag)
        .content(content);
    let sent = request.send().await.map_err(fault)?;
    tracing::info!(mail.id, ses.id = sent.message_id(), "Mail sent");
    Ok(())
}

fn client(app: &App) -> Client {
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_millis(900)).operation_timeout(SEND_WITHIN);
    let config = Config::from(app.sdk()).to_builder();
    Client::from_conf(config.retry_config(RetryConfig::disabled()).timeout_config(timeouts.build()).build())
}

fn content(mail: &MailV1) -> anyhow::Result<EmailContent> {
    let utf8 = |text: &str| Content::builder().charset("UTF-8").data(text).build().context("a text of the mail");
    let body = Body::builder().text(utf8(mail.text.as_str())?).build();
    let message = Message::builder().subject(utf8(mail.subject.as_str())?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>: a refused mail or address stays refused;
/// quotas, a paused account and an unreachable SES do not.
fn fault(error: SdkError<SendEmailError>) -> Fault {
    let is_permanent = error.as_service_error().is_some_and(is_refusal);
    let error = explained(error).context("sending with SES");
    if is_permanent { Fault::Permanent(format!("{error:#}")) } else { Fault::Transient(error) }
}

fn is_refusal(error: &SendEmailError) -> bool {
    error.is_message_rejected()
        || error.is_bad_request_exception()
        || error.is_mail_from_domain_not_verified_exception()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sesv2::{
        error::ErrorMetadata,
        types::error::{
            AccountSuspendedException, BadRequestException, LimitExceededException, MailFromDomainNotVerifiedException,
            MessageRejected, NotFoundException, SendingPausedException, TooManyRequestsException,
        },
    };

    use super::*;

    #[test]
    fn a_refusal_is_permanent_and_a_quota_is_not() {
        let rejected = MessageRejected::builder().message("Email address is not verified").build();
        let errors = [
            (SendEmailError::MessageRejected(rejected), true),
            (SendEmailError::BadRequestException(BadRequestException::builder().build()), true),
            (
                SendEmailError::MailFromDomainNotVerifiedException(
                    MailFromDomainNotVerifiedException::builder().build(),
                ),
                true,
            ),
            (SendEmailError::TooManyRequestsException(TooManyRequestsException::builder().build()), false),
            (SendEmailError::LimitExceededException(LimitExceededException::builder().build()), false),
            (SendEmailError::SendingPausedException(SendingPausedException::builder().build()), false),
            (SendEmailError::AccountSuspendedException(AccountSuspendedException::builder().build()), false),
            (SendEmailError::NotFoundException(NotFoundException::builder().build()), false),
            (SendEmailError::generic(ErrorMetadata::builder().code("ServiceUnavailable").build()), false),
        ];
        for (error, is_permanent) in errors {
            assert_eq!(is_refusal(&error), is_permanent, "{error:?}");
        }
        assert!(matches!(fault(SdkError::timeout_error("no answer")), Fault::Transient(_)));
    }
}

//! Consumer of the queue of mails: sends each with Amazon SES.
//!
//! A mail that SES refuses for good is sent to the dead-letter queue with the reason, and so is one that SES cannot send
//! before something of the stage is changed, after some deliveries. Otherwise the message returns to its queue. A message
//! that the queue delivers twice is sent twice.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use anyhow::Context;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sesv2::{
    Client, Config,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag},
};
use shared::{
    App,
    aws::explained,
    batch::{self, deliveries},
    domain::without_addresses,
    error::catch_panic,
    mail::{MailMessage, MailSettings, MailV1},
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
    let mut again = Vec::new();
    for message in event.records {
        let span = info_span!("message", message.id = message.message_id);
        let is_done = began.elapsed() < BEGIN_WITHIN && process(app, &message).instrument(span).await;
        if !is_done {
            again.push(message);
        }
    }
    Ok(batch::retried(again))
}

/// Deliveries after which a mail is parked that a missing permission or a missing configuration set holds up: minutes,
/// because a new permission takes effect after seconds, and a deploy may be under way.
const DELIVERIES_WITHOUT_PERMISSION: u32 = 5;

/// Why a mail was not sent.
#[derive(Debug)]
enum Fault {
    /// No retry can succeed.
    Permanent(String),
    /// No retry can succeed before an operator changes the stage.
    Misconfigured(anyhow::Error),
    Transient(anyhow::Error),
}

impl Fault {
    /// The reason for the dead-letter queue, at this delivery of the message; otherwise it is retried.
    fn parked_for(self, delivery: u32) -> Result<String, anyhow::Error> {
        match self {
            Self::Permanent(reason) => Ok(reason),
            Self::Misconfigured(error) if delivery >= DELIVERIES_WITHOUT_PERMISSION => {
                Ok(format!("{error:#}, at delivery {delivery}"))
            }
            Self::Misconfigured(error) | Self::Transient(error) => Err(error),
        }
    }
}

/// Whether the queue may delete the message.
async fn process(app: &App, message: &SqsMessage) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let fault = match catch_panic(send(app, body)).await {
        Ok(Ok(())) => return true,
        Ok(Err(fault)) => fault,
        Err(panic) => Fault::Transient(panic),
    };
    match fault.parked_for(deliveries(message)) {
        Ok(reason) => match park(app, body, &reason).await {
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
        Err(error) => {
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
    let message = Message::builder().subject(utf8(mail.subject.as_str())?).body(body);
    let message = match &mail.unsubscribe {
        // A mail program ends these mails with a `POST` of this text (RFC 8058).
        Some(link) => message
            .headers(header("List-Unsubscribe", &format!("<{}>", link.as_str()))?)
            .headers(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")?),
        None => message,
    };
    Ok(EmailContent::builder().simple(message.build()).build())
}

fn header(name: &str, value: &str) -> anyhow::Result<MessageHeader> {
    MessageHeader::builder().name(name).value(value).build().context("a header of the mail")
}

/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>: a refused mail or address stays refused;
/// quotas, a paused account and an unreachable SES do not.
fn fault<Response>(error: SdkError<SendEmailError, Response>) -> Fault
where
    Response: Debug + Send + Sync + 'static,
{
    let is_permanent = error.as_service_error().is_some_and(is_refusal);
    let is_misconfigured = error.as_service_error().is_some_and(is_misconfiguration);
    // In the sandbox SES names the buyer's address.
    let error = anyhow::Error::msg(without_addresses(&format!("{:#}", explained(error)))).context("sending with SES");
    match (is_permanent, is_misconfigured) {
        (true, _) => Fault::Permanent(format!("{error:#}")),
        (false, true) => Fault::Misconfigured(error),
        (false, false) => Fault::Transient(error),
    }
}

fn is_refusal(error: &SendEmailError) -> bool {
    error.is_message_rejected()
        || error.is_bad_request_exception()
        || error.is_mail_from_domain_not_verified_exception()
}

/// A permission that the role does not have, which is no error of SES's model, or a configuration set that does not exist.
fn is_misconfiguration(error: &SendEmailError) -> bool {
    error.is_not_found_exception() || matches!(error.code(), Some("AccessDeniedException" | "AccessDenied"))
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

    /// The delivery at which a mail with this error is parked, and the reason; none within a thousand.
    fn parked_at(error: impl Fn() -> SdkError<SendEmailError, ()>) -> Option<(u32, String)> {
        (1..=1_000).find_map(|delivery| Some((delivery, fault(error()).parked_for(delivery).ok()?)))
    }

    #[test]
    fn no_text_of_ses_repeats_the_address_of_a_buyer() {
        let texts = [
            "Email address is not verified. The following identities failed the check in region EU-WEST-1: ana@example.org",
            "Illegal address <ana@example.org>, Ana Ruiz<ana+x@example.org>",
            "Domain contains illegal character: ana@ex ample.org",
        ];
        for text in texts {
            let rejected = || SendEmailError::MessageRejected(MessageRejected::builder().message(text).build());
            let error = || SdkError::service_error(rejected(), ());
            let (delivery, reason) = parked_at(error).unwrap();
            assert!(delivery == 1 && !reason.contains('@'), "{reason}");
            let quota = || SendEmailError::generic(ErrorMetadata::builder().code("Throttling").message(text).build());
            let Fault::Transient(logged) = fault(SdkError::service_error(quota(), ())) else { panic!("{text}") };
            assert!(!format!("{logged:#} {logged:?}").contains('@'), "{logged:?}");
        }
    }

    #[test]
    fn a_mail_that_somebody_can_end_has_the_headers_of_one_click_and_another_has_none() {
        let headers = |unsubscribe: &str| {
            let mail =
                format!(r#"{{"kind":"mail.v1","id":7,"to":"ana@example.org","subject":"x","text":"y"{unsubscribe}}}"#);
            let content = content(&MailMessage::parse(&mail).unwrap()).unwrap();
            let headers = content.simple().unwrap().headers().iter();
            headers.map(|header| format!("{}: {}", header.name(), header.value())).collect::<Vec<_>>()
        };
        assert!(headers("").is_empty());
        assert_eq!(
            headers(r#","unsubscribe":"https://shop.example/alerts/YQ.b""#),
            [
                "List-Unsubscribe: <https://shop.example/alerts/YQ.b>",
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
            ]
        );
    }

    /// An error, and when and with which words its mail is parked.
    type Case<'a> = (&'a dyn Fn() -> SendEmailError, Option<(u32, &'a str)>);

    #[test]
    fn a_refusal_is_parked_at_once_a_missing_permission_after_five_deliveries_and_a_quota_never() {
        let other = |code: &str, message: &str| {
            SendEmailError::generic(ErrorMetadata::builder().code(code).message(message).build())
        };
        let denied = "User is not authorized to perform `ses:SendEmail` on resource `identity/ana@example.com`";
        let rejected = || MessageRejected::builder().message("Email address is not verified").build();
        let no_set = || NotFoundException::builder().message("Configuration set c does not exist").build();
        let errors: [Case; 13] = [
            (&|| SendEmailError::MessageRejected(rejected()), Some((1, "Email address is not verified"))),
            (&|| SendEmailError::BadRequestException(BadRequestException::builder().build()), Some((1, "SES"))),
            (
                &|| {
                    SendEmailError::MailFromDomainNotVerifiedException(
                        MailFromDomainNotVerifiedException::builder().build(),
                    )
                },
                Some((1, "SES")),
            ),
            (&|| other("AccessDeniedException", denied), Some((5, "`ses:SendEmail` on resource (address)"))),
            (&|| other("AccessDenied", denied), Some((5, "`ses:SendEmail` on resource (address)"))),
            (&|| SendEmailError::NotFoundException(no_set()), Some((5, "Configuration set c does not exist"))),
            (&|| SendEmailError::TooManyRequestsException(TooManyRequestsException::builder().build()), None),
            (&|| SendEmailError::LimitExceededException(LimitExceededException::builder().build()), None),
            (&|| SendEmailError::SendingPausedException(SendingPausedException::builder().build()), None),
            (&|| SendEmailError::AccountSuspendedException(AccountSuspendedException::builder().build()), None),
            (&|| other("ServiceUnavailable", ""), None),
            (&|| other("ExpiredTokenException", ""), None),
            (&|| other("ThrottlingException", ""), None),
        ];
        for (error, expected) in errors {
            let parked = parked_at(|| SdkError::service_error(error(), ()));
            let reason = parked.as_ref().map(|(delivery, reason)| (*delivery, reason.as_str()));
            assert_eq!(reason.map(|(at, _)| at), expected.map(|(at, _)| at), "{:?}", error());
            assert!(reason.zip(expected).is_none_or(|((_, reason), (_, part))| reason.contains(part)), "{parked:?}");
        }
        assert_eq!(parked_at(|| SdkError::timeout_error("no answer")), None);
    }
}

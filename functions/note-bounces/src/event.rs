//! What Amazon SES publishes about a mail after it accepted it, as the topic delivers it: the raw message without SNS's
//! envelope. <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::domain::{MailFailure, without_addresses};

/// The tag with the number of the mail's row, which `send-mail` sets.
const MAIL: &str = "mail";
/// What SES publishes once, when the event destination is created.
const VALIDATION: &str = "Successfully validated SNS topic for Amazon SES event publishing.";

/// What is to be done with an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The mail of this number came back, or its reader complained.
    Failed { mail: u64, failure: String },
    /// A mail that is not the shop's came back: another sender of the account uses the identity, whose default
    /// configuration set is the stage's.
    OfAnotherSender,
    /// SES tried whether it can publish.
    Validation,
}

/// Parses a message. The error is the reason for the dead-letter queue.
pub fn parse(text: &str) -> Result<Event, String> {
    if text.trim() == VALIDATION {
        return Ok(Event::Validation);
    }
    let published: Published = serde_json::from_str(text).map_err(|error| explained(text, &error))?;
    let tags = published.mail.tags.get(MAIL).map(Vec::as_slice);
    let mail = match tags {
        None | Some([]) => return Ok(Event::OfAnotherSender),
        Some([tag]) => row_number(tag)?,
        Some(tags) => return Err(format!("the tag `{MAIL}` has {} values; send-mail sets one", tags.len())),
    };
    Ok(Event::Failed { mail, failure: without_addresses(&published.what.words()) })
}

/// The reason, with the remedy for a subscription that wraps its messages.
fn explained(text: &str, error: &serde_json::Error) -> String {
    let is_wrapped = serde_json::from_str::<Envelope>(text).is_ok_and(|envelope| envelope.kind == "Notification");
    if is_wrapped {
        return "an envelope of SNS: raw message delivery of the subscription is off; deploy the data stack".to_owned();
    }
    format!("not an event of SES that this version understands: {error}")
}

/// The number in a tag, as `send-mail` writes it.
fn row_number(tag: &str) -> Result<u64, String> {
    let number = tag.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == tag);
    let shown: String = tag.chars().take(40).collect();
    number.ok_or_else(|| format!("the tag `{MAIL}` is {shown:?}; it must be the number of a mail, from 1 up"))
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
}

#[derive(Deserialize)]
struct Published {
    mail: Mail,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
struct Mail {
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

/// The kinds to which the event destination subscribes.
#[derive(Deserialize)]
#[serde(tag = "eventType")]
enum What {
    Bounce { bounce: Bounce },
    Complaint { complaint: Complaint },
    Reject { reject: Reject },
}

#[derive(Deserialize)]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: BounceType,
    #[serde(default, rename = "bounceSubType")]
    sub_type: Option<String>,
    #[serde(default, rename = "bouncedRecipients")]
    recipients: Vec<BouncedRecipient>,
}

#[derive(Deserialize)]
enum BounceType {
    Permanent,
    Transient,
    Undetermined,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BouncedRecipient {
    status: Option<String>,
    diagnostic_code: Option<String>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(rename = "complaintFeedbackType")]
    feedback: Option<String>,
    #[serde(rename = "complaintSubType")]
    sub_type: Option<String>,
}

#[derive(Deserialize)]
struct Reject {
    #[serde(default)]
    reason: String,
}

impl What {
    /// What the staff reads with the order.
    fn words(&self) -> String {
        match self {
            Self::Bounce { bounce } => bounce.words(),
            Self::Complaint { complaint } => complaint.words(),
            Self::Reject { reject } => format!("rejected by SES: {}", reject.reason),
        }
    }
}

impl Bounce {
    fn words(&self) -> String {
        let what = match self.kind {
            BounceType::Permanent => "bounce".to_owned(),
            BounceType::Transient => format!("{}, a later mail may arrive", MailFailure::SOFT_BOUNCE),
            BounceType::Undetermined => MailFailure::UNKNOWN_BOUNCE.to_owned(),
        };
        // A mail has one recipient.
        let told = self.recipients.first();
        let told = told.and_then(|recipient| recipient.diagnostic_code.as_ref().or(recipient.status.as_ref()));
        joined(&what, self.sub_type.as_deref(), told.map(String::as_str))
    }
}

impl Complaint {
    fn words(&self) -> String {
        joined(MailFailure::COMPLAINT, self.sub_type.as_deref(), self.feedback.as_deref())
    }
}

/// `bounce (General): smtp; 550 5.1.1 user unknown`
fn joined(what: &str, kind: Option<&str>, told: Option<&str>) -> String {
    let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
    let told = told.map(|told| format!(": {told}")).unwrap_or_default();
    format!("{what}{kind}{told}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// As SES's documentation shows it.
    fn published(kind: &str, member: &str, content: &Value) -> Value {
        json!({
            "eventType": kind,
            member: content,
            "mail": {
                "timestamp": "2026-11-26T15:14:57.000Z", "source": "pedidos@shop.example.org",
                "sourceArn": "arn:aws:ses:us-east-1:111122223333:identity/shop.example.org",
                "sendingAccountId": "111122223333", "messageId": "0100-1", "destination": ["ana@example.org"],
                "headersTruncated": false, "headers": [{ "name": "From", "value": "pedidos@shop.example.org" }],
                "commonHeaders": { "from": ["pedidos@shop.example.org"], "subject": "Pedido" },
                "tags": {
                    "ses:configuration-set": ["anaquel-prod-mails"], "ses:from-domain": ["shop.example.org"],
                    "mail": ["7"],
                },
            },
        })
    }

    fn bounce(kind: &str, sub_type: &str, recipient: &Value) -> Value {
        let content = json!({
            "bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": [recipient],
            "timestamp": "2026-11-26T15:15:02.000Z", "feedbackId": "0100-2", "reportingMTA": "dns; a.amazonses.com",
        });
        published("Bounce", "bounce", &content)
    }

    fn hard_bounce() -> Value {
        bounce("Permanent", "General", &json!({ "emailAddress": "ana@example.org", "status": "5.1.1" }))
    }

    #[test]
    fn what_the_staff_reads_says_whether_the_address_is_wrong_and_repeats_no_address() {
        let unknown = json!({
            "emailAddress": "ana@gmial.con", "action": "failed", "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 <ana@gmial.con>: Recipient address rejected\r\n\u{1b}[31mno\u{202e} such user",
        });
        let suppressed = json!({ "emailAddress": "ana@example.org" });
        let full = json!({ "emailAddress": "ana@example.org", "diagnosticCode": "smtp; 452 4.2.2 mailbox full" });
        let complaint = |content: Value| published("Complaint", "complaint", &content);
        for (event, expected) in [
            (
                bounce("Permanent", "General", &unknown),
                "bounce (General): smtp; 550 5.1.1 (address) Recipient address rejected [31mno such user",
            ),
            (hard_bounce(), "bounce (General): 5.1.1"),
            (bounce("Permanent", "OnAccountSuppressionList", &suppressed), "bounce (OnAccountSuppressionList)"),
            (
                bounce("Transient", "MailboxFull", &full),
                "soft bounce, a later mail may arrive (MailboxFull): smtp; 452 4.2.2 mailbox full",
            ),
            (bounce("Undetermined", "Undetermined", &suppressed), "bounce of an unknown kind (Undetermined)"),
            (published("Bounce", "bounce", &json!({ "bounceType": "Permanent" })), "bounce"),
            (complaint(json!({ "complaintFeedbackType": "abuse" })), "complaint: abuse"),
            (
                complaint(json!({ "complaintSubType": "OnAccountSuppressionList", "complaintFeedbackType": null })),
                "complaint (OnAccountSuppressionList)",
            ),
            (complaint(json!({})), "complaint"),
            (published("Reject", "reject", &json!({ "reason": "Bad content" })), "rejected by SES: Bad content"),
        ] {
            let failure = expected.to_owned();
            assert_eq!(parse(&event.to_string()), Ok(Event::Failed { mail: 7, failure }), "{event}");
        }
    }

    #[test]
    fn a_mail_without_the_tag_is_of_another_sender_and_a_tag_that_is_no_number_is_refused() {
        let tagged = |tags: Value| {
            let mut event = hard_bounce();
            event["mail"]["tags"] = tags;
            parse(&event.to_string())
        };
        for tags in [json!({}), json!({ "campaign": ["spring"] }), json!({ "mail": [] })] {
            assert_eq!(tagged(tags.clone()), Ok(Event::OfAnotherSender), "{tags}");
        }
        let mut untagged = hard_bounce();
        untagged["mail"].as_object_mut().unwrap().remove("tags");
        assert_eq!(parse(&untagged.to_string()), Ok(Event::OfAnotherSender));

        let largest = tagged(json!({ "mail": [u64::MAX.to_string()] }));
        assert!(matches!(largest, Ok(Event::Failed { mail: u64::MAX, .. })), "{largest:?}");
        for (tag, reason) in [
            (json!(["0"]), "the tag `mail` is \"0\"; it must be the number of a mail, from 1 up"),
            (json!(["-1"]), "is \"-1\"; it must be"),
            (json!(["+7"]), "is \"+7\"; it must be"),
            (json!(["007"]), "is \"007\"; it must be"),
            (json!([" 7"]), "is \" 7\"; it must be"),
            (json!(["7.0"]), "is \"7.0\"; it must be"),
            (json!(["٧"]), "it must be the number of a mail"),
            (json!([""]), "is \"\"; it must be"),
            (json!(["18446744073709551616"]), "is \"18446744073709551616\"; it must be"),
            (json!(["9".repeat(1_000)]), "it must be the number of a mail"),
            (json!(["7; drop table mails"]), "it must be the number of a mail"),
            (json!(["7", "8"]), "the tag `mail` has 2 values; send-mail sets one"),
            (json!("7"), "not an event of SES that this version understands: invalid type"),
            (json!([7]), "not an event of SES that this version understands: invalid type"),
        ] {
            let error = tagged(json!({ "mail": tag })).unwrap_err();
            assert!(error.contains(reason) && error.len() < 200, "{tag}: {error}");
        }
    }

    #[test]
    fn what_is_no_event_that_the_destination_sends_is_refused_with_the_remedy() {
        let wrapped = json!({ "Type": "Notification", "Message": hard_bounce().to_string(), "TopicArn": "arn" });
        let with = |member: &str, value: Value| {
            let mut event = hard_bounce();
            event[member] = value;
            event.to_string()
        };
        for (text, reason) in [
            (wrapped.to_string(), "an envelope of SNS: raw message delivery of the subscription is off"),
            (String::new(), "EOF while parsing"),
            ("[]".to_owned(), "not an event of SES"),
            ("null".to_owned(), "not an event of SES"),
            ("7".to_owned(), "not an event of SES"),
            ("{}".to_owned(), "missing field"),
            (with("mail", json!(null)), "not an event of SES"),
            (with("eventType", json!("Delivery")), "unknown variant `Delivery`"),
            (with("eventType", json!("bounce")), "unknown variant `bounce`"),
            (with("eventType", json!(null)), "not an event of SES"),
            (with("eventType", json!("Complaint")), "missing field `complaint`"),
            (with("bounce", json!({ "bounceType": "Soft" })), "unknown variant `Soft`"),
            (with("bounce", json!("Permanent")), "invalid type"),
            (format!("{VALIDATION} {}", hard_bounce()), "not an event of SES"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn the_message_with_which_ses_tries_the_topic_is_no_failure() {
        for text in [VALIDATION.to_owned(), format!("{VALIDATION}\n")] {
            assert_eq!(parse(&text), Ok(Event::Validation), "{text:?}");
        }
    }
}

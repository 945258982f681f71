//! Mails to buyers: the identity that Amazon SES sends for, the configuration set of its mails, and the way on which
//! bounces and complaints come back: from SES by a topic to the queue of bounces.

use serde_json::{Value, json};
use stratosphere::services::aws::ses::{self, configurationset, configurationseteventdestination, emailidentity};
use stratosphere::services::aws::{route53, sns};
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString};

use super::topic::{self, Topic};
use crate::stage::{Mail, Stage};
use crate::template::{Id, Template, arn, list};

/// Type of the identity.
pub const MAIL_IDENTITY: &str = "AWS::SES::EmailIdentity";
/// Name of the topic, without the stage.
const TOPIC: &str = "mail-events";

/// The permission to send mails from the shop's address. SES checks it for the configuration set and for identities: for
/// the sender's narrowest one, which may be an address that is verified beside its domain, and while the account is in the
/// sandbox also for the recipient's. So the sender is limited by address, not by identity.
/// <https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html>,
/// <https://github.com/aws/aws-sdk-js/issues/3641>
pub fn permissions(stage: &Stage, mail: &Mail) -> [Value; 2] {
    let set = format!("configuration-set/{}", stage.configuration_set());
    [
        json!({
            "Effect": "Allow",
            "Action": ["ses:SendEmail"],
            "Resource": arn("ses", "identity/*"),
            "Condition": { "StringEquals": { "ses:FromAddress": mail.sender.to_ascii() } },
        }),
        json!({ "Effect": "Allow", "Action": ["ses:SendEmail"], "Resource": arn("ses", &set) }),
    ]
}

/// The resources that send mails, also for the user pools.
pub struct Sending {
    /// The configuration set.
    pub set: Id,
    /// ARN of the identity.
    pub identity: ExpString,
}

/// Adds the identity unless the account has it already, and the DNS records that prove it where the stage has its hosted
/// zone. The zone is a setting of the mails and not that of `[domain]`, so that the records outlast a change of `https`.
pub fn add(template: &mut Template, stage: &Stage, mail: &Mail, bounces: Id) -> Sending {
    let set = template.add(
        "MailConfiguration",
        ses::ConfigurationSet! {
            name: stage.configuration_set().as_str(),
            // Personal data: a mail server that accepts none encrypted gets none.
            delivery_options: configurationset::DeliveryOptions! { tls_policy: "REQUIRE" },
            // Bounces and complaints in CloudWatch, for this set.
            reputation_options: configurationset::ReputationOptions! { reputation_metrics_enabled: true },
            // An address that bounced or complained gets no further mail.
            suppression_options: configurationset::SuppressionOptions! {
                suppressed_reasons: list(["BOUNCE", "COMPLAINT"]),
            },
        },
    );
    // By a reference, so that CloudFormation creates what needs the identity after it, and removes it before.
    let name = if mail.existing_identity {
        mail.identity.clone()
    } else {
        format!("${{{}}}", add_identity(template, mail, set).name())
    };
    add_events(template, stage, set, bounces);
    Sending { set, identity: arn("ses", &format!("identity/{name}")) }
}

fn add_identity(template: &mut Template, mail: &Mail, set: Id) -> Id {
    let identity = template.add(
        "MailIdentity",
        ses::EmailIdentity! {
            email_identity: mail.identity.as_str(),
            configuration_set_attributes: emailidentity::ConfigurationSetAttributes! { configuration_set_name: set },
        },
    );
    if let Some(zone) = &mail.zone {
        for number in 1..=3 {
            add_signature_record(template, identity, zone, number);
        }
    }
    identity
}

/// Events of mails that SES had accepted. A suppressed address is a bounce too. SES publishes to standard topics
/// only, which deliver to standard queues only.
/// <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html>
fn add_events(template: &mut Template, stage: &Stage, set: Id, bounces: Id) {
    let source = arn("ses", &format!("configuration-set/{}", stage.configuration_set()));
    let names = Topic {
        id: "MailEvents",
        physical: stage.physical(TOPIC),
        encrypts: format!("Encrypts the bounces and complaints of stage {}", stage.name),
        publishers: vec![("ses.amazonaws.com", json!(source))],
    };
    let (topic, policy) = topic::add(template, &names);
    template.add(
        "MailEventsToQueue",
        sns::Subscription! {
            topic_arn: topic,
            protocol: "sqs",
            endpoint: bounces.att("Arn"),
            // Without SNS's envelope.
            raw_message_delivery: true,
        },
    );
    let destination = template.add(
        "MailEventDestination",
        ses::ConfigurationSetEventDestination! {
            configuration_set_name: set,
            event_destination: configurationseteventdestination::EventDestination! {
                enabled: true,
                matching_event_types: list(["bounce", "complaint", "reject"]),
                sns_destination: configurationseteventdestination::SnsDestination! { topic_arn: topic },
            },
        },
    );
    // SES publishes a message to see whether it may.
    template.add_dependency(destination, policy);
}

/// The statement of the queue's policy by which the topic delivers to it.
pub fn may_deliver(stage: &Stage, queue: Id) -> Value {
    json!({
        "Sid": "TopicDelivers",
        "Effect": "Allow",
        "Principal": { "Service": "sns.amazonaws.com" },
        "Action": "sqs:SendMessage",
        "Resource": queue.att("Arn"),
        "Condition": {
            "StringEquals": { "aws:SourceAccount": AWS_ACCOUNT_ID },
            // By name, because the topic's subscription refers to the queue.
            "ArnEquals": { "aws:SourceArn": arn("sns", &stage.physical(TOPIC)) },
        },
    })
}

/// One of the three records of Easy DKIM, by which SES verifies the domain and receivers verify the signature.
fn add_signature_record(template: &mut Template, identity: Id, zone: &str, number: u8) {
    let id = format!("MailSignature{number}");
    template.add(
        id.clone(),
        route53::RecordSet! {
            hosted_zone_id: zone,
            name: identity.att(&format!("DkimDNSTokenName{number}")),
            r#type: "CNAME",
            ttl: "1800",
        },
    );
    let value = identity.att(&format!("DkimDNSTokenValue{number}"));
    template.set(&id, "ResourceRecords", json!([value]));
}

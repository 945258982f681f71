//! `POST /api/contact`, `GET` and `POST /contact`: accepts a message to the shop. It has no access to the database,
//! because the queue keeps the message.

pub mod api;
pub mod page;

use serde_json::Value;
use shared::{
    ApiError, App, JsonObject, Reply, Request, Result,
    api::ContactForm,
    domain::{DisplayName, Email, Invalid, MessageText, Subject},
    intake::{Client, Intake},
    messages::{ContactV1, Content},
};

async fn accept(app: &App, request: &Request, client: Client, form: &ContactForm) -> Result<Reply> {
    let contact = parse(form)?;
    let intake = Intake::begin(app, request, client, &("contact", &contact)).await?;
    if fills_honeypot(form) {
        tracing::info!("Message dropped: the honeypot field is filled in");
        return intake.receipt(None);
    }
    let visitor = Some(intake.visitor);
    intake.send(Content::Contact(ContactV1 { visitor, ..contact })).await?;
    intake.receipt(None)
}

/// A field that people do not see is filled in.
fn fills_honeypot(form: &ContactForm) -> bool {
    form.website.as_ref().and_then(Value::as_str).is_some_and(|website| !website.trim().is_empty())
}

/// Reports all invalid fields at once.
fn parse(form: &ContactForm) -> Result<ContactV1> {
    let text =
        |name: &str, member: &Option<Value>| JsonObject::text(name, member.as_ref()).map(Option::unwrap_or_default);
    let name = text("name", &form.name).and_then(|text| DisplayName::parse(&text));
    let email = text("email", &form.email).and_then(|text| Email::parse(&text));
    let subject = text("subject", &form.subject).and_then(|text| Subject::parse(&text));
    let message = text("message", &form.message).and_then(|text| MessageText::parse(&text));
    let website = JsonObject::text("website", form.website.as_ref());
    match (name, email, subject, message, website) {
        (Ok(name), Ok(email), Ok(subject), Ok(message), Ok(_)) if form.names.is_empty() => {
            Ok(ContactV1 { visitor: None, name, email, subject, message })
        }
        (name, email, subject, message, website) => {
            let invalids: [Option<Invalid>; 5] = [name.err(), email.err(), subject.err(), message.err(), website.err()];
            Err(ApiError::Unprocessable(form.names.iter().cloned().chain(invalids.into_iter().flatten()).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_mistake_is_named_at_once() {
        let form = ContactForm { email: Some("ana@".into()), message: Some("Hola".into()), ..ContactForm::default() };
        let Err(ApiError::Unprocessable(invalids)) = parse(&form) else { panic!("must be refused") };
        let fields: Vec<&str> = invalids.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, ["name", "email", "subject"]);
        let names = vec![Invalid::other("colour", "is not a member here")];
        let form = ContactForm { email: Some(5.into()), website: Some(true.into()), names, ..form };
        let Err(ApiError::Unprocessable(invalids)) = parse(&form) else { panic!("must be refused") };
        let messages: Vec<String> = invalids.iter().map(Invalid::to_string).collect();
        assert!(messages.contains(&"colour: is not a member here".to_owned()), "{messages:?}");
        assert!(messages.contains(&"email: must be a string, and is a number".to_owned()), "{messages:?}");
        assert!(messages.contains(&"website: must be a string, and is a boolean".to_owned()), "{messages:?}");
    }

    #[test]
    fn a_message_of_a_program_that_fills_in_the_honeypot_is_recognised() {
        for (website, is_filled) in [
            (json!("https://spam.example"), true),
            (json!("x"), true),
            (json!(" \n"), false),
            (json!(""), false),
            (Value::Null, false),
        ] {
            let form = ContactForm { website: Some(website.clone()), ..ContactForm::default() };
            assert_eq!(fills_honeypot(&form), is_filled, "{website}");
        }
        assert!(!fills_honeypot(&ContactForm::default()));
    }
}

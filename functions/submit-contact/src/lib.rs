//! `POST /api/contact`, `GET` and `POST /contact`: accepts a message to the shop. It has no access to the database,
//! because the queue keeps the message.

pub mod api;
pub mod page;

use serde_json::Value;
use shared::{
    ApiError, App, JsonObject, Reply, Request, Result,
    api::ContactForm,
    domain::{
        DisplayName, Email, Invalid, Language, MessageText, Parsed, Subject, check_no_card_in_email, check_no_link,
    },
    handler::Handlers,
    intake::{Client, Intake},
    messages::{ContactV1, Content},
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

/// `language` is that of the page with the form, in which the shop answers.
async fn accept(
    app: &App,
    request: &Request,
    (client, language): (Client, Option<Language>),
    form: &ContactForm,
) -> Result<Reply> {
    let contact = parse(form)?;
    let intake = Intake::begin(app, request, client, &("contact", &contact)).await?;
    if fills_honeypot(form) {
        tracing::info!("Message dropped: the honeypot field is filled in");
        return intake.receipt(None);
    }
    let visitor = Some(intake.visitor);
    intake.send(Content::Contact(ContactV1 { visitor, language, ..contact })).await?;
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
    let name = text("name", &form.name).and_then(|text| parsed_name(&text));
    let email = text("email", &form.email).and_then(|text| parsed_email(&text));
    let subject = text("subject", &form.subject).and_then(|text| Subject::parse(&text));
    let message = text("message", &form.message).and_then(|text| MessageText::parse(&text));
    let website = JsonObject::text("website", form.website.as_ref());
    match (name, email, subject, message, website) {
        (Ok(name), Ok(email), Ok(subject), Ok(message), Ok(_)) if form.names.is_empty() => {
            Ok(ContactV1 { visitor: None, name, email, subject, message, language: None })
        }
        (name, email, subject, message, website) => {
            let invalids: [Option<Invalid>; 5] = [name.err(), email.err(), subject.err(), message.err(), website.err()];
            Err(ApiError::Unprocessable(form.names.iter().cloned().chain(invalids.into_iter().flatten()).collect()))
        }
    }
}

fn parsed_name(text: &str) -> Parsed<DisplayName> {
    let name = DisplayName::parse(text)?;
    check_no_link("name", name.as_str())?;
    Ok(name)
}

fn parsed_email(text: &str) -> Parsed<Email> {
    let email = Email::parse(text)?;
    check_no_card_in_email("email", email.as_str())?;
    Ok(email)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(change: fn(&mut ContactForm)) -> String {
        let mut form = ContactForm {
            name: Some("Ana".into()),
            email: Some("ana@example.org".into()),
            subject: Some("Mi pedido".into()),
            message: Some("Hola".into()),
            ..ContactForm::default()
        };
        change(&mut form);
        let Err(ApiError::Unprocessable(invalids)) = parse(&form) else { return String::new() };
        invalids.iter().map(|invalid| invalid.field.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_number_of_a_card_is_refused_in_every_field_and_the_number_of_an_account_is_not() {
        assert_eq!(refused(|_| ()), "");
        assert_eq!(refused(|form| form.name = Some("4111 1111 1111 1111".into())), "name");
        assert_eq!(refused(|form| form.email = Some("4111111111111111@example.org".into())), "email");
        assert_eq!(refused(|form| form.subject = Some("4111-1111-1111-1111".into())), "subject");
        assert_eq!(refused(|form| form.message = Some("Mi tarjeta:\n4111 1111\n1111 1111".into())), "message");
        assert_eq!(refused(|form| form.message = Some("ES91 2100 0418 4502 0005 1332".into())), "");
    }

    #[test]
    fn a_name_is_no_link_and_a_message_may_have_one() {
        assert_eq!(refused(|form| form.name = Some("https://evil.example".into())), "name");
        assert_eq!(refused(|form| form.message = Some("Mirad https://example.org".into())), "");
    }

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

//! `POST /api/contact`, `GET` and `POST /contact`: accepts a message to the shop. It has no access to the database,
//! because the queue keeps the message.

pub mod api;
pub mod page;

use shared::{
    ApiError, App, Reply, Request, Result,
    api::ContactForm,
    domain::{DisplayName, Email, Invalid, MessageText, Subject},
    intake::{Client, Intake},
    messages::{ContactV1, Content},
};

async fn accept(app: &App, request: &Request, client: Client, form: &ContactForm) -> Result<Reply> {
    let contact = parse(form)?;
    let intake = Intake::begin(app, request, client).await?;
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
    form.website.as_deref().is_some_and(|website| !website.trim().is_empty())
}

/// Reports all invalid fields at once.
fn parse(form: &ContactForm) -> Result<ContactV1> {
    let name = DisplayName::parse(form.name.as_deref().unwrap_or_default());
    let email = Email::parse(form.email.as_deref().unwrap_or_default());
    let subject = Subject::parse(form.subject.as_deref().unwrap_or_default());
    let message = MessageText::parse(form.message.as_deref().unwrap_or_default());
    match (name, email, subject, message) {
        (Ok(name), Ok(email), Ok(subject), Ok(message)) => {
            Ok(ContactV1 { visitor: None, name, email, subject, message })
        }
        (name, email, subject, message) => {
            let invalids: [Option<Invalid>; 4] = [name.err(), email.err(), subject.err(), message.err()];
            Err(ApiError::Unprocessable(invalids.into_iter().flatten().collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_at_once() {
        let form = ContactForm { email: Some("ana@".into()), message: Some("Hola".into()), ..ContactForm::default() };
        let Err(ApiError::Unprocessable(invalids)) = parse(&form) else { panic!("must be refused") };
        let fields: Vec<&str> = invalids.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, ["name", "email", "subject"]);
    }
}

//! `POST /api/contact`: takes a message to the shop in. It has no right to the database: the queue keeps the message.

use serde::Deserialize;
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{DisplayName, Email, Invalid, MessageText, Subject},
    intake::Intake,
    messages::{ContactV1, Content},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let form = request.json::<Form>()?;
    let trapped = form.is_trapped();
    let contact = form.parse()?;
    let intake = Intake::begin(app, request).await?;
    if trapped {
        tracing::info!("Message dropped: the field that people do not see was filled in");
        return intake.receipt();
    }
    let visitor = Some(intake.visitor);
    intake.send(Content::Contact(ContactV1 { visitor, ..contact })).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Form {
    name: String,
    email: String,
    subject: String,
    message: String,
    /// The honeypot: hidden on the page, so only a program fills it in. It is answered as anybody else.
    website: String,
}

impl Form {
    fn is_trapped(&self) -> bool {
        !self.website.trim().is_empty()
    }

    /// Every mistake is told at once.
    fn parse(self) -> Result<ContactV1> {
        let (name, email) = (DisplayName::parse(&self.name), Email::parse(&self.email));
        let (subject, message) = (Subject::parse(&self.subject), MessageText::parse(&self.message));
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_at_once() {
        let form = Form { email: "ana@".into(), message: "Hola".into(), ..Form::default() };
        let Err(ApiError::Unprocessable(invalids)) = form.parse() else { panic!("must be refused") };
        let fields: Vec<&str> = invalids.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, ["name", "email", "subject"]);
    }
}

//! `/alerts/{book}`: who has signed in needs no address, and who has not types one.

use std::collections::BTreeMap;

use frontend::{Form, Locale, PageContext, pages::AlertPage};
use shared::{
    ApiError, App, Reply, Request, Result,
    alert_link::{AlertLink, Purpose},
    domain::{AlertToken, BookId, Email, Invalid, Language, ShopOrigin, check_no_card_in_email},
    intake::{Client, FORM_KEY, Intake, form_key, signed_in},
    messages::{AlertV1, Content},
};
use time::OffsetDateTime;

use super::check_sells;

pub async fn handle(app: &App, request: &Request, book: BookId) -> Result<Reply> {
    let context = PageContext::of(request);
    check_sells(&context.view())?;
    let show = |status, form: Form| {
        // Sent twice, the form is one request, also after it was shown again.
        let new = form_key();
        let key = Some(form.value(FORM_KEY)).filter(|key| !key.is_empty()).unwrap_or(&new).to_owned();
        let others = form.typed.iter().copied().filter(|(name, _)| *name != FORM_KEY);
        let typed: Vec<(&str, &str)> = others.chain([(FORM_KEY, key.as_str())]).collect();
        let page = AlertPage { view: context.view(), book, form: Form { typed: &typed, ..form } };
        Ok(context.reply(status, &page)?.with_form_key(&key).unindexed())
    };
    if request.is_read() {
        return show(200, Form::default());
    }
    let typed = request.form()?;
    if let Some(shown) = Form::unsent(&typed, show) {
        return shown;
    }
    let accepted = accept(app, request, book, &typed, context.view().locale).await;
    Form::again(request, &typed, accepted, show)
}

async fn accept(
    app: &App,
    request: &Request,
    book: BookId,
    typed: &BTreeMap<String, String>,
    locale: Locale,
) -> Result<Reply> {
    // An address that was typed is the one that is meant, also of somebody who has signed in.
    let email = typed.get("email").map(|text| parsed_email(text)).transpose()?;
    let session = match email {
        Some(_) => None,
        None => signed_in(app, request).await?,
    };
    if email.is_none() && session.is_none() {
        return Err(parsed_email("").err().unwrap_or(ApiError::NotFound));
    }
    let whose = session.map(|session| session.subject.to_string());
    let intake = Intake::begin(app, request, Client::Browser, &("alert", book, &email, whose)).await?;
    let (key, now) = (app.submission_key().await?, OffsetDateTime::now_utc());
    let token = |purpose| {
        let token = AlertLink::new(purpose, intake.id.uuid(), book, now).token(&key);
        AlertToken::try_from(token).map_err(anyhow::Error::msg)
    };
    let origin = ShopOrigin::try_from(request.origin().unwrap_or_default());
    let alert = AlertV1 {
        book,
        visitor: intake.visitor,
        email,
        session,
        language: Language::parse(locale.tag())?,
        origin: origin.map_err(|reason| Invalid::other("Host", reason))?,
        confirm: token(Purpose::Confirm)?,
        end: token(Purpose::End)?,
    };
    intake.send(Content::Alert(alert)).await?;
    intake.receipt(Some(book))
}

fn parsed_email(text: &str) -> Result<Email> {
    let parsed = Email::parse(text).and_then(|email| {
        check_no_card_in_email("email", email.as_str())?;
        Ok(email)
    });
    parsed.map_err(|invalid| ApiError::Unprocessable(vec![invalid]))
}

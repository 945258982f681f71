//! The form for a message to the shop, empty or as it was sent. A refused form is shown again with all its values.

use frontend::{
    Form, PageContext, View,
    links::{self, Ask},
    pages,
};
use serde_json::Value;
use shared::{
    App, Reply, Request, Result,
    api::ContactForm,
    domain::Language,
    intake::{Client, FORM_KEY, form_key},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let context = PageContext::of(request);
    let show = |status, form: Form<'_>| {
        // Sent twice, the form is one message, also after it was shown again.
        let new = form_key();
        let key = Some(form.value(FORM_KEY)).filter(|key| !key.is_empty()).unwrap_or(&new);
        let reply = context.reply(status, &pages::Contact { view: context.view(), form, key })?;
        Ok(reply.with_form_key(key))
    };
    if request.is_read() {
        return filled_in(request, context.view(), |form| show(200, form));
    }
    let typed = request.form()?;
    if let Some(shown) = Form::unsent(&typed, show) {
        return shown;
    }
    let said = |name: &str| typed.get(name).cloned().map(Value::from);
    let form = ContactForm {
        name: said("name"),
        email: said("email"),
        subject: said("subject"),
        message: said("message"),
        website: None,
        names: Vec::new(),
    };
    let language = Language::parse(context.view().locale.tag()).ok();
    let accepted = super::accept(app, request, (Client::Browser, language), &form).await;
    Form::again(request, &typed, accepted, show)
}

/// The form with a message that asks for a book, if the address names one, and else empty.
fn filled_in(request: &Request, view: View, show: impl FnOnce(Form) -> Result<Reply>) -> Result<Reply> {
    let parameter = |name: &str| request.raw_parameter(name).map(links::decoded).unwrap_or_default();
    let title = parameter("title");
    let Some(ask) = Ask::parse(&parameter("ask")).filter(|_| !title.trim().is_empty()) else {
        return show(Form::default());
    };
    let (subject, message) = pages::Contact::request(view, ask, title.trim(), parameter("isbn").trim());
    show(Form { typed: &[("subject", &subject), ("message", &message)], ..Form::default() })
}

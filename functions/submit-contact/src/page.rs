//! The form for a message to the shop, empty or as it was sent. A refused form is shown again with all its values.

use frontend::{Form, PageContext, pages};
use shared::{
    App, Reply, Request, Result,
    api::ContactForm,
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
        return show(200, Form::default());
    }
    let typed = request.form()?;
    let said = |name: &str| typed.get(name).cloned();
    let form = ContactForm {
        name: said("name"),
        email: said("email"),
        subject: said("subject"),
        message: said("message"),
        website: said("website"),
    };
    let accepted = super::accept(app, request, Client::Browser, &form).await;
    Form::again(request, &typed, accepted, show)
}

//! The form for a message to the shop, empty or as it was sent. What cannot be taken is shown again, with everything that
//! was typed.

use frontend::{Form, Visit, pages};
use shared::{App, Reply, Request, Result, api::ContactForm, intake::Client};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let visit = Visit::of(request);
    let show = |status, form: Form<'_>| {
        // Sent twice, the form is one message: the request that drew it first names it.
        let key = Some(form.value("key")).filter(|key| !key.is_empty()).unwrap_or(&request.id);
        visit.reply(status, &pages::Contact { view: visit.view(), form, key })
    };
    if request.reads() {
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
    let taken = super::take(app, request, Client::Browser, &form).await;
    Form::again(request, &typed, taken, show)
}

//! `POST /api/contact`

use shared::{App, Reply, Request, Result, api::ContactForm, intake::Client};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    super::accept(app, request, (Client::Program, None), &read(request)?).await
}

fn read(request: &Request) -> Result<ContactForm> {
    let (mut body, names) = request.json(&["name", "email", "subject", "message", "website"])?;
    Ok(ContactForm {
        name: body.take("name"),
        email: body.take("email"),
        subject: body.take("subject"),
        message: body.take("message"),
        website: body.take("website"),
        names,
    })
}

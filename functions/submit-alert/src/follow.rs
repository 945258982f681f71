//! `/alerts/{token}`: a link in a mail. Opening it shows a button, because mail programs and their scanners open links. The
//! button sends what was asked for. To end an alert, a mail program may send the request itself (RFC 8058), without the page.

use frontend::{
    PageContext,
    pages::{AlertLinkPage, AlertStep},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    alert_link::{AlertLink, Purpose},
    domain::SubmissionKey,
    messages::{AlertLinkV1, Content, Submission},
};
use time::OffsetDateTime;

use super::check_sells;

pub async fn handle(app: &App, request: &Request, token: &str) -> Result<Reply> {
    let context = PageContext::of(request);
    check_sells(&context.view())?;
    let (key, now) = (app.submission_key().await?, OffsetDateTime::now_utc());
    let link = AlertLink::read(&key, token).ok_or(ApiError::NotFound)?;
    let show = |status, step| {
        let page = AlertLinkPage { view: context.view(), book: link.book, step };
        Ok(context.reply(status, &page)?.unstored().unindexed())
    };
    match (step_of(&link, now), request.is_read()) {
        (AlertStep::Expired, _) => show(410, AlertStep::Expired),
        (step, true) => show(200, step),
        (AlertStep::Confirms, false) => {
            let id = send(app, request, &key, token, &link, now).await?;
            Ok(Reply::see_other(&format!("/submissions/{id}?book={}", link.book)))
        }
        (AlertStep::Ends | AlertStep::Ended, false) => {
            send(app, request, &key, token, &link, now).await?;
            // No redirect, which a mail program need not follow.
            show(200, AlertStep::Ended)
        }
    }
}

/// What a link shows before somebody presses its button.
fn step_of(link: &AlertLink, now: OffsetDateTime) -> AlertStep {
    match link.purpose {
        // Somebody who wants no mails is never too late.
        Purpose::End => AlertStep::Ends,
        Purpose::Confirm if link.has_expired(now) => AlertStep::Expired,
        Purpose::Confirm => AlertStep::Confirms,
    }
}

/// Sends what a link asks for. Its id follows from the link, so that a second press has no effect.
async fn send(
    app: &App,
    request: &Request,
    key: &SubmissionKey,
    token: &str,
    link: &AlertLink,
    now: OffsetDateTime,
) -> Result<String> {
    let id = key.derive(&[b"link of an alert", token.as_bytes()]);
    let content = AlertLinkV1 { request: link.request };
    let content = match link.purpose {
        Purpose::Confirm => Content::AlertConfirmation(content),
        Purpose::End => Content::AlertEnd(content),
    };
    let submission = Submission { id: id.uuid(), sent_at: now, request_id: Some(request.id.clone()), content };
    app.submissions().await?.send(&submission).await.map_err(ApiError::Unavailable)?;
    tracing::info!(submission.id = %id, "Submission accepted");
    Ok(id.to_string())
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    #[test]
    fn a_confirmation_expires_and_an_end_never_comes_too_late() {
        let now = datetime!(2026-11-27 10:00 UTC);
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        for (purpose, days, expected) in [
            (Purpose::Confirm, 6, AlertStep::Confirms),
            (Purpose::Confirm, 7, AlertStep::Expired),
            (Purpose::End, 6, AlertStep::Ends),
            (Purpose::End, 9_999, AlertStep::Ends),
        ] {
            let link = AlertLink::new(purpose, key.random().uuid(), 53.into(), now);
            assert_eq!(step_of(&link, now + Duration::days(days)), expected, "{purpose:?} {days}");
        }
    }
}

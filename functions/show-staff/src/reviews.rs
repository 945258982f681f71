//! `/staff/reviews`: the newest ratings of all books, which are hidden with a reason, and shown again.

use std::collections::BTreeMap;

use frontend::{
    Form, PageContext,
    pages::{StaffNotice, StaffReview, StaffReviews},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Cursor, HideReason, Invalid, VisitorId},
    repo::{
        audit,
        moderation::{self, NEWEST, Outcome, Sent},
        ratings,
    },
    staff::{About, RatingKey},
};
use time::OffsetDateTime;

use crate::{PAGE, SignedIn, next_address, slice, visitor_reviews};

/// The name of the list that a cursor belongs to.
const REVIEWS: &str = "staff-reviews";

pub async fn list(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    if !request.is_read() {
        return visitor_reviews::change(app, request, who).await;
    }
    let query = request.page_query(&["show", "visitor", "ask", "cursor"])?;
    if let Some(visitor) = query.get("visitor") {
        let visitor = VisitorId::parse(visitor).ok_or(ApiError::NotFound)?;
        return visitor_reviews::show(app, request, who, visitor, &query).await;
    }
    let only_hidden = query.get("show") == Some("hidden");
    let before = query.get("cursor").map(|text| Cursor::<RatingKey>::decode(text, REVIEWS)).transpose()?;
    let before = before.map(|cursor| cursor.keys);
    let reading = app.database().read(async |c| ratings::list_for_staff(c, only_hidden, None, before, PAGE + 1).await);
    let mut found = reading.await?;
    let cursor = slice(&mut found).map(|review| Cursor::new(REVIEWS, RatingKey::of(review)).encode());
    let parameters = [("show", "hidden")];
    let next = next_address("/staff/reviews", if only_hidden { &parameters } else { &[] }, cursor);
    let context = PageContext::of(request).with_parameters(&["show", "cursor"]);
    let page = StaffReviews { view: context.view(), only_hidden, of: None, reviews: &found, next: next.as_deref() };
    context.reply(200, &page)
}

pub async fn review(app: &App, request: &Request, who: &SignedIn, id: u64) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, id, (Form::default(), None), 200).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    if !who.is_own_form(&typed) {
        return show(app, request, who, id, (form, Some(StaffNotice::Expired)), 409).await;
    }
    let reason = match typed.get("do").map(String::as_str) {
        Some("hide") => Some(HideReason::parse(typed.get("reason").map_or("", String::as_str))),
        Some("unhide") => None,
        _ => return Err(Invalid::other("do", "must be an action of the page").into()),
    };
    let reason = match reason.transpose() {
        Ok(reason) => reason,
        Err(invalid) => {
            let form = Form { invalid: &[invalid], ..form };
            return show(app, request, who, id, (form, None), 422).await;
        }
    };
    match change(app, who, id, &typed, reason.as_ref()).await? {
        Outcome::Done => Ok(Reply::see_other(&format!("/staff/reviews/{id}"))),
        Outcome::ChangedSince => show(app, request, who, id, (form, Some(StaffNotice::Changed)), 409).await,
        Outcome::NoSuchThing => Err(ApiError::NotFound),
    }
}

async fn show(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: u64,
    (form, notice): (Form<'_>, Option<StaffNotice<'_>>),
    status: u16,
) -> Result<Reply> {
    let about = About::Review(id);
    let reading = app
        .database()
        .read(async |c| Ok((ratings::find_for_staff(c, id).await?, audit::about(c, about, NEWEST).await?)));
    let (review, log) = reading.await?;
    let review = review.ok_or(ApiError::NotFound)?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let page = StaffReview { view: context.view(), review: &review, log: &log, form, key: &key, notice };
    context.reply(status, &page)
}

/// Hides a review for a reason, or shows it again without one, unless it is no longer as the form showed it.
async fn change(
    app: &App,
    who: &SignedIn,
    id: u64,
    typed: &BTreeMap<String, String>,
    reason: Option<&HideReason>,
) -> Result<Outcome> {
    let version = typed.get("version").map_or("", String::as_str);
    let action = reason.map_or(String::from("unhide"), |reason| format!("hide {}", reason.as_str()));
    let change = who.change_id(&[b"review", &id.to_be_bytes(), version.as_bytes(), action.as_bytes()]);
    let sent = Sent { who: &who.bookseller, id, version, change };
    let now = OffsetDateTime::now_utc();
    Ok(app.database().write(async |c| moderation::change_review(c, sent, reason, now).await).await?)
}

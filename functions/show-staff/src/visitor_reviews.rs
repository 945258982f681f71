//! `/staff/reviews?visitor=`: all reviews of a visitor, which are hidden for one reason or shown again together, after a question.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use frontend::{
    Form, PageContext,
    pages::{StaffNotice, StaffReviews, StaffReviewsAsk, VisitorReviews},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Cursor, HideReason, Invalid, VisitorId},
    http::Query,
    repo::{audit, moderation, ratings},
    staff::{RatingKey, ReviewsOf},
};
use time::OffsetDateTime;

use crate::{PAGE, SignedIn, next_address, slice};

/// The name of the list that a cursor belongs to.
const LIST: &str = "staff-reviews-of";
/// No review is changed later than this in one request, because each is a transaction of its own: then the question is asked again
/// for the others.
const CHANGE_WITHIN: Duration = Duration::from_millis(1_200);

pub async fn show(app: &App, request: &Request, who: &SignedIn, visitor: VisitorId, query: &Query) -> Result<Reply> {
    let hides = match query.get("ask") {
        None => return list(app, request, visitor, query).await,
        Some("hide") => true,
        Some("unhide") => false,
        Some(_) => return Err(ApiError::NotFound),
    };
    let of = ReviewsOf { visitor, hides, until: OffsetDateTime::now_utc() };
    ask(app, request, who, of, (Form::default(), None), 200).await
}

async fn list(app: &App, request: &Request, visitor: VisitorId, query: &Query) -> Result<Reply> {
    let before = query.get("cursor").map(|text| Cursor::<RatingKey>::decode(text, LIST)).transpose()?;
    let before = before.map(|cursor| cursor.keys);
    let until = OffsetDateTime::now_utc();
    let reading = app.database().read(async |c| {
        let reviews = ratings::list_of_visitor(c, visitor, before, PAGE + 1).await?;
        let shown = moderation::reviews_of(c, ReviewsOf { visitor, hides: true, until }).await?.len();
        let hidden = moderation::reviews_of(c, ReviewsOf { visitor, hides: false, until }).await?.len();
        Ok((reviews, VisitorReviews { visitor, shown: count(shown), hidden: count(hidden) }))
    });
    let (mut reviews, of) = reading.await?;
    let cursor = slice(&mut reviews).map(|review| Cursor::new(LIST, RatingKey::of(review)).encode());
    let next = next_address("/staff/reviews", &[("visitor", &visitor.0.to_string())], cursor);
    let context = PageContext::of(request).with_parameters(&["visitor", "cursor"]);
    let page = StaffReviews {
        view: context.view(),
        only_hidden: false,
        of: Some(of),
        reviews: &reviews,
        next: next.as_deref(),
    };
    context.reply(200, &page)
}

fn count(found: usize) -> u32 {
    u32::try_from(found).unwrap_or(u32::MAX).min(ReviewsOf::MOST)
}

/// The question, with the number of reviews that are there now.
async fn ask(
    app: &App,
    request: &Request,
    who: &SignedIn,
    of: ReviewsOf,
    (form, notice): (Form<'_>, Option<StaffNotice<'_>>),
    status: u16,
) -> Result<Reply> {
    let found = app.database().read(async |c| moderation::reviews_of(c, of).await).await?;
    let (context, key) = (PageContext::of(request).with_parameters(&["visitor", "ask"]), who.form_key());
    let page = StaffReviewsAsk { view: context.view(), of, count: count(found.len()), form, key: &key, notice };
    context.reply(status, &page)
}

/// The address of the question that a form answers.
pub fn asked(typed: &BTreeMap<String, String>) -> Option<String> {
    let visitor = VisitorId::parse(typed.get("visitor")?)?;
    let ask = if typed.get("do").map(String::as_str) == Some("hide-all") { "hide" } else { "unhide" };
    Some(address(visitor, Some(ask)))
}

fn address(visitor: VisitorId, ask: Option<&str>) -> String {
    let visitor = visitor.0.to_string();
    let parameters = [("visitor", visitor.as_str())].into_iter().chain(ask.map(|ask| ("ask", ask)));
    frontend::links::address("/staff/reviews", parameters)
}

/// Hides the reviews, or shows them again.
pub async fn change(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    let typed = request.form()?;
    let field = |name: &str| typed.get(name).map_or("", String::as_str);
    let visitor = VisitorId::parse(field("visitor")).ok_or(ApiError::NotFound)?;
    let hides = match field("do") {
        "hide-all" => true,
        "unhide-all" => false,
        _ => return Err(Invalid::other("do", "must be an action of the page").into()),
    };
    let now = OffsetDateTime::now_utc();
    let until = field("until").parse::<i64>().ok().map(|micros| i128::from(micros) * 1_000);
    let until = until.and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok());
    // Reviews that came after the question were not in its number.
    let of = ReviewsOf { visitor, hides, until: until.unwrap_or(now).min(now) };
    let again = ReviewsOf { until: now, ..of };
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    if !who.is_own_form(&typed) {
        return ask(app, request, who, again, (form, Some(StaffNotice::Expired)), 409).await;
    }
    let reason = match hides.then(|| HideReason::parse(field("reason"))).transpose() {
        Ok(reason) => reason,
        Err(invalid) => {
            let form = Form { invalid: &[invalid], ..form };
            return ask(app, request, who, again, (form, None), 422).await;
        }
    };
    let change = who.change_id(&[
        b"reviews",
        visitor.0.as_bytes(),
        field("do").as_bytes(),
        field("until").as_bytes(),
        field("reason").as_bytes(),
    ]);
    let reading =
        app.database().read(async |c| Ok((audit::has_change(c, change).await?, moderation::reviews_of(c, of).await?)));
    let (is_repeated, ids) = reading.await?;
    if is_repeated {
        return Ok(Reply::see_other(&address(visitor, None)));
    }
    if until.is_none() || ids.is_empty() || field("count") != count(ids.len()).to_string() {
        return ask(app, request, who, again, (form, Some(StaffNotice::Changed)), 409).await;
    }
    let more = change_each(app, who, (&ids, change), reason.as_ref(), now).await?;
    Ok(Reply::see_other(&address(visitor, more.then_some(if hides { "hide" } else { "unhide" }))))
}

/// Changes each in a transaction of its own, so that no shopper waits for all of them. Returns whether some remain.
async fn change_each(
    app: &App,
    who: &SignedIn,
    (ids, change): (&[u64], uuid::Uuid),
    reason: Option<&HideReason>,
    now: OffsetDateTime,
) -> Result<bool> {
    let began = Instant::now();
    for (at, id) in ids.iter().enumerate() {
        if began.elapsed() >= CHANGE_WITHIN {
            return Ok(true);
        }
        // The first one has the id of the form, which is found if it is sent twice.
        let by = (&who.bookseller, (at == 0).then_some(change));
        app.database().write(async |c| moderation::change_one_of(c, by, *id, reason, now).await).await?;
    }
    Ok(ids.len() > ReviewsOf::MOST as usize)
}

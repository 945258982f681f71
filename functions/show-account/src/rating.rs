//! `/account/ratings/{id}`: a rating of the customer is changed or deleted.

use std::collections::BTreeMap;

use frontend::{Form, PageContext, pages::AccountRating, pairs};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{DisplayName, Invalid, OwnRating, ReviewText, Stars, clean},
    repo::ratings::{self, OwnChange},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::SignedIn;

pub async fn handle(app: &App, request: &Request, customer: &SignedIn, id: u64) -> Result<Reply> {
    let subject = customer.subject;
    let found = app.database().read(async |c| ratings::of_customer_by_id(c, subject, id).await).await?;
    let rating = found.ok_or(ApiError::NotFound)?;
    let (context, key) = (PageContext::of(request), customer.form_key());
    let show = |status, rating: &OwnRating, form: Form, has_changed| {
        context.reply(status, &AccountRating { view: context.view(), rating, form, key: &key, has_changed })
    };
    if request.is_read() {
        let stars = rating.stars.to_string();
        let typed = [
            ("stars", stars.as_str()),
            ("review", rating.review.as_deref().unwrap_or_default()),
            ("name", rating.name.as_deref().unwrap_or_default()),
        ];
        return show(200, &rating, Form { typed: &typed, ..Form::default() }, false);
    }
    let typed = request.form()?;
    if !customer.is_own_form(&typed) {
        return Form::expired(&typed, |status, form| show(status, &rating, form, false));
    }
    if let Some(shown) = Form::unsent(&typed, |status, form| show(status, &rating, form, false)) {
        return shown;
    }
    let changed = match change(app, request, customer, id, &typed).await {
        Ok(OwnChange::Done) => Ok(Reply::see_other("/account/ratings")),
        Ok(OwnChange::NotFound) => Err(ApiError::NotFound),
        Ok(OwnChange::Conflict(now)) => {
            let values = pairs(&typed);
            return show(409, &now, Form { typed: &values, ..Form::default() }, true);
        }
        Err(error) => Err(error),
    };
    Form::again(request, &typed, changed, |status, form| show(status, &rating, form, false))
}

async fn change(
    app: &App,
    request: &Request,
    customer: &SignedIn,
    id: u64,
    typed: &BTreeMap<String, String>,
) -> Result<OwnChange> {
    if request.is_too_large() {
        return Err(ApiError::TooLarge);
    }
    let subject = customer.subject;
    let version = typed.get("version").and_then(|version| Uuid::try_parse(version).ok());
    let version = version.ok_or_else(|| Invalid::other("version", "must be the one that the page has"))?;
    if typed.get("do").is_some_and(|action| action == "delete") {
        return Ok(app.database().write(async |c| ratings::delete_own(c, subject, id, version).await).await?);
    }
    let (stars, name, review) = parse(typed).map_err(ApiError::Unprocessable)?;
    let content = serde_json::json!([stars, name, review]).to_string();
    let submission = customer.change_id(&[&id.to_be_bytes(), version.as_bytes(), content.as_bytes()]);
    let now = OffsetDateTime::now_utc();
    let changing = app.database().write(async |c| {
        ratings::change_own(c, subject, id, version, (submission, now), (stars, name.clone(), review.clone())).await
    });
    Ok(changing.await?)
}

type Parsed = (Stars, Option<DisplayName>, Option<ReviewText>);

/// The values of the form, or all that is wrong with them.
fn parse(typed: &BTreeMap<String, String>) -> Result<Parsed, Vec<Invalid>> {
    let given = |field: &str| typed.get(field).filter(|text| !clean(text).is_empty());
    let stars = Stars::parse(typed.get("stars").and_then(|stars| stars.parse().ok()).unwrap_or_default());
    let name = given("name").map(|text| DisplayName::parse(text)).transpose();
    let review = given("review").map(|text| ReviewText::parse(text)).transpose();
    match (stars, name, review) {
        (Ok(stars), Ok(name), Ok(review)) => Ok((stars, name, review)),
        (stars, name, review) => Err([stars.err(), review.err(), name.err()].into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rating_is_read_as_the_form_of_a_book_reads_it() {
        let long = "x".repeat(4_001);
        for (typed, expected) in [
            (&[("stars", "5")][..], Ok((5, false, false))),
            (&[("stars", "4"), ("review", "¡Bravo!"), ("name", "Ana")], Ok((4, true, true))),
            (&[("stars", "4"), ("review", " \u{200b}"), ("name", "")], Ok((4, false, false))),
            (&[("review", long.as_str())], Err("stars review")),
            (&[("stars", "6"), ("name", "Ana")], Err("stars")),
        ] {
            let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let found = parse(&typed).map(|(stars, name, review)| (stars.get(), name.is_some(), review.is_some()));
            let fields =
                |invalid: Vec<Invalid>| invalid.into_iter().map(|invalid| invalid.field).collect::<Vec<_>>().join(" ");
            assert_eq!(found.map_err(fields), expected.map_err(str::to_owned), "{typed:?}");
        }
    }
}

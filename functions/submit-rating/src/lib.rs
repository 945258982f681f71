//! `POST /api/books/{id}/ratings` and `POST /books/{id}/ratings`: accepts a rating. It has no access to the database,
//! because the queue keeps the rating until `process-submissions` publishes it.

pub mod api;
pub mod page;

use std::env;

use serde_json::{Value, json};
use shared::{
    ApiError, App, JsonObject, Reply, Request, Result,
    api::RatingForm,
    domain::{BookId, DisplayName, Invalid, ReviewText, Stars, check_no_link, clean},
    handler::Handlers,
    intake::{Client, Intake, signed_in},
    messages::{Content, RatingV1, SignedInV1},
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

/// Minutes for which the shop must have known a visitor, on a stage that asks for it.
const MIN_VISITOR_MINUTES: &str = "ANAQUEL_MIN_VISITOR_MINUTES";

/// Also returns the cookie of a visitor whom the shop has not known for long enough, so that it can become old enough.
async fn accept(
    app: &App,
    request: &Request,
    client: Client,
    book: BookId,
    form: RatingForm,
) -> (Result<Reply>, Option<String>) {
    let begun = async {
        let parsed = parse(&form)?;
        let customer = signed_in(app, request).await?;
        let intake = Intake::begin(app, request, client, &parsed.content(book, customer)).await?;
        Ok((parsed, customer, intake))
    };
    let (parsed, customer, intake) = match begun.await {
        Ok(begun) => begun,
        Err(error) => return (Err(error), None),
    };
    let minutes = env::var(MIN_VISITOR_MINUTES).ok().and_then(|minutes| minutes.parse().ok()).unwrap_or_default();
    if let Err(error) = intake.check_age(minutes) {
        return (Err(error), Some(intake.cookie_value));
    }
    (send(intake, book, customer, parsed).await, None)
}

async fn send(intake: Intake<'_>, book: BookId, customer: Option<SignedInV1>, rating: Parsed) -> Result<Reply> {
    let Parsed { stars, name, review } = rating;
    let visitor = intake.visitor;
    intake.send(Content::Rating(RatingV1 { book, visitor, customer, stars, name, review })).await?;
    intake.receipt(Some(book))
}

#[derive(Debug)]
struct Parsed {
    stars: Stars,
    name: Option<DisplayName>,
    review: Option<ReviewText>,
}

impl Parsed {
    /// What a retry repeats, however it is written. The same rating of somebody who has signed in since is another one.
    fn content(&self, book: BookId, customer: Option<SignedInV1>) -> Value {
        let mut content = vec![json!("rating"), json!(book), json!(self.stars), json!(self.name), json!(self.review)];
        content.extend(customer.map(|session| json!(session.subject.to_string())));
        content.into()
    }
}

fn parse(form: &RatingForm) -> Result<Parsed> {
    let stars = Stars::parse(form.stars.as_ref().and_then(JsonObject::whole).unwrap_or_default());
    let name = said("name", form.name.as_ref(), parsed_name);
    let review = said("review", form.review.as_ref(), ReviewText::parse);
    match (stars, name, review) {
        (Ok(stars), Ok(name), Ok(review)) if form.names.is_empty() => Ok(Parsed { stars, name, review }),
        (stars, name, review) => {
            let values = [stars.err(), name.err(), review.err()].into_iter().flatten();
            Err(ApiError::Unprocessable(form.names.iter().cloned().chain(values).collect()))
        }
    }
}

fn parsed_name(text: &str) -> Result<DisplayName, Invalid> {
    let name = DisplayName::parse(text)?;
    check_no_link("name", name.as_str())?;
    Ok(name)
}

/// Parses a text; a blank one counts as none.
fn said<T>(
    name: &str,
    member: Option<&Value>,
    parse: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<Option<T>, Invalid> {
    let text = JsonObject::text(name, member)?.filter(|text| !clean(text).is_empty());
    text.as_deref().map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Parsed> {
        super::parse(&api::read(JsonObject::parse(json.as_bytes(), api::MEMBERS)?))
    }

    #[test]
    fn a_retry_that_is_written_differently_has_the_same_content() {
        let content = |json: &str, book: u32| parse(json).unwrap().content(BookId::from(book), None);
        let first = content(r#"{"stars": 5, "review": "Good"}"#, 54);
        for json in [
            r#"{"review":"Good","stars":5}"#,
            r#" { "stars" : 5.0 , "review" : "\u0047ood" } "#,
            r#"{"stars": 5, "name": null, "review": "Good"}"#,
            r#"{"stars": 5, "name": "  ", "review": " Good\n"}"#,
        ] {
            assert_eq!(content(json, 54), first, "{json}");
        }
        for (json, book) in [
            (r#"{"stars": 5, "review": "Good"}"#, 55),
            (r#"{"stars": 4, "review": "Good"}"#, 54),
            (r#"{"stars": 5, "name": "Good"}"#, 54),
            (r#"{"stars": 5}"#, 54),
        ] {
            assert_ne!(content(json, book), first, "{json}");
        }
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let long = "x".repeat(4_001);
        for (json, expected) in [
            (format!(r#"{{"stars": "5", "review": "{long}"}}"#), "stars review"),
            (r#"{"stars": 9, "name": 3}"#.to_owned(), "stars name"),
            (r#"{"a": 1, "stars": 9, "b": 1}"#.to_owned(), "a b stars"),
            (r#"{"stars": 5, "b": 1}"#.to_owned(), "b"),
            (r#"{"stars": 5, "name": "4111 1111 1111 1111"}"#.to_owned(), "name"),
            (r#"{"stars": 5, "name": "evil.example", "review": "4111/1111/1111/1111"}"#.to_owned(), "name review"),
            (r#"{"stars": 5, "name": {"a": 1, "a": 2}}"#.to_owned(), "name.a name"),
            (r#"{"stars": 5, "name": ["Ana"], "review": {}}"#.to_owned(), "name review"),
        ] {
            let Err(ApiError::Unprocessable(invalids)) = parse(&json) else { panic!("must be refused") };
            let fields: Vec<&str> = invalids.iter().map(|invalid| invalid.field.as_str()).collect();
            assert_eq!(fields.join(" "), expected, "{json}");
        }
    }

    #[test]
    fn blank_name_and_review_count_as_not_given() {
        let parsed = parse(r#"{"stars": 4, "name": " \u0000\u200b\u3164 ", "review": "\u00ad\ufe0f"}"#).unwrap();
        assert_eq!((parsed.stars.get(), parsed.name, parsed.review), (4, None, None));
    }

    #[test]
    fn four_stars_may_be_written_with_a_point() {
        assert_eq!(parse(r#"{"stars": 4.0}"#).unwrap().stars.get(), 4);
    }

    #[test]
    fn half_a_star_is_none() {
        for json in [r#"{"stars": 4.5}"#, r#"{"stars": 1e300}"#, r#"{"stars": 0}"#, r#"{"stars": null}"#, "{}"] {
            assert!(matches!(parse(json), Err(ApiError::Unprocessable(_))), "{json}");
        }
    }
}

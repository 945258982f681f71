//! `POST /api/books/{id}/ratings`: takes a rating in. It has no right to the database: the queue keeps the rating
//! until the writer can publish it.

use serde::Deserialize;
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, DisplayName, ReviewText, Stars},
    intake::Intake,
    messages::{Content, RatingV1},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(4)?;
    let book = BookId::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    let Parsed { stars, name, review } = request.json::<Form>()?.parse()?;
    let intake = Intake::begin(app, request).await?;
    let visitor = intake.visitor;
    intake.send(Content::Rating(RatingV1 { book, visitor, stars, name, review })).await
}

/// What a visitor sends; read as loosely as JSON allows, so that every mistake is answered field by field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    stars: Option<serde_json::Value>,
    name: Option<String>,
    review: Option<String>,
}

#[derive(Debug)]
struct Parsed {
    stars: Stars,
    name: Option<DisplayName>,
    review: Option<ReviewText>,
}

impl Form {
    fn parse(self) -> Result<Parsed> {
        let stars = self.stars.as_ref().and_then(serde_json::Value::as_i64).unwrap_or_default();
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let stars = Stars::parse(stars);
        let name = said(self.name).map(|text| DisplayName::parse(&text)).transpose();
        let review = said(self.review).map(|text| ReviewText::parse(&text)).transpose();
        match (stars, name, review) {
            (Ok(stars), Ok(name), Ok(review)) => Ok(Parsed { stars, name, review }),
            (stars, name, review) => {
                Err(ApiError::Unprocessable([stars.err(), name.err(), review.err()].into_iter().flatten().collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Parsed> {
        serde_json::from_str::<Form>(json).unwrap().parse()
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let long = "x".repeat(4_001);
        let Err(ApiError::Unprocessable(invalids)) = parse(&format!(r#"{{"stars": "5", "review": "{long}"}}"#)) else {
            panic!("must be refused")
        };
        let fields: Vec<&str> = invalids.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, ["stars", "review"]);
    }

    #[test]
    fn blank_name_and_review_count_as_not_given() {
        let parsed = parse(r#"{"stars": 4, "name": "  ", "review": ""}"#).unwrap();
        assert_eq!((parsed.stars.get(), parsed.name, parsed.review), (4, None, None));
    }

    #[test]
    fn half_a_star_is_none() {
        for json in [r#"{"stars": 4.5}"#, r#"{"stars": 0}"#, r#"{"stars": null}"#, "{}"] {
            assert!(matches!(parse(json), Err(ApiError::Unprocessable(_))), "{json}");
        }
    }
}

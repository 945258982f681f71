//! Every route as its caller sees it. Bounds and patterns that no type has are those of the parsers; the shop's own
//! tests try the document on a running stage.

use serde_json::{Value, json};
use shared::{
    api::{Books, ContactForm, Health, RatingForm, Receipt, Settled},
    domain::{Book, Genre, Language, Page, Review, Search, Sort},
    error::Problem,
    http::{MINUTE, Query},
};

use super::{
    Schemas, examples,
    operation::{Operation, header, json_of, path, query},
};

pub const TAGS: [(&str, &str); 5] = [
    ("books", "What the shop sells."),
    ("ratings", "What readers think of the books."),
    ("contact", "Messages to the shop."),
    ("submissions", "What became of what was sent."),
    ("health", "Whether the shop can answer."),
];

/// `GET` brings `HEAD` with it.
pub fn all(schemas: &mut Schemas) -> Vec<Operation> {
    let reading =
        [list_books(schemas), show_book(schemas), list_ratings(schemas), show_submission(schemas), health(schemas)];
    let heads = reading.each_ref().map(Operation::head);
    let sending = [submit_rating(schemas), submit_contact(schemas)];
    reading.into_iter().chain(heads).chain(sending).collect()
}

fn list_books(schemas: &mut Schemas) -> Operation {
    let caching = format!("public, max-age={MINUTE}");
    let text = json!({ "type": "string", "maxLength": Search::MAX_CHARS });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let stars = json!({ "type": "number", "minimum": 1, "maximum": 5 });
    let amount = json!({ "type": "string", "pattern": r"^[0-9]{1,7}(\.[0-9]{1,2})?$" });
    let yes = json!({ "type": "boolean", "default": false });
    let (genre, language, sort) = (schemas.form::<Genre>(), schemas.form::<Language>(), schemas.form::<Sort>());
    Operation::get("list-books", "/api/books", &caching, &schemas.answer::<Books>(), &examples::books())
        .tagged("books", "Filters may be combined: all of them must hold.")
        .takes(query("q", &text, &json!("quijote"), WORDS))
        .takes(query("genre", &genre, &json!("adventure"), "A genre, as books show it."))
        .takes(query("language", &language, &json!("es"), "With its regional kinds: `en` takes `en-US` in."))
        .takes(query("author", &number, &json!(52), "The id of an author, as a book shows it."))
        .takes(query("min_rating", &stars, &json!(3.5), "The least mean; leaves out what nobody has rated."))
        .takes(query("price_max", &amount, &json!("19.95"), "In the currency of the prices; leaves out what has none."))
        .takes(query("in_stock", &yes, &json!(true), "Only books that can be sent today."))
        .takes(query("sort", &sort, &json!("title"), ORDERS))
        .takes(limit())
        .takes(cursor())
        .takes(query("facets", &yes, &json!(true), "Also tell how the list could be narrowed next."))
        .leads_to("Book", "show-book", &json!({ "id": "$response.body#/items/0/id" }))
        .leads_to("Ratings", "list-ratings", &json!({ "id": "$response.body#/items/0/id" }))
        .refuses(&[400])
}

const WORDS: &str = "Words of title and authors, or an ISBN. Case and accents do not matter, and the last word may be \
                     the beginning of one. At most eight words count, and the best 1,000 hits.";

const ORDERS: &str = "`relevance` to `q`, the usual where there is one; `popular`, most rated first, the usual \
                      elsewhere; `rating`, best mean first; `newest`, by year of publication; `title`; `price`, \
                      cheapest first.";

fn show_book(schemas: &mut Schemas) -> Operation {
    Operation::get("show-book", "/api/books/{id}", "no-cache", &schemas.answer::<Book>(), &examples::book())
        .tagged("books", "By the shop's number or by ISBN.")
        .takes(path(
            "id",
            &json!({ "type": "string", "minLength": 1 }),
            &json!("53"),
            "The shop's number of a book, with or without words after a hyphen (`53-don-quijote`), or its ISBN of \
             13 or 10 digits, with or without hyphens.",
        ))
        .refuses(&[404])
}

fn list_ratings(schemas: &mut Schemas) -> Operation {
    let page = schemas.answer::<Page<Review>>();
    Operation::get("list-ratings", "/api/books/{id}/ratings", "no-cache", &page, &examples::ratings())
        .tagged("ratings", "Those that visitors sent; imported star counts are only in the book's `histogram`.")
        .takes(rated_book())
        .takes(limit())
        .takes(cursor())
        .refuses(&[400, 404])
}

fn submit_rating(schemas: &mut Schemas) -> Operation {
    let (form, receipt) = (schemas.form::<RatingForm>(), schemas.answer::<Receipt>());
    Operation::post("submit-rating", "/api/books/{id}/ratings", &form, &examples::rating_form(), &receipt)
        .tagged("ratings", "Whether there is such a book turns out when the rating is published.")
        .takes(rated_book())
        .refuses(&[404])
}

fn submit_contact(schemas: &mut Schemas) -> Operation {
    let (form, receipt) = (schemas.form::<ContactForm>(), schemas.answer::<Receipt>());
    Operation::post("submit-contact", "/api/contact", &form, &examples::contact_form(), &receipt)
        .tagged("contact", "An answer goes to `email`.")
}

fn show_submission(schemas: &mut Schemas) -> Operation {
    let settled = schemas.answer::<Settled>();
    Operation::get("show-submission", "/api/submissions/{id}", "no-store", &settled, &examples::settled())
        .tagged("submissions", "An id that the shop has not given is a 404.")
        .takes(path(
            "id",
            &json!({ "type": "string", "format": "uuid" }),
            &examples::receipt()["id"],
            "What the answer to a rating or a message calls `id`.",
        ))
        .refuses(&[404])
}

fn health(schemas: &mut Schemas) -> Operation {
    let health = schemas.answer::<Health>();
    let mut bodies = json_of(&health, &examples::health(false));
    bodies["application/problem+json"] = json!({ "schema": schemas.answer::<Problem>() });
    let away = json!({
        "description": "Not everything was reached, or not in time.",
        "headers": { "X-Request-Id": header("X-Request-Id") },
        "content": bodies,
    });
    Operation::get("check-health", "/health", "no-store", &health, &examples::health(true))
        .tagged("health", "How long each took is in milliseconds.")
        .answers(503, away)
        .refuses(&[400])
}

fn rated_book() -> Value {
    path(
        "id",
        &json!({ "type": "string", "pattern": "^[1-9][0-9]{0,9}(-.*)?$" }),
        &json!("53"),
        "The shop's number of a book, with or without words after a hyphen.",
    )
}

fn limit() -> Value {
    let (least, most) = Query::LIMITS.into_inner();
    let schema = json!({ "type": "integer", "minimum": least, "maximum": most, "default": Query::USUAL_LIMIT });
    query("limit", &schema, &json!(10), "How many items a page has.")
}

fn cursor() -> Value {
    json!({
        "name": "cursor",
        "in": "query",
        "description": "Where the page begins: the `next` of the page before, asked with the same other parameters.",
        "allowEmptyValue": true,
        "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" },
    })
}

//! All operations of the API. Bounds and patterns without a type are those of the parsers; tests compare the document with
//! a running stage.

use serde_json::{Value, json};
use shared::{
    api::{
        AccountExport, AccountSummary, AddressBook, AuthorWithBooks, Book, Books, CancellationForm, ContactForm,
        Genres, Health, OrderForm, OrderReceipt, OrderStatus, RatingForm, Receipt, ServedLanguage, Shop,
        SubmissionStatus, Suggestions,
    },
    domain::{Genre, Language, OwnOrder, OwnRating, Review, Search, Slice, Sort, Wish},
    error::Problem,
    http::{MINUTE, Query},
};

use super::{
    Schemas, examples,
    operation::{Operation, header, json_of, list, path, query, required, session, visitor},
};

/// Names and descriptions of the document's tags.
pub const TAGS: [(&str, &str); 10] = [
    ("books", "The books of the shop."),
    ("genres", "The genres of the books."),
    ("authors", "The authors of the books."),
    ("ratings", "Readers' ratings of the books."),
    ("contact", "Messages to the shop."),
    ("submissions", "The status of ratings and messages."),
    ("orders", "Orders of books, where the shop sells."),
    ("account", "What belongs to a customer, for the customer's session."),
    ("shop", "Whether the shop sells, and its terms."),
    ("health", "The health of the shop."),
];

/// All operations; each `GET` has a `HEAD`.
pub fn all(schemas: &mut Schemas) -> Vec<Operation> {
    let reading = [
        list_books(schemas),
        suggest(schemas),
        show_book(schemas),
        list_genres(schemas),
        show_author(schemas),
        list_ratings(schemas),
        show_submission(schemas),
        show_order(schemas),
        show_account(schemas),
        show_shop(schemas),
        health(schemas),
    ];
    let heads = reading.each_ref().map(Operation::head);
    let sending = [submit_rating(schemas), submit_contact(schemas), place_order(schemas), cancel_order(schemas)];
    reading.into_iter().chain(heads).chain(sending).collect()
}

fn list_books(schemas: &mut Schemas) -> Operation {
    let caching = format!("public, max-age={MINUTE}");
    let text = json!({ "type": "string", "maxLength": Search::MAX_CHARS });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let stars = json!({ "type": "number", "minimum": 1, "maximum": 5 });
    let amount = json!({ "type": "string", "pattern": r"^[0-9]{1,7}(\.[0-9]{1,2})?$" });
    let list_of = |items: Value| json!({ "type": "array", "items": items, "maxItems": 100 });
    let ids = list_of(json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }));
    let isbns = list_of(json!({ "type": "string" }));
    let time = json!({ "type": "string", "format": "date-time" });
    let yes = json!({ "type": "boolean", "default": false });
    let (genre, language, sort) =
        (schemas.request::<Genre>(), schemas.request::<Language>(), schemas.request::<Sort>());
    Operation::get("list-books", "/api/books", &caching, &schemas.response::<Books>(), &examples::books())
        .tagged("books", "A book must match all given filters.")
        .parameter(query("q", &text, &json!("quijote"), WORDS))
        .parameter(query("genre", &genre, &json!("adventure"), "A genre, as in `genres` of a book."))
        .parameter(query(
            "language",
            &language,
            &json!("es"),
            "A language with its regional variants: `en` includes `en-US`.",
        ))
        .parameter(query("author", &number, &json!(52), "The id of an author, as in `authors` of a book."))
        .parameter(query(
            "min_rating",
            &stars,
            &json!(3.5),
            "Minimum weighted mean (`weighted_mean` of `ratings`); excludes books without ratings.",
        ))
        .parameter(query(
            "price_max",
            &amount,
            &json!("19.95"),
            "Maximum price, in the currency of the prices and with its decimals, unlike `price.minor`; excludes books without a price.",
        ))
        .parameter(query("in_stock", &yes, &json!(true), "Only books that can be sent today; those without a price are to order."))
        .parameter(query("sort", &sort, &json!("title"), ORDERS))
        .parameter(limit())
        .parameter(cursor())
        .parameter(query(
            "facets",
            &yes,
            &json!(true),
            "Include the facets: how many books the list would have with each value of each filter in place of its own.",
        ))
        .parameter(list(query("ids", &ids, &json!([53, 54]), NUMBERS)))
        .parameter(list(query("isbn", &isbns, &json!(["9788420467283", "9780262033848"]), ISBNS)))
        .parameter(query("updated_since", &time, &json!("2026-01-31T08:00:00Z"), CHANGES))
        .paged()
        .link("Book", "show-book", &json!({ "id": "$response.body#/items/0/id" }))
        .link("Ratings", "list-ratings", &json!({ "id": "$response.body#/items/0/id" }))
        .problems(&[400])
}

fn suggest(schemas: &mut Schemas) -> Operation {
    let caching = format!("public, max-age={MINUTE}");
    let text = json!({ "type": "string", "maxLength": Search::MAX_CHARS, "pattern": r"\S" });
    let language = schemas.request::<ServedLanguage>();
    let suggestions = schemas.response::<Suggestions>();
    Operation::get("list-books", "/api/suggestions", &caching, &suggestions, &examples::suggestions())
        .named("suggest", "Suggests books, authors and genres for a query that is being typed")
        .tagged("books", "The last word of `q` can be a prefix.")
        .parameter(required(query("q", &text, &json!("quij"), WORDS)))
        .parameter(query("lang", &language, &json!("en"), "The language of the genres' names; `es` if it is left out."))
        .problems(&[400])
}

const WORDS: &str = "Words of title and authors, or an ISBN. Case and accents do not matter; initials, apostrophes and hyphens \
                     can be left out; a letter with a dot stands for a name; the last word can be a prefix. A search uses at most eight words. Beyond 1,000 \
                     hits, the most popular are sorted.";

const ORDERS: &str = "`relevance` to `q`, the default with `q`; `popular`, most rated first, the default without `q`; \
                      `bestsellers`, most copies sold in the last thirty days first; `rating`, best weighted mean first, where \
                      a book without ratings has 3.5 stars; `newest`, by year of publication; `title`; `price`, cheapest first.";

const NUMBERS: &str = "Up to 100 ids with commas between them, or one in each of several parameters: these books in this \
                       order, without those that do not exist. Cannot be combined with filters or other selections; \
                       `limit` has no effect.";

const ISBNS: &str =
    "The same by ISBN-13 or ISBN-10, with or without hyphens. One with a wrong check digit is an error.";

const CHANGES: &str = "All books that changed at this time or later, the earliest change first. Cannot be combined with \
                       filters or other selections. A book changes with an import that changes it, with its ratings, and with its stock: by a sale, a cancellation or \
                       a return. A change can become \
                       visible some seconds after its time: ask again from a minute before the last request. No book is \
                       ever removed.";

fn list_genres(schemas: &mut Schemas) -> Operation {
    let caching = format!("public, max-age={MINUTE}");
    Operation::get("list-genres", "/api/genres", &caching, &schemas.response::<Genres>(), &examples::genres())
        .tagged("genres", "All genres that have books, the largest first.")
}

fn show_author(schemas: &mut Schemas) -> Operation {
    let caching = format!("public, max-age={MINUTE}");
    let author = schemas.response::<AuthorWithBooks>();
    Operation::get("show-author", "/api/authors/{id}", &caching, &author, &examples::author())
        .tagged("authors", "An author with the books, the most popular first.")
        .parameter(path(
            "id",
            &json!({ "type": "string", "pattern": "^[1-9][0-9]{0,9}(-.*)?$" }),
            &json!("52"),
            "The id of an author, as in `authors` of a book, optionally with a hyphen and words.",
        ))
        .parameter(limit())
        .parameter(cursor())
        .paged()
        .problems(&[400, 404])
}

fn show_book(schemas: &mut Schemas) -> Operation {
    Operation::get("show-book", "/api/books/{id}", "no-cache", &schemas.response::<Book>(), &examples::book())
        .tagged("books", "A book by its id or its ISBN.")
        .parameter(any_book())
        .problems(&[404])
}

fn list_ratings(schemas: &mut Schemas) -> Operation {
    let page = schemas.response::<Slice<Review>>();
    Operation::get("list-ratings", "/api/books/{id}/ratings", "no-cache", &page, &examples::ratings())
        .tagged("ratings", "Visitors' ratings, newest first. Imported star counts are only in the book's `histogram`.")
        .parameter(any_book())
        .parameter(limit())
        .parameter(cursor())
        .paged()
        .problems(&[400, 404])
}

fn submit_rating(schemas: &mut Schemas) -> Operation {
    let (form, receipt) = (schemas.request::<RatingForm>(), schemas.response::<Receipt>());
    Operation::post(
        "submit-rating",
        "/api/books/{id}/ratings",
        &form,
        &examples::rating_form(),
        (&receipt, &examples::receipt()),
    )
    .tagged("ratings", "The rating of a book that does not exist is accepted and rejected when it is processed.")
    .parameter(rated_book())
    .problems(&[404])
}

fn submit_contact(schemas: &mut Schemas) -> Operation {
    let (form, receipt) = (schemas.request::<ContactForm>(), schemas.response::<Receipt>());
    Operation::post(
        "submit-contact",
        "/api/contact",
        &form,
        &examples::contact_form(),
        (&receipt, &examples::receipt()),
    )
    .tagged("contact", "The shop replies to `email`.")
}

fn show_submission(schemas: &mut Schemas) -> Operation {
    let settled = schemas.response::<SubmissionStatus>();
    Operation::get("show-submission", "/api/submissions/{id}", "no-store", &settled, &examples::settled())
        .tagged("submissions", "An id that the shop has not issued returns 404.")
        .parameter(path(
            "id",
            &json!({ "type": "string", "format": "uuid" }),
            &examples::receipt()["id"],
            "The `id` in the response to a rating or a message.",
        ))
        .problems(&[404])
}

fn place_order(schemas: &mut Schemas) -> Operation {
    let (form, receipt) = (schemas.request::<OrderForm>(), schemas.response::<OrderReceipt>());
    Operation::post(
        "place-order",
        "/api/orders",
        &form,
        &examples::order_form(),
        (&receipt, &examples::order_receipt()),
    )
    .named("place-order", "Places an order")
    .tagged("orders", PLACING)
    .with_required_key()
    .with_key_about(ORDER_KEY)
    .with_outcome_soon()
}

const PLACING: &str = "The order is accepted and decided a moment later, first come, first served: it is confirmed with the \
                       prices of the shop, if none is above one of the order, or rejected with a reason for each line. A \
                       repeated key is the same order, whatever its body: the first body that arrives is decided. `total` \
                       must have the delivery beside the lines, which `/api/shop` has; what it has too much is not charged. \
                       Open orders that are not paid have a limit (`limits.open_orders` of `/api/shop`), by browser, by mailbox \
                       and by postal address, and so have the copies of a book in them and the orders that a buyer cancels \
                       within a day: an order above a limit is rejected with the code `too_many_open`.";

const ORDER_KEY: &str = "A random value that the client generates for this order, such as a UUID. A repeated key is the same \
                         order, whatever its body: the answer has the same id, and only the first body that arrives has an \
                         effect (`repeated_at` of the order shows that another one came). A retry needs the cookie of the \
                         first attempt, or the one that its answer has set; if the first attempt had none and no answer \
                         came, it needs none. With another cookie the same key is another order.";

fn cancel_order(schemas: &mut Schemas) -> Operation {
    let (form, receipt) = (schemas.request::<CancellationForm>(), schemas.response::<OrderReceipt>());
    let example = examples::cancellation_form();
    Operation::post("place-order", "/api/orders/{id}/cancel", &form, &example, (&receipt, &examples::order_receipt()))
        .named("cancel-order", "Cancels an order")
        .tagged("orders", CANCELLING)
        .without_key()
        .with_optional_body()
        .with_outcome_soon()
        .parameter(order_id())
        .problems(&[404])
}

const CANCELLING: &str = "Accepted now and decided a moment later. The cookie that placed the order suffices, without a body; \
                          without it, the body has the e-mail address of the order. An order that has not left the shop \
                          becomes `cancelled`. For one that has, the request is the buyer's withdrawal from the contract: the \
                          order gets `withdrawn_at`, and becomes `returned` when the books are back. For one that has ended \
                          already, it gets `cancellation_refused`. If none of these shows after a minute, the request came \
                          from somebody else.";

fn show_order(schemas: &mut Schemas) -> Operation {
    let status = schemas.response::<OrderStatus>();
    Operation::get("show-order", "/api/orders/{id}", "no-store", &status, &examples::order_status())
        .named("show-order", "Shows the status of an order, and with the cookie that placed it the order")
        .tagged("orders", FOLLOWING)
        .parameter(order_id())
        .parameter(visitor())
        .problems(&[404])
}

const FOLLOWING: &str = "An id that the shop has not issued returns 404. While `status` is `received`, ask again after a second, \
                         and then each time after twice as long, up to a minute. Most orders are decided within seconds; while \
                         the database is away it takes as long as that, up to hours, and this request returns 503.";

fn show_account(schemas: &mut Schemas) -> Operation {
    let parts = [
        schemas.response::<AccountSummary>(),
        schemas.response::<Slice<OwnOrder>>(),
        schemas.response::<Slice<OwnRating>>(),
        schemas.response::<Slice<Wish>>(),
        schemas.response::<AddressBook>(),
        schemas.response::<AccountExport>(),
    ];
    let part = json!({ "type": "string", "pattern": "^(profile|orders|ratings|wishlist|addresses|data)$" });
    let any = json!({ "anyOf": parts });
    Operation::get("show-account", "/api/account/{part}", "no-store", &any, &examples::own_orders())
        .named("show-account", "Shows what belongs to the customer who is signed in")
        .tagged("account", SIGNED_IN)
        .of_customer("shop/account")
        .parameter(path("part", &part, &json!("orders"), PARTS))
        .parameter(session())
        .parameter(limit())
        .parameter(cursor())
        .paged()
        .problems(&[400, 401, 404])
}

const SIGNED_IN: &str = "A session is issued by signing in at `/sign-in` in a browser, and lasts twelve hours. Without one, with \
                         one that was ended, and after the erasure of the account the answer is 401. `limit` and `cursor` are \
                         parameters of `orders`, `ratings`, `wishlist` and `data` only.";

const PARTS: &str = "`profile`: e-mail address, language and times. `orders`: the customer's orders, newest first, also those \
                     that were placed without signing in with the customer's verified e-mail address. `ratings`: those from all \
                     browsers in which the customer has signed in, newest first. `wishlist`: the books that the \
                     customer wants to remember, with price and availability now, newest first. `addresses`: the address \
                     book. `data`: all of this and the messages to the shop, in slices where it does not fit into one answer.";

fn show_shop(schemas: &mut Schemas) -> Operation {
    let caching = format!("public, max-age={MINUTE}");
    Operation::get("show-about", "/api/shop", &caching, &schemas.response::<Shop>(), &examples::shop())
        .named("show-shop", "Shows whether the shop sells, and its terms")
        .tagged("shop", TERMS)
}

const TERMS: &str = "The `total` of an order is the sum of `quantity` times `unit_price` of its lines, and the `price` of its \
                     delivery, which is 0 if that sum is at least `free_from`. A shop that nobody has set up for selling has only \
                     `sells`, `reason` and `code`.";

fn order_id() -> Value {
    let schema = json!({ "type": "string", "format": "uuid" });
    path("id", &schema, &examples::order_receipt()["id"], "The `id` in the response to an order.")
}

fn health(schemas: &mut Schemas) -> Operation {
    let health = schemas.response::<Health>();
    let mut bodies = json_of(&health, &examples::health(false));
    bodies["application/problem+json"] = json!({ "schema": schemas.response::<Problem>() });
    let unavailable = json!({
        "description": "A dependency failed or timed out.",
        "headers": { "X-Request-Id": header("X-Request-Id") },
        "content": bodies,
    });
    Operation::get("check-health", "/health", "no-store", &health, &examples::health(true))
        .tagged("health", "The time of each check, in milliseconds.")
        .response(503, unavailable)
        .problems(&[400])
}

fn any_book() -> Value {
    path(
        "id",
        &json!({ "type": "string", "minLength": 1 }),
        &json!("53"),
        "The id of a book, optionally with a hyphen and words (`53-don-quijote`), or its ISBN-13 or ISBN-10, with or \
         without hyphens.",
    )
}

fn rated_book() -> Value {
    path(
        "id",
        &json!({ "type": "string", "pattern": "^[1-9][0-9]{0,9}(-.*)?$" }),
        &json!("53"),
        "The id of a book, optionally with a hyphen and words.",
    )
}

fn limit() -> Value {
    let (min, max) = Query::LIMITS.into_inner();
    let schema = json!({ "type": "integer", "minimum": min, "maximum": max, "default": Query::USUAL_LIMIT });
    query("limit", &schema, &json!(10), "Maximum number of items in the response.")
}

fn cursor() -> Value {
    json!({
        "name": "cursor",
        "in": "query",
        "description": "Continues the list: the `next` of the previous response, with the same other parameters.",
        "allowEmptyValue": true,
        "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" },
    })
}

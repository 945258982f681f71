//! Pure types and rules of a bookshop. Values are parsed at the boundary (`Stars::parse`, `Isbn13::parse`); a value of
//! such a type is valid.

pub use crate::invalid::{Invalid, Parsed, Reason};

mod alert;
mod book;
pub mod book_facts;
mod card;
mod cart;
mod catalogue;
mod customer;
mod filter;
mod invisible;
mod isbn;
mod language;
mod link;
mod moment;
mod money;
mod order;
mod rating;
mod rejection;
mod reply;
mod search;
mod search_entry;
mod slice;
pub mod spelling;
mod star_counts;
mod stopwords;
mod submission;
mod text;
mod time_zone;
mod visitor;
mod wish;
pub mod words;

pub use alert::{AlertEvent, AlertMail, AlertToken, OwnAlert, ShopOrigin};
pub use book::{Author, AuthorId, Availability, Book, BookId, Genre, ImportedRatings, Ratings, Summary, Window};
pub use book_facts::{BookFacts, FactChange, Sought};
pub use card::{check_no_card, check_no_card_in_email};
pub use cart::{Cart, CartLimit, CartLine};
pub(crate) use catalogue::byline;
pub use catalogue::{CatalogueRow, Counts, Reference};
pub use customer::{Customer, OwnRating, SavedAddress};
pub use filter::{Count, Facet, Facets, Filter, MEAN_BANDS, PRICE_BANDS, Total};
pub use invisible::is_default_ignorable;
pub use isbn::Isbn13;
pub use language::{Language, base_language};
pub use link::{check_no_link, unlinked};
pub use moment::{milliseconds, optional_milliseconds};
pub use money::{Currency, Money};
pub use order::{
    Actor, Address, AddressText, Contact, CopiesChange, Country, Delivery, Fingerprint, LineReason, MAX_LINES,
    MailFailure, Order, OrderAction, OrderEvent, OrderId, OrderLine, OrderNote, OrderNumber, OrderOutcome, OrderReason,
    OrderState, OwnOrder, Part, Payment, Phone, Quantity, Refusal, RefusedCancellation, StateChange, TaxPart,
};
pub use rating::{PRIOR_MEAN, PRIOR_WEIGHT, Review, Stars};
pub use rejection::Rejection;
pub use reply::ReplyMail;
pub use search::{Alternative, Condition, Extent, Search, Sort, Term};
pub use search_entry::{SearchEntry, popularity_class};
pub use slice::{Cursor, Slice};
pub use star_counts::{Histogram, mean_of_score};
pub(crate) use submission::unverified_text;
pub use submission::{Outcome, Processed, SubmissionId, SubmissionKey, SubmissionKind};
pub use text::{
    Credit, DisplayName, Email, HideReason, MessageText, ReplyText, ReviewText, Subject, check_marks, clean,
    clean_line, without_addresses,
};
pub use time_zone::TimeZone;
pub use visitor::{VisitorCookie, VisitorId, number_of_cookie, uuid_of_shop};
pub use wish::Wish;

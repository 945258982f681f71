//! All SQL, one file for each family of tables. Rows stay private and become domain types.
//!
//! A function takes the connection that `Database::read` or `Database::write` lends. Statements are checked against the
//! schema when they are compiled (`.sqlx/`, renewed by `cargo bookstore prepare`), except the list of books, whose
//! order and filters are assembled at run time.

pub mod alerts;
pub mod archived;
pub mod audit;
pub mod authors;
pub mod books;
#[cfg(test)]
mod bounds;
pub mod catalogue;
pub mod contact;
pub mod contact_replies;
pub mod contact_search;
pub mod customer_addresses;
pub mod customer_carts;
pub mod customer_erasure;
pub mod customers;
mod dictionary;
pub mod files;
pub mod genres;
pub mod imports;
pub mod message_faults;
pub mod moderation;
pub mod orders;
mod popularity;
pub mod ratings;
pub mod recommendations;
pub mod refresh;
pub mod search_misses;
pub mod shop_counts;
pub mod sign_ins;
pub mod spelling;
pub mod stock;
pub mod submissions;
mod unsent_mails;
pub mod visitor_hashes;
pub mod visitors;
pub mod wishlists;
pub mod word_index;

/// A time in a set of rows: microseconds since 1970, which is the precision of the columns.
fn microseconds(at: time::OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or_default()
}

/// A time as a column keeps it.
fn as_stored(at: time::OffsetDateTime) -> time::OffsetDateTime {
    at.replace_microsecond(at.microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod query_cost_tests;

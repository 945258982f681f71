//! All the SQL, one file a family of tables. Rows stay private and come out as domain types.
//!
//! A function takes the connection that `Database::read` or `Database::write` lends. Statements are checked against a
//! real schema when they are compiled (`.sqlx/`, renewed by `cargo bookstore prepare`); the one exception is the list
//! of books, whose order and filters are put together at run time.

pub mod authors;
pub mod books;
pub mod catalogue;
pub mod contact;
pub mod genres;
pub mod imports;
pub mod ratings;
pub mod shelves;
pub mod spelling;
pub mod submissions;
pub mod visitors;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod fixtures;

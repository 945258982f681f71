//! `GET /api/books/{id}/ratings` and `GET /books/{id}/ratings`: the ratings that visitors gave a book, newest first, a
//! page at a time.

pub mod api;
pub mod page;

//! The order of a list.

use crate::domain::Sort;

/// The sort column of a list, and its direction.
pub(super) struct Order {
    /// The column of the book; none where it is the relevance of a hit.
    pub(super) of_books: Option<&'static str>,
    pub(super) way: &'static str,
}

impl Order {
    pub(super) fn of(sort: Sort, searching: bool) -> Self {
        let (of_books, way) = match sort {
            Sort::Relevance if searching => (None, "desc"),
            Sort::Relevance | Sort::Popular => (Some("b.ratings_count"), "desc"),
            Sort::Bestsellers => (Some("b.sold"), "desc"),
            Sort::Rating => (Some("b.score"), "desc"),
            Sort::Newest => (Some("b.year_order"), "desc"),
            Sort::Title => (Some("b.title"), "asc"),
            Sort::Price => (Some("b.price_order"), "asc"),
        };
        Self { of_books, way }
    }

    /// The comparison of what comes after a cursor with it.
    pub(super) fn beyond(&self) -> &'static str {
        if self.is_descending() { "<" } else { ">" }
    }

    pub(super) fn is_descending(&self) -> bool {
        self.way == "desc"
    }

    /// The sort key of the rows `alias` as a number; null by title.
    pub(super) fn number(&self, alias: &str) -> String {
        if self.of_books == Some("b.title") { "null".to_owned() } else { format!("cast({alias}.place as signed)") }
    }
}

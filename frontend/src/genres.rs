//! Genres by their names, which are translated here.

use shared::{
    api::NamedGenre,
    domain::{Count, Genre, Search, SearchEntry},
};

use crate::Locale;

/// Genres that a search names, at most.
const MAX_NAMED: usize = 3;

/// The genres whose names, in any language of the shop, have all words of the search; at most three.
pub fn named(search: &Search, genres: &[Count], locale: Locale) -> Vec<NamedGenre> {
    let is_named = |genre: &&Count| {
        Locale::ALL.into_iter().any(|locale| search.finds(&SearchEntry::of(&locale.genre(&genre.value), "")))
    };
    let named = genres.iter().filter(is_named).take(MAX_NAMED);
    named
        .map(|genre| NamedGenre {
            slug: Genre(genre.value.clone()),
            name: locale.genre(&genre.value),
            books: genre.count,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_genre_is_found_by_its_name_in_either_language() {
        let genres = ["science-fiction", "science", "poetry", "new-weird"];
        let genres = genres.map(|slug| Count { value: slug.into(), count: 7 });
        let named = |query: &str, locale| -> Vec<String> {
            let search = Search::parse(query).unwrap();
            named(&search, &genres, locale).into_iter().map(|genre| genre.name).collect()
        };
        assert_eq!(named("poesia", Locale::Es), ["Poesía"]);
        assert_eq!(named("poetry", Locale::Es), ["Poesía"]);
        assert_eq!(named("cienc", Locale::En), ["Science fiction", "Science"]);
        assert_eq!(named("weird", Locale::En), ["New weird"]);
        assert!(named("ciencia exacta", Locale::Es).is_empty());
    }
}

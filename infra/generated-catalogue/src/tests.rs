//! The distributions that make a generated catalogue a hard one, on fifty thousand books.

use std::collections::{HashMap, HashSet};

use super::*;

const COUNT: u32 = 50_000;

fn share(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / f64::from(COUNT)
}

/// The share of the books for which it is true.
fn share_of(books: &[GeneratedBook], is: impl Fn(&GeneratedBook) -> bool) -> f64 {
    share(books.iter().filter(|book| is(book)).count())
}

/// The size of the largest tie.
fn largest_tie<K: std::hash::Hash + Eq>(books: &[GeneratedBook], key: impl Fn(&GeneratedBook) -> K) -> usize {
    let mut ties = HashMap::new();
    for book in books {
        *ties.entry(key(book)).or_insert(0) += 1;
    }
    ties.into_values().max().unwrap_or_default()
}

fn words(text: &str) -> HashSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[test]
fn a_larger_catalogue_begins_with_the_books_of_a_smaller_one() {
    let small: Vec<_> = books(1_000).collect();
    assert_eq!(books(2_000).take(1_000).collect::<Vec<_>>(), small);
    // The books of this version.
    let digest = books(1_000).fold(0_u64, |digest, book| {
        format!("{book:?}").bytes().fold(digest, |digest, byte| digest.wrapping_mul(31).wrapping_add(u64::from(byte)))
    });
    assert_eq!((VERSION, digest), (1, 14_871_442_789_490_127_728), "the books have changed: increase VERSION");
}

#[test]
fn references_and_isbns_are_unique_and_isbns_have_their_check_digit() {
    let books: Vec<_> = books(COUNT).collect();
    let isbns: Vec<&String> = books.iter().filter_map(|book| book.isbn.as_ref()).collect();
    for isbn in &isbns {
        let digits = isbn.bytes().map(|digit| u32::from(digit - b'0'));
        let sum: u32 = digits.enumerate().map(|(at, digit)| if at % 2 == 0 { digit } else { 3 * digit }).sum();
        assert!(isbn.len() == 13 && sum.is_multiple_of(10), "{isbn}");
    }
    assert_eq!(isbns.iter().collect::<HashSet<_>>().len(), isbns.len());
    assert_eq!(books.iter().map(|book| &book.reference).collect::<HashSet<_>>().len(), books.len());
    assert!((0.84..0.86).contains(&share(isbns.len())));
}

#[test]
fn a_few_words_and_names_are_in_very_many_books_and_very_many_words_in_one() {
    let books: Vec<_> = books(COUNT).collect();
    let mut in_titles: HashMap<String, usize> = HashMap::new();
    let mut in_all: HashMap<String, usize> = HashMap::new();
    for book in &books {
        let (title, names) = (words(&book.title), words(&book.authors.join(" ")));
        for word in &title {
            *in_titles.entry(word.clone()).or_default() += 1;
        }
        for word in title.union(&names) {
            *in_all.entry(word.clone()).or_default() += 1;
        }
    }
    for word in ["love", "casa", "mar"] {
        assert!((0.015..0.035).contains(&share(in_titles[word])), "{word}: {}", in_titles[word]);
    }
    for word in ["the", "of", "la", "de", "it", "que", "me"] {
        assert!(share(in_titles[word]) > 0.005, "{word}: {}", in_titles[word]);
    }
    for word in ["john", "maría", "garcía", "smith"] {
        assert!(share(in_all[word]) > 0.005, "{word}: {}", in_all[word]);
    }
    let once = in_all.values().filter(|count| **count == 1).count();
    assert!(in_all.len() > 30_000 && once > 20_000, "{} words, {once} of them in one book", in_all.len());
}

#[test]
fn every_order_has_a_tie_of_many_books() {
    let books: Vec<_> = books(COUNT).collect();
    let ratings = |book: &GeneratedBook| book.stars.iter().sum::<u32>();
    assert!(share(largest_tie(&books, ratings)) > 0.3);
    assert!(share(largest_tie(&books, |book| score(book.stars))) > 0.3);
    assert!(share(largest_tie(&books, |book| book.year)) > 0.04);
    assert!(share(largest_tie(&books, |book| book.price_minor)) > 0.15);
    assert!(share_of(&books, |book| book.year.is_none()) > 0.04);
    assert!((0.008..0.012).contains(&share_of(&books, |book| book.title == TIED_TITLE)));
    let editions = largest_tie(&books, |book| (book.title.clone(), book.authors.clone()));
    assert!(editions > 2, "{editions}");
}

#[test]
fn popularity_has_a_long_tail_and_a_few_bestsellers() {
    let books: Vec<_> = books(COUNT).collect();
    let ratings: Vec<u32> = books.iter().map(|book| book.stars.iter().sum()).collect();
    let share_up_to = |limit: u32| share(ratings.iter().filter(|count| **count <= limit).count());
    assert!((0.38..0.42).contains(&share_up_to(0)) && (0.68..0.72).contains(&share_up_to(3)));
    let bestsellers = ratings.iter().filter(|count| **count >= 1_000_000).count();
    assert!((2..20).contains(&bestsellers), "{bestsellers}");
    let well_rated = share_of(&books, |book| score(book.stars) >= 4_500_000);
    assert!((0.0005..0.05).contains(&well_rated), "{well_rated}");
}

#[test]
fn languages_genres_and_authors_go_from_most_books_to_very_few() {
    let books: Vec<_> = books(COUNT).collect();
    let language = |tag: &str| share_of(&books, |book| book.language.as_deref() == Some(tag));
    assert!((0.19..0.21).contains(&language("es")) && (0.0005..0.0015).contains(&language("eu")));
    let genre = |slug: &str| share_of(&books, |book| book.genres.iter().any(|genre| genre == slug));
    assert!((0.59..0.61).contains(&genre(GENRES[0])) && genre(GENRES[39]) < 0.0005);
    let author = |name: &str| share_of(&books, |book| book.authors.iter().any(|author| author == name));
    assert!((0.009..0.011).contains(&author(PROLIFIC_AUTHOR)));
    assert!((0.28..0.32).contains(&share_of(&books, |book| book.stock > 0)));
    assert!((0.01..0.03).contains(&share_of(&books, |book| book.price_minor.is_some_and(|price| price <= 500))));
    let marks = |mark: &str| share_of(&books, |book| book.title.contains(mark));
    assert!(marks("'") > 0.01 && marks("-") > 0.005 && marks(", #") > 0.03);
}

#[test]
fn texts_fit_their_columns() {
    for book in books(COUNT) {
        assert!(
            book.title.chars().count() <= 500 && book.authors.iter().all(|name| name.chars().count() <= 200),
            "{book:?}"
        );
        assert!(book.authors.join(", ").chars().count() <= 500 && !book.authors.is_empty(), "{book:?}");
    }
}

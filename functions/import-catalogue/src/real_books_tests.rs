//! What people type and what they find among ten thousand real books. `ANAQUEL_GOODBOOKS` is the path of `books.csv` of
//! goodbooks-10k, which is not part of the repository, and `DATABASE_URL` a MariaDB.

use std::{collections::BTreeSet, env, fs::File};

use shared::{
    domain::{Currency, Filter, Language, Search, SearchEntry, Sort, Summary},
    repo::{
        books::{self, Listing},
        imports, spelling,
    },
};
use sqlx::{MySqlConnection, MySqlPool};

use crate::{
    BATCH,
    format::{Line, Lines},
    import_batch,
};

async fn import(connection: &mut MySqlConnection) {
    let path = env::var("ANAQUEL_GOODBOOKS").expect("set ANAQUEL_GOODBOOKS to the path of books.csv of goodbooks-10k");
    let mut lines = Lines::read(File::open(path).unwrap(), Currency::parse("EUR").unwrap()).unwrap();
    let mut import = imports::open(connection, "books.csv", "1").await.unwrap();
    loop {
        let batch: Vec<Line> = lines.by_ref().take(BATCH).collect::<Result<_, _>>().unwrap();
        if batch.is_empty() {
            break;
        }
        import = import_batch(connection, &import, &batch).await.unwrap();
    }
}

/// The first page, and what was meant if it is empty.
async fn first_page(connection: &mut MySqlConnection, query: &str) -> (Vec<Summary>, Option<String>) {
    let query: String = query.chars().take(Search::MAX_CHARS).collect();
    let listing = Listing::new(Some(Search::parse(&query).unwrap()), Filter::default(), Sort::Relevance, 24);
    let slice = books::list(connection, &listing).await.unwrap();
    let meant = spelling::did_you_mean(connection, &listing, &slice).await.unwrap();
    (slice.items, meant)
}

fn without_series(title: &str) -> &str {
    title.split_once(" (").map_or(title, |(title, _)| title)
}

/// Every nth of these.
fn sample<T>(all: Vec<T>, size: usize) -> Vec<T> {
    let step = (all.len() / size).max(1);
    all.into_iter().step_by(step).take(size).collect()
}

#[ignore = "needs goodbooks-10k: set ANAQUEL_GOODBOOKS to its CSV, and DATABASE_URL to a MariaDB"]
#[sqlx::test(migrator = "shared::MIGRATIONS")]
async fn ten_thousand_real_books_are_found_as_people_type_them(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    import(&mut connection).await;
    let books: Vec<(u32, String, String)> =
        sqlx::query_as("select id, title, byline from books order by id").fetch_all(&pool).await.unwrap();

    let (mut first, mut missed) = (0, Vec::new());
    for (id, title, byline) in sample(books.clone(), 370) {
        let key = SearchEntry::of(&title, &byline).title_key;
        let found = first_page(&mut connection, without_series(&title)).await.0;
        let is_first = found.first().is_some_and(|book| SearchEntry::of(&book.title, "").title_key == key);
        first += usize::from(is_first);
        if !is_first {
            missed.push(format!("{title} -> {:?}", found.first().map(|book| &book.title)));
        }
        let shown = found.iter().any(|book| book.id.get() == id || SearchEntry::of(&book.title, "").title_key == key);
        assert!(shown, "{title} is not on the first page");
    }
    println!("titles: {first} of 370 come first; not: {missed:#?}");
    assert!(first >= 365);

    let names: Vec<String> =
        sqlx::query_scalar(r"select name from authors where name rlike '^([A-Z]\\.[ ]?){2,}[A-Z][a-z]+'")
            .fetch_all(&pool)
            .await
            .unwrap();
    for name in sample(names, 60) {
        let typed = name.replacen(". ", ".", 9).replacen('.', "", 9);
        let initials: usize = name.matches('.').count();
        let typed = format!("{} {}", &typed[..initials], &typed[initials..]);
        let found = first_page(&mut connection, &typed).await.0;
        let author = sqlx::query_scalar::<_, u32>(
            "select ba.book_id from book_authors ba join authors a on a.id = ba.author_id where a.name = ?",
        );
        let books = author.bind(&name).fetch_all(&pool).await.unwrap();
        assert!(found.iter().any(|book| books.contains(&book.id.get())), "{name} by {typed}");
    }

    let has_inside = |title: &str, signs: &str| {
        let letters: Vec<char> = without_series(title).chars().collect();
        letters
            .windows(3)
            .any(|three| three[0].is_alphanumeric() && signs.contains(three[1]) && three[2].is_alphanumeric())
    };
    let apostrophes = books.iter().filter(|(_, title, _)| has_inside(title, "'’")).cloned().collect();
    for (id, title, _) in sample(apostrophes, 150) {
        let typed = without_series(&title).replace(['\'', '’'], "").to_lowercase();
        let found: BTreeSet<u32> =
            first_page(&mut connection, &typed).await.0.iter().map(|book| book.id.get()).collect();
        assert!(found.contains(&id), "{title} by {typed}");
    }
    let hyphens = books.iter().filter(|(_, title, _)| has_inside(title, "-")).cloned().collect();
    for (id, title, _) in sample(hyphens, 60) {
        let typed = without_series(&title).replace('-', "").to_lowercase();
        let (found, meant) = first_page(&mut connection, &typed).await;
        assert!(found.iter().any(|book| book.id.get() == id) || meant.is_some(), "{title} by {typed}");
    }
}

#[ignore = "needs goodbooks-10k: set ANAQUEL_GOODBOOKS to its CSV, and DATABASE_URL to a MariaDB"]
#[sqlx::test(migrator = "shared::MIGRATIONS")]
async fn names_and_titles_are_found_or_suggested_however_they_are_shortened_and_parted(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    import(&mut connection).await;
    for (query, title) in [
        ("harry potter y j. k. rowling", "Harry Potter"),
        ("harry potter y j k rowling", "Harry Potter"),
        ("hobbit a j.r.r. tolkien", "The Hobbit"),
        ("ps i love you", "P.S. I Love You"),
        ("p. s. i love you", "P.S. I Love You"),
        ("1000 places to see", "1,000 Places to See"),
        ("村上春樹", "1Q84"),
        ("村上 春樹", "1Q84"),
        ("石田スイ", "Tokyo Ghoul"),
        ("武内直子", "美少女戦士"),
        ("g. orwell", ""),
        ("orwell g", ""),
        ("Kafka, F.", ""),
        ("García Márquez, G. One Hundred Years", "One Hundred Years of Solitude"),
        ("peter pan", "Peter Pan"),
    ] {
        let found = first_page(&mut connection, query).await.0;
        assert!(found.iter().any(|book| book.title.starts_with(title)), "{query}");
    }
    for (query, expected) in [
        ("mocking bird", Some("mockingbird")),
        ("hitch hikers guide", Some("hitchhikers guide")),
        ("montecristo", Some("monte cristo")),
        ("harrypotter", Some("harry potter")),
        ("leguin", Some("le guin")),
        ("vangogh", Some("van gogh")),
        ("tolstoi", Some("tolstoy")),
        ("tolstói", Some("tolstoy")),
        ("gabo", None),
        ("grrm", Some("grim")),
    ] {
        let (found, meant) = first_page(&mut connection, query).await;
        assert!(found.is_empty(), "{query}: {:?}", found.first().map(|book| &book.title));
        assert_eq!(meant.as_deref(), expected, "{query}");
    }

    let names: Vec<(u32, String)> = sqlx::query_as(
        r"select max(ba.book_id), a.name from authors a join book_authors ba on ba.author_id = a.id
          where a.name rlike '^[A-Z][a-z]+ [A-Z][a-z]{3,}$' group by a.id having count(*) = 1 order by a.id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    for (book, name) in sample(names, 60) {
        let (first, last) = name.split_once(' ').unwrap();
        let initial = &first[..1];
        for typed in [format!("{initial}. {last}"), format!("{last}, {initial}.")] {
            let listing = Listing::new(Some(Search::parse(&typed).unwrap()), Filter::default(), Sort::Relevance, 100);
            let found = books::list(&mut connection, &listing).await.unwrap().items;
            assert!(found.iter().any(|hit| hit.id.get() == book), "{name} by {typed}");
        }
    }

    let spanish = Filter { language: Some(Language::parse("es").unwrap()), ..Filter::default() };
    let books: Vec<(u32, String, String)> =
        sqlx::query_as("select id, title, byline from books where base_language = 'es'")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut beginnings = 0;
    for (id, title, byline) in books {
        let long = SearchEntry::of(&title, &byline).terms.into_iter().filter(|term| term.chars().count() > 3);
        for beginning in long.map(|term| term.chars().take(3).collect::<String>()) {
            let search = Search::parse(&beginning).unwrap();
            let listing = Listing::new(Some(search), spanish.clone(), Sort::Relevance, 100);
            let listed = books::listed(&mut connection, &listing).await.unwrap();
            let is_found = listed.slice.items.iter().any(|book| book.id.get() == id);
            // Three letters that are a common word of their own stand for nothing longer.
            let is_whole = listing.search().is_some_and(|search| search.finds(&SearchEntry::of(&title, &byline)));
            assert!(is_found || !is_whole, "{title} by {beginning}: {:?}", listed.total);
            beginnings += usize::from(is_found);
        }
    }
    println!("{beginnings} beginnings of words of Spanish books find them");
    assert!(beginnings > 50);
}

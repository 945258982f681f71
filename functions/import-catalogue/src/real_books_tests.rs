//! What people type and what they find among ten thousand real books. `ANAQUEL_GOODBOOKS` is the path of `books.csv` of
//! goodbooks-10k, which is not part of the repository, and `DATABASE_URL` a MariaDB.

use std::{collections::BTreeSet, env, fs::File};

use shared::{
    domain::{Currency, Filter, Search, SearchEntry, Sort, Summary},
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

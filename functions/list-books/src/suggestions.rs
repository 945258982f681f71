//! `GET /api/suggestions`: books, authors and genres that the beginning of a query leads to.

use frontend::{Locale, genres};
use shared::{
    App, Reply, Request, Result,
    api::{SuggestedBook, Suggestions},
    domain::{Filter, Invalid, Reason, Search, Sort},
    http::MINUTE,
    repo::{
        authors,
        books::{self, Listing},
        genres as repo_genres, spelling,
    },
};

use super::{HITS_WITH_AUTHORS, ids};

const PARAMETERS: &[&str] = &["q", "lang"];
const SHOWN: usize = 6;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let query = request.query(PARAMETERS)?;
    let text = query.get("q").ok_or_else(|| Invalid::new("q", Reason::Blank))?;
    let search = Search::parse(text)?;
    let locale = query.get("lang").map(|tag| Locale::served("lang", tag)).transpose()?.unwrap_or_default();
    let listing = Listing::new(Some(search.clone()), Filter::default(), Sort::Relevance, HITS_WITH_AUTHORS);
    let suggestions = app.database().read(async |connection| {
        let found = books::list(connection, &listing).await?;
        let did_you_mean = spelling::did_you_mean(connection, &listing, &found).await?;
        let authors = authors::named(connection, &search, &ids(&found)).await?;
        let genres = genres::named(&search, &repo_genres::list(connection).await?, locale);
        let books = found.items.into_iter().take(SHOWN).map(SuggestedBook::of).collect();
        Ok(Suggestions { books, authors, genres, did_you_mean })
    });
    Ok(Reply::json(&suggestions.await?)?.cached_for(MINUTE))
}

//! The page of a book with its form, also for the statuses 413, 422 and 503 of a rating from that form.

use askama::Template;
use serde_json::{Value, json};
use shared::domain::{Author, Book, PRIOR_MEAN, PRIOR_WEIGHT, Summary};

use super::data;
use crate::{Form, Markup, View, assets, format, links};

/// `/books/{id}-{slug}`
#[derive(Template, Clone, Copy)]
#[template(path = "book.html")]
pub struct BookPage<'a> {
    pub view: View<'a>,
    pub book: &'a Book,
    pub form: Form<'a>,
    pub more_by_author: &'a [Summary],
    pub readers_also_rated: &'a [Summary],
}

/// One row of the star histogram.
struct Bar {
    stars: usize,
    count: u32,
    /// In per cent of all.
    share: u64,
}

impl BookPage<'_> {
    fn summary(&self) -> &Summary {
        &self.book.summary
    }

    /// The main genre of the book.
    fn genre(&self) -> Option<&str> {
        self.book.genres.first().map(|genre| genre.0.as_str())
    }

    /// Five stars first.
    fn bars(&self) -> impl Iterator<Item = Bar> {
        let all = self.book.histogram.count().max(1);
        let counts = self.book.histogram.0.into_iter().enumerate().rev();
        counts.map(move |(at, count)| Bar { stars: at + 1, count, share: u64::from(count) * 100 / all })
    }

    /// A note that explains why the mean differs from the bars, while there are too few ratings to outweigh the prior.
    fn presumed(&self) -> Option<String> {
        let few = f64::from(self.summary().ratings.count) < 10.0 * PRIOR_WEIGHT;
        let presumed = [("count", PRIOR_WEIGHT.into()), ("mean", self.view.mean(PRIOR_MEAN).into())];
        few.then(|| self.view.locale.text_with("mean-presumed", presumed))
    }

    fn stock(&self) -> String {
        match self.summary().stock {
            0 => self.view.text("stock-none"),
            few @ 1..=5 => self.view.count("stock-few", few),
            _ => self.view.text("stock-plenty"),
        }
    }

    fn in_short(&self) -> String {
        let description = self.book.description.as_deref().unwrap_or(&self.summary().byline);
        if description.chars().count() <= 200 {
            return description.to_owned();
        }
        let mut short: String = description.chars().take(199).collect();
        short.push('…');
        short
    }

    /// The book as schema.org data.
    fn json_ld(&self) -> Markup {
        let summary = self.summary();
        let absolute = |path: String| format!("{}{path}", self.view.origin.unwrap_or_default());
        let person =
            |author: &Author| json!({"@type": "Person", "name": author.name, "url": absolute(links::author(author))});
        let mut book = json!({
            "@context": "https://schema.org",
            "@type": "Book",
            "name": summary.title,
            "url": absolute(self.view.book(summary)),
            "author": self.book.authors.iter().map(person).collect::<Vec<Value>>(),
            "genre": self.book.genres.iter().map(|genre| self.view.genre(&genre.0)).collect::<Vec<String>>(),
        });
        let mut say = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                book[name] = value;
            }
        };
        say("description", self.book.description.as_ref().map(|text| json!(text)));
        say("isbn", summary.isbn.as_ref().map(|isbn| json!(isbn.as_str())));
        say("inLanguage", summary.language.as_ref().map(|language| json!(language.as_str())));
        say("datePublished", summary.year.filter(|year| *year > 0).map(|year| json!(format!("{year:04}"))));
        say(
            "aggregateRating",
            summary.ratings.mean.map(|mean| {
                let count = summary.ratings.count;
                json!({"@type": "AggregateRating", "ratingValue": mean, "ratingCount": count, "bestRating": 5})
            }),
        );
        say(
            "offers",
            summary.price.as_ref().map(|price| {
                let availability = if summary.stock > 0 { "InStock" } else { "OutOfStock" };
                json!({
                    "@type": "Offer",
                    "price": format::plain_price(price),
                    "priceCurrency": price.currency,
                    "availability": format!("https://schema.org/{availability}"),
                })
            }),
        );
        data(&book)
    }
}

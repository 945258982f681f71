//! The page of a book with its form, also for the statuses 413, 422 and 503 of a rating from that form.

use askama::Template;
use serde_json::{Value, json};
use shared::{
    domain::{Author, Availability, Book, Summary},
    uploads::{SampleFile, Size},
};
use time::OffsetDateTime;

use super::data;
use crate::{Account, Form, Markup, View, assets, format, links};

/// `/books/{id}-{slug}`
#[derive(Template, Clone, Copy)]
#[template(path = "book.html")]
pub struct BookPage<'a> {
    pub view: View<'a>,
    pub book: &'a Book,
    pub form: Form<'a>,
    /// When the visitor rated the book; the form then has that rating.
    pub rated_at: Option<OffsetDateTime>,
    pub more_by_author: &'a [Summary],
    pub readers_also_rated: &'a [Summary],
}

/// One row of the star histogram.
pub(super) struct Bar {
    pub(super) stars: usize,
    pub(super) count: u32,
    /// In per cent of all.
    pub(super) share: u64,
}

/// The rows of the histogram, five stars first.
pub(super) fn bars(book: &Book) -> impl Iterator<Item = Bar> {
    let all = book.histogram.count().max(1);
    let counts = book.histogram.0.into_iter().enumerate().rev();
    counts.map(move |(at, count)| Bar { stars: at + 1, count, share: u64::from(count) * 100 / all })
}

/// Whose ratings the histogram shows: "4.942.365 de Goodreads (2017) · 3 de esta tienda".
pub(super) fn origins(view: View, book: &Book) -> String {
    let own = book.own_ratings().count();
    let own = (own > 0).then(|| view.count("ratings-own", own));
    let imported = book.imported_ratings.as_ref().map(|imported| {
        let count = imported.histogram.count();
        match &imported.source {
            Some(source) => {
                let arguments = [("count", count.into()), ("source", source.as_str().into())];
                view.locale.text_with("ratings-from", arguments)
            }
            None => view.count("ratings-imported", count),
        }
    });
    imported.into_iter().chain(own).collect::<Vec<String>>().join(" · ")
}

impl BookPage<'_> {
    fn cart_notice(&self) -> Option<String> {
        self.view.cart_notice([&self.book.summary])
    }

    fn summary(&self) -> &Summary {
        &self.book.summary
    }

    /// The main genre of the book.
    fn genre(&self) -> Option<&str> {
        self.book.genres.first().map(|genre| genre.0.as_str())
    }

    /// Where the form sends a rating.
    fn rating_address(&self) -> String {
        format!("/books/{}/ratings", self.summary().id)
    }

    /// The visitor's own rating: when it was sent.
    fn rated_on(&self) -> Option<String> {
        Some(self.view.text_with("rated-on", "date", self.view.day(self.rated_at?)))
    }

    /// The text of the form's button.
    fn send(&self) -> &'static str {
        if self.rated_at.is_some() { "rate-change" } else { "rate-send" }
    }

    /// The heading of the other books of the first author.
    fn by_author(&self) -> String {
        let name = self.book.authors.first().map_or("", |author| author.name.as_str());
        self.view.text_with("shelf-by-author", "author", name)
    }

    /// Why a book with a price cannot be bought here.
    fn not_sold(&self) -> Option<String> {
        let is_priced = self.summary().availability == Availability::InStock;
        let key = if self.view.sells() { "not-sold-currency" } else { "not-sold" };
        (is_priced && !self.view.can_buy(self.summary())).then(|| self.view.text(key))
    }

    /// The tax in the price: at the book's own rate, or else at that of the shop's books.
    fn tax(&self) -> String {
        let usual = self.view.shop.map_or(0, |shop| shop.tax_rates.books);
        self.view.tax_included(self.book.tax_rate.unwrap_or(usual))
    }

    fn stock(&self) -> String {
        match (self.summary().availability, self.summary().stock) {
            (Availability::Withdrawn, _) => self.view.text("stock-withdrawn"),
            (Availability::ToOrder, _) => self.view.text("stock-to-order"),
            (Availability::OutOfStock, _) => self.view.text("stock-none"),
            (Availability::InStock, few @ 1..=5) => self.view.count("stock-few", few),
            (Availability::InStock, _) => self.view.text("stock-plenty"),
        }
    }

    /// Whether the page has the form for a mail when the book is back, which needs a shop that sells and sends mails.
    fn can_be_notified(&self) -> bool {
        self.summary().availability == Availability::OutOfStock && self.view.sells()
    }

    /// The address to which that form is sent.
    fn alert_address(&self) -> String {
        format!("/alerts/{}", self.summary().id)
    }

    /// The form for a message to the shop that asks for this book: the text of its button, and its address.
    fn request(&self) -> Option<(&'static str, String)> {
        let (text, ask) = match self.summary().availability {
            Availability::InStock | Availability::Withdrawn => return None,
            Availability::OutOfStock if self.can_be_notified() => return None,
            Availability::OutOfStock => ("notify-me", links::Ask::Notify),
            Availability::ToOrder => ("order-it", links::Ask::Order),
        };
        let isbn = self.summary().isbn.as_ref().map_or("", |isbn| isbn.as_str());
        Some((text, links::request(ask, &self.summary().title, isbn)))
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

    /// Address and size of the widest picture of the cover, for other sites, which need the whole address.
    fn picture(&self) -> Option<(String, Size)> {
        let (path, size) = self.summary().cover.as_ref()?.addresses().next_back()?;
        Some((format!("{}{path}", self.view.origin?), size))
    }

    /// The name of the maker of the cover's picture.
    fn credit(&self) -> Option<&str> {
        self.summary().cover.as_ref()?.credit.as_deref()
    }

    fn sample_address(&self) -> String {
        links::sample(self.summary().id)
    }

    /// The text of the link to the sample chapter.
    fn sample(&self) -> Option<String> {
        let SampleFile { pages, bytes, .. } = self.book.sample.as_ref()?;
        let size = format::bytes(self.view.locale, u64::from(*bytes));
        Some(self.view.locale.text_with("sample-link", [("pages", u64::from(*pages).into()), ("size", size.into())]))
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
        say("image", self.picture().map(|(address, _)| json!(address)));
        say("isbn", summary.isbn.as_ref().map(|isbn| json!(isbn.as_str())));
        say("inLanguage", summary.language.as_ref().map(|language| json!(language.as_str())));
        say("datePublished", summary.year.filter(|year| *year > 0).map(|year| json!(format!("{year:04}"))));
        say("publisher", self.book.publisher.as_ref().map(|name| json!({"@type": "Organization", "name": name})));
        // Only what was rated here: search engines want no ratings gathered elsewhere.
        let own = self.book.own_ratings();
        say(
            "aggregateRating",
            own.mean().map(|mean| {
                let mean = (mean * 1e4).round() / 1e4;
                json!({"@type": "AggregateRating", "ratingValue": mean, "ratingCount": own.count(), "bestRating": 5})
            }),
        );
        say(
            "offers",
            summary.price.as_ref().map(|price| {
                let availability = match summary.availability {
                    Availability::InStock => "InStock",
                    Availability::OutOfStock | Availability::ToOrder => "OutOfStock",
                    Availability::Withdrawn => "Discontinued",
                };
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

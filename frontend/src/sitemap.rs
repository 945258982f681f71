//! Sitemaps for search engines, in the format of <https://www.sitemaps.org/protocol.html>: an index, and its parts.

use askama::Template;
use shared::{Reply, Result, http::DAY};

use crate::{Locale, View};

/// Pages in a part, each in both languages: with the longest host and titles they fit into one response.
pub const PAGES: u32 = 200;

const XML: &str = "application/xml";

/// `/sitemap.xml`
#[derive(Template)]
#[template(path = "sitemap_index.xml")]
pub struct Index<'a> {
    pub origin: &'a str,
    /// Of the parts.
    pub names: &'a [String],
}

/// `/sitemaps/{name}`: each page in each language, with the same alternates as in the page itself.
#[derive(Template)]
#[template(path = "sitemap.xml")]
pub struct Part<'a> {
    pub view: View<'a>,
    pub paths: &'a [String],
}

impl Part<'_> {
    fn pages(&self) -> impl Iterator<Item = View<'_>> {
        let page = |locale, path| View { locale, path, query: "", ..self.view };
        self.paths.iter().flat_map(move |path| Locale::ALL.map(|locale| page(locale, path)))
    }
}

/// A day is fresh enough for search engines.
pub fn reply(sitemap: &impl Template) -> Result<Reply> {
    let xml = sitemap.render().map_err(anyhow::Error::from)?;
    Ok(Reply::text(XML, xml).cached_for(DAY))
}

#[cfg(test)]
mod tests {
    use time::macros::date;
    use xmlparser::{ElementEnd, Token, Tokenizer};

    use super::*;
    use crate::Account;

    fn part(origin: &str, paths: &[String]) -> String {
        let view = View {
            locale: Locale::En,
            path: "",
            query: "",
            origin: Some(origin),
            today: date!(2026 - 11 - 24),
            shop: None,
            cart: 0,
            cart_change: None,
            order: None,
            account: Account::NotHere,
            wishlist: crate::Wishlist::default(),
        };
        Part { view, paths }.render().unwrap()
    }

    #[test]
    fn a_part_fits_into_an_answer_with_the_longest_host_and_titles() {
        let origin = format!("https://{}:65535", "a".repeat(253));
        let path = crate::links::book(u32::MAX, &"long-title ".repeat(50));
        let xml = part(&origin, &vec![path; PAGES as usize]);
        let escaped = xml.len() + xml.matches(['"', '\n']).count();
        assert!(escaped < shared::answer_size::MAX_ANSWER - 10_000, "{escaped} bytes");
    }

    /// What stands in `loc` and in `href`, of XML that closes all that it opens.
    fn addresses(xml: &str) -> Vec<String> {
        let (mut open, mut addresses) = (Vec::new(), Vec::new());
        for token in Tokenizer::from(xml) {
            match token.unwrap() {
                Token::ElementStart { local, .. } => open.push(local.as_str()),
                Token::ElementEnd { end: ElementEnd::Close(_, local), .. } => {
                    assert_eq!(open.pop(), Some(local.as_str()));
                }
                Token::ElementEnd { end: ElementEnd::Empty, .. } => drop(open.pop()),
                Token::Text { text } if open.last() == Some(&"loc") => addresses.push(text.to_string()),
                Token::Attribute { local, value, .. } if local == "href" => addresses.push(value.to_string()),
                _ => {}
            }
        }
        assert!(open.is_empty());
        addresses
    }

    #[test]
    fn every_page_is_named_in_both_languages_with_its_alternates() {
        let addresses = addresses(&part("https://shop.example", &["/".into(), "/books/1-el-tunel".into()]));
        let [es, en] = ["https://shop.example/books/1-el-tunel", "https://shop.example/books/1-el-tunel?lang=en"];
        assert_eq!(addresses.len(), 16);
        assert_eq!(addresses[8..], [es, es, en, es, en, es, en, es]);
    }

    #[test]
    fn the_longest_addresses_of_a_part_fit_into_an_answer() {
        let paths: Vec<String> = (0..PAGES).map(|n| crate::links::book(u32::MAX - n, &"x".repeat(500))).collect();
        let xml = part("https://anaquel-prod-1234567890.ap-southeast-2.elb.amazonaws.com", &paths);
        assert!(serde_json::to_string(&xml).unwrap().len() < 900_000, "{}", xml.len());
    }

    #[test]
    fn signs_that_xml_has_for_itself_are_escaped() {
        let xml = part("https://shop.example", &["/a&b<c>\"'".into()]);
        assert!(addresses(&xml)[0].starts_with("https://shop.example/a&#38;b&#60;c&#62;&#34;&#39;"), "{xml}");
    }

    #[test]
    fn an_index_names_its_parts() {
        let names = ["pages.xml".into(), "books-1.xml".into()];
        let xml = Index { origin: "https://shop.example", names: &names }.render().unwrap();
        let parts = ["https://shop.example/sitemaps/pages.xml", "https://shop.example/sitemaps/books-1.xml"];
        assert_eq!(addresses(&xml), parts);
    }
}

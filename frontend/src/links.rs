//! URLs of the shop's pages. The slug is for readers; only the id in front of it counts.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use shared::{
    domain::{Author, BookId, VisitorId, words},
    session::Pool,
};

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const IN_MAILTO: &AsciiSet = &QUERY.remove(b'@');
const MAX_SLUG: usize = 60;

/// The slug of a title: its words in ASCII with hyphens between, at most 60 characters. Empty for a title in another script.
fn slug(title: &str) -> String {
    let mut slug = String::with_capacity(MAX_SLUG);
    let groups = words::groups(title);
    let words = groups.iter().flat_map(words::Group::as_written);
    for word in words.flat_map(|word| word.split(|c: char| !c.is_ascii())).filter(|word| !word.is_empty()) {
        let room = MAX_SLUG - slug.len();
        if !slug.is_empty() {
            if room < word.len() + 1 {
                break;
            }
            slug.push('-');
        }
        slug.push_str(&word[..word.len().min(MAX_SLUG)]);
    }
    slug
}

/// The id, and the slug behind it.
fn with_slug(id: impl std::fmt::Display, title: &str) -> String {
    let slug = slug(title);
    let hyphen = if slug.is_empty() { "" } else { "-" };
    format!("{id}{hyphen}{slug}")
}

pub fn book(id: impl std::fmt::Display, title: &str) -> String {
    format!("/books/{}", with_slug(id, title))
}

/// The sample chapter of a book.
pub fn sample(book: BookId) -> String {
    format!("/books/{book}/sample")
}

/// The name under which a browser saves the sample chapter of a book.
pub fn sample_file(book: BookId, title: &str) -> String {
    format!("{}.pdf", with_slug(book, title))
}

pub fn author(author: &Author) -> String {
    format!("/authors/{}", with_slug(author.id, &author.name))
}

/// The subject of a message about a book that cannot be sent today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To order a book that the shop does not keep.
    Order,
    /// To write when it is back.
    Notify,
}

impl Ask {
    const ALL: [Self; 2] = [Self::Order, Self::Notify];

    fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Notify => "notify",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ask| ask.name() == name)
    }
}

/// The page to sign in, which leads back to an address of the shop.
pub fn sign_in(back: &str) -> String {
    address("/sign-in", [("return", back)].into_iter())
}

/// The same for the people of a user pool.
pub fn sign_in_at(pool: Pool, back: &str) -> String {
    address(pool.sign_in(), [("return", back)].into_iter())
}

/// The address with which a mail program begins a mail.
pub fn mailto(email: &str, subject: &str) -> String {
    let email = utf8_percent_encode(email, IN_MAILTO).to_string();
    address(&format!("mailto:{email}"), [("subject", subject)].into_iter())
}

/// The form for a message, filled in with the book that somebody asks for. It carries the title, because the function of
/// that form has no access to the database.
pub fn request(ask: Ask, title: &str, isbn: &str) -> String {
    address("/contact", [("ask", ask.name()), ("title", title), ("isbn", isbn)].into_iter())
}

/// The value of a raw parameter: decoded once, `+` as a space.
pub fn decoded(raw: &str) -> String {
    percent_decode_str(&raw.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The parameters of a list from its URL, decoded, in their order. A blank one counts as absent.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a>(pub &'a [(&'a str, &'a str)]);

impl<'a> Asked<'a> {
    /// The value of a parameter, or an empty text.
    pub fn get(&self, name: &str) -> &'a str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value)
    }

    pub fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == value
    }

    /// The list with one parameter changed, from its first slice.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().copied().filter(|(known, _)| *known != name && *known != "cursor");
        address("/books", kept.chain([(name, value)]))
    }

    pub fn without(&self, name: &str) -> String {
        self.with(name, "")
    }
}

/// The address of a page with the outcome of a change, in place of that of an earlier change.
pub fn with_note(address: &str, parameter: &str, note: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let start = format!("{parameter}=");
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&start));
    let note = format!("{start}{note}");
    let query: Vec<&str> = kept.chain([note.as_str()]).collect();
    format!("{path}?{}", query.join("&"))
}

/// The staff's page with all reviews of a visitor.
pub fn reviews_of(visitor: VisitorId) -> String {
    format!("/staff/reviews?visitor={}", visitor.0)
}

/// Whether an address leads to a page of the shop. A browser reads `//` and `/\` as the beginning of a host.
pub fn is_page_of_shop(address: &str) -> bool {
    let is_visible_ascii = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>#".contains(&byte));
    address.len() <= 2_000 && address.starts_with('/') && !address.starts_with("//") && is_visible_ascii
}

/// A path with the parameters that have a value.
pub fn address<'a>(path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = query(parameters);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The page of the staff with the books that a search finds, or the book with this ISBN.
pub fn staff_books(find: &str) -> String {
    address("/staff/books", [("find", find)].into_iter())
}

/// The form of the staff for a book that the shop does not have.
pub fn staff_new_book(isbn: &str) -> String {
    address("/staff/books/new", [("isbn", isbn)].into_iter())
}

/// The parameters that have a value, encoded.
pub fn query<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let given = parameters.filter(|(_, value)| !value.trim().is_empty());
    let pairs: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY))).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_the_words_of_a_title_in_ascii() {
        for (title, expected) in [
            ("¿Qué me quieres, Amor?", "que-me-quieres-amor"),
            ("Señora de rojo — 2.ª ed.", "senora-de-rojo-2a-ed"),
            ("Don't Make Me Think", "dont-make-me-think"),
            ("The Amazing Spider-Man", "the-amazing-spider-man"),
            ("La Mécanique du cœur", "la-mecanique-du-coeur"),
            ("Die Straße der Ølmænd", "die-strasse-der-olmaend"),
            ("İstanbul Hatırası", "istanbul-hatirasi"),
            ("J.R.R. Tolkien", "jrr-tolkien"),
        ] {
            assert_eq!(slug(title), expected);
        }
        assert_eq!(slug(&"x".repeat(4_000)).len(), MAX_SLUG);
        let long = slug(&"una palabra y otra más ".repeat(20));
        assert!(long.len() <= MAX_SLUG && !long.ends_with('-'), "{long}");
    }

    #[test]
    fn a_title_without_latin_letters_has_the_id_only() {
        for title in ["", "战争与和平", "🚀", "<>&\"'", "\u{202e}"] {
            assert_eq!(book(53, title), "/books/53", "{title}");
        }
        assert_eq!(book(53, "Ana"), "/books/53-ana");
    }

    #[test]
    fn a_request_for_a_book_carries_its_title_and_isbn() {
        for (title, isbn, expected) in [
            ("C++ & más", "9788420467283", "/contact?ask=order&title=C%2B%2B%20%26%20m%C3%A1s&isbn=9788420467283"),
            ("¿Y?", "", "/contact?ask=order&title=%C2%BFY%3F"),
        ] {
            let address = request(Ask::Order, title, isbn);
            assert_eq!(address, expected);
            let raw = address.split("title=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
            assert_eq!(decoded(raw), title);
        }
        assert_eq!(decoded("a+b%20c%FF"), "a b c\u{fffd}");
        assert_eq!(["order", "notify", "steal"].map(Ask::parse), [Some(Ask::Order), Some(Ask::Notify), None]);
    }

    #[test]
    fn a_changed_filter_drops_the_cursor_and_keeps_the_rest() {
        let asked = Asked(&[("q", "c++ & más"), ("genre", "crime"), ("sort", ""), ("cursor", "abc")]);
        assert_eq!(asked.with("language", "es"), "/books?q=c%2B%2B%20%26%20m%C3%A1s&genre=crime&language=es");
        assert_eq!(asked.without("q"), "/books?genre=crime");
        assert_eq!(Asked(&[("q", "x")]).without("q"), "/books");
    }
}

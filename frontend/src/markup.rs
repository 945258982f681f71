//! HTML that templates insert unescaped, and marked search words.

use std::fmt;

use shared::domain::plain;

/// HTML that is escaped already.
#[derive(Debug, Clone)]
pub struct Markup(String);

impl Markup {
    pub(crate) fn new(html: String) -> Self {
        Self(html)
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

pub fn escape_into(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&#34;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

/// The text with every word of the query in `<mark>`, whatever its case and accents. The last word also matches as a
/// prefix, as in the search.
pub fn mark(text: &str, query: &str) -> Markup {
    let query = plain(query);
    let mut wanted: Vec<&str> = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let prefix = wanted.pop_if(|word| word.chars().count() >= 3);
    let mut html = String::with_capacity(text.len() + 32);
    for piece in pieces(text) {
        let folded = plain(piece);
        let hit = wanted.contains(&folded.as_str()) || prefix.is_some_and(|prefix| folded.starts_with(prefix));
        if hit {
            html.push_str("<mark>");
        }
        escape_into(&mut html, piece);
        if hit {
            html.push_str("</mark>");
        }
    }
    Markup(html)
}

/// Words and the text between them, alternating.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = is_word(rest.chars().next()?);
        let end = rest.find(|c| is_word(c) != word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_words_are_marked_whatever_their_accents() {
        let marked = |text, query| mark(text, query).to_string();
        assert_eq!(marked("Cien años de soledad", "ANOS sol"), "Cien <mark>años</mark> de <mark>soledad</mark>");
        assert_eq!(marked("Yo, robot", "yo"), "<mark>Yo</mark>, robot");
        assert_eq!(marked("Yoga", "yo"), "Yoga");
        assert_eq!(marked("a<b>&c", ""), "a&lt;b&gt;&amp;c");
    }
}

//! HTML that templates insert unescaped, and marked search words.

use std::{collections::BTreeSet, fmt, ops::Range};

use shared::domain::words::{self, Group};

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

/// The text with every word of the query in `<mark>`, whatever its case, accents and apostrophes. The last word also
/// matches as a prefix, as in the search.
pub fn mark(text: &str, query: &str) -> Markup {
    let mut html = String::with_capacity(text.len() + 32);
    let mut end = 0;
    for hit in hits(text, query) {
        escape_into(&mut html, &text[end..hit.start]);
        html.push_str("<mark>");
        escape_into(&mut html, &text[hit.clone()]);
        html.push_str("</mark>");
        end = hit.end;
    }
    escape_into(&mut html, &text[end..]);
    Markup(html)
}

/// Where the text has words of the query, in order and without overlaps.
fn hits(text: &str, query: &str) -> Vec<Range<usize>> {
    let groups = words::groups(query);
    let wanted: BTreeSet<String> = groups.iter().flat_map(Group::forms).collect();
    let last: Vec<String> =
        groups.last().map(|group| group.as_written()).into_iter().flatten().map(str::to_owned).collect();
    let prefix = last.last().filter(|word| word.chars().count() >= 3);
    let matches = |term: &str| wanted.contains(term) || prefix.is_some_and(|prefix| term.starts_with(prefix.as_str()));
    let mut hits: Vec<Range<usize>> = Vec::new();
    for group in words::groups(text) {
        if group.joined.as_deref().is_some_and(matches) {
            hits.push(group.range());
            continue;
        }
        for part in group.parts() {
            if matches(part.form()) {
                hits.push(part.range());
            } else {
                hits.extend(part.words.into_iter().filter(|word| matches(&word.folded)).map(|word| word.range));
            }
        }
    }
    // Scripts without blanks: a word of the query stands inside a longer run.
    for term in wanted.iter().filter(|term| term.chars().all(words::is_unspaced)) {
        hits.extend(text.match_indices(term.as_str()).map(|(start, found)| start..start + found.len()));
    }
    hits.sort_by_key(|hit| (hit.start, hit.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for hit in hits {
        match apart.last_mut() {
            Some(last) if hit.start < last.end => last.end = last.end.max(hit.end),
            _ => apart.push(hit),
        }
    }
    apart
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
        assert_eq!(marked("Le cœur, Jo Nesbø", "coeur nesbo"), "Le <mark>cœur</mark>, Jo <mark>Nesbø</mark>");
    }

    #[test]
    fn joined_words_are_marked_as_one() {
        let marked = |text, query| mark(text, query).to_string();
        assert_eq!(marked("Don't <i>", "dont i"), "<mark>Don&#39;t</mark> &lt;<mark>i</mark>&gt;");
        assert_eq!(marked("by J. R. R. Tolkien", "jrr"), "by <mark>J. R. R</mark>. Tolkien");
        assert_eq!(marked("Spider-Man", "spiderm"), "<mark>Spider-Man</mark>");
        assert_eq!(marked("Spider-Man", "man"), "Spider-<mark>Man</mark>");
        assert_eq!(marked("Plant's-Eye", "plants eye"), "<mark>Plant&#39;s</mark>-<mark>Eye</mark>");
        assert_eq!(marked("Plant's Eye", "plant's-eye"), "<mark>Plant&#39;s</mark> <mark>Eye</mark>");
        assert_eq!(marked("战争与和平", "和平"), "战争与<mark>和平</mark>");
    }
}

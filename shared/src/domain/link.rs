//! Links in what people type. Anybody can order in the address of somebody else, so a name or a line of an address, which
//! mails repeat, must not be a link, and mails show it so that no program makes one of it.

use unicode_normalization::UnicodeNormalization;

use super::{Invalid, Parsed, Reason, invisible::is_default_ignorable};

/// Refuses a text with a link, or with what a mail program takes for one: `https://…`, `www.…`, `ana@example.org` and
/// `example.org`. Abbreviations with a point pass, also without a blank behind it: `Avda.Constitución`, `2.ºB`, `J.R.R.Tolkien`.
pub fn check_no_link(field: &str, text: &str) -> Parsed<()> {
    let has_link = plain(text).split(|c: char| !is_of_address(c)).any(is_link);
    if has_link { Err(Invalid::new(field, Reason::Link)) } else { Ok(()) }
}

/// The text as programs that look for links read it, in lower case, with a blank for an ordinal indicator, which no host has
/// and which would become a letter.
fn plain(text: &str) -> String {
    let shown = text.chars().filter(|c| !is_default_ignorable(*c));
    let shown = shown.map(|c| if matches!(c, 'º' | 'ª' | '°') { ' ' } else { c });
    let dotted = shown.nfkc().map(|c| if c == '\u{3002}' { '.' } else { c });
    dotted.flat_map(char::to_lowercase).collect()
}

fn is_of_address(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) || ".-@:/_".contains(c)
}

/// The schemes that programs link without slashes.
const SCHEMES: [&str; 6] = ["mailto", "tel", "sms", "http", "https", "ftp"];

fn is_link(word: &str) -> bool {
    let has_both_sides = |(before, after): (&str, &str)| {
        before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric)
    };
    let has_scheme = word.split_once(':').is_some_and(|(scheme, rest)| {
        SCHEMES.contains(&scheme.trim_start_matches('/')) && rest.chars().any(char::is_alphanumeric)
    });
    has_scheme
        || word.contains("://")
        || word.split_once('@').is_some_and(has_both_sides)
        || word.split(['/', ':', '@', '_']).any(is_host)
}

/// Whether programs take a word with points for the name of a host.
fn is_host(word: &str) -> bool {
    let word = word.trim_matches(['.', '-']);
    let labels: Vec<&str> = word.split('.').collect();
    let [before @ .., last] = &labels[..] else { return false };
    if before.is_empty() || labels.iter().any(|label| label.is_empty()) {
        return false;
    }
    let is_top_level = last.chars().count() >= 2 && last.chars().any(char::is_alphabetic);
    let has_letters_only = !last.chars().any(char::is_numeric) || last.starts_with("xn--");
    let is_short = before.iter().all(|label| is_abbreviation(label)) && !is_common_top_level(last);
    before[0] == "www" || (is_top_level && has_letters_only && !is_short)
}

/// The beginnings of names and lines of addresses that have a point behind them: initials, numbers, and words that are always
/// cut.
fn is_abbreviation(label: &str) -> bool {
    const WORDS: &str = "apdo apt apto av avd avda av bda bldg blq bajo bjo bq cdad cl cll co col cra crta ctra cf cmno cno dcha \
        dpto dto dr dra ed edf edif ent esc esq fl ft gral hnos int izq izda km local lg mr mrs ms mz no nr num núm of ofc pab pb \
        pbl pg pje pl plta plza pol ppal prof prol pso pta pte ptl ptal pza pzta pº rda res rt sr sra srta sta sto st ste str tf \
        trav trva ud urb vda via vte";
    label.chars().count() == 1
        || label.chars().all(char::is_numeric)
        || WORDS.split_ascii_whitespace().any(|word| word == label)
}

/// Behind an abbreviation only a domain that many people know is taken for a link: those of countries, and the most usual ones.
fn is_common_top_level(label: &str) -> bool {
    const WORDS: &str = "academy agency app art biz blog business cafe cam care casa cash cat center chat click cloud club com \
        company consulting credit cyou cz dev digital direct edu email es eus events expert finance fit fun fyi gal games gov group \
        guru help host icu info ink int jobs land law legal life link live loan lol love ltd market me media mil mobi money mov \
        name net network news ninja one online org page party pay photos pics plus press pro pub quest review rest rocks run sale \
        school services shop site social software solutions space store stream studio style support surf systems team tech tel \
        tips today tools top tours trade travel tv university uno video vip watch web website wiki win work works world wtf xin \
        xyz zip zone";
    label.chars().count() == 2 || label.starts_with("xn--") || WORDS.split_ascii_whitespace().any(|word| word == label)
}

/// Shows nothing, and ends what a program takes for a link or a telephone number.
const BREAK: char = '\u{200c}';
/// Digits that a program may take for a telephone number.
const PHONE: usize = 7;

/// A text of a stranger for a mail in plain text: the same to a reader, and no program makes a link of it.
pub fn unlinked(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_in_phone = in_phones(&characters);
    let mut shown = String::new();
    for (at, c) in characters.iter().enumerate() {
        shown.push(*c);
        let next = characters.get(at + 1).copied();
        let joins = next.is_some_and(|next| !next.is_whitespace());
        if joins && (is_sign(*c) || (is_in_phone[at] && next.is_some_and(char::is_numeric))) {
            shown.push(BREAK);
        }
    }
    shown
}

/// Signs within addresses, in all their forms.
fn is_sign(c: char) -> bool {
    std::iter::once(c).nfkc().any(|c| ".\u{3002}@:/".contains(c))
}

/// For each character, whether it is in a row of digits, grouped or not, that is long enough for a telephone number.
fn in_phones(characters: &[char]) -> Vec<bool> {
    let is_grouping = |c: char| c.is_numeric() || c.is_whitespace() || "-.()/".contains(c);
    characters
        .chunk_by(|one, next| is_grouping(*one) == is_grouping(*next))
        .flat_map(|row| {
            let digits = row.iter().filter(|c| c.is_numeric()).count();
            vec![is_grouping(row[0]) && digits >= PHONE; row.len()]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_any_form_is_refused() {
        for text in [
            "https://evil.example/x",
            "Ana http:evil",
            "x://",
            "mailto:ana",
            "/tel:900123123",
            "ana@example.org",
            "ana@evil",
            "Calle Mayor 1 ana@evil",
            "www.evil1",
            "example.org",
            "EXAMPLE.ORG",
            "(example.org)",
            "Ana: -example.org.-",
            "ana_example.org",
            "C/example.org",
            "x:example.org",
            "@example.org",
            "evil。example",
            "ｅｖｉｌ．ｅｘａｍｐｌｅ",
            "exam\u{200b}ple.org",
            "हिन्दी.com",
            "t.co",
            "j.r.com",
            "12.es",
            "avda.shop",
            "a.xn--p1ai",
            "Mayor.Uno",
        ] {
            assert_eq!(check_no_link("name", text), Err(Invalid::new("name", Reason::Link)), "{text}");
        }
    }

    #[test]
    fn abbreviations_and_numbers_with_points_are_no_link() {
        for text in [
            "",
            "Ana Ruiz",
            "Avda.Constitución",
            "J.R.R.Tolkien",
            "J. R. R. Tolkien",
            "Sr.Ruiz",
            "12.izq",
            "2.ºB",
            "2.ºcom",
            "C/ Mayor, 12.5, 3.º",
            "Edificio 1.a2",
            "No.12",
            "s/n",
            "hotel:900",
            "tel:",
            "Piso 2: tel",
            "@evil",
            "ana@",
            "ana @ casa",
            "example.",
            ".example",
            "example..org",
            "Nave 3.x",
            "Mayor.x",
            "evil.example2",
        ] {
            assert_eq!(check_no_link("name", text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_text_for_a_mail_differs_only_in_what_shows_nothing() {
        for (text, shown) in [
            ("Calle Mayor 1, 2.º B", "Calle Mayor 1, 2.|º B"),
            ("C/ Mayor 1", "C/ Mayor 1"),
            ("evil.example", "evil.|example"),
            ("https://evil.example/x", "https:|/|/|evil.|example/|x"),
            ("ana@evil", "ana@|evil"),
            ("evil。example", "evil。|example"),
            ("evil．example", "evil．|example"),
            ("900123123", "9|0|0|1|2|3|1|2|3"),
            ("+34 900 123", "+3|4 |9|0|0 |1|2|3"),
            ("28013 Madrid", "28013 Madrid"),
            ("", ""),
        ] {
            assert_eq!(unlinked(text).replace(BREAK, "|"), shown, "{text}");
            assert_eq!(unlinked(text).replace(BREAK, ""), text);
        }
    }
}

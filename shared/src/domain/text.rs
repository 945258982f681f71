//! Text that people write: cleaned once, bounded, never empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    Invalid, Parsed, Reason,
    card::check_no_card,
    invisible::{CONTENT, is_default_ignorable, is_empty_sign, is_in_place},
};

/// Text on several lines, as it is stored: composed (NFC), with a blank or a line break for white space that is a control,
/// without other control characters, without characters that show nothing where they stand, and without spaces around.
pub fn clean(text: &str) -> String {
    tidy(text, '\n')
}

/// Like [`clean`], on one line.
pub fn clean_line(text: &str) -> String {
    tidy(text, ' ')
}

/// Words of another service on one line, without the e-mail addresses that it quotes: those are kept with the order only, and
/// erased with it.
pub fn without_addresses(text: &str) -> String {
    let words = clean_line(text);
    let words = words.split_whitespace().map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn tidy(text: &str, line_break: char) -> String {
    let composed: Vec<char> = text.nfc().collect();
    let spaced: Vec<char> =
        composed.iter().enumerate().filter_map(|(at, c)| spaced(*c, composed.get(at + 1), line_break)).collect();
    // Composed again: what has gone may have stood between a letter and its mark.
    shown(&spaced).nfc().collect::<String>().trim().to_owned()
}

/// The character with white space of any kind as a blank or a line break; none if it has no place in a text.
fn spaced(c: char, next: Option<&char>, line_break: char) -> Option<char> {
    match c {
        '\r' if next == Some(&'\n') => None,
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(line_break),
        '\t' | '\u{b}' | '\u{c}' => Some(' '),
        c if is_empty_sign(c) => Some(' '),
        c => (!c.is_control() && !is_noncharacter(c)).then_some(c),
    }
}

/// Code points up to U+FFFF that Unicode keeps free for programs' own use. SQS refuses a message with one of the last two.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
}

/// The characters without those that show nothing, except in their place.
fn shown(characters: &[char]) -> String {
    let mut shown = String::new();
    for (c, after) in characters.iter().zip(shown_after(characters)) {
        if !is_default_ignorable(*c) || is_in_place(shown.chars().next_back(), *c, after) {
            shown.push(*c);
        }
    }
    shown
}

/// For each character the next one that shows something. From the end, because a search from each character would take
/// quadratic time for a text of joiners.
fn shown_after(characters: &[char]) -> Vec<Option<char>> {
    let mut next = None;
    let mut after: Vec<Option<char>> =
        characters.iter().rev().map(|c| if is_default_ignorable(*c) { next } else { next.replace(*c) }).collect();
    after.reverse();
    after
}

/// Combining marks on one letter. Composed, Vietnamese has one and Hebrew with vowels and accents has four; a letter with
/// dozens covers the lines around it.
pub const MAX_MARKS: usize = 4;

/// Refuses a letter with more marks than any language writes.
pub fn check_marks(field: &str, text: &str) -> Parsed<()> {
    let mut marks = 0;
    for c in text.chars().filter(|c| !is_default_ignorable(*c)) {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MAX_MARKS {
            return Err(Invalid::new(field, Reason::TooManyMarks { max: MAX_MARKS }));
        }
    }
    Ok(())
}

/// A text by its field's name, with the most characters that it may have, on one line or on several.
macro_rules! text {
    ($(#[$about:meta])* $name:ident, $field:literal, $max:literal, $lines:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        #[schemars(!try_from)]
        pub struct $name(#[schemars(length(min = 1, max = $max), regex(pattern = CONTENT))] String);

        impl $name {
            pub const MAX: usize = $max;

            /// Reads what somebody typed.
            pub fn parse(text: &str) -> Parsed<Self> {
                let kept = bounded($field, text, $lines, Self::MAX)?;
                check_no_card($field, &kept)?;
                Ok(Self(kept))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            /// Reads what the shop has accepted before, perhaps by rules that were not as strict as those of today.
            fn try_from(text: String) -> Parsed<Self> {
                bounded($field, &text, $lines, Self::MAX).map(Self)
            }
        }
    };
}

text!(
    /// The name that stands under a review, or whom to answer.
    DisplayName, "name", 80, clean_line
);
text!(
    /// The words of a review.
    ReviewText, "review", 4_000, clean
);
text!(
    /// What a message to the shop is about.
    Subject, "subject", 200, clean_line
);
text!(
    /// The words of a message to the shop.
    MessageText, "message", 4_000, clean
);
text!(
    /// The words of an answer to a message.
    ReplyText, "reply", 4_000, clean
);
text!(
    /// Why the staff hides a review, for the record.
    HideReason, "reason", 200, clean_line
);

text!(
    /// The maker of the picture of a cover.
    Credit, "credit", 200, clean_line
);

impl DisplayName {
    /// The longest name with which a mail greets: characters, and words without particles such as `de la`.
    const MAX_GREETED: (usize, usize) = (40, 5);

    /// The name for the greeting of a mail; none where it does not look like a name. Anybody can order in the address of
    /// somebody else, so a mail repeats no sentence and nothing that a mail program makes a link of: letters, and the signs
    /// within names (`O'Neill`, `Jean-Luc`, `J.R.R.`, `Sr.`). Words of a name have capitals, except particles; without any
    /// capital two words pass.
    pub fn greeting(&self) -> Option<&str> {
        let (max_characters, max_words) = Self::MAX_GREETED;
        let lower = self.0.to_lowercase();
        let is_listed = |list: &str, word: &str| list.split_ascii_whitespace().any(|known| known == word);
        let words: Vec<(&str, &str)> = self.0.split_whitespace().zip(lower.split_whitespace()).collect();
        let addresses_reader = words.iter().any(|(_, word)| is_listed(OF_SENTENCES, word.trim_end_matches('.')));
        let names: Vec<&str> =
            words.iter().filter(|(_, word)| !is_listed(PARTICLES, word)).map(|(word, _)| *word).collect();
        let is_small = |word: &&str| word.starts_with(char::is_lowercase) && word.chars().all(|c| !c.is_uppercase());
        let small = names.iter().filter(|word| is_small(word)).count();
        let is_name = self.0.chars().count() <= max_characters
            && (1..=max_words).contains(&names.len())
            && (small == 0 || (small == names.len() && words.len() <= 2))
            && !addresses_reader
            && words.iter().all(|(word, _)| is_word_of_name(word));
        is_name.then_some(self.0.as_str())
    }
}

/// Words within names that have no capital.
const PARTICLES: &str = "a al af av aw ben bin bint da das de degli dei del dela della den der des di do dos du e el i ibn la las \
    le les lo los mac na of san santa te ten ter the till to um un van vander vom von y z za zu zum zur";

/// Words of sentences to a reader that are hardly names, in the languages of the shop.
const OF_SENTENCES: &str = "account accede alert aviso ayer bank banco bloqueada bloqueado caduca caducada call cash click clic \
    compra confirma confirme contact contraseña cuenta debes debe dinero envía envíe entra entre eres es está este esta expire \
    expires expired free gana ganado ganador gratis has have hoy hurry llama llame now no not offer oferta our paga pague pay \
    password payment pedido please premio prize pulsa pulse recibe regalo su sus sorteo súbito tienes today tu tus tú update \
    urgent urgente usted verifica verifique verify visita visite visit was win winner won ya you your";

/// Dots part initials only, or end the word: what has a longer part behind a dot could be a domain.
fn is_word_of_name(word: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic() || is_combining_mark(c) || is_default_ignorable(c);
    let is_letter = |c: char| is_letter(c) && std::iter::once(c).nfkd().all(is_letter);
    let is_part =
        |part: &str| part.chars().any(char::is_alphabetic) && part.chars().all(|c| is_letter(c) || "'’-‐·".contains(c));
    let parts: Vec<&str> = word.strip_suffix('.').unwrap_or(word).split('.').collect();
    let are_initials = parts.len() == 1 || parts.iter().all(|part| part.chars().count() == 1);
    are_initials && parts.into_iter().all(is_part)
}

/// An address that an answer can be sent to. Only a delivery shows that it exists; this finds what no server delivers.
///
/// The part before the `@` is a dot-atom of RFC 5322 with at most 64 bytes; letters beyond ASCII are accepted, because
/// many servers accept them (RFC 6531), and quoted strings are not, because hardly any does. The domain is one of IDNA
/// (UTS 46) with at least two labels, the last of which is no number and has two letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(!try_from)]
pub struct Email(#[schemars(email, length(max = Self::MAX))] String);

impl Email {
    /// Of a forward path: RFC 5321, 4.5.3.1.3.
    pub const MAX: usize = 254;

    pub fn parse(text: &str) -> Parsed<Self> {
        // Copied addresses often have invisible characters around. Inside, they make another address.
        let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || is_default_ignorable(c));
        check_length("email", text, Self::MAX)?;
        let text: String = text.nfc().collect();
        let is_deliverable = text.len() <= Self::MAX
            && !text.contains(|c: char| is_default_ignorable(c) || is_empty_sign(c))
            && text.split_once('@').is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
        if is_deliverable { Ok(Self(text)) } else { Err(Invalid::new("email", Reason::NotAnEmail)) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with its domain in the letters of DNS: `ana@xn--caf-dma.example`.
    pub fn to_ascii(&self) -> String {
        let (local, domain) = self.0.split_once('@').expect("a parsed address has an @");
        format!("{local}@{}", idna::domain_to_ascii_strict(domain).expect("a parsed address has a domain"))
    }

    /// The form in which two addresses are compared: the domain in the letters of DNS, and all letters in lower case.
    pub fn comparable(&self) -> String {
        self.to_ascii().to_lowercase()
    }

    /// The mailbox, whichever of its addresses was typed: `Ana+libros@Example.org` is `ana@example.org`.
    fn mailbox(&self) -> String {
        /// Domains of one mail service, which ignores dots in the local part.
        const WITHOUT_DOTS: [&str; 2] = ["gmail.com", "googlemail.com"];
        let address = self.comparable();
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        let local = match local.split_once('+') {
            Some((mailbox, _)) if !mailbox.is_empty() => mailbox,
            _ => local,
        };
        if WITHOUT_DOTS.contains(&domain) {
            return format!("{}@{}", local.replace('.', ""), WITHOUT_DOTS[0]);
        }
        format!("{local}@{domain}")
    }

    /// SHA-256 of the mailbox, by which the database finds it. It is for limits, which one person could exceed with many
    /// addresses. It proves nothing: at a host without subaddresses, `ana+libros@` is another person than `ana@`.
    pub fn mailbox_key(&self) -> [u8; 32] {
        Sha256::digest(self.mailbox().as_bytes()).into()
    }

    /// SHA-256 of the form in which addresses are compared, by which the database finds an address.
    pub fn key(&self) -> [u8; 32] {
        Sha256::digest(self.comparable().as_bytes()).into()
    }

    /// Whether both are one address to the shop, however they are written.
    pub fn is_same(&self, other: &Self) -> bool {
        self.comparable() == other.comparable()
    }
}

impl TryFrom<String> for Email {
    type Error = Invalid;

    fn try_from(text: String) -> Parsed<Self> {
        Self::parse(&text)
    }
}

fn is_local_part(local: &str) -> bool {
    let is_atext = |c: char| c.is_alphanumeric() || is_combining_mark(c) || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.len() <= 64
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
        && check_marks("email", local).is_ok()
}

fn is_domain(domain: &str) -> bool {
    let Ok(ascii) = idna::domain_to_ascii_strict(domain) else { return false };
    let is_top_level = |label: &str| label.len() >= 2 && !label.bytes().all(|b| b.is_ascii_digit());
    ascii.rsplit_once('.').is_some_and(|(_, last)| is_top_level(last))
}

/// Cleans a text of at most `max` characters. It counts them as they were sent, which the sender can count, before it
/// cleans them, and as they are stored, because composition makes some texts longer.
pub(super) fn bounded(field: &str, sent: &str, clean: fn(&str) -> String, max: usize) -> Parsed<String> {
    if sent.trim().is_empty() {
        return Err(Invalid::new(field, Reason::Blank));
    }
    check_length(field, sent, max)?;
    let kept = clean(sent);
    if kept.is_empty() {
        return Err(Invalid::new(field, Reason::Blank));
    }
    check_length(field, &kept, max)?;
    check_marks(field, &kept)?;
    Ok(kept)
}

/// Refuses a text with more characters.
pub(super) fn check_length(field: &str, text: &str, max: usize) -> Parsed<()> {
    match text.chars().count() {
        length if length > max => Err(Invalid::new(field, Reason::TooLong { max, length })),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_known_under_each_of_its_addresses() {
        for (email, expected) in [
            ("ana@example.org", "ana@example.org"),
            ("Ana@Example.ORG", "ana@example.org"),
            ("ana+libros@example.org", "ana@example.org"),
            ("ana+a+b@example.org", "ana@example.org"),
            ("ana+@example.org", "ana@example.org"),
            ("+ana@example.org", "+ana@example.org"),
            ("an.a@example.org", "an.a@example.org"),
            ("a.n.a@gmail.com", "ana@gmail.com"),
            ("A.na+libros@GoogleMail.com", "ana@gmail.com"),
            ("ana@gmail.com.example", "ana@gmail.com.example"),
            ("ana@café.example", "ana@xn--caf-dma.example"),
            ("ana@xn--caf-dma.example", "ana@xn--caf-dma.example"),
        ] {
            assert_eq!(Email::parse(email).unwrap().mailbox(), expected, "{email}");
        }
    }

    #[test]
    fn words_of_another_service_are_kept_without_addresses() {
        for (text, kept) in [
            ("550 5.1.1 <ana@example.org>:\r\n User unknown", "550 5.1.1 (address) User unknown"),
            ("no address", "no address"),
            ("", ""),
        ] {
            assert_eq!(without_addresses(text), kept, "{text}");
        }
    }

    #[test]
    fn the_keys_of_an_address_are_hashes_of_its_comparable_form_and_of_its_mailbox() {
        let email = Email::parse("Ana+libros@Example.org").unwrap();
        let hash = |text: &str| <[u8; 32]>::from(Sha256::digest(text.as_bytes()));
        assert_eq!(email.key(), hash("ana+libros@example.org"));
        assert_eq!(email.mailbox_key(), hash("ana@example.org"));
    }

    #[test]
    fn controls_that_part_words_leave_a_blank_or_a_line_break() {
        for (text, lines, line) in [
            ("  tu\u{301}nel\u{0}\u{7}\n", "túnel", "túnel"),
            ("con\ttab", "con tab", "con tab"),
            ("a\u{b}b\u{c}c", "a b c", "a b c"),
            ("a\r\nb", "a\nb", "a b"),
            ("a\rb", "a\nb", "a b"),
            ("a\u{85}b", "a\nb", "a b"),
            ("a\u{2028}b\u{2029}c", "a\nb\nc", "a b c"),
            ("a\u{1b}[2Jb\u{7f}\u{9b}c", "a[2Jbc", "a[2Jbc"),
            ("\t\r\u{85}Ana\u{2029}\u{c}", "Ana", "Ana"),
        ] {
            assert_eq!((clean(text).as_str(), clean_line(text).as_str()), (lines, line), "{text:?}");
        }
    }

    #[test]
    fn characters_that_show_nothing_stay_only_where_a_script_or_an_emoji_needs_them() {
        for (text, kept) in [
            ("\u{200b}Gabriel Garc\u{ad}ía\u{2060} Már\u{feff}quez\u{200b}", "Gabriel García Márquez"),
            ("Gar\u{200d}cí\u{200c}a\u{fe0f}\u{200e}\u{34f}\u{e0041}", "García"),
            ("e\u{200b}\u{301}", "é"),
            ("\u{202a}a\u{202e}b\u{202c} \u{2066}c\u{2069}\u{2067}d \u{61c}e\u{200f}", "ab cd e"),
            ("a\u{2800}b\u{3164}c\u{ffa0}d\u{1d159}e", "a b c d e"),
            ("\u{2800} \u{3164}\u{115f}\u{1160}\u{fe0f}\u{e0041}\u{180b}\u{17b4}", ""),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("می\u{200c}\u{200c}خواهم\u{200c}", "می\u{200c}خواهم"),
            ("ක්\u{200d}ර", "ක්\u{200d}ර"),
            ("👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 👋🏽", "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 👋🏽"),
            ("\u{200d}👩\u{200d} \u{fe0f}a", "👩 a"),
            ("1\u{fe0f}\u{20e3} 1\u{fe0f} ☎\u{fe0e}", "1\u{fe0f}\u{20e3} 1 ☎\u{fe0e}"),
            ("葛\u{e0100}城", "葛\u{e0100}城"),
            ("bue\u{fffe}no\u{ffff}\u{fdd0}\u{fdef}", "bueno"),
            ("\u{fffd}\u{fdcf}\u{1fffd}", "\u{fffd}\u{fdcf}\u{1fffd}"),
            ("\u{1820}\u{180e}\u{1820}\u{180b}", "\u{1820}\u{180e}\u{1820}\u{180b}"),
        ] {
            assert_eq!(clean(text), kept, "{text:?}");
        }
    }

    #[test]
    fn clean_text_is_not_changed_by_cleaning_it_again() {
        let characters = [
            'a', 'é', '\u{301}', ' ', '\r', '\n', '\u{200b}', '\u{200c}', '\u{200d}', '\u{fe0f}', 'خ', 'ක', '\u{dca}',
            '👩', '❤', '葛', '\u{2126}', '\u{2190}', '\u{338}', '\u{1820}', '\u{180b}', '\u{180e}', '1', '\u{20e3}',
            '\u{1100}', '\u{1160}', '\u{1161}', '\u{2800}', '\u{202e}',
        ];
        let count = characters.len();
        for number in 0..count.pow(3) {
            let places = [1, count, count.pow(2)];
            let text: String = places.iter().map(|place| characters[number / place % count]).collect();
            let once = clean(&text);
            assert_eq!(clean(&once), once, "{text:?}");
        }
    }

    #[test]
    fn a_letter_has_at_most_four_marks() {
        for (text, is_accepted) in [
            ("Việt Nam, ắ", true),
            ("שָּׁ֑", true),
            ("กิ่ง ที่", true),
            ("Z\u{300}\u{301}\u{302}\u{303}", true),
            ("Z\u{300}\u{301}\u{302}\u{303}\u{304}", false),
            ("\u{301}\u{301}\u{301}\u{301}\u{301}", false),
            ("ก\u{e47}\u{e47}\u{e47}\u{e47}\u{e47}", false),
            ("ක\u{301}\u{301}\u{301}\u{200d}\u{301}\u{301}", false),
        ] {
            let text = text.to_owned();
            let refused = ReviewText::parse(&text).map_err(|invalid| invalid.reason.to_string());
            assert_eq!(refused.is_ok(), is_accepted, "{text}");
            assert!(refused.is_ok() || refused.unwrap_err() == "must have at most 4 combining marks on one letter");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(ReviewText::parse(&"😀".repeat(4_000)).is_ok());
        assert_eq!(
            ReviewText::parse(&"a".repeat(4_001)).unwrap_err().reason.to_string(),
            "must have at most 4000 characters, and has 4001"
        );
    }

    #[test]
    fn a_text_is_as_long_as_it_was_sent_or_as_it_is_kept() {
        assert!(DisplayName::parse(&format!("Ana{}", " ".repeat(77))).is_ok());
        assert!(DisplayName::parse(&format!("Ana{}", " ".repeat(78))).is_err());
        // Composed, this letter becomes two.
        assert!(DisplayName::parse(&"\u{958}".repeat(41)).is_err());
    }

    #[test]
    fn a_text_that_is_too_long_as_it_was_sent_is_refused_with_its_length() {
        let joiners = "\u{200d}".repeat(20_000);
        for refused in [
            DisplayName::parse(&joiners).map(|_| ()),
            MessageText::parse(&joiners).map(|_| ()),
            Email::parse(&format!("a{joiners}@example.org")).map(|_| ()),
        ] {
            let reason = refused.unwrap_err().reason;
            assert!(matches!(reason, Reason::TooLong { length: 20_000..=20_013, .. }), "{reason}");
        }
        assert_eq!(DisplayName::parse(&" ".repeat(20_000)).unwrap_err().reason, Reason::Blank);
    }

    #[test]
    fn a_name_stays_on_one_line() {
        assert_eq!(DisplayName::parse("Ana\nMaría").unwrap().as_str(), "Ana María");
        assert!(DisplayName::parse(" \n ").is_err());
    }

    #[test]
    fn a_mail_greets_by_what_looks_like_a_name_only() {
        for name in [
            "Ana",
            "Ana Ruiz",
            "María del Carmen García de León",
            "J.R.R. Tolkien",
            "J. R. R. Tolkien",
            "Sammy Davis Jr.",
            "Miles O'Neill",
            "D’Arcy Jean-Luc",
            "Gal·la",
            "Việt Nam",
            "अना शर्मा",
            "می\u{200c}خواهم",
            "村上春樹",
            "ana",
            "ana ruiz",
            "ANA RUIZ",
            "Ludwig van Beethoven",
            "Ana María de los Ángeles Ruiz y García",
            "Leonardo da Vinci",
            "al-Khwarizmi",
        ] {
            assert_eq!(DisplayName::parse(name).unwrap().greeting(), Some(name));
        }
        for name in [
            "YOU WON! https://evil.example/x",
            "https://evil.example",
            "evil.example",
            "t.co",
            "Ana evil.example.",
            "www.evil",
            "a.b.cd",
            "evil。example",
            "evil．example",
            "evil｡example",
            "ana@evil.example",
            "mailto:ana",
            "evil/x",
            "Ana, you won",
            "Won!",
            "Call 900123123",
            "٩٠٠",
            "Ana 💰",
            "<b>Ana</b>",
            "Ana\u{2024}example",
            "-",
            "...",
            "a..b",
            "one two three four five six seven",
            "Tu cuenta caduca hoy llama ya",
            "Tu Cuenta Caduca Hoy Llama Ya",
            "Su Cuenta Caduca",
            "Tu premio",
            "llama ya",
            "You Won",
            "call us now",
            "de la",
            "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(DisplayName::parse(name).unwrap().greeting(), None, "{name}");
        }
    }

    #[test]
    fn one_address_may_be_written_in_several_ways() {
        let parse = |text| Email::parse(text).unwrap();
        for (one, other, is_same) in [
            ("ana@CAFÉ.example", "ana@café.example", true),
            ("ana@café.example", "ana@xn--caf-dma.example", true),
            ("ana@XN--CAF-DMA.example", "Ana@cafe\u{301}.EXAMPLE", true),
            ("JOSÉ@example.org", "josé@example.org", true),
            (" ana@example.org\u{200b}", "ana@example.org", true),
            ("ana@ｅｘａｍｐｌｅ.org", "ana@example.org", true),
            ("ana@café.example", "ana@cafe.example", false),
            ("ana@example.org", "eva@example.org", false),
            ("jose@example.org", "josé@example.org", false),
        ] {
            assert_eq!(parse(one).is_same(&parse(other)), is_same, "{one} {other}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_answered_is_refused() {
        for (text, kept) in [
            ("ana@example.org", "ana@example.org"),
            (" josé.núñez+libros@correo.example.es ", "josé.núñez+libros@correo.example.es"),
            ("\u{200b}ana@example.org\u{feff}\t", "ana@example.org"),
            ("o'hara_1=x@bücher.example", "o'hara_1=x@bücher.example"),
            ("अना@उदाहरण.भारत", "अना@उदाहरण.भारत"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), kept);
        }
        for text in [
            "",
            "ana",
            "ana@",
            "@example.org",
            "ana@localhost",
            "a b@example.org",
            "a\tb@example.org",
            "ana@exam ple.org",
            "ana@example..org",
            "<ana@x.org>",
            "Ana <ana@example.org>",
            "a@b@x.org",
            "mailto:ana@example.org",
            "ana\u{202e}@example.org",
            "a\u{200b}na@example.org",
            "ana@exam\u{ad}ple.org",
            "ana\u{2800}b@example.org",
            "ana\u{a0}b@example.org",
            "\"ana\"@example.org",
            "\"a b\"@example.org",
            ".ana@example.org",
            "ana.@example.org",
            "a..na@example.org",
            "ana@.example.org",
            "ana@example.org.",
            "ana@-example.org",
            "ana@example-.org",
            "ana@example.o",
            "ana@192.168.0.1",
            "ana@[192.168.0.1]",
            "ana@exam_ple.org",
            "ana,eva@example.org",
            "ana@example.org,eva@example.org",
            "ana(x)@example.org",
            "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}@example.org",
            "😀@example.org",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
        for text in [
            format!("{}@example.org", "a".repeat(65)),
            format!("ana@{}.org", "a".repeat(64)),
            format!("ana@{}org", "example.".repeat(32)),
        ] {
            assert!(Email::parse(&text).is_err(), "{text}");
        }
    }
}

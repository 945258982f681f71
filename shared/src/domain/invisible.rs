//! Characters that show nothing: which of them text keeps, and where.
//!
//! Two texts that differ only in such characters look the same, so they may not name two authors, and a text that has
//! nothing else is blank. They are kept where a script or an emoji needs them.

use unicode_normalization::char::is_combining_mark;

use super::words::is_ignorable;

/// Unicode's `Default_Ignorable_Code_Point` (<https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>),
/// and the signs for annotated and embedded objects, which need a format that a plain text does not have.
pub fn is_default_ignorable(c: char) -> bool {
    is_ignorable(c)
        || matches!(c,
            '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

/// Characters that are as wide as a blank and as empty, without Unicode's `White_Space`: of Braille, of Korean in two
/// widths, and of musical notation.
pub fn is_empty_sign(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{1d159}')
}

/// Everything up to U+FFFF that does not count as content, as one character of a regular expression. It names no class such
/// as `\s`, because those differ between the dialects of regular expressions, and nothing beyond U+FFFF, because JavaScript
/// reads such a character as two without the flag `u`. Blank signs beyond it match, and are refused by the parser alone.
pub const CONTENT: &str = concat!(
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f",
    r"\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufdd0-\ufdef\ufff0-\ufffc\ufffe\uffff]"
);

/// Whether a default-ignorable character changes how its neighbours look: a joiner in a script that joins letters or
/// between emoji, a variation selector behind a character that has variants. Soft hyphens, zero-width spaces, controls of
/// direction and all others never do: pages isolate the direction of each text.
pub fn is_in_place(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let between = |is_fit: fn(char) -> bool| is_fit(before) && after.is_some_and(is_fit);
    match c {
        '\u{200c}' => between(joins),
        '\u{200d}' => between(joins) || (ends_emoji(before) && after.is_some_and(is_emoji)),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => is_mongolian(before),
        '\u{180e}' => between(is_mongolian),
        '\u{fe0f}' if is_key(before) => after == Some('\u{20e3}'),
        '\u{fe00}'..='\u{fe0f}' => is_emoji(before) || is_ideograph(before),
        '\u{e0100}'..='\u{e01ef}' => is_ideograph(before),
        _ => false,
    }
}

/// Letters and marks of the scripts whose spelling uses joiners: Arabic to Myanmar, Khmer, Mongolian and their kin. Between
/// Latin letters a joiner shows nothing.
fn joins(c: char) -> bool {
    let in_script = matches!(c,
        '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1900}'..='\u{1cff}' | '\u{a840}'..='\u{abff}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{11fff}');
    in_script && !is_default_ignorable(c) && (c.is_alphanumeric() || is_combining_mark(c))
}

fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18af}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// What is, or can be shown as, an emoji; with the symbols around them, which have variants too.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2100}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

fn ends_emoji(c: char) -> bool {
    is_emoji(c) || c == '\u{fe0f}'
}

/// The characters that U+20E3 makes a key of.
fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

#[cfg(test)]
mod tests {
    use regex_lite::Regex;

    use super::{super::clean, *};

    #[test]
    fn the_schema_and_the_parser_agree_on_what_is_blank_for_every_character_up_to_u_ffff() {
        let content = Regex::new(CONTENT).unwrap();
        for c in '\0'..='\u{ffff}' {
            let text = c.to_string();
            assert_eq!(content.is_match(&text), !clean(&text).is_empty(), "U+{:04X}", u32::from(c));
        }
        for c in ('\u{10000}'..=char::MAX).step_by(101) {
            assert!(content.is_match(&c.to_string()), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn the_schema_and_the_parser_agree_on_what_is_blank_for_texts() {
        let content = Regex::new(CONTENT).unwrap();
        for (text, is_content) in [
            ("", false),
            (" \t\r\n\u{b}\u{c}\u{85}\u{2028}\u{2029}\u{3000}", false),
            ("\u{200b}\u{200b}", false),
            ("\u{ad}\u{2800}\u{3164}\u{fe0f}", false),
            ("\u{115f}\u{1160}\u{17b4}\u{180b}\u{200d}\u{180b}", false),
            ("\u{200d} \u{feff}.", true),
            ("😀", true),
        ] {
            assert_eq!((content.is_match(text), !clean(text).is_empty()), (is_content, is_content), "{text:?}");
        }
    }
}

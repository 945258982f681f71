//! Numbers of payment cards in what people type. The shop asks for none, and must not keep one.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    Invalid, Parsed, Reason,
    invisible::{is_default_ignorable, is_empty_sign},
};

/// Refuses a text with the number of a payment card, written in any digits and groups: 13 to 19 digits that begin as those of
/// a card scheme (ISO/IEC 7812) and end in the right check digit (Luhn).
pub fn check_no_card(field: &str, text: &str) -> Parsed<()> {
    let has_card = groups(text).chunk_by(|_, next| next.joint != Joint::Break).any(has_card);
    if has_card { Err(Invalid::new(field, Reason::CardNumber)) } else { Ok(()) }
}

/// The same for an e-mail address, which is a card only if it has no letter before the `@`: addresses that a service makes up
/// are full of digits, and one in 260 of those that are a UUID would be refused.
pub fn check_no_card_in_email(field: &str, email: &str) -> Parsed<()> {
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    if local.chars().any(char::is_alphabetic) { Ok(()) } else { check_no_card(field, local) }
}

/// The characters between a group of digits and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// Blanks, line breaks, hyphens and points, with which people group the digits of a card.
    Plain,
    /// Other signs, or one letter: `4111/1111`, `4111 x 1111`. Dates, times and lists of numbers have them too.
    Unusual,
    /// Words. The digits are of another number.
    Break,
}

/// Digits without anything between them.
struct Group {
    digits: Vec<u32>,
    joint: Joint,
    /// Two capital letters in front, as an IBAN has them.
    country: Option<[char; 2]>,
    /// A plus in front, as an international telephone number has it.
    is_after_plus: bool,
}

/// The groups of digits in a text. Compatibility forms such as full-width digits are digits as well, and what shows nothing
/// or changes a digit's look is not between two.
fn groups(text: &str) -> Vec<Group> {
    let shown = text.nfkc().filter(|c| !is_default_ignorable(*c) && !is_combining_mark(*c));
    let mut groups: Vec<Group> = Vec::new();
    let mut between = String::new();
    let mut is_open = false;
    for c in shown {
        let Some(digit) = decimal_digit(c) else {
            between.push(c);
            is_open = false;
            continue;
        };
        if !is_open {
            groups.push(Group {
                digits: Vec::new(),
                joint: joint(&between),
                country: country(&between),
                is_after_plus: between.ends_with('+'),
            });
            between.clear();
            is_open = true;
        }
        groups.last_mut().expect("a group is open").digits.push(digit);
    }
    groups
}

fn joint(between: &str) -> Joint {
    let is_plain = |c: char| c.is_whitespace() || is_empty_sign(c) || "-._".contains(c);
    match between.chars().filter(|c| c.is_alphanumeric()).count() {
        0 if between.chars().all(is_plain) => Joint::Plain,
        0 | 1 => Joint::Unusual,
        _ => Joint::Break,
    }
}

/// The letters of an IBAN directly before its first digits.
fn country(before: &str) -> Option<[char; 2]> {
    let mut last = before.chars().rev();
    let (second, first) = (last.next()?, last.next()?);
    let is_word = first.is_ascii_uppercase() && second.is_ascii_uppercase();
    (is_word && !last.next().is_some_and(char::is_alphanumeric)).then_some([first, second])
}

/// The first digit of each script's ten (Unicode 16, general category `Nd`, without those that NFKC replaces).
const ZEROS: [u32; 67] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950,
];

/// The value of a decimal digit of any script.
fn decimal_digit(c: char) -> Option<u32> {
    let at = ZEROS.partition_point(|zero| *zero <= u32::from(c)).checked_sub(1)?;
    Some(u32::from(c) - ZEROS[at]).filter(|digit| *digit < 10)
}

/// A note has at most some hundred separators, but a window need not be longer than a card's digits and their separators.
const MAX_GROUPS: usize = 40;

/// Whether some of the groups are a card. Whole groups only: inside the number of a bank account many digits look like those
/// of a card. Numbers with check digits of their own are left out: an IBAN, and an ISBN.
fn has_card(groups: &[Group]) -> bool {
    let mut from = 0;
    while from < groups.len() {
        let rest = &groups[from..groups.len().min(from + MAX_GROUPS)];
        if let Some(length) = iban(rest).or_else(|| isbn(rest)) {
            from += length;
            continue;
        }
        // An ISBN behind is of no card in front.
        let until = (1..rest.len()).find(|at| isbn(&rest[*at..]).is_some()).unwrap_or(rest.len());
        if begins_with_card(&rest[..until]) {
            return true;
        }
        from += 1;
    }
    false
}

fn begins_with_card(groups: &[Group]) -> bool {
    let mut digits = Vec::new();
    (1..=groups.len()).any(|count| {
        digits.extend(&groups[count - 1].digits);
        // An international telephone number has at most 15 digits (ITU-T E.164).
        let is_phone = groups[0].is_after_plus && digits.len() <= 15;
        is_card(&digits) && is_grouped_as_card(&groups[..count]) && !is_phone
    })
}

/// Groups with unusual signs between them are a card only if they look like one: of three digits and more each, or all alike.
fn is_grouped_as_card(groups: &[Group]) -> bool {
    if groups[1..].iter().all(|group| group.joint == Joint::Plain) {
        return true;
    }
    let lengths: Vec<usize> = groups.iter().map(|group| group.digits.len()).collect();
    let is_even = lengths[..lengths.len() - 1].windows(2).all(|pair| pair[0] == pair[1]);
    lengths.iter().all(|length| *length >= 3) || (is_even && lengths.iter().sum::<usize>() >= 15)
}

/// The number of groups at the beginning that are an IBAN of digits (ISO 13616).
fn iban(groups: &[Group]) -> Option<usize> {
    let letter = |c: char| u32::from(c) - u32::from('A') + 10;
    let [first, second] = groups.first()?.country?;
    let mut digits = Vec::new();
    groups.iter().enumerate().take_while(|(at, group)| *at == 0 || group.joint == Joint::Plain).find_map(
        |(at, group)| {
            digits.extend(&group.digits);
            if !(13..=32).contains(&digits.len()) {
                return None;
            }
            let (check, account) = digits.split_at(2);
            let rest = account.iter().fold(0, |rest, digit| (rest * 10 + digit) % 97);
            let rest = [letter(first), letter(second)].iter().fold(rest, |rest, letter| (rest * 100 + letter) % 97);
            let rest = check.iter().fold(rest, |rest, digit| (rest * 10 + digit) % 97);
            (rest == 1).then_some(at + 1)
        },
    )
}

/// The number of groups at the beginning that are an ISBN of 13 digits.
fn isbn(groups: &[Group]) -> Option<usize> {
    let mut digits: Vec<u32> = Vec::new();
    groups.iter().take(5).enumerate().find_map(|(at, group)| {
        digits.extend(&group.digits);
        let weights = [1, 3].into_iter().cycle();
        let sum = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>();
        let is_isbn = digits.len() == 13 && digits.starts_with(&[9, 7]) && matches!(digits[2], 8 | 9);
        (is_isbn && sum.is_multiple_of(10)).then_some(at + 1)
    })
}

fn is_card(digits: &[u32]) -> bool {
    if !(13..=19).contains(&digits.len()) {
        return false;
    }
    let first_four = digits[..4].iter().fold(0, |number, digit| number * 10 + digit);
    let length = digits.len();
    let is_of_scheme = match first_four {
        // American Express, Diners Club, JCB.
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        3528..=3589 => (16..=19).contains(&length),
        // Visa.
        4000..=4999 => matches!(length, 13 | 16 | 19),
        // Mastercard; Maestro, Discover and UnionPay.
        5100..=5599 | 2221..=2720 => length == 16,
        5000..=5099 | 5600..=6999 => matches!(length, 16 | 19),
        _ => false,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, digit)| luhn(at, *digit)).sum();
    is_of_scheme && sum.is_multiple_of(10)
}

/// Every second digit from the right counts twice.
fn luhn(at: usize, digit: u32) -> u32 {
    let doubled = if at % 2 == 1 { digit * 2 } else { digit };
    if doubled > 9 { doubled - 9 } else { doubled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cards_of_each_scheme_are_known_by_their_beginning_and_length() {
        for (card, is_refused) in [
            ("378282246310005", true),
            ("30569309025904", true),
            ("36227206271667", true),
            ("38520000023237", true),
            ("3530111333300000", true),
            ("4111111111111111", true),
            ("4222222222222", true),
            ("5555555555554444", true),
            ("2223003122003222", true),
            ("6011111111111117", true),
            ("6200000000000005", true),
            ("1111111111111117", false),
        ] {
            assert_eq!(check_no_card("note", card).is_err(), is_refused, "{card}");
        }
    }

    #[test]
    fn an_address_of_digits_alone_can_be_a_card_and_one_with_letters_is_an_address() {
        for (email, is_refused) in [
            ("4111111111111111@example.org", true),
            ("4111-1111.1111_1111@example.org", true),
            ("600123123@example.org", false),
            // The digits of the first are those of a card, with one letter between two groups.
            ("41111111a1111-1111@example.org", false),
            ("ana4111111111111111@example.org", false),
        ] {
            assert_eq!(check_no_card_in_email("email", email).is_err(), is_refused, "{email}");
        }
        assert!(check_no_card("note", "41111111a1111-1111").is_err(), "in a text it is one");
    }

    #[test]
    fn digits_in_groups_of_any_length_are_a_card_if_people_group_digits_so() {
        for (text, is_refused) in [
            ("41 1 11111111111 11", true),
            ("41-1-11111111111-11", true),
            ("41.1.11111111111.11", true),
            ("41_1_11111111111_11", true),
            ("41\u{2800}1\u{2800}11111111111\u{2800}11", true),
            ("41/1/11111111111/11", false),
            ("4111/1111/1111/1111", true),
            ("37/82/82/24/63/10/00/5", true),
            ("37/82/8/224/63/10/00/5", false),
        ] {
            assert_eq!(check_no_card("note", text).is_err(), is_refused, "{text}");
        }
    }

    #[test]
    fn the_number_of_an_account_or_a_book_is_no_card_though_its_digits_are_those_of_one() {
        for (text, is_refused) in [
            ("ES65 4111 1111 1111 1111 0000", false),
            ("ES66 4111 1111 1111 1111 0000", true),
            ("GB70 4111111111111111", false),
            ("GB70 4111111111111111, 4111111111111111", true),
            ("eS68 4111 1111 1111 1111 0000", true),
            ("Es66 4111 1111 1111 1111 0000", true),
            ("AES65 4111 1111 1111 1111 0000", true),
            ("401 9780618002214", false),
            ("4010 9780618002214", false),
            ("9780618002214 407", false),
            ("978-0-618-00221-4 4111 1111 1111 1111", true),
            ("4111 1111 1111 1111 978-0-618-00221-4", true),
        ] {
            assert_eq!(check_no_card("note", text).is_err(), is_refused, "{text}");
        }
    }

    #[test]
    fn the_digits_of_every_script_have_their_values() {
        assert_eq!(decimal_digit(':'), None, "it is behind nine");
        assert!(ZEROS.is_sorted());
        for (text, digits) in
            [("0123456789", 10), ("٠١٢٣٤٥٦٧٨٩", 10), ("௦௧௨௩௪௫௬௭௮௯", 10), ("၀၁၂၃၄၅၆၇၈၉", 10), ("½ⅣX", 0)]
        {
            let values: Vec<u32> = text.chars().filter_map(decimal_digit).collect();
            assert_eq!(values, (0..digits).collect::<Vec<_>>(), "{text}");
        }
    }
}

//! Who ordered, and where the books go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{
    DisplayName, Email, Invalid, Parsed, Reason,
    card::check_no_card,
    clean, clean_line,
    link::check_no_link,
    text::{bounded, check_length},
};

/// Whom the shop writes to about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    pub name: DisplayName,
    pub email: Email,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// A telephone number as people write it: `+34 600 123 123`. It has 7 to 15 digits (ITU-T E.164), blanks, hyphens, points,
/// slashes and brackets between them, and a plus at most in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(!try_from)]
pub struct Phone(#[schemars(length(min = 7, max = Self::MAX))] String);

impl Phone {
    pub const MAX: usize = 30;

    /// Reads what somebody typed. It refuses the number of a card, which may have as many digits.
    pub fn parse(text: &str) -> Parsed<Self> {
        let phone = Self::read(text)?;
        check_no_card("phone", &phone.0)?;
        Ok(phone)
    }

    fn read(text: &str) -> Parsed<Self> {
        check_length("phone", text.trim(), Self::MAX)?;
        let text = clean_line(text);
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let rest = text.strip_prefix('+').or_else(|| text.strip_prefix("(+")).unwrap_or(&text);
        let is_number = rest.chars().all(|c| c.is_ascii_digit() || " -./()".contains(c));
        if is_number && (7..=15).contains(&digits) && text.len() <= Self::MAX {
            Ok(Self(text))
        } else {
            Err(Invalid::new("phone", Reason::NotAPhone))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = Invalid;

    /// Reads what the shop has accepted before.
    fn try_from(text: String) -> Parsed<Self> {
        Self::read(&text)
    }
}

/// A note of the buyer to the shop, on several lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(!try_from)]
pub struct OrderNote(#[schemars(length(min = 1, max = Self::MAX))] String);

impl OrderNote {
    pub const MAX: usize = 500;

    /// It refuses what looks like the number of a card, which must not be stored.
    pub fn parse(text: &str) -> Parsed<Self> {
        let note = Self::stored(text)?;
        check_no_card("note", &note.0)?;
        Ok(note)
    }

    /// Reads what was accepted before, perhaps by rules that were not as strict as those of today.
    pub fn stored(text: &str) -> Parsed<Self> {
        bounded("note", text, clean, Self::MAX).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OrderNote {
    type Error = Invalid;

    fn try_from(text: String) -> Parsed<Self> {
        Self::parse(&text)
    }
}

/// A postal address as somebody typed it; [`Address::parse`] checks it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressText {
    pub name: String,
    /// Street, number and floor, on one to three lines.
    pub street: Vec<String>,
    #[serde(default)]
    pub postal_code: String,
    pub place: String,
    #[serde(default)]
    pub region: String,
    pub country: String,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AddressText")]
#[schemars(!try_from)]
pub struct Address {
    #[schemars(length(min = 1, max = Self::MAX_LINE))]
    pub name: String,
    /// Street, number and floor.
    #[schemars(length(min = 1, max = Self::MAX_STREET_LINES))]
    pub street: Vec<String>,
    /// None in countries that have no postal codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[schemars(length(min = 1, max = Self::MAX_LINE))]
    pub place: String,
    /// A province or state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub country: Country,
}

impl AddressText {
    /// What is wrong with each line of the street alone, by the names that these have in a form.
    pub fn invalid_streets(&self, of_all: Invalid, fields: [&str; Self::STREETS]) -> Vec<Invalid> {
        let errors = self.street.iter().zip(fields).filter_map(|(line, field)| {
            let alone = Self { street: vec![line.clone()], ..self.clone() };
            let error = Address::parse(&alone).err()?.into_iter().find(|error| error.field == "street")?;
            (error.reason != Reason::Blank).then(|| Invalid { field: field.to_owned(), ..error })
        });
        let errors: Vec<Invalid> = errors.collect();
        // The number of a card may go over both lines.
        if errors.is_empty() { vec![Invalid { field: fields[0].to_owned(), ..of_all }] } else { errors }
    }

    /// The lines of a street in a form.
    const STREETS: usize = 2;
}

impl Address {
    /// As it is written on a parcel, with the country's code.
    pub fn lines(&self) -> Vec<String> {
        let place = match &self.postal_code {
            Some(code) => format!("{code} {}", self.place),
            None => self.place.clone(),
        };
        let after = [Some(place), self.region.clone(), Some(self.country.code().to_owned())];
        [self.name.clone()].into_iter().chain(self.street.clone()).chain(after.into_iter().flatten()).collect()
    }
}

impl Address {
    /// In characters.
    pub const MAX_LINE: usize = 80;
    pub const MAX_STREET_LINES: usize = 3;
    /// In characters.
    pub const MAX_POSTAL_CODE: usize = 12;

    /// Checks all fields of what somebody typed.
    ///
    /// # Errors
    /// Each unacceptable field, by the names of [`AddressText`].
    pub fn parse(text: &AddressText) -> Result<Self, Vec<Invalid>> {
        let address = Self::read(text, typed_line)?;
        // People divide long numbers between lines.
        check_no_card("street", &address.lines().join("\n")).map_err(|invalid| vec![invalid])?;
        Ok(address)
    }

    /// Reads what was accepted before, perhaps by rules that were not as strict as those of today.
    ///
    /// # Errors
    /// See [`Self::parse`].
    pub fn stored(text: &AddressText) -> Result<Self, Vec<Invalid>> {
        Self::read(text, line)
    }

    fn read(text: &AddressText, line: fn(&str, &str) -> Parsed<String>) -> Result<Self, Vec<Invalid>> {
        let mut invalid = Vec::new();
        let mut note = |parsed: Parsed<String>| parsed.map_err(|error| invalid.push(error)).ok();
        let name = note(line("name", &text.name));
        let place = note(line("place", &text.place));
        let region = if clean_line(&text.region).is_empty() { None } else { note(line("region", &text.region)) };
        let street = street(&text.street, line).map_err(|error| invalid.push(error)).ok();
        let country = Country::parse(&text.country).map_err(|error| invalid.push(error)).ok();
        let postal_code = match country {
            Some(country) => country.postal_code(&text.postal_code).map_err(|error| invalid.push(error)).ok().flatten(),
            None => None,
        };
        match (name, street, place, country) {
            (Some(name), Some(street), Some(place), Some(country)) if invalid.is_empty() => {
                Ok(Self { name, street, postal_code, place, region, country })
            }
            _ => Err(invalid),
        }
    }
}

/// Parts of countries of the EU to which its value added tax does not extend, by the beginnings of their postal codes:
/// Directive 2006/112/EC, article 6. Others have country codes of their own.
const OUTSIDE_VAT_AREA: [(&str, &[&str]); 6] = [
    ("DE", &["27498", "78266"]),                 // Heligoland, Büsingen
    ("ES", &["35", "38", "51", "52"]),           // Canary Islands, Ceuta, Melilla
    ("FI", &["22"]),                             // Åland
    ("FR", &["97", "984", "986", "987", "988"]), // overseas
    ("GR", &["63086", "63087"]),                 // Mount Athos
    ("IT", &["22061", "23041"]),                 // Campione d'Italia, Livigno
];

impl Address {
    /// Whether the address is in a country of the EU, but outside the area of its value added tax: prices that include the tax
    /// are wrong there, and the parcel passes the customs.
    pub fn is_outside_vat_area(&self) -> bool {
        let code: String =
            self.postal_code.iter().flat_map(|code| code.chars()).filter(|c| c.is_alphanumeric()).collect();
        let country = self.country.code();
        let code = code.strip_prefix(country).unwrap_or(&code); // FI-22100
        let parts = OUTSIDE_VAT_AREA.iter().filter(|(known, _)| *known == country);
        parts.flat_map(|(_, beginnings)| *beginnings).any(|beginning| code.starts_with(beginning))
    }
}

impl TryFrom<AddressText> for Address {
    type Error = Invalid;

    /// Of a message, which a version before may have sent: a link is no reason to lose the order.
    fn try_from(text: AddressText) -> Parsed<Self> {
        Self::read(&text, line_without_card).map_err(|mut invalid| invalid.swap_remove(0))
    }
}

fn line(field: &str, text: &str) -> Parsed<String> {
    bounded(field, text, clean_line, Address::MAX_LINE)
}

fn line_without_card(field: &str, text: &str) -> Parsed<String> {
    let line = line(field, text)?;
    check_no_card(field, &line)?;
    Ok(line)
}

fn typed_line(field: &str, text: &str) -> Parsed<String> {
    let line = line_without_card(field, text)?;
    check_no_link(field, &line)?;
    Ok(line)
}

/// Lines without content are left out.
fn street(lines: &[String], line: fn(&str, &str) -> Parsed<String>) -> Parsed<Vec<String>> {
    let lines: Vec<&String> = lines.iter().filter(|text| !clean_line(text).is_empty()).collect();
    if lines.is_empty() {
        return Err(Invalid::new("street", Reason::Blank));
    }
    if lines.len() > Address::MAX_STREET_LINES {
        return Err(Invalid::other("street", format!("has {} lines; at most 3 fit on a label", lines.len())));
    }
    lines.into_iter().map(|text| line("street", text)).collect()
}

/// A country by its code of ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Country(&'static str);

// ISO 3166-1 alpha-2, officially assigned codes, January 2026.
const ISO_3166_1: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM \
    FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO \
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT \
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA \
    SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US \
    UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Countries whose post needs no code (Universal Postal Union, postal addressing systems), for which a form must not ask.
const WITHOUT_POSTAL_CODE: &str = "AE AG AO AW BF BI BJ BO BQ BS BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GN GQ GY \
    HK JM KI KM KN KP LC LY ML MO MR MW NR NU QA RW SB SC SL SR SS ST SX SY TD TG TK TL TO TV UG VU YE ZW";

impl Country {
    pub const SPAIN: Self = Self("ES");

    /// Reads a code in any case.
    pub fn parse(code: &str) -> Parsed<Self> {
        let wanted = code.trim().to_ascii_uppercase();
        ISO_3166_1
            .split_ascii_whitespace()
            .find(|code| *code == wanted)
            .map(Self)
            .ok_or_else(|| Invalid::new("country", Reason::NotACountry))
    }

    /// Two capital letters.
    pub fn code(self) -> &'static str {
        self.0
    }

    pub fn has_postal_codes(self) -> bool {
        !WITHOUT_POSTAL_CODE.split_ascii_whitespace().any(|code| code == self.0)
    }

    /// A postal code by the rules of this country, where they are simple; none where there is none and none is needed.
    fn postal_code(self, text: &str) -> Parsed<Option<String>> {
        if check_length("postal_code", text.trim(), Address::MAX_LINE).is_err() {
            return Err(Invalid::new("postal_code", Reason::NotAPostalCode));
        }
        let code = clean_line(text).to_uppercase();
        if code.is_empty() && !self.has_postal_codes() {
            return Ok(None);
        }
        if code.is_empty() {
            return Err(Invalid::new("postal_code", Reason::Blank));
        }
        let digits = self.postal_digits(&code);
        let has = |count: usize| digits.as_ref().is_some_and(|digits| digits.len() == count);
        let is_code = match self.0 {
            // The first two digits are the province.
            "ES" => has(5) && digits.as_ref().is_some_and(|digits| ("01".."53").contains(&&digits[..2])),
            "DE" | "FR" | "IT" => has(5),
            "PT" => has(7) && !digits.as_ref().is_some_and(|digits| digits.starts_with('0')),
            _ => {
                (2..=Address::MAX_POSTAL_CODE).contains(&code.len())
                    && code.bytes().any(|b| b.is_ascii_alphanumeric())
                    && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-')
            }
        };
        let written = match digits {
            Some(digits) if self.0 == "PT" && is_code => format!("{}-{}", &digits[..4], &digits[4..]),
            Some(digits) => digits,
            None => code,
        };
        if is_code { Ok(Some(written)) } else { Err(Invalid::new("postal_code", Reason::NotAPostalCode)) }
    }

    /// The digits of a postal code that has nothing else, however they are grouped, and behind the code of the country or the
    /// letter of its number plates, as in `E-28 013`; none in countries whose codes are not checked.
    fn postal_digits(self, code: &str) -> Option<String> {
        let letter = match self.0 {
            "DE" | "ES" | "FR" | "IT" | "PT" => &self.0[..1],
            _ => return None,
        };
        let code: String = code.chars().filter(|c| !" .-\u{2013}".contains(*c)).collect();
        let digits = code.strip_prefix(self.0).or_else(|| code.strip_prefix(letter)).unwrap_or(&code);
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.to_owned())
    }
}

impl TryFrom<String> for Country {
    type Error = Invalid;

    fn try_from(code: String) -> Parsed<Self> {
        Self::parse(&code)
    }
}

impl From<Country> for &'static str {
    fn from(country: Country) -> Self {
        country.0
    }
}

impl JsonSchema for Country {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Country".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "description": "Two letters of ISO 3166-1.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> AddressText {
        AddressText {
            name: "Ana Ruiz".into(),
            street: vec!["Calle Mayor 1".into(), " ".into(), "3.º B".into()],
            postal_code: "28013".into(),
            place: "Madrid".into(),
            region: String::new(),
            country: "es".into(),
        }
    }

    #[test]
    fn an_address_is_written_on_a_parcel_line_by_line() {
        let address = Address::parse(&AddressText { region: "Madrid".into(), ..typed() }).unwrap();
        assert_eq!(address.lines(), ["Ana Ruiz", "Calle Mayor 1", "3.º B", "28013 Madrid", "Madrid", "ES"]);
        let kong = AddressText { postal_code: String::new(), place: "Kowloon".into(), country: "HK".into(), ..typed() };
        assert_eq!(Address::parse(&kong).unwrap().lines()[3..], ["Kowloon", "HK"]);
        assert_eq!(OrderNote::parse(" Gracias ").unwrap().as_str(), "Gracias");
    }

    #[test]
    fn a_street_has_at_most_three_lines() {
        for (count, is_accepted) in [(1, true), (3, true), (4, false)] {
            let street = (1..=count).map(|line| format!("Calle {line}")).collect();
            assert_eq!(Address::parse(&AddressText { street, ..typed() }).is_ok(), is_accepted, "{count}");
        }
    }

    #[test]
    fn the_line_of_a_street_that_is_wrong_is_named_or_the_first_if_both_are_wrong_together() {
        let fields = ["street-1", "street-2"];
        let names = |street: [&str; 2]| {
            let text = AddressText { street: street.map(str::to_owned).to_vec(), ..typed() };
            let of_all = Address::parse(&text).unwrap_err().swap_remove(0);
            let invalid = text.invalid_streets(of_all, fields).into_iter();
            invalid.map(|invalid| (invalid.field, invalid.reason)).collect::<Vec<_>>()
        };
        let at = |field: &str, reason| (field.to_owned(), reason);
        assert_eq!(names(["Calle Mayor 1", "evil.example"]), [at("street-2", Reason::Link)]);
        assert_eq!(names(["evil.example", ""]), [at("street-1", Reason::Link)]);
        assert_eq!(names(["4111 1111", "1111 1111"]), [at("street-1", Reason::CardNumber)]);
    }

    #[test]
    fn an_address_is_cleaned_and_kept_as_the_post_needs_it() {
        let address = Address::parse(&typed()).unwrap();
        assert_eq!(address.street, ["Calle Mayor 1", "3.º B"]);
        assert_eq!((address.postal_code.as_deref(), address.region), (Some("28013"), None));
        assert_eq!(address.country, Country::SPAIN);
        let written = serde_json::to_value(Address::parse(&typed()).unwrap()).unwrap();
        assert_eq!(serde_json::from_value::<Address>(written).unwrap(), Address::parse(&typed()).unwrap());
    }

    #[test]
    fn each_unacceptable_field_of_an_address_is_named() {
        let long = "x".repeat(81);
        let change = |change: &dyn Fn(&mut AddressText)| {
            let mut text = typed();
            change(&mut text);
            let invalid = Address::parse(&text).unwrap_err();
            invalid.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        for (changed, expected) in [
            (change(&|a| a.name = " \u{200b}".into()), "name: must not be blank"),
            (change(&|a| a.name.clone_from(&long)), "name: must have at most 80 characters, and has 81"),
            (change(&|a| a.name = "4111 1111 1111 1111".into()), "name: must not contain the number of a card"),
            (change(&|a| a.street = vec![]), "street: must not be blank"),
            (change(&|a| a.street = vec![" ".into()]), "street: must not be blank"),
            (change(&|a| a.street = vec!["a".into(); 4]), "street: has 4 lines; at most 3 fit on a label"),
            (change(&|a| a.street = vec![long.clone()]), "street: must have at most 80 characters, and has 81"),
            (change(&|a| a.place = String::new()), "place: must not be blank"),
            (change(&|a| a.region.clone_from(&long)), "region: must have at most 80 characters, and has 81"),
            (change(&|a| a.country = "XX".into()), "country: must be a code of ISO 3166-1 such as ES"),
            (change(&|a| a.postal_code = "53000".into()), "postal_code: must be a postal code of the country"),
            (
                change(&|a| (a.name, a.place, a.postal_code) = Default::default()),
                "name: must not be blank; place: must not be blank; postal_code: must not be blank",
            ),
        ] {
            assert_eq!(changed, expected);
        }
    }

    #[test]
    fn an_address_outside_the_vat_area_is_known_by_its_postal_code() {
        for (country, code, is_outside) in [
            ("ES", "35002", true),
            ("ES", "38001", true),
            ("ES", "51001", true),
            ("ES", "52006", true),
            ("ES", "28013", false),
            ("ES", "07001", false),
            ("PT", "9000-018", false), // Madeira
            ("FR", "97400", true),
            ("FR", "98714", true),
            ("FR", "98000", false), // Monaco is treated as France
            ("FR", "75001", false),
            ("DE", "27498", true),
            ("DE", "78266", true),
            ("DE", "78267", false),
            ("IT", "23041", true),
            ("IT", "22061", true),
            ("IT", "22060", false),
            ("FI", "22100", true),
            ("FI", "FI-22100", true),
            ("FI", "00100", false),
            ("GR", "630 86", true),
            ("GR", "630 88", false),
            ("AD", "AD500", false),
        ] {
            let text = AddressText { postal_code: code.into(), country: country.into(), ..typed() };
            assert_eq!(Address::parse(&text).unwrap().is_outside_vat_area(), is_outside, "{country} {code}");
        }
    }

    #[test]
    fn a_postal_code_follows_the_rules_of_its_country() {
        for (country, code, kept) in [
            ("ES", "28013", Some(Some("28013"))),
            ("ES", " 01001 ", Some(Some("01001"))),
            ("ES", "52006", Some(Some("52006"))),
            ("ES", "00100", None),
            ("ES", "53001", None),
            ("ES", "2801", None),
            ("ES", "28O13", None),
            ("ES", "", None),
            ("PT", "1000-205", Some(Some("1000-205"))),
            ("PT", "1000205", Some(Some("1000-205"))),
            ("PT", "1100 048", Some(Some("1100-048"))),
            ("PT", "PT 1100\u{2013}048", Some(Some("1100-048"))),
            ("PT", "0100-000", None),
            ("PT", "1000", None),
            ("ES", "28 013", Some(Some("28013"))),
            ("ES", "E-28013", Some(Some("28013"))),
            ("ES", "es 28.013", Some(Some("28013"))),
            ("ES", "99999", None),
            ("ES", "S28013", None),
            ("DE", "D-10 115", Some(Some("10115"))),
            ("FR", "F 75001", Some(Some("75001"))),
            ("FI", "FI-22100", Some(Some("FI-22100"))),
            ("DE", "10115", Some(Some("10115"))),
            ("DE", "1011", None),
            ("GB", "sw1a 1aa", Some(Some("SW1A 1AA"))),
            ("IE", "D02 AF30", Some(Some("D02 AF30"))),
            ("NL", "1012 JS", Some(Some("1012 JS"))),
            ("HK", "", Some(None)),
            ("HK", "999077", Some(Some("999077"))),
            ("FR", "", None),
            ("AR", "C1000AAA", Some(Some("C1000AAA"))),
            ("AR", "<b>", None),
            ("AR", "--", None),
            ("AR", "1234567890123", None),
        ] {
            let parsed = Country::parse(country).unwrap().postal_code(code).ok();
            assert_eq!(parsed, kept.map(|kept| kept.map(str::to_owned)), "{country} {code}");
        }
    }

    #[test]
    fn a_country_is_one_of_iso_3166() {
        assert_eq!(ISO_3166_1.split_ascii_whitespace().count(), 249);
        assert!(WITHOUT_POSTAL_CODE.split_ascii_whitespace().all(|code| Country::parse(code).is_ok()));
        assert_eq!(Country::parse(" pt ").unwrap().code(), "PT");
        for code in ["", "E", "ESP", "UK", "EU", "XK", "España", "ES PT"] {
            assert!(Country::parse(code).is_err(), "{code}");
        }
    }

    #[test]
    fn a_telephone_number_is_kept_as_it_was_written() {
        for text in ["+34 600 123 123", "600123123", "(0034) 91-123.45/67", "(+34) 600.123.123", "1234567"] {
            assert_eq!(Phone::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "123456",
            "+",
            "(+",
            "+(+34) 600123123",
            "34+600123123",
            "++34600123123",
            "600 123 123 ext 4",
            "1234567890123456",
            "٦٠٠١٢٣١٢٣",
        ] {
            assert!(Phone::parse(text).is_err(), "{text}");
        }
        assert!(Phone::parse(&format!("1234567{}8", "-".repeat(30))).is_err());
    }

    #[test]
    fn what_looks_like_the_number_of_a_card_is_refused_and_other_numbers_are_not() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "tarjeta: 4111-1111-1111-1111, caduca 12/30",
            "5555.5555.5555.4444",
            "378282246310005",
            "2223003122003222",
            "6011 1111\n1111 1117",
            "nº4111111111111111.",
            "41 11 11 11 11 11 11 11",
            "4111\u{a0}1111\u{a0}1111\u{a0}1111",
            "٤١١١١١١١١١١١١١١١",
            "４１１１１１１１１１１１１１１１",
            "12 4111111111111111",
            "4111/1111/1111/1111",
            "4111 / 1111 / 1111 / 1111",
            "4111–1111–1111–1111",
            "4111·1111·1111·1111",
            "4111,1111,1111,1111",
            "4111:1111:1111:1111",
            "4111*1111*1111*1111",
            "4111|1111|1111|1111",
            "4111(1111)1111(1111)",
            "4111x1111x1111x1111",
            "4111 y 1111 y 1111 y 1111",
            "4111\u{1f4b3}1111\u{1f4b3}1111\u{1f4b3}1111",
            "4111\u{200b}1111\u{2060}1111\u{ad}1111",
            "4\u{fe0f}\u{20e3}111 1111 1111 1111",
            "௪௧௧௧௧௧௧௧௧௧௧௧௧௧௧௧",
            "၄၁၁၁ ၁၁၁၁ ၁၁၁၁ ၁၁၁၁",
            "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏",
            "4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
            "3782, 822463, 10005",
            "+4111 1111 1111 1111",
            "9788437604947 4111111111111111",
        ] {
            let refused = OrderNote::parse(text).unwrap_err();
            assert_eq!(refused.to_string(), "note: must not contain the number of a card", "{text}");
        }
        for text in [
            "9780618002214",
            "978-0-618-00221-4",
            "4111111111111112",
            "+34 600 123 123",
            "ES91 2100 0418 4502 0005 1332",
            "Pedido 100234, llamar al 912345678 o al 600123123",
            "0000 0000 0000 0000",
            "978-84-376-0494-7, 979-10-90636-07-1 y 9788420412146",
            "9784003101018 9784003101018",
            "+49 1512 3456787",
            "Tel. +491512345678-7",
            "912 345 678 / 600 123 123 / 600-123-124",
            "4/12/2026, 10:00-14:00",
            "30/11/26, 11:15-13:30; 30/11/2026, 9:15-13:30",
            "ES78 1465 4111 1111 1111 1111",
            "4111 1111, piso 1111, puerta 1111",
            "Pedidos 100234, 100235, 100236 y 100237",
        ] {
            assert!(OrderNote::parse(text).is_ok(), "{text}");
        }
    }
}

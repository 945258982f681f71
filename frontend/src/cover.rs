//! Draws a cover for every book from its title, author and genre. Palette and composition follow from the id, so that a
//! book always has the same cover. One unit is a pixel where the cover is 120 wide.

use std::fmt::Write;

use crate::markup::{Markup, escape_into};

const WIDTH: f32 = 120.0;

/// Ground, ink, ornament. Ink and ornament-behind-ink keep their contrast; a test measures it.
const PALETTES: &[[&str; 3]] = &[
    ["#7a1f2b", "#fbeedd", "#a63d40"],
    ["#14342b", "#f4ecd8", "#2c5f4f"],
    ["#f1e3c6", "#3a1f14", "#dcbf8d"],
    ["#1d2f4f", "#f7e9cf", "#345182"],
    ["#e9b949", "#33210b", "#f4d27f"],
    ["#3b2a4a", "#f6e6f0", "#5f4675"],
    ["#d9e2dc", "#19382f", "#b3c9bd"],
    ["#b3452c", "#fff6e9", "#93341f"],
    ["#f3d5c6", "#5b1a1e", "#e8b49c"],
    ["#22282c", "#f2ead9", "#3d474d"],
    ["#0f4c5c", "#fdf3e0", "#1b6577"],
    ["#efe9dc", "#7b2d1d", "#dccfb4"],
];

/// Positions of the texts, and the drawing behind them.
struct Composition {
    /// `{o}` is the ornament's colour, `{i}` the ink's.
    ornament: &'static str,
    title: Area,
    author: Area,
    /// The base line of the genre, under the author's middle or left edge.
    imprint: f32,
}

/// A text in a box: `x` is the middle or the left edge, `y` the top or the base of the last line.
#[derive(Clone, Copy)]
struct Area {
    anchor: Anchor,
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    standing: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Anchor {
    Left,
    Middle,
}

impl Anchor {
    fn attribute(self) -> &'static str {
        match self {
            Self::Left => "",
            Self::Middle => " text-anchor='middle'",
        }
    }
}

const fn middle(y: f32, width: f32, height: f32, standing: bool) -> Area {
    Area { anchor: Anchor::Middle, x: WIDTH / 2.0, y, width, height, standing }
}

const fn left(x: f32, y: f32, width: f32, height: f32, standing: bool) -> Area {
    Area { anchor: Anchor::Left, x, y, width, height, standing }
}

const COMPOSITIONS: &[Composition] = &[
    // A frame with a diamond between title and author.
    Composition {
        ornament: "<path d='M8 8h104v164H8zm3 3v158h98V11zm49 110l5 7-5 7-5-7z' fill='{i}' fill-rule='evenodd' \
                   opacity='.75'/>",
        title: middle(24.0, 90.0, 94.0, false),
        author: middle(158.0, 88.0, 24.0, true),
        imprint: 165.5,
    },
    // A low sun.
    Composition {
        ornament: "<circle cx='60' cy='180' r='76' fill='{o}'/><circle cx='60' cy='180' r='52' fill='{i}' \
                   opacity='.13'/>",
        title: middle(16.0, 104.0, 84.0, false),
        author: middle(164.0, 84.0, 26.0, true),
        imprint: 173.0,
    },
    // A cloth spine.
    Composition {
        ornament: "<path d='M0 0h16v180H0z' fill='{o}'/><path d='M16 0h1.5v180H16z' fill='{i}' opacity='.5'/>",
        title: left(25.0, 16.0, 87.0, 112.0, false),
        author: left(25.0, 163.0, 87.0, 26.0, true),
        imprint: 172.0,
    },
    // Two fields, cut aslant.
    Composition {
        ornament: "<path d='M0 180V134L120 96v84z' fill='{o}'/>",
        title: left(11.0, 14.0, 99.0, 84.0, false),
        author: left(11.0, 163.0, 98.0, 26.0, true),
        imprint: 172.0,
    },
    // Lines, as of a page not yet written.
    Composition {
        ornament: "<path d='M11 13h98M11 162h98' stroke='{i}' stroke-width='2'/>\
                   <path d='M11 132h98m-98 6h98m-98 6h98m-98 6h60' stroke='{i}' opacity='.3'/>",
        title: left(11.0, 50.0, 99.0, 76.0, false),
        author: left(11.0, 38.0, 99.0, 22.0, true),
        imprint: 171.0,
    },
    // Arches.
    Composition {
        ornament: "<path d='M14 180V96a46 46 0 0192 0v84' fill='{o}'/>\
                   <path d='M22 180V98a38 38 0 0176 0v82' fill='none' stroke='{i}' opacity='.4'/>",
        title: middle(76.0, 72.0, 82.0, false),
        author: middle(38.0, 104.0, 26.0, true),
        imprint: 172.0,
    },
    // A label on patterned boards.
    Composition {
        ornament: "<path d='M0 12h120M0 26h120M0 154h120M0 168h120' stroke='{o}' stroke-width='7'/>\
                   <path d='M0 38h120v104H0z' fill='{i}' opacity='.09'/><path d='M0 38h120M0 142h120' stroke='{i}'/>",
        title: middle(46.0, 106.0, 62.0, false),
        author: middle(130.0, 104.0, 22.0, true),
        imprint: 138.0,
    },
    // Rings around a star.
    Composition {
        ornament: "<g fill='none' stroke='{o}' stroke-width='3'><circle cx='96' cy='30' r='18'/>\
                   <circle cx='96' cy='30' r='34'/><circle cx='96' cy='30' r='50'/></g>\
                   <circle cx='96' cy='30' r='7' fill='{i}'/>",
        title: left(11.0, 135.0, 99.0, 72.0, true),
        author: left(11.0, 164.0, 98.0, 22.0, true),
        imprint: 173.0,
    },
];

/// Title sizes, from that of a short title to the smallest legible one.
const TITLE_SIZES: &[f32] = &[27.0, 23.0, 20.0, 17.0, 15.0, 13.0, 11.5, 10.0];
const AUTHOR_SIZES: &[f32] = &[10.5, 9.5];
const LEADING: f32 = 1.14;

/// Draws the cover. `label` is its text alternative; `imprint`, the genre's name, is drawn if it fits.
pub fn cover(id: u32, label: &str, title: &str, byline: &str, imprint: Option<&str>) -> Markup {
    let hash = scattered(id);
    let [ground, ink, ornament] = pick(PALETTES, hash & 0xffff);
    let composition = pick(COMPOSITIONS, hash >> 16);
    let mut svg = String::with_capacity(1_024);
    svg.push_str("<svg class=cover viewBox='0 0 120 180' role=img><title>");
    escape_into(&mut svg, label);
    let shapes = composition.ornament.replace("{o}", ornament).replace("{i}", ink);
    _ = write!(svg, "</title><path fill='{ground}' d='M0 0h120v180H0z'/>{shapes}<g fill='{ink}'>");
    write_area(&mut svg, &composition.title, without_series(title), TITLE_SIZES);
    write_area(&mut svg, &composition.author, byline, AUTHOR_SIZES);
    if let Some(imprint) = imprint {
        let line = Area { y: composition.imprint, height: 5.0, ..composition.author };
        svg.push_str("<g class=imprint>");
        write_area(&mut svg, &line, &imprint.to_uppercase(), &[5.0]);
        svg.push_str("</g>");
    }
    svg.push_str("</g></svg>");
    Markup::new(svg)
}

/// Neighbours must not look alike (the last steps of `MurmurHash3`).
fn scattered(id: u32) -> u32 {
    let once = (id ^ id >> 16).wrapping_mul(0x85EB_CA6B);
    let twice = (once ^ once >> 13).wrapping_mul(0xC2B2_AE35);
    twice ^ twice >> 16
}

#[expect(clippy::cast_possible_truncation, reason = "a table's length")]
fn pick<T>(table: &'static [T], hash: u32) -> &'static T {
    &table[(hash % table.len() as u32) as usize]
}

/// Removes a series note such as "(The Hunger Games, #1)" from a title.
fn without_series(title: &str) -> &str {
    title.split_once(" (").map_or(title, |(main, _)| main)
}

fn write_area(svg: &mut String, area: &Area, text: &str, sizes: &[f32]) {
    let Set { size, lines } = set(text, area.width, area.height, sizes);
    let leading = size * LEADING;
    #[expect(clippy::cast_precision_loss, reason = "a dozen lines")]
    let below_first = leading * lines.len().saturating_sub(1) as f32;
    let first = if area.standing { area.y - below_first } else { area.y + size * 0.8 };
    let direction = if is_right_to_left(text) { " direction='rtl'" } else { "" };
    let anchor = area.anchor.attribute();
    let x = if area.anchor == Anchor::Left && !direction.is_empty() { area.x + area.width } else { area.x };
    _ = write!(svg, "<text y='{first:.0}' font-size='{size}'{anchor}{direction}>");
    for (at, line) in lines.iter().enumerate() {
        _ = if at == 0 { write!(svg, "<tspan x='{x}'>") } else { write!(svg, "<tspan x='{x}' dy='{leading:.1}'>") };
        escape_into(svg, line);
        svg.push_str("</tspan>");
    }
    svg.push_str("</text>");
}

/// Text set in lines of one size.
struct Set {
    size: f32,
    lines: Vec<String>,
}

/// The largest size at which whole words fit; at the smallest, words are broken and the rest is cut.
fn set(text: &str, width: f32, height: f32, sizes: &[f32]) -> Set {
    let whole = sizes.iter().find_map(|&size| {
        let lines = wrap(text, width / size, false)?;
        (lines.len() <= room(height, size)).then_some(Set { size, lines })
    });
    whole.unwrap_or_else(|| {
        let size = sizes.last().copied().unwrap_or(10.0);
        let mut lines = wrap(text, width / size, true).unwrap_or_default();
        let room = room(height, size);
        if lines.len() > room {
            lines.truncate(room);
            if let Some(last) = lines.last_mut() {
                while ems(last) + em('…') > width / size {
                    last.pop();
                }
                last.push('…');
            }
        }
        Set { size, lines }
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a dozen lines")]
fn room(height: f32, size: f32) -> usize {
    ((height / (size * LEADING)) as usize).max(1)
}

/// Lines of at most this number of ems; none if a word does not fit and must not be broken.
fn wrap(text: &str, width: f32, breaking: bool) -> Option<Vec<String>> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        let line = lines.last_mut()?;
        let gap = if line.is_empty() || is_wide(word.chars().next()?) { "" } else { " " };
        if ems(line) + ems(gap) + ems(word) <= width {
            line.push_str(gap);
            line.push_str(word);
        } else if ems(word) <= width {
            lines.push(word.to_owned());
        } else if breaking {
            for c in word.chars() {
                let line = lines.last_mut()?;
                if ems(line) + em(c) <= width { line.push(c) } else { lines.push(c.to_string()) }
            }
        } else {
            return None;
        }
    }
    lines.retain(|line| !line.is_empty());
    Some(lines)
}

/// Words by spaces; scripts without spaces may be broken at every character.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|word| word.split_inclusive(is_wide))
}

fn ems(text: &str) -> f32 {
    text.chars().map(em).sum()
}

/// How wide a character is at most in the serif faces that systems have, in ems.
fn em(c: char) -> f32 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '’' | '!' | '|' | ' ' | '·' | 'í' | 'ì' => 0.34,
        'f' | 't' | 'r' | '-' | '(' | ')' | 's' => 0.46,
        'm' | 'w' => 0.92,
        'M' | 'W' | '—' | '…' | '@' | '%' => 1.05,
        c if c.is_uppercase() => 0.82,
        c if is_wide(c) => 1.3,
        c if unicode_normalization::char::is_combining_mark(c) => 0.0,
        c if c.is_alphanumeric() && c.len_utf8() < 3 => 0.61,
        _ => 0.9,
    }
}

/// Characters of East Asian scripts, and emoji.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2600}'..='\u{27bf}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'..='\u{3ffff}')
}

fn is_right_to_left(text: &str) -> bool {
    let is = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}');
    text.chars().find(|c| c.is_alphabetic()).is_some_and(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLES: &[&str] = &[
        "It",
        "Don Quijote de la Mancha",
        "The Strange Case of Dr Jekyll and Mr Hyde, with Other Fables, Letters and Prayers, Newly Annotated",
        "Supercalifragilisticexpialidocious",
        "戰爭與和平：列夫·托爾斯泰的長篇小說，全譯本，附地圖與家譜以及譯者的說明",
        "🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀",
        "ألف ليلة وليلة والحكايات الأخرى",
        "<script>alert('x')</script>",
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        "",
    ];

    #[test]
    fn no_line_leaves_its_box() {
        let endless = "x".repeat(4_000);
        for title in TITLES.iter().copied().chain([endless.as_str()]) {
            for composition in COMPOSITIONS {
                for (area, sizes) in [(&composition.title, TITLE_SIZES), (&composition.author, AUTHOR_SIZES)] {
                    let Set { size, lines } = set(title, area.width, area.height, sizes);
                    assert!(lines.iter().all(|line| ems(line) * size <= area.width + 0.01), "{title}: {lines:?}");
                    assert!(lines.len() <= room(area.height, size), "{title}: {lines:?}");
                    let right = area.x + if area.anchor == Anchor::Left { area.width } else { area.width / 2.0 };
                    assert!(right <= WIDTH && area.y <= 180.0);
                }
            }
        }
    }

    /// Top and bottom of the letters of an area, with what hangs below the last line.
    #[expect(clippy::cast_precision_loss, reason = "a dozen lines")]
    fn ink(area: &Area, text: &str, sizes: &[f32]) -> (f32, f32) {
        let Set { size, lines } = set(text, area.width, area.height, sizes);
        let below_first = size * LEADING * lines.len().saturating_sub(1) as f32;
        let first = if area.standing { area.y - below_first } else { area.y + size * 0.8 };
        (first - size * 0.8, first + below_first + size * 0.25)
    }

    #[test]
    fn authors_do_not_stand_in_the_letters_of_the_title() {
        let bylines = ["Juan Ramón Jiménez", "Fiódor Dostoyevski, Rafael Cansinos Assens, Augusto Vidal", "It"];
        for title in TITLES.iter().copied().chain(["Platero y yo", "Jij", "El Aleph y otros"]) {
            for (at, composition) in COMPOSITIONS.iter().enumerate() {
                for byline in bylines {
                    let title_ink = ink(&composition.title, title, TITLE_SIZES);
                    let author_ink = ink(&composition.author, byline, AUTHOR_SIZES);
                    let is_apart = title_ink.1 <= author_ink.0 || author_ink.1 <= title_ink.0;
                    assert!(is_apart, "composition {at}: {title} {title_ink:?}, {byline} {author_ink:?}");
                }
            }
        }
    }

    #[test]
    fn a_short_title_is_large_and_a_hundred_characters_can_still_be_read() {
        let area = &COMPOSITIONS[0].title;
        assert!(set("It", area.width, area.height, TITLE_SIZES).size > 26.0);
        let long = set(TITLES[2], area.width, area.height, TITLE_SIZES);
        assert!(long.size >= 10.0);
        assert!(!long.lines.concat().contains('…'), "{:?}", long.lines);
    }

    #[test]
    fn a_cover_is_small_always_the_same_and_hostile_words_are_words() {
        let draw = |id| cover(id, "Cubierta", TITLES[7], "<b>", None).to_string();
        assert_eq!(draw(7), draw(7));
        assert!((1..200).all(|id| draw(id).len() < 1_100));
        assert!(!draw(7).contains("<script") && !draw(7).contains("<b>"));
        let kinds: std::collections::HashSet<String> =
            (1..500).map(|id| draw(id).split("<text").next().unwrap_or_default().to_owned()).collect();
        assert!(kinds.len() > 90, "{} of {} kinds", kinds.len(), PALETTES.len() * COMPOSITIONS.len());
    }

    #[test]
    fn ink_can_be_read_on_ground_and_on_ornament() {
        for [ground, ink, ornament] in PALETTES {
            assert!(contrast(ink, ground) >= 4.5, "{ink} on {ground}: {}", contrast(ink, ground));
            assert!(contrast(ink, ornament) >= 4.5, "{ink} on {ornament}: {}", contrast(ink, ornament));
        }
    }

    /// WCAG 2.2's contrast ratio of two colours such as `#7a1f2b`.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |colour: &str| -> f64 {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

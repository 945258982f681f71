//! Languages of books: their shares, and what titles in them look like.

use crate::{
    random::Random,
    words::{self, Sounds},
};

/// How titles of a language are formed.
pub struct Language {
    /// The most frequent words first.
    pub words: Vec<&'static str>,
    pub favourites: &'static [Favourite],
    pub sounds: Sounds,
    /// Patterns of titles: `*` is a word, and `~` an invented name.
    pub patterns: &'static [&'static str],
    /// Patterns of series.
    pub series: &'static [&'static str],
    /// Whether all words of a title have a capital letter.
    pub capitals: bool,
}

/// A word that stands in very many titles.
pub struct Favourite {
    pub word: &'static str,
    /// Share of the language's titles, in addition to those with it by chance.
    pub share: f64,
}

/// BCP 47 tags, how titles in them are formed (by position in [`all`]), and their shares. The rest has no tag.
const TAGS: [(&str, usize, f64); 12] = [
    ("en", ENGLISH, 0.38),
    ("es", SPANISH, 0.20),
    ("en-US", ENGLISH, 0.09),
    ("fr", FRENCH, 0.07),
    ("de", GERMAN, 0.06),
    ("en-GB", ENGLISH, 0.05),
    ("pt", PORTUGUESE, 0.03),
    ("pt-BR", PORTUGUESE, 0.025),
    ("ca", SPANISH, 0.015),
    ("gl", PORTUGUESE, 0.005),
    ("es-MX", SPANISH, 0.004),
    ("eu", BASQUE, 0.001),
];

const ENGLISH: usize = 0;
const SPANISH: usize = 1;
const FRENCH: usize = 2;
const PORTUGUESE: usize = 3;
const GERMAN: usize = 4;
const BASQUE: usize = 5;

/// The tag of a book's language, and the position of its language in [`all`].
pub fn tag(random: &mut Random) -> (Option<&'static str>, usize) {
    let mut rest = random.unit();
    for (tag, language, share) in TAGS {
        rest -= share;
        if rest <= 0.0 {
            return (Some(tag), language);
        }
    }
    (None, if random.chance(0.5) { ENGLISH } else { SPANISH })
}

/// All languages.
pub fn all() -> [Language; 6] {
    [english(), spanish(), french(), portuguese(), german(), basque()]
}

fn english() -> Language {
    Language {
        words: words::list(include_str!("words/english.txt")),
        favourites: &[Favourite { word: "love", share: 0.04 }, Favourite { word: "house", share: 0.03 }],
        sounds: Sounds {
            consonants: &[
                "b", "ch", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "sh", "st", "t", "th", "v", "w",
            ],
            vowels: &["a", "e", "i", "o", "ea"],
            endings: &["", "n", "r", "ck"],
        },
        patterns: &[
            "the * of the *",
            "the *",
            "* and *",
            "* in the *",
            "a * for *",
            "the * *",
            "* *",
            "* of *",
            "the *'s *",
            "how to * your *",
            "*",
            "the ~ *",
            "* of ~",
            "~: a *",
            "the * of ~",
            "* with *",
            "on * and *",
            "my *",
            "* by the *",
            "the complete * of ~",
            "an introduction to * and *",
            "* * *",
            "the last * of ~",
            "don't * the *",
            "it's a * *",
            "half-* *",
            "it and the *",
            "what the * did to me",
            "you and the *",
        ],
        series: &["The ~ Saga", "The ~ Chronicles", "~"],
        capitals: true,
    }
}

fn spanish() -> Language {
    Language {
        words: words::list(include_str!("words/spanish.txt")),
        favourites: &[
            Favourite { word: "casa", share: 0.08 },
            Favourite { word: "mar", share: 0.08 },
            Favourite { word: "mundo", share: 0.03 },
        ],
        sounds: Sounds {
            consonants: &[
                "b", "c", "d", "f", "g", "h", "j", "l", "ll", "m", "n", "p", "qu", "r", "s", "t", "tr", "v", "y", "z",
            ],
            vowels: &["a", "e", "i", "o", "ue"],
            endings: &["", "s", "n", "r"],
        },
        patterns: &[
            "el * de la *",
            "la * del *",
            "* y *",
            "la *",
            "el *",
            "los * de ~",
            "historia de la * y el *",
            "el * de ~",
            "cuentos de * y *",
            "la * de los *",
            "* en la *",
            "un * para la *",
            "el último *",
            "* de *",
            "las * de ~",
            "que me * el *",
            "lo que no *",
            "~, * de *",
            "* * de ~",
            "¿por qué me * la *?",
            "la * sin su *",
            "su *",
        ],
        series: &["~", "Saga de ~", "Crónicas de ~"],
        capitals: false,
    }
}

fn french() -> Language {
    Language {
        words: words::list(include_str!("words/french.txt")),
        favourites: &[Favourite { word: "monde", share: 0.06 }],
        sounds: Sounds {
            consonants: &["b", "ch", "d", "f", "g", "j", "l", "m", "n", "p", "r", "s", "t", "v", "br", "cl"],
            vowels: &["a", "é", "i", "ou", "eau"],
            endings: &["", "x", "t", "r"],
        },
        patterns: &[
            "le * de la *",
            "la *",
            "l'* et la *",
            "* et *",
            "les * de ~",
            "une * à ~",
            "d'une * l'autre *",
            "les *s",
            "le *",
            "la * des *",
            "au-delà du *",
            "qu'est-ce que la *",
        ],
        series: &["~", "Les *s de ~"],
        capitals: false,
    }
}

fn portuguese() -> Language {
    Language {
        words: words::list(include_str!("words/portuguese.txt")),
        favourites: &[Favourite { word: "casa", share: 0.05 }, Favourite { word: "mar", share: 0.05 }],
        sounds: Sounds {
            consonants: &["b", "c", "d", "f", "g", "lh", "m", "n", "nh", "p", "r", "s", "t", "v", "x"],
            vowels: &["a", "e", "i", "o", "ão"],
            endings: &["", "s", "r", "z"],
        },
        patterns: &["o * da *", "a *", "* e *", "os * de ~", "o *", "as * do *", "um * em ~", "* de *"],
        series: &["~"],
        capitals: false,
    }
}

fn german() -> Language {
    Language {
        words: words::list(include_str!("words/german.txt")),
        favourites: &[Favourite { word: "haus", share: 0.05 }],
        sounds: Sounds {
            consonants: &["b", "d", "f", "g", "h", "k", "l", "m", "n", "pf", "r", "s", "sch", "str", "t", "w", "z"],
            vowels: &["a", "e", "ei", "o", "ü"],
            endings: &["", "n", "cht", "rn"],
        },
        patterns: &["das * der *", "der *", "die *", "* und *", "die * von ~", "ein * in ~", "das *", "*", "* ohne *"],
        series: &["~-Saga", "~"],
        capitals: true,
    }
}

fn basque() -> Language {
    Language {
        words: words::list(include_str!("words/basque.txt")),
        favourites: &[Favourite { word: "etxe", share: 0.06 }],
        sounds: Sounds {
            consonants: &["b", "d", "g", "h", "k", "l", "m", "n", "p", "r", "t", "ts", "tx", "tz", "z"],
            vowels: &["a", "e", "i", "o", "u"],
            endings: &["", "k", "n", "r"],
        },
        patterns: &["*", "* eta *", "~ * *", "* baten *", "*aren *"],
        series: &["~"],
        capitals: false,
    }
}

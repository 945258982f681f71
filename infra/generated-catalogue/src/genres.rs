//! Genres and their shares.

use crate::random::Random;

/// Slugs, the most frequent first: `fiction` has 60 % of the books, and each next one 80 % of its predecessor's, down to
/// one book in ten thousand.
pub const GENRES: [&str; 40] = [
    "fiction",
    "literary",
    "classics",
    "romance",
    "fantasy",
    "crime",
    "young-adult",
    "historical",
    "thriller",
    "children",
    "science-fiction",
    "history",
    "biography",
    "humour",
    "short-stories",
    "horror",
    "adventure",
    "poetry",
    "essay",
    "science",
    "philosophy",
    "travel",
    "drama",
    "art",
    "religion",
    "cooking",
    "psychology",
    "politics",
    "computing",
    "music",
    "economics",
    "comics",
    "sports",
    "nature",
    "law",
    "mathematics",
    "architecture",
    "gardening",
    "chess",
    "heraldry",
];

const FIRST_SHARE: f64 = 0.6;
/// 0.6 × 0.8^39 is one in ten thousand.
const NEXT_SHARE: f64 = 0.8;

/// The genres of a book; a few have none.
pub fn genres(random: &mut Random) -> Vec<String> {
    let mut share = FIRST_SHARE;
    let mut genres = Vec::new();
    for slug in GENRES {
        if random.chance(share) {
            genres.push(slug.to_owned());
        }
        share *= NEXT_SHARE;
    }
    genres
}

//! The cost of a list of 24 books with pictures of covers, and with drawn ones.

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use frontend::drawn_and_pictured;
use serde::Serialize;
use shared::{
    domain::{Filter, Sort},
    http::Query,
    parameters::Parameter,
    repo::books::{self, Listing},
    uploads::{Cover, CoverFiles, Size, cover_key},
};
use sqlx::MySqlConnection;

use crate::{Parameters, host::Objects};

/// The function that is measured.
pub const FUNCTION: &str = "serve-cover";
/// Hash of all pictures of the benchmark.
const HASH: &str = "00000000000000000000000000000000";
/// The width that a browser chooses for a list on a screen with two pixels for each of the stylesheet.
const WIDTH: u32 = 320;
/// Bytes of a picture of that width. Photographs of covers have 15 to 40 KB.
const PICTURE: usize = 25_000;

/// A list of 24 books, in bytes as they are sent, and milliseconds of functions.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ListOfCovers {
    /// Drawn covers in the page, compressed alone.
    pub drawn: usize,
    /// The places of the pictures in the page, compressed alone.
    pub pictured: usize,
    pub pictures: usize,
    pub bytes_of_pictures: usize,
    /// Time of `serve-cover` for all pictures, where nothing is cached.
    pub function_time: f64,
}

/// The path of the picture.
pub fn path() -> String {
    format!("/{}", cover_key(HASH, WIDTH))
}

/// The bucket of files with the picture.
pub fn objects(parameters: &Parameters) -> Result<Objects> {
    let bucket = parameters.get(Parameter::FilesBucket)?;
    let picture = [&[0xFF, 0xD8, 0xFF][..], &vec![0; PICTURE - 3]].concat();
    Ok(Objects::new([(format!("/{bucket}/{}", cover_key(HASH, WIDTH)), picture)].into()))
}

/// The list of the most popular books, with the time of one picture in milliseconds.
pub async fn list(database: &mut MySqlConnection, picture: f64) -> Result<ListOfCovers> {
    let listing = Listing::new(None, Filter::default(), Sort::Popular, Query::USUAL_LIMIT);
    let books = books::list(database, &listing).await?.items;
    let (mut drawn, mut pictured) = (String::new(), String::new());
    for book in &books {
        let files = CoverFiles::new(HASH.to_owned(), Size { width: 640, height: 960 });
        let [one, other] = drawn_and_pictured(book, &Cover { files, credit: None });
        drawn.push_str(&one);
        pictured.push_str(&other);
    }
    Ok(ListOfCovers {
        drawn: compressed(&drawn)?,
        pictured: compressed(&pictured)?,
        pictures: books.len(),
        bytes_of_pictures: books.len() * PICTURE,
        function_time: f64::from(u32::try_from(books.len())?) * picture,
    })
}

/// Bytes of the text as a page sends it.
fn compressed(text: &str) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes())?;
    Ok(encoder.finish()?.len())
}

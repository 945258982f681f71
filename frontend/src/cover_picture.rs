//! The picture of a cover in HTML, in the width that the browser chooses.

use std::fmt::Write;

use shared::{
    domain::Summary,
    uploads::{Cover, Size},
};

use crate::markup::{Markup, escape_into};

/// The place of a cover on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    List,
    /// On the page of its book, where it is large, and seen first.
    Page,
    /// On the page of an upload, which no book has so far.
    Checked,
}

impl Place {
    /// Its width in the stylesheet (`.grid`, `.row`, `.book .cover`).
    const fn sizes(self) -> &'static str {
        match self {
            Self::List => "(min-width: 40rem) 10rem, 45vw",
            Self::Page | Self::Checked => "(min-width: 46rem) 17rem, 34vw",
        }
    }

    /// In front of the addresses of its files.
    const fn folder(self) -> &'static str {
        match self {
            Self::List | Self::Page => "",
            Self::Checked => "/staff",
        }
    }
}

/// The cover with its alternative text. Width and height keep its place until it is loaded.
pub fn picture_of_cover(cover: &Cover, label: &str, place: Place) -> Markup {
    let files: Vec<(String, Size)> =
        cover.addresses().map(|(address, size)| (escaped(&address, place), size)).collect();
    let Some((address, size)) = files.last() else { return Markup::new(String::new()) };
    let candidates: Vec<String> = files.iter().map(|(address, size)| format!("{address} {}w", size.width)).collect();
    let mut html = String::from("<img class=\"cover\" alt=\"");
    escape_into(&mut html, label);
    let loading = if place == Place::List { "loading=\"lazy\"" } else { "fetchpriority=\"high\"" };
    // Writing to a string does not fail.
    let _ = write!(
        html,
        "\" srcset=\"{}\" sizes=\"{}\" src=\"{address}\" width=\"{}\" height=\"{}\" {loading} decoding=\"async\">",
        candidates.join(", "),
        place.sizes(),
        size.width,
        size.height,
    );
    Markup::new(html)
}

/// The address of a file, for an attribute.
fn escaped(address: &str, place: Place) -> String {
    let mut escaped = String::from(place.folder());
    escape_into(&mut escaped, address);
    escaped
}

/// A book of a list with the drawn cover, and with this picture: for the comparison of their sizes.
pub fn drawn_and_pictured(book: &Summary, cover: &Cover) -> [String; 2] {
    let drawn = crate::cover(book.id.get(), &book.title, &book.title, &book.byline, None);
    [drawn.to_string(), picture_of_cover(cover, &book.title, Place::List).to_string()]
}

#[cfg(test)]
mod tests {
    use shared::uploads::CoverFiles;

    use super::*;

    #[test]
    fn the_browser_chooses_among_the_widths_and_knows_the_place_beforehand() {
        let files = CoverFiles::new("0a1b".to_owned(), Size { width: 500, height: 750 });
        let cover = Cover { files, credit: None };
        let html = picture_of_cover(&cover, "Cover of <Tom & \"Jerry\">", Place::List).to_string();
        assert_eq!(
            html,
            "<img class=\"cover\" alt=\"Cover of &lt;Tom &amp; &#34;Jerry&#34;&gt;\" \
             srcset=\"/covers/0a1b-160.jpg 160w, /covers/0a1b-320.jpg 320w, /covers/0a1b-500.jpg 500w\" \
             sizes=\"(min-width: 40rem) 10rem, 45vw\" src=\"/covers/0a1b-500.jpg\" width=\"500\" height=\"750\" \
             loading=\"lazy\" decoding=\"async\">"
        );
        let checked = picture_of_cover(&cover, "", Place::Checked).to_string();
        assert!(checked.contains("src=\"/staff/covers/0a1b-500.jpg\"") && !checked.contains("\"/covers/"), "{checked}");
        let large = picture_of_cover(&cover, "", Place::Page).to_string();
        assert!(large.contains("fetchpriority=\"high\"") && !large.contains("lazy"), "{large}");
    }
    #[test]
    fn a_name_of_a_file_that_no_check_has_written_is_no_html() {
        let files = CoverFiles::new("\"><script>'&".to_owned(), Size { width: 160, height: 240 });
        let html = picture_of_cover(&Cover { files, credit: None }, "", Place::List).to_string();
        let address = "/covers/&#34;&gt;&lt;script&gt;&#39;&amp;-160.jpg";
        assert!(html.contains(&format!("srcset=\"{address} 160w\"")) && html.contains(&format!("src=\"{address}\"")));
        assert!(html.matches('<').count() == 1 && html.matches('"').count() == 18, "{html}");
    }
}

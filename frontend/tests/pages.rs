//! Rules for every page, in both languages.

#[path = "../examples/preview/samples.rs"]
mod samples;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use frontend::{Locale, assets};

/// Names and texts, rendered once for all tests.
static PAGES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let mut pages = Vec::new();
    for locale in Locale::ALL {
        samples::every_page(locale, |name, page| {
            pages.push((format!("{}/{name}", locale.tag()), page.dyn_render().unwrap()));
        });
    }
    pages
});

fn every_page(mut look: impl FnMut(&str, &str)) {
    PAGES.iter().for_each(|(name, html)| look(name, html));
}

fn page(wanted: &str) -> String {
    PAGES.iter().find(|(name, _)| name == wanted).unwrap().1.clone()
}

#[test]
fn a_page_has_its_language_one_main_heading_and_no_skipped_level() {
    every_page(|name, html| {
        let (language, _) = name.split_once('/').unwrap();
        assert!(html.contains(&format!("<html lang=\"{language}\">")), "{name}");
        let levels: Vec<u32> = html.split("<h").skip(1).filter_map(|rest| rest.chars().next()?.to_digit(10)).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
    });
}

#[test]
fn the_account_leads_to_a_whole_list_only_where_there_is_one_and_in_its_gender() {
    for (name, all) in [("es/account", ["Ver todos", "Ver todas", "Ver todas"]), ("en/account", ["See all"; 3])] {
        let html = page(name);
        for (list, all) in ["orders", "ratings", "addresses"].into_iter().zip(all) {
            let link = format!("<a href=\"/account/{list}\" aria-describedby=\"{list}\">");
            assert!(html.contains(&format!("{link}{all}</a>")), "{name} {list}");
            assert!(!page(&format!("{name}-empty")).contains(&link), "{name} {list}");
        }
    }
}

#[test]
fn no_page_has_inline_code_that_the_content_security_policy_forbids() {
    every_page(|name, html| {
        let scripts: Vec<&str> = html.split("<script").skip(1).collect();
        assert!(
            scripts
                .iter()
                .all(|s| s.starts_with(" type=\"module\" src=") || s.starts_with(" type=\"application/ld+json\""))
        );
        for forbidden in [" style=", "<style", " onclick", "javascript:"] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
    });
}

#[test]
fn ids_are_unique_and_references_resolve() {
    every_page(|name, html| {
        let attributes = |attribute: &str| -> Vec<String> {
            let start = format!(" {attribute}=\"");
            html.split(&start).skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
        };
        let ids = attributes("id");
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "{name}: {ids:?}");
        for attribute in ["for", "aria-describedby", "aria-labelledby"] {
            for reference in attributes(attribute) {
                assert!(distinct.contains(&reference), "{name}: {attribute} {reference}");
            }
        }
    });
}

/// With a size, so that nothing moves when it arrives, and in several widths.
#[test]
fn a_picture_of_a_cover_has_a_text_a_size_and_several_widths() {
    let mut seen = 0;
    every_page(|name, html| {
        for image in html.split("<img ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            seen += 1;
            assert!(image.contains("alt=\"Cover of ") || image.contains("alt=\"Cubierta de "), "{name}: {image}");
            // A checked cover is public only when a book has it.
            let folder = if name.contains("/staff-upload-") { "/staff/covers/" } else { "/covers/" };
            let srcset = format!("srcset=\"{folder}");
            for part in [srcset.as_str(), "-160.jpg 160w, ", "sizes=\"", "width=\"640\"", "height=\"9"] {
                assert!(image.contains(part), "{name}: {image}");
            }
        }
    });
    assert!(seen > 20, "{seen} pictures in the samples");
}

#[test]
fn previews_and_search_engines_get_the_widest_picture_of_a_book_and_the_icon_without_one() {
    let html = page("en/book-with-picture");
    let tags: Vec<&str> = html.lines().filter(|line| line.contains("og:image")).collect();
    let [picture, width, height, text] = tags[..] else { panic!("{tags:?}") };
    let address = picture.split("content=\"").nth(1).unwrap().trim_end_matches("\">");
    assert!(address.starts_with("https://shop.example/covers/") && address.ends_with("-640.jpg"), "{address}");
    assert!(width.contains("og:image:width\" content=\"640\""), "{width}");
    assert!(height.contains("og:image:height\" content=\"9"), "{height}");
    assert!(text.contains("og:image:alt\" content=\"Cover of "), "{text}");
    let data = html.split("ld+json\">").nth(1).unwrap().split("</script>").next().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(data).unwrap()["image"], address);
    assert!(html.contains("Ana Ruiz") && html.contains("/sample\" rel=\"nofollow\">Sample chapter (PDF, "), "{html}");

    let drawn = page("en/book");
    let tags: Vec<&str> = drawn.lines().filter(|line| line.contains("og:image")).collect();
    assert!(matches!(tags[..], [icon] if icon.contains("/assets/")), "{tags:?}");
}

#[test]
fn lists_and_carts_have_pictures_that_load_when_they_come_into_view() {
    let mut shown = BTreeSet::new();
    every_page(|name, html| {
        let pictures = html.matches("<img class=\"cover\"").count();
        let large = html.matches("fetchpriority=\"high\"").count();
        assert_eq!(html.matches("loading=\"lazy\"").count() + large, pictures, "{name}");
        assert!(large <= 1, "{name}");
        if pictures > large {
            shown.insert(name.to_owned());
        }
    });
    for page in ["es/home", "es/books", "es/cart", "es/account-wishlist", "es/author"] {
        assert!(shown.iter().any(|name| name.starts_with(page)), "{page}: {shown:?}");
    }
}

#[test]
fn texts_from_visitors_are_escaped() {
    let html = page("es/book-hostile");
    assert!(!html.contains("<script>alert"));
    assert!(html.contains("&lt;script&gt;alert") || html.contains("&#60;script&#62;alert"));
    assert!(html.contains("<meta property=\"og:image\" content=\"https://shop.example/assets/icon."));
    let data = html.split("ld+json\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert!(data["name"].as_str().unwrap().starts_with("<script>alert('x')</script>"));
}

#[test]
fn a_book_names_its_publisher_with_contact_and_where_it_can_be_bought_the_right_of_withdrawal() {
    for (name, publisher, contact, withdrawal) in [
        ("es/book", "<dt>Editorial</dt><dd dir=\"auto\">Editorial Uno</dd>", "info@uno.example</dd>", true),
        ("en/book", "<dt>Publisher</dt><dd dir=\"auto\">Editorial Uno</dd>", "info@uno.example</dd>", true),
        ("en/book-not-sold", "<dt>Publisher</dt>", "info@uno.example</dd>", false),
        ("en/book-hostile", "<dt>Publisher</dt>", "&#60;b&#62;xxx", false),
    ] {
        let html = page(name);
        assert!(html.contains(publisher) && html.contains(contact), "{name}");
        assert_eq!(html.contains("href=\"/terms#terms-withdrawal\""), withdrawal, "{name}");
    }
    let data = page("en/book");
    assert!(data.contains(r#""publisher":{"@type":"Organization","name":"Editorial Uno"}"#), "schema.org");
}

#[test]
fn the_price_of_a_book_includes_the_tax_at_its_rate() {
    for (name, text) in [
        ("es/book", "IVA del 4\u{a0}% incluido."),
        ("en/book", "4% VAT included."),
        ("en/book-imported", "21% VAT included."),
    ] {
        assert!(page(name).contains(text), "{name}");
    }
    assert!(!page("en/book-not-sold").contains("VAT included"));
}

#[test]
fn an_invalid_form_keeps_its_values_and_shows_the_reason_beside_the_field() {
    let html = page("es/book-422");
    assert!(html.contains("¡Qué libro!") && html.contains("value=\"Ana\""));
    assert!(html.contains("<p class=\"error\" id=\"stars-error\">Elige de 1 a 5 estrellas.</p>"));
    assert!(!page("es/book").contains("autofocus"));
    let html = page("en/book-503");
    assert!(html.contains("¡Qué libro!") && html.contains("Everything you typed is still here"));
}

#[test]
fn a_refused_form_has_a_summary_that_takes_the_focus_and_links_to_its_fields() {
    for (name, title, links) in [
        ("es/contact-422", "<title>Error: Escríbenos · Anaquel", &[("name", "Escribe tu nombre."), ("email", "")][..]),
        ("en/contact-422", "<title>Error: Write to us · Anaquel", &[("name", "Enter your name.")]),
        ("es/rate-422", "<title>Error: Tu valoración: Don Quijote", &[("stars", "Elige de 1 a 5 estrellas.")]),
        ("en/rate-503", "<title>Error: Your rating: Don Quijote", &[]),
        ("es/rate-honeypot", "<title>Error: Tu valoración: Don Quijote", &[]),
    ] {
        let html = page(name);
        assert!(html.contains(title), "{name}");
        let summary = html.split("<div class=\"notice\" id=\"form-error\" tabindex=\"-1\" autofocus>").nth(1).unwrap();
        assert!(summary.trim_start().starts_with("<div role=\"alert\">"), "{name}");
        for (field, text) in links {
            assert!(summary.contains(&format!("<a href=\"#{field}\">{text}")), "{name}: {field}");
            assert!(html.contains(&format!(" id=\"{field}\"")), "{name}: {field}");
        }
    }
    assert!(page("es/rate-honeypot").contains("llegó relleno un campo oculto"));
}

#[test]
fn a_form_that_was_sent_again_is_explained_on_the_page_of_its_order() {
    for (name, text) in [
        ("es/order-resent", "cuenta lo que enviaste primero"),
        ("en/order-resent", "what you sent first counts"),
        ("en/order-confirmed-resent", "cancel this order and place another, or write to us. <a href=\"/contact\">"),
        ("en/order-shipped-resent", "to change something, write to us. <a href=\"/contact\">"),
    ] {
        assert!(page(name).contains(text), "{name}");
    }
    for name in ["en/order-confirmed", "en/order-received", "en/order-of-others"] {
        assert!(!page(name).contains("sent more than once"), "{name}");
    }
}

#[test]
fn a_checkout_that_asks_before_it_orders_keeps_what_was_typed_and_links_to_the_latest_order() {
    for (name, text, asks) in [
        ("en/checkout-outdated", "more than a day old", false),
        ("es/checkout-outdated", "más de un día", false),
        ("en/checkout-gone", "no longer in your cart", true),
        ("es/checkout-gone", "ya no están en tu carrito", true),
    ] {
        let html = page(name);
        let main = html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        assert!(main.contains(text) && main.contains("value=\"Calle Mayor 1\""), "{name}");
        assert_eq!(main.contains("name=\"all-the-same\" value=\"yes\""), asks, "{name}");
        assert_eq!(main.contains("href=\"/orders/"), asks, "{name}");
    }
    assert!(!page("en/checkout").contains("all-the-same"));
}

#[test]
fn a_checkout_of_books_that_are_ordered_already_says_when_and_links_to_the_order() {
    for (name, text) in [
        ("en/checkout-ordered", "You sent an order for exactly these books on "),
        ("es/checkout-ordered", "enviaste un pedido con estos mismos libros"),
    ] {
        let html = page(name);
        let main = html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        assert!(main.contains(text) && main.contains("href=\"/orders/") && main.contains("class=\"order\""), "{main}");
    }
    assert!(!page("en/checkout").contains("exactly these books"));
}

#[test]
fn a_number_of_copies_that_cannot_be_ordered_is_refused_at_its_line() {
    let html = page("en/cart-quantity");
    let refused = "must be a whole number from 1 to 20. Nothing was changed.";
    assert_eq!(html.matches(refused).count(), 2, "above the cart, and at the line");
    let error = html.split("class=\"error\" id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(html.contains(&format!("aria-invalid=\"true\" aria-describedby=\"{error}\"")), "{error}");
}

#[test]
fn the_page_of_a_refused_rating_keeps_the_book_and_is_not_indexed() {
    for name in ["es/rate-422", "en/rate-503", "es/rate-honeypot", "en/rate-language"] {
        let html = page(name);
        assert!(html.contains("<svg class=cover") && html.contains("Miguel de Cervantes</p>"), "{name}");
        assert!(html.contains("name=\"book-title\" value=\"Don Quijote de la Mancha\""), "{name}");
        assert!(html.contains("content=\"noindex\"") && !html.contains("rel=\"canonical\""), "{name}");
    }
}

#[test]
fn a_form_that_somebody_has_filled_in_is_no_page_for_search_engines() {
    for (name, is_page) in
        [("es/contact", true), ("en/contact", true), ("es/contact-422", false), ("en/contact-422", false)]
    {
        let html = page(name);
        assert_eq!(html.contains("rel=\"canonical\""), is_page, "{name}");
        assert_eq!(html.contains("hreflang=\"x-default\""), is_page, "{name}");
        assert_eq!(html.contains("name=\"robots\" content=\"noindex\""), !is_page, "{name}");
    }
}

#[test]
fn a_change_of_language_sends_the_form_so_that_nothing_typed_is_lost() {
    for (name, form, action) in [
        ("es/contact", "contact", "/contact?lang=en"),
        ("en/contact-422", "contact", "/contact?lang=es"),
        ("es/book", "rating", "/books/53/ratings?lang=en"),
        ("en/rate-422", "rating", "/books/53/ratings?lang=es"),
    ] {
        let html = page(name);
        let button = format!("<button class=\"language\" form=\"{form}\" formaction=\"{action}\" formnovalidate");
        assert!(html.contains(&button) && html.contains(&format!(" id=\"{form}\" method=\"post\"")), "{name}");
        assert!(!html.contains("<a class=\"language\""), "{name}");
    }
    assert!(page("en/rate-language").contains("¡Qué libro!") && !page("en/rate-language").contains("Error:"));
}

/// The buttons of each form, in the order of the page: those that name the form, and those inside it.
fn buttons(html: &str) -> BTreeMap<String, Vec<&str>> {
    let mut forms = BTreeMap::<String, Vec<&str>>::new();
    let (mut inside, mut count) = (None, 0);
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let attribute = |name: &str| tag.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        if tag.starts_with("form ") {
            count += 1;
            inside = Some(attribute("id").map_or_else(|| count.to_string(), str::to_owned));
        } else if tag == "/form" {
            inside = None;
        } else if tag == "button" || tag.starts_with("button ") {
            let form = attribute("form").map(str::to_owned).or_else(|| inside.clone());
            forms.entry(form.expect("a form")).or_default().push(tag);
        }
    }
    forms
}

#[test]
fn enter_in_a_field_sends_the_form_and_changes_no_language() {
    let mut seen = BTreeSet::new();
    every_page(|name, html| {
        for (form, buttons) in buttons(html) {
            assert!(!buttons[0].contains("formaction"), "{name}, {form}: {}", buttons[0]);
            if buttons.len() > 1 && buttons[1].contains("formaction") {
                assert!(buttons[0].contains("class=\"unseen\"") && buttons[0].contains("tabindex=\"-1\""), "{name}");
                assert!(buttons[0].contains("aria-hidden=\"true\""), "{name}");
                seen.insert(form);
            }
        }
    });
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["address", "alert", "checkout", "contact", "own-rating", "rating", "typed"]
    );
}

#[test]
fn a_form_has_no_hidden_field_that_browsers_fill_in() {
    for name in ["es/contact", "es/book", "es/rate-422"] {
        let html = page(name);
        assert!(html.contains("<input name=\"remarks\" tabindex=\"-1\" autocomplete=\"off\">"), "{name}");
        assert!(!html.contains("name=\"website\""), "{name}");
    }
}

#[test]
fn each_form_with_a_visitors_words_has_the_key_with_which_sending_it_twice_counts_once() {
    for (name, form, value) in [
        ("es/contact", "contact", "1-67891233"),
        ("en/contact-422", "contact", "1-67891233"),
        ("es/book", "rating", ""),
        ("en/rate-422", "rating", "1-67891233"),
        ("es/rate-503", "rating", "1-67891233"),
    ] {
        let html = page(name);
        let form =
            html.split_once(&format!(" id=\"{form}\" method=\"post\"")).unwrap().1.split("</form>").next().unwrap();
        assert!(form.contains(&format!("<input type=\"hidden\" name=\"key\" value=\"{value}\">")), "{name}");
    }
}

#[test]
fn search_engines_find_the_book_and_its_other_language() {
    let html = page("en/book");
    assert!(html.contains("<link rel=\"canonical\" href=\"https://shop.example/books/53-don-quijote?lang=en\">"));
    assert!(html.contains("hreflang=\"es\" href=\"https://shop.example/books/53-don-quijote\""));
    let data = html.split("ld+json\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["@type"], &data["offers"]["price"]), (&"Book".into(), &"19.95".into()));
}

fn structured_data(html: &str) -> serde_json::Value {
    let data = html.split("ld+json\">").nth(1).unwrap().split("</script>").next().unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn ratings_from_elsewhere_are_named_and_search_engines_get_those_of_the_shop_only() {
    for (name, caption, own) in [
        ("es/book", "246 de esta tienda", Some((246, 4.3902))),
        ("es/book-imported", "245 de Goodreads (2017) · 1 de esta tienda", Some((1, 4.0))),
        ("en/book-imported", "245 from Goodreads (2017) · 1 from this shop", Some((1, 4.0))),
        ("es/book-to-order", "246 que vinieron con el catálogo", None),
    ] {
        let html = page(name);
        assert!(html.contains(&format!("<caption>{caption}</caption>")), "{name}");
        let rating = &structured_data(&html)["aggregateRating"];
        let published = rating.as_object().map(|_| (rating["ratingCount"].clone(), rating["ratingValue"].clone()));
        assert_eq!(published, own.map(|(count, mean)| (count.into(), mean.into())), "{name}");
    }
}

#[test]
fn who_waits_for_a_book_gives_an_address_and_who_has_signed_in_presses_a_button() {
    for (name, has_form, has_field) in [
        ("es/book", false, false),
        ("es/book-to-order", false, false),
        ("es/book-hostile", true, true),
        ("en/book-sold-out-signed-in", true, false),
        ("en/book-sold-out-not-sold", false, false),
    ] {
        let html = page(name);
        let form = html.split("class=\"alert noprint\"").nth(1).map(|rest| rest.split("</form>").next().unwrap());
        assert_eq!(form.is_some(), has_form, "{name}");
        assert_eq!(form.is_some_and(|form| form.contains("name=\"email\"")), has_field, "{name}");
        assert!(form.is_none_or(|form| form.contains("name=\"key\"") && form.contains("name=\"remarks\"")), "{name}");
    }
}

#[test]
fn a_customer_may_leave_the_address_of_an_alert_empty_and_finds_its_form_on_the_wishlist() {
    assert!(page("en/alert-form").contains("dir=\"auto\" required"));
    let own = page("en/alert-form-signed-in");
    assert!(own.contains("the address of your account") && !own.contains("dir=\"auto\" required"));
    let list = page("en/account-wishlist-offered");
    let sold_out = page("en/account-wishlist");
    assert!(sold_out.contains("href=\"/alerts/") && !list.contains("href=\"/alerts/"), "of the book that is sold out");
}

#[test]
fn a_link_of_a_mail_does_nothing_before_its_button_is_pressed() {
    for (name, has_button) in
        [("en/alert-confirm", true), ("en/alert-end", true), ("en/alert-expired", false), ("en/alert-ended", false)]
    {
        let html = page(name);
        assert_eq!(html.contains("<form method=\"post\" action=\"/alerts/YQ.b\""), has_button, "{name}");
        assert!(html.contains("content=\"noindex\""), "{name}");
    }
}

#[test]
fn a_book_that_cannot_be_sent_can_be_asked_for() {
    for (name, text, button) in [
        ("es/book", "Disponible", None),
        ("es/book-hostile", ">Agotado<", None),
        ("es/book-withdrawn", "Ya no vendemos este libro", None),
        ("en/book-withdrawn", "We no longer sell this book", None),
        ("es/book-sold-out-not-sold", ">Agotado<", Some("ask=notify&#38;title=%3Cscript%3E")),
        ("es/book-to-order", "No lo tenemos, pero te lo pedimos", Some("ask=order&#38;title=Don%20Quijote")),
        ("en/book-to-order", "we can order it for you", Some("&#38;isbn=9788420467283\"")),
    ] {
        let html = page(name);
        assert!(html.contains(text), "{name}");
        assert_eq!(html.contains("/contact?ask="), button.is_some(), "{name}");
        assert!(button.is_none_or(|button| html.contains(button)), "{name}");
    }
}

#[test]
fn only_a_received_submission_refreshes_itself() {
    assert!(page("es/received").contains("http-equiv=\"refresh\""));
    assert!(!page("es/published").contains("http-equiv"));
}

/// Home and a list of 24 books: at most 60 KB for a first visit, with 15 KB of scripts.
#[test]
fn a_first_visit_stays_below_its_size_limit() {
    let packed = |html: &str| {
        let mut packed = Vec::new();
        let parameters = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
        brotli::BrotliCompress(&mut html.as_bytes(), &mut packed, &parameters).unwrap();
        packed.len()
    };
    let all: usize = assets::all().iter().map(|asset| asset.brotli.len()).sum();
    let script = assets::all().iter().find(|asset| asset.name == "shop.js").unwrap();
    assert!(script.brotli.len() < 15_000);
    for name in ["es/home", "es/books"] {
        let weight = packed(&page(name)) + all;
        assert!(weight < 60_000, "{name}: {weight}");
    }
}

#[test]
fn every_text_exists_in_both_languages_and_is_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let keys = |locale: Locale| -> BTreeSet<String> {
        let texts = texts_under(&folder.join("translations").join(locale.tag()));
        let line_key = |line: &str| {
            let (key, _) = line.split_once(" =")?;
            (!line.starts_with([' ', '#'])).then(|| key.to_owned())
        };
        texts.lines().filter_map(line_key).collect()
    };
    let (spanish, english) = (keys(Locale::Es), keys(Locale::En));
    assert_eq!(spanish, english);
    let code = texts_under(&folder.join("templates")) + &texts_under(&folder.join("src"));
    let quoted: BTreeSet<&str> = code.split('"').collect();
    // Keys of these families end in a value: a slug of a genre, a language tag, a sort.
    let in_a_family = |key: &str| {
        ["genre-", "language-", "sort-", "blank-", "what-", "rating-", "message-", "submission-", "choose-", "country-"]
            .iter()
            .any(|family| key.starts_with(family))
    };
    let idle: Vec<&String> = spanish.iter().filter(|key| !quoted.contains(key.as_str()) && !in_a_family(key)).collect();
    assert!(idle.is_empty(), "unused keys: {idle:?}");

    let asked = ["text(\"", "tell(\"", "count(\""];
    let used = asked.iter().flat_map(|call| code.split(call).skip(1)).filter_map(|rest| rest.split('"').next());
    let missing: Vec<&str> = used.filter(|key| !spanish.contains(*key)).collect();
    assert!(missing.is_empty(), "missing keys: {missing:?}");
    for (name, _) in shared::domain::Sort::NAMES {
        assert!(spanish.contains(&format!("sort-{name}")));
    }
}

fn texts_under(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { texts_under(&path) } else { fs::read_to_string(path).unwrap() }).collect()
}

#[test]
fn chips_fields_and_options_are_written_as_the_language_does() {
    for (name, chips, option, field) in [
        ("es/filter-price", ["Desde 4,5 estrellas", "Hasta 9,50\u{a0}€"], "Desde 4,5 estrellas", "9,50"),
        ("en/filter-price", ["From 4.5 stars", "Up to €9.50"], "From 4.5 stars", "9.50"),
    ] {
        let html = page(name);
        for chip in chips {
            assert!(html.contains(&format!("<bdi>{chip}</bdi>")), "{name}: {chip}");
        }
        assert!(html.contains(&format!("<option value=\"4.5\" selected>\n{option} (40)</option>")), "{name}");
        assert!(html.contains(&format!("size=\"6\" value=\"{field}\"")), "{name}");
    }
}

#[test]
fn an_invalid_filter_has_no_chip_and_does_not_claim_that_nothing_was_found() {
    for (name, nothing, error) in [
        ("es/filter-error", "No hemos encontrado", "Escribe un precio como 20 o 19,95."),
        ("en/filter-error", "Try fewer words", "Enter a price such as 20 or 19.95."),
    ] {
        let html = page(name);
        assert!(html.contains(&format!("<a href=\"#price_max\">{error}</a>")), "{name}");
        assert!(html.contains("<title>Error: ") && html.contains("value=\"mucho\""), "{name}");
        assert_eq!(html.matches("class=\"chip\"").count(), 1, "{name}: the genre only");
        assert!(!html.contains(nothing) && !html.contains("<bdi>mucho"), "{name}");
    }
}

#[test]
fn the_form_has_the_visitors_own_rating_for_changing() {
    for (name, dated, send) in [
        ("es/book-rated", "Lo valoraste el 20 de noviembre de 2026.", "<button>Cambiar valoración</button>"),
        ("en/book-rated", "You rated it on 20 November 2026.", "<button>Change rating</button>"),
    ] {
        let html = page(name);
        assert!(html.contains(dated) && html.contains(send), "{name}");
        assert!(
            html.contains("value=\"4\" required aria-invalid=\"false\" checked")
                && html.contains("Me reí mucho.</textarea>"),
            "{name}"
        );
    }
    assert!(page("es/book").contains("<button>Publicar valoración</button>"));
}

#[test]
fn a_submission_is_called_what_it_is_and_one_that_is_unknown_is_no_missing_book() {
    for (name, heading, text) in [
        ("es/received", "Lo que enviaste", "lo estamos tramitando"),
        ("en/received", "What you sent", "are processing it"),
        ("es/message-with-book", "Tu mensaje", "Hemos recibido tu mensaje"),
        ("es/published-without-book", "Tu valoración", "Tu valoración ya está publicada."),
        ("en/later-kind", "What you sent", "It is done."),
        ("es/published", "Tu valoración", "¡Gracias! Tu valoración ya está publicada."),
        ("es/message", "Tu mensaje", "Hemos recibido tu mensaje"),
        ("en/published", "Your review", "Your review is published."),
        ("en/message", "Your message", "We have received your message"),
        ("es/error-submission", "No encontramos lo que enviaste", "escríbenos"),
    ] {
        let html = page(name);
        assert!(html.contains(&format!("<h1>{heading}</h1>")) && html.contains(text), "{name}");
    }
}

#[test]
fn only_a_defect_has_a_reference_to_quote() {
    for (name, has_one) in
        [("es/error-404", false), ("es/error-422", false), ("es/error-500", true), ("es/error-503", true)]
    {
        assert_eq!(page(name).contains("1-5759e988-bd862e3f"), has_one, "{name}");
    }
}

/// Whether a page is one of the staff's, with a head of its own. Those on which they sign in and out are the shop's.
fn is_of_staff(name: &str) -> bool {
    name.contains("/staff") && !["/staff-sign-", "/staff-session-"].iter().any(|of_shop| name.contains(of_shop))
}

#[test]
fn every_page_has_one_search_and_it_is_in_the_head() {
    every_page(|name, html| {
        let (head, main) = html.split_once("<main").unwrap();
        if is_of_staff(name) {
            assert!(head.contains("href=\"/staff/orders\"") && !html.contains("href=\"/cart\""), "{name}");
            return;
        }
        assert_eq!(html.matches("role=\"search\"").count(), 1, "{name}");
        assert!(head.contains("role=\"search\"") && head.contains("id=\"q\""), "{name}");
        assert!(!main.contains("type=\"search\""), "{name}");
    });
    // On a list, a new search keeps the filters.
    assert!(page("es/books").contains("dir=\"auto\" form=\"browse\""));
}

#[test]
fn the_form_keeps_filters_that_it_has_no_count_for() {
    let html = page("en/nothing-filtered");
    for value in ["classics", "en-US", "3.5"] {
        assert!(html.contains(&format!("<option value=\"{value}\" selected>")), "{value}");
    }
    assert_eq!(page("en/books").matches("<option value=\"es\" selected>").count(), 1);
}

#[test]
fn a_number_that_is_a_lower_bound_says_so_and_no_search_says_none_before_all_is_read() {
    let options = |name: &str| {
        let html = page(name);
        ["classics", "es"].map(|value| {
            let option = html.split_once(&format!("<option value=\"{value}\"")).expect("the option").1;
            option.split_once("</option>").unwrap().0.rsplit_once('(').map(|(_, count)| format!("({count}"))
        })
    };
    for (name, expected) in [("en/books", ["(149)", "(150)"]), ("en/nothing-among-popular", ["(149+)", "(150)"])] {
        assert_eq!(options(name), expected.map(|count| Some(count.to_owned())), "{name}");
    }
    for (name, text) in [
        ("es/nothing", "No hemos encontrado ningún libro."),
        ("es/nothing-among-popular", "Entre los libros más populares no hay ninguno."),
        ("en/nothing-among-popular", "None of the most popular books match."),
    ] {
        assert!(page(name).contains(text), "{name}");
    }
    assert!(!page("es/nothing-among-popular").contains("No hemos encontrado"));
}

#[test]
fn the_reference_has_each_operation_with_bounds_fields_and_examples() {
    let html = page("en/api");
    for (expected, what) in [
        ("href=\"#list-books\"", "a link to an operation"),
        ("<section class=\"operation\" id=\"list-books\"", "its anchor"),
        ("query: integer, 1 to 100, default 24", "bounds of a parameter"),
        ("Example: <code>quijote</code>", "an example of a parameter"),
        ("<code>items[].price.minor</code>", "fields of an answer"),
        ("string, at most 4000 characters", "bounds of a body"),
        ("&#34;minor&#34;: 1995", "an example of an answer"),
        ("<section class=\"operation\" id=\"errors\"", "the errors"),
    ] {
        assert!(html.contains(expected), "{what}: {expected}");
    }
    assert!(!html.contains('`') && !html.contains("**"), "marks of another format are left");
}

#[test]
fn a_later_slice_says_where_it_begins_and_the_link_to_the_next_where_that_begins() {
    for (name, title, heading, next) in [
        ("es/books-continued", "149 libros, desde «", "149 libros, <bdi>desde «", Some("después de «")),
        ("en/books-continued", "149 books, from “", "149 books, <bdi>from “", Some("after “")),
        ("es/books-continued-empty", "Todo el catálogo, continuación", ", <bdi>continuación</bdi></h1>", None),
        (
            "es/ratings-continued",
            "hasta el 20 de noviembre de 2026 · Anaquel",
            "hasta el 20 de noviembre de 2026</h1>",
            None,
        ),
        ("en/ratings-continued", "until 20 November 2026 · Anaquel", "until 20 November 2026</h1>", None),
    ] {
        let html = page(name);
        let between = |from: &str, to: &str| html.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
        assert!(format!("{} · Anaquel", between("<title>", " · Anaquel")).contains(title), "{name}");
        assert!(format!("{}</h1>", between("<h1>", "</h1>")).contains(heading), "{name}: {}", between("<h1>", "</h1>"));
        if let Some(next) = next {
            assert!(between("rel=\"next\"", "</a>").contains(&format!("<span class=\"unseen\">{next}")), "{name}");
        }
    }
    assert!(!page("es/books").contains("desde «") && page("es/books").contains("después de «"));
    assert!(page("es/ratings-continued").contains("<a href=\"/books/53/ratings\">Valoraciones más recientes</a>"));
}

#[test]
fn the_title_of_a_search_has_its_filters() {
    for (name, title) in [
        ("es/search", "<title>quijote · Anaquel"),
        ("es/related", "<title>poesía, Hasta 1\u{a0}€ · Anaquel"),
        ("en/nothing-filtered", "<title>zzzz, Classics, English, From 3.5 stars · Anaquel"),
    ] {
        assert!(page(name).contains(title), "{name}");
    }
}

#[test]
fn one_star_is_singular() {
    for (name, label) in [("es/filter-one-star", "Desde 1 estrella"), ("en/filter-one-star", "From 1 star")] {
        assert!(page(name).contains(&format!("<bdi>{label}</bdi>")), "{name}");
    }
}

#[test]
fn a_book_is_put_into_the_cart_from_its_page_and_from_a_list_where_the_shop_sells_it() {
    let button = "<input type=\"hidden\" name=\"do\" value=\"add\">";
    for (name, is_sold, text) in [
        ("es/book", true, "Añadir al carrito<span class=\"unseen\">: Don Quijote de la Mancha</span>"),
        ("en/book", true, "Add to cart<span class=\"unseen\">: Don Quijote de la Mancha</span>"),
        ("es/books", true, "Añadir al carrito"),
        ("es/book-to-order", false, "Encargarlo"),
        ("es/book-hostile", false, "Avísame cuando vuelva"),
        ("es/book-not-sold", false, "Ahora mismo no vendemos por la web"),
        ("en/book-not-sold", false, "We don’t sell online at the moment"),
        ("es/home", false, "href=\"/cart\""),
    ] {
        let html = page(name);
        assert_eq!(html.contains(button), is_sold, "{name}");
        assert!(html.contains(text), "{name}: {text}");
    }
    assert!(page("es/book").contains("class=\"button plain noprint\" href=\"#rate\""), "rating is secondary");
    assert!(page("es/book").contains("name=\"back\" value=\"/books/53-don-quijote\""));
}

#[test]
fn the_head_has_the_number_of_books_in_the_cart_and_the_outcome_of_its_last_change() {
    for (name, expected) in [
        ("es/cart", Some("<span class=\"badge\">7</span>")),
        ("en/cart", Some("<span class=\"unseen\">7 books</span>")),
        ("es/book-in-cart", Some("<p class=\"done\" role=\"status\">«Don Quijote de la Mancha» está en el carrito.")),
        ("en/cart-changed", Some("<p role=\"status\">You can order at most 20 copies of a book.")),
        ("es/book", None),
        ("es/book-not-sold", None),
    ] {
        let html = page(name);
        match expected {
            Some(expected) => assert!(html.contains(expected), "{name}"),
            None => assert!(!html.contains("class=\"badge\"") && !html.contains("class=\"done\""), "{name}"),
        }
    }
    assert!(!page("es/book-not-sold").contains("href=\"/cart\""));
}

#[test]
fn the_cart_names_what_has_changed_with_the_old_and_the_new_price() {
    let html = page("en/cart-changed");
    for remark in ["cheaper", "dearer", "too-few", "to-order", "out-of-stock", "withdrawn"] {
        assert_eq!(html.matches(&format!("data-remark=\"cart-{remark}\"")).count(), 1, "{remark}");
    }
    for text in [
        "</span> €13.95</s>",
        "€12.50</p>",
        "€15.00</p>",
        "Only 3 copies are left",
        "Book no. 999",
        "in another currency",
    ] {
        assert!(html.contains(text), "{text}");
    }
    // 2 × 19.95 + 12.50 + 15.00 + 3 × 9.50: what is not available does not count.
    assert!(html.contains("<span>Subtotal</span> <b>€95.90</b>"));
    let nothing = page("es/cart-nothing-left");
    assert!(nothing.contains("<b>0,00\u{a0}€</b>") && !nothing.contains("value=\"checkout\""));
    assert!(page("es/cart-empty").contains("Tu carrito está vacío.") && !page("es/cart-empty").contains("<select"));
}

#[test]
fn the_checkout_states_everything_that_the_law_wants_before_the_order() {
    for (name, texts) in [
        (
            "es/checkout",
            &[
                "<button class=\"order\">Pedido con obligación de pago</button>",
                "Calle de los Libros 1, 28013 Madrid. Gratis. Listo en 2 días",
                "Envío a domicilio en España (salvo Canarias, Ceuta y Melilla), Portugal: 3,95\u{a0}€. Llega en 4 días",
                "El plazo cuenta desde que confirmamos el pedido o, si pagas por transferencia, desde que nos llega.",
                "Los gastos de devolución corren de tu cuenta.",
                "<b>49,40\u{a0}€</b>",
                "<b>53,35\u{a0}€</b>",
                "4\u{a0}%: 1,90\u{a0}€; 21\u{a0}%: 0,69\u{a0}€",
                "14 días desde que recibas los libros para desistir",
                "<a href=\"/terms\" target=\"_blank\" rel=\"noopener\">Condiciones de venta (se abre en otra pestaña)</a>",
                "<a href=\"/privacy\" target=\"_blank\" rel=\"noopener\">Privacidad (se abre en otra pestaña)</a>",
                "<address>Librería Anaquel, S. L. · NIF B00000000",
            ][..],
        ),
        (
            "en/checkout",
            &["<button class=\"order\">Order with obligation to pay</button>", "21%: €0.69", "14 days from receiving"],
        ),
        ("es/checkout-partial", &["Parte de lo que hay en tu carrito no se puede pedir ahora."]),
    ] {
        let html = page(name);
        for text in texts {
            assert!(html.contains(text), "{name}: {text}");
        }
    }
    assert!(!page("es/checkout-ship").contains("Recogida"), "a delivery that is not offered");
}

#[test]
fn quantities_are_changed_in_the_checkout_where_nothing_that_was_typed_is_lost() {
    let html = page("en/checkout-changed");
    for there in [
        "Nothing was ordered: check the total, and then order.",
        "value=\"Ana\"",
        "Calle Mayor 1",
        "<option value=\"2\" selected>2</option>",
        "<option value=\"0\">Remove</option>",
        "name=\"do\" value=\"change\">Update quantities</button>",
    ] {
        assert!(html.contains(there), "{there}: {html}");
    }
    assert!(!page("en/checkout").contains("Nothing was ordered"));
}

#[test]
fn what_is_available_of_a_rejected_order_is_ordered_with_the_contact_and_address_of_before() {
    let html = page("en/order-rejected-again");
    let form = html.split("action=\"/checkout\"").nth(1).and_then(|rest| rest.split("</form>").next()).unwrap();
    for (name, value) in [
        ("name", "Ana Ruiz"),
        ("email", "ana@example.org"),
        ("phone", "+34 600 123 123"),
        ("delivery", "collect"),
        ("payment", "bank_transfer"),
        ("note", "Es un regalo.\nSin el precio, por favor."),
    ] {
        assert!(form.contains(&format!("type=\"hidden\" name=\"{name}\" value=\"")), "{name}: {form}");
        assert!(form.replace("&#43;", "+").contains(value), "{value}: {form}");
    }
    assert!(form.contains("name=\"do\" value=\"again\">Order what is available</button>"), "{form}");
    for (name, there) in [("en/order-rejected-lines", false), ("en/order-rejected-again", true)] {
        assert_eq!(page(name).contains("action=\"/checkout\""), there, "{name}");
        assert!(page(name).contains("name=\"lines\""), "{name}: the cart is offered too");
    }
}

#[test]
fn a_refused_order_is_shown_with_everything_that_was_typed_and_the_reason_beside_each_field() {
    let html = page("es/checkout-422");
    for (field, text) in [
        ("email", "Escribe tu correo completo"),
        ("payment", "Elige una forma de pago que vaya con la entrega."),
        ("recipient", "Escribe a nombre de quién va."),
        ("postal_code", "Escribe el código postal."),
        ("note", "La nota no puede llevar el número de una tarjeta"),
    ] {
        assert!(html.contains(&format!("<a href=\"#{field}\">{text}")), "{field}");
        assert!(
            html.contains(&format!(" id=\"{field}\"")) && html.contains(&format!("id=\"{field}-error\"")),
            "{field}"
        );
    }
    let again = page("en/checkout-503");
    let selected: Vec<&str> = again.split(" selected>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert!(selected.contains(&"5") && selected.contains(&"1"), "the quantities that were chosen: {selected:?}");
    for html in [&html, &again] {
        for typed in [
            "value=\"Ana\"",
            "value=\"ana@\"",
            "Calle Mayor 1",
            "<option value=\"PT\" selected>",
            "data-ship checked",
            "Para regalo",
        ] {
            assert!(html.contains(typed), "{typed}");
        }
        assert!(html.contains("name=\"quote\" value=\"") && html.contains("<title>Error: "));
    }
}

#[test]
fn an_order_shows_its_state_and_what_happens_next() {
    for (name, title, text) in [
        ("es/order-received", "Tu pedido: Recibido", "Estamos comprobando las existencias."),
        ("es/order-unknown", "Tu pedido: Recibido", "Tenemos tu pedido, pero ahora mismo no podemos consultarlo."),
        ("es/order-confirmed", "Pedido 100042: Confirmado", "Te escribiremos cuando puedas recogerlo."),
        (
            "es/order-awaiting_payment",
            "Pedido 100042: Pendiente de pago",
            "<span>ES91</span><span>2100</span><span>0418</span>",
        ),
        ("en/order-ready", "Order 100042: Ready to collect", "You can collect it until 29 November 2026"),
        ("en/order-shipped", "Order 100042: Sent", "Withdraw from contract here"),
        ("en/order-rejected", "Order 100042: Not accepted", "this one is above a limit"),
        ("en/order-cancelled", "Order 100042: Cancelled", "2 copies cancelled"),
        ("en/order-expired", "Order 100042: Expired", "the books are on sale again"),
        ("en/order-returned", "Order 100042: Returned", "2 copies returned"),
        ("en/order-cancelling", "Order 100042: Cancelling…", "data-from=\"confirmed\" data-reload"),
    ] {
        let html = page(name);
        assert!(html.contains(&format!("<title>{title} · Anaquel")) && html.contains(text), "{name}: {text}");
    }
    for (name, follows) in [
        ("es/order-received", true),
        ("en/order-unknown", true),
        ("es/order-cancelling", true),
        ("es/order-confirmed", false),
        ("es/order-cancelled", false),
        ("es/order-of-others", false),
    ] {
        assert_eq!(page(name).contains("data-poll=\"/api/orders/"), follows, "{name}");
        assert_eq!(page(name).contains("http-equiv=\"refresh\""), follows, "{name}");
    }
}

#[test]
fn each_line_names_its_tax_rate_where_not_all_have_the_same() {
    for (name, rates) in [
        ("en/checkout", &[][..]),
        ("en/checkout-partial", &["VAT 4%", "VAT 4%", "VAT 21%"]),
        ("en/order-confirmed", &[]),
        ("en/order-two-rates", &["VAT 4%", "VAT 21%"]),
        ("es/order-two-rates", &["IVA 4\u{a0}%", "IVA 21\u{a0}%"]),
    ] {
        let html = page(name);
        let lines = html.split("<table class=\"amounts\"").nth(1).and_then(|rest| rest.split("</table>").next());
        let parts = lines.unwrap_or_default().split("<span class=\"quiet\">").skip(1);
        let shown: Vec<&str> = parts.filter_map(|part| part.split('<').next()).collect();
        assert_eq!(shown, rates, "{name}");
    }
}

#[test]
fn a_rejected_order_names_each_line_and_offers_what_is_available() {
    let html = page("en/order-rejected-lines");
    for text in [
        "Only 1 copy is left",
        "We no longer sell it",
        "On request only",
        "It costs €20.95 now.",
        "Its price is CHF\u{a0}5.00, in another currency.",
        "At most 20 copies can be ordered",
        "Out of stock",
        "It cannot be accepted as it is.",
        "Order what is available",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(html.contains("name=\"lines\" value=\"1:1:1995.4:2:2095.5:2:500.6:2:1995\""));
    assert!(html.contains("<input type=\"hidden\" name=\"do\" value=\"refill\">"));
}

#[test]
fn an_order_is_cancelled_in_two_steps_by_its_buyer_only() {
    let confirm = "Confirm the cancellation";
    for (name, first_step, second_step, email) in [
        ("en/order-confirmed", true, false, false),
        ("en/order-by-email", true, false, true),
        ("en/order-cancel", false, true, false),
        ("en/order-cancel-by-email", false, true, true),
        ("en/order-cancelling", false, false, false),
        ("en/order-shipped", false, false, false),
        ("en/order-of-others", false, false, false),
        ("en/order-wrong-email", false, false, false),
        ("en/order-wrong-email-to-cancel", false, false, false),
        ("en/order-cancelling-by-somebody", false, false, false),
    ] {
        let html = page(name);
        assert_eq!(html.contains("Cancel the order"), first_step, "{name}");
        assert_eq!(html.contains(confirm), second_step, "{name}");
        assert_eq!(html.contains("name=\"email\" value=\"ana@example.org\""), email, "{name}");
    }
    for name in ["en/order-of-others", "en/order-wrong-email", "en/order-wrong-email-to-cancel"] {
        let html = page(name);
        assert!(!html.contains("Ana Ruiz") && !html.contains("19.95") && !html.contains("100042"), "{name}");
        assert!(html.contains("Is this your order?"), "{name}");
    }
}

#[test]
fn what_the_buyer_has_declared_is_confirmed_at_the_top_and_in_the_history_and_nothing_else_is() {
    let at = "25 November 2026, 11:00";
    let focus = "role=\"status\" tabindex=\"-1\" autofocus";
    for (name, focuses, there, not_there) in [
        (
            "en/order-withdrawing",
            true,
            &["Withdrawal received</p>", "You withdrew from the contract <time", at][..],
            "On its way",
        ),
        (
            "en/order-delivered-withdrawing",
            true,
            &["Withdrawal received</p>", "Send the books back within 14 days"],
            "Withdraw from contract here",
        ),
        ("en/order-cancelling", true, &["We received your cancellation", at], "the email address of the order"),
        ("en/order-cancelling-unpaid", true, &["We received your cancellation"], "How to pay"),
        ("en/order-cancelling-late", true, &["you need not repeat it", "How to pay"], "the email address of the order"),
        ("en/order-cancelled-declared", true, &["You have nothing to pay"], "We pay back"),
        ("en/order-cancelling-by-somebody", true, &["It counts if", at], "Cancelling"),
        ("en/order-withdrawing-by-somebody", true, &["It counts if"], "Withdrawal received"),
        ("en/order-not-cancelled", true, &["has had no effect"], "Cancelling"),
        ("en/order-confirmed", false, &["Confirmed"], "received your"),
        ("en/order-shipped", false, &["It is on its way. You can withdraw"], "received your"),
        (
            "en/order-withdrawn",
            false,
            &[
                "Withdrawal received</p>",
                "You withdrew from the contract on 3 December 2026",
                "You withdrew from the contract <time",
            ],
            "Withdraw from contract here",
        ),
        (
            "en/order-withdrawn-returned",
            false,
            &["and the books are back", "We pay you back €83.75, by 17 December 2026"],
            "Send the books back",
        ),
        ("en/order-refused-cancelled", false, &["changed nothing: the order was cancelled already"], "We received"),
        (
            "en/order-refused-expired",
            false,
            &["came too late and changed nothing: the order had expired"],
            "We received",
        ),
        ("en/order-refused-rejected", false, &["changed nothing: we had not accepted the order"], "We received"),
        ("en/order-refused-returned", false, &["the books had come back already"], "We received"),
        ("es/order-refused-shipped", false, &["el pedido ya había salido de la librería"], "Recibimos"),
        (
            "en/order-cancelled-paid",
            false,
            &["We pay back everything that you paid: €79.80, by 8 December 2026 at the latest."],
            "You withdrew",
        ),
        ("en/order-cancelled", false, &["If you have sent the transfer already"], "We pay back"),
        ("es/order-cancel", false, &["Confirmar la cancelación y el desistimiento</button>"], "(opcional)"),
        (
            "es/order-confirmed",
            false,
            &[
                "Cancelar el pedido y desistir del contrato</a>",
                "Estará listo el 26 de noviembre de 2026 como muy tarde.",
            ],
            "(opcional)",
        ),
        ("es/order-rejected-lines", false, &["Agotado.</span>"], "no entrará en el pedido"),
    ] {
        let html = page(name);
        assert_eq!(html.contains(focus), focuses, "{name}");
        for text in there {
            assert!(html.contains(text), "{name}: {text}");
        }
        let main = html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        assert!(!main.contains(not_there), "{name}: {not_there}");
    }
}

#[test]
fn a_wrong_email_address_is_kept_with_its_error_and_the_step_that_was_begun() {
    for (name, action) in [
        ("en/order-wrong-email", "\""),
        ("en/order-wrong-email-to-cancel", "?step=cancel#cancel\""),
        ("en/order-wrong-email-to-withdraw", "?step=cancel#withdraw\""),
    ] {
        let html = page(name);
        for text in [
            "<title>Error: Your order",
            "value=\"eva@example.org\"",
            "aria-invalid=\"true\" aria-describedby=\"email-error\"",
            "<a href=\"#email\">That is not the email address of the order.</a>",
            "id=\"email-error\">That is not the email address of the order.",
        ] {
            assert!(html.contains(text), "{name}: {text}");
        }
        let form = html.split("<form class=\"card-form\" method=\"post\" action=\"/orders/").nth(1).unwrap();
        assert!(form["00000000-0000-8000-8000-000000000000".len()..].starts_with(action), "{name}: {}", &form[..80]);
    }
    assert!(!page("en/order-of-others").contains("Error: "));
}

#[test]
fn the_terms_have_the_model_form_and_the_rules_of_refunds() {
    for (name, texts) in [
        ("es/terms", ["– A la atención de Librería Anaquel, S. L.", "lo que ocurra antes", "Los gastos de devolución"]),
        ("en/terms", ["– To Librería Anaquel, S. L.", "whichever is earlier", "You pay for sending books back."]),
    ] {
        let html = page(name);
        for text in texts {
            assert!(html.contains(text), "{name}: {text}");
        }
    }
    assert!(page("en/cart").contains("We deliver to: Spain (except the Canary Islands, Ceuta and Melilla), Portugal."));
}

#[test]
fn every_page_links_to_the_latest_order_of_the_browser() {
    let html = page("en/book-in-cart");
    let link = html.split_once("<footer").unwrap().1.split_once("Your latest order</a>").unwrap().0;
    assert!(link.ends_with("\">") && link.contains("<a href=\"/orders/"), "{link}");
    for name in ["en/book", "en/book-not-sold"] {
        assert!(!page(name).contains("Your latest order"), "{name}");
    }
}

#[test]
fn every_page_names_the_seller_where_there_is_one() {
    every_page(|name, html| {
        let without = name.contains("not-sold") || is_of_staff(name);
        assert_eq!(html.contains("<address>Librería Anaquel, S. L."), !without, "{name}");
    });
}

#[test]
fn an_order_that_was_opened_by_its_address_stays_open_in_another_language_and_when_nothing_is_cancelled() {
    for (name, is_asked) in
        [("en/order-by-email", false), ("en/order-cancel-by-email", true), ("en/order-withdraw-by-email", true)]
    {
        let html = page(name);
        let id = html.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0;
        assert!(!html.contains(&format!("href=\"/orders/{id}")), "{name}: a link loses the address");
        assert!(html.contains("<button class=\"language\" form=\"in-language\" lang=\"es\">"), "{name}");
        let step = if is_asked { "&amp;step=cancel" } else { "" };
        let action = format!("<form id=\"in-language\" method=\"post\" action=\"/orders/{id}?lang=es{step}\">");
        assert!(html.contains(&action), "{name}");
        let open =
            format!("<form id=\"open\" method=\"post\" action=\"/orders/{id}\"><input type=\"hidden\" name=\"email\"");
        assert_eq!(html.contains(&open), is_asked, "{name}");
        assert_eq!(html.contains("<button class=\"plain\" form=\"open\">Keep"), is_asked, "{name}");
    }
    assert!(page("en/order-cancel").contains("\">Keep it</a>"));
}

#[test]
fn a_withdrawal_from_another_browser_is_confirmed_if_it_has_the_address_of_the_order() {
    for (name, there, not_there) in [
        (
            "en/order-withdrawing-elsewhere",
            &["Withdrawal received</p>", "We received your withdrawal"][..],
            "It counts if",
        ),
        ("en/order-withdrawing-by-somebody", &["We received a withdrawal", "It counts if"], "ancellation"),
    ] {
        let html = page(name);
        for text in there {
            assert!(html.contains(text), "{name}: {text}");
        }
        assert!(!html.contains(not_there) && !html.contains("Ana Ruiz"), "{name}: {not_there}");
    }
}

#[test]
fn an_order_shows_what_was_paid_and_what_is_paid_back() {
    for (name, texts) in [
        ("en/order-paid", &["Your transfer of €79.80 arrived on 24 November 2026."][..]),
        ("es/order-paid", &["Tu transferencia de 79,80\u{a0}€ llegó el 24 de noviembre de 2026."]),
        ("en/order-paid-cancel", &["If you cancel it, we pay you back €79.80", "to the account from which you paid"]),
        ("en/order-cancelled-paid", &["to the account from which you paid"]),
        (
            "en/order-changed",
            &["We pay you back €19.95 for the copies that were cancelled", "(1 copy). We pay you back €19.95. <time"],
        ),
        ("en/order-collected", &["You have until 8 December 2026, 14 days from receiving it"]),
        ("en/order-returned", &["If you have paid, we pay you back €83.75", "the number of your account (IBAN)"]),
    ] {
        let html = page(name);
        for text in texts {
            assert!(html.contains(text), "{name}: {text}");
        }
    }
    assert!(!page("en/order-cancel").contains("If you cancel it, we pay"), "nothing was paid");
}

#[test]
fn bad_news_is_marked_as_such_and_a_rejected_order_has_no_amounts() {
    for (name, is_bad) in [
        ("en/order-confirmed", false),
        ("en/order-returned", false),
        ("en/order-rejected", true),
        ("en/order-expired", true),
        ("en/order-cancelled", true),
        ("en/order-not-cancelled", true),
    ] {
        assert_eq!(page(name).contains("<div class=\"outcome bad\""), is_bad, "{name}");
    }
    for (name, has_amounts) in [("en/order-rejected-lines", false), ("en/order-confirmed", true)] {
        let html = page(name);
        assert_eq!(html.contains("<th scope=\"col\">Amount</th>"), has_amounts, "{name}");
        assert_eq!(html.contains("not an invoice"), has_amounts, "{name}");
    }
    assert!(!page("en/order-rejected").contains("Order what is available"), "the same limit would refuse it again");
}

/// The session's cookie is not for scripts, and nothing else may become a place for it.
#[test]
fn the_script_keeps_nothing_in_the_browser_and_reads_no_cookie() {
    let script = include_str!("../assets/shop.js");
    for place in ["localStorage", "sessionStorage", "indexedDB", "caches", "cookie", "serviceWorker"] {
        assert!(!script.contains(place), "{place}");
    }
}

#[test]
fn a_removed_book_is_named_and_can_be_put_back_without_script() {
    for (name, button) in [("es/cart-removed", "Volver a ponerlo"), ("en/cart-removed-last", "Put it back")] {
        let html = page(name);
        let done = html.split_once("<div class=\"done\" tabindex=\"-1\" autofocus>").unwrap().1;
        let done = done.split_once("</div>").unwrap().0;
        for text in
            ["name=\"do\" value=\"add\"", "name=\"quantity\" value=\"3\"", "name=\"price\" value=\"1250\"", button]
        {
            assert!(done.contains(text), "{name}: {text}: {done}");
        }
        assert!(done.contains("ya no está en el carrito") || done.contains("is no longer in the cart"), "{done}");
    }
    assert!(!page("en/cart-changed").contains("Put it back"));
}

#[test]
fn the_cart_says_how_many_copies_can_be_ordered_and_why_there_is_no_checkout() {
    for (name, there, not_there) in [
        ("en/cart-short", "fewer copies than you want", "no checkout"),
        ("en/cart-short", "Only 1 copy is left: 1 of 3 can be ordered.", "no checkout"),
        ("es/cart-changed", "Solo quedan 3 ejemplares: se pueden pedir 3 de 5.", "no se puede tramitar"),
        ("en/cart-nothing-left", "None of these books can be ordered at the moment", "Go to checkout"),
    ] {
        let html = page(name);
        assert!(html.contains(there), "{name}: {there}");
        assert!(!html.contains(not_there), "{name}: {not_there}");
    }
    assert!(page("en/book").contains("<input type=\"hidden\" name=\"stock\" value=\""), "as it is seen");
}

/// Windows' contrast themes replace every colour by one of the system.
#[test]
fn without_colours_of_ours_a_star_that_is_given_has_another_shape_than_one_that_is_not() {
    let style = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/style.css")).unwrap();
    let forced =
        style.split_once("@media (forced-colors: active) {").expect("the rules").1.split("\n}").next().unwrap();
    for (selector, star) in [
        ("  .stars::before {", '☆'),
        ("  .stars::after {", '★'),
        ("  .choose label::after {", '☆'),
        ("  .choose label:has(:checked)::after,\n  .choose label:has(~ label :checked)::after {", '★'),
    ] {
        let rule = forced.split_once(selector).expect(selector).1.split('}').next().unwrap();
        let mut others = ['☆', '★'].into_iter().filter(|other| *other != star);
        assert!(rule.contains(star) && others.all(|other| !rule.contains(other)), "{selector}");
        assert!(rule.contains("color: CanvasText") || rule.contains("color: Highlight"), "{selector}");
    }
    let width = forced.split_once("  .stars::after {").unwrap().1.split('}').next().unwrap();
    assert!(width.contains("width: var(--full)"), "as many full stars as are given");
}

#[test]
fn the_field_that_a_scanner_types_into_has_the_focus_and_its_error_beside_it() {
    for name in ["es/staff-books", "en/staff-books-mistyped", "es/staff-stock", "en/staff-stock-mistyped"] {
        let html = page(name);
        let field = html.split("<input id=\"find\"").nth(1).unwrap().split('>').next().unwrap();
        assert!(field.contains(" autofocus") && field.contains(" name=\"find\""), "{name}: {field}");
        assert_eq!(html.matches("autofocus").count(), 1, "{name}");
        let is_wrong = name.ends_with("mistyped");
        assert_eq!(field.contains("aria-describedby=\"find-error\""), is_wrong, "{name}: {field}");
        assert_eq!(html.contains("digits of this ISBN is mistyped"), is_wrong, "{name}");
    }
    let copies = page("es/staff-stock-found")
        .split("<input id=\"copies\"")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    assert!(copies.contains(" autofocus"), "{copies}");
}

#[test]
fn a_book_that_somebody_else_has_changed_is_shown_beside_what_was_typed() {
    let html = page("en/staff-book-changed");
    let notice = html.split("id=\"changed\"").nth(1).unwrap().split("</dl>").next().unwrap().to_owned();
    assert!(notice.contains("19.95") && notice.contains("17.50") && notice.contains("none"), "{notice}");
    let spanish = page("es/staff-book-changed");
    assert!(
        spanish.contains("<bdi>19,95</bdi>") && spanish.contains("<bdi>17,50</bdi>"),
        "as they are typed: {spanish}"
    );
    let form = html.split("id=\"facts\"").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(form.contains("value=\"mucho\"") && form.contains("name=\"version\" value=\"0123456789abcdef\""), "{form}");
    assert!(
        form.contains("name=\"genre-poetry\" value=\"yes\" checked")
            && !form.contains("genre-classics\" value=\"yes\" checked")
    );
}

#[test]
fn the_record_of_a_book_has_each_fact_before_and_after_and_the_list_of_all_their_beginnings() {
    let (of_book, of_all) = (page("en/staff-book"), page("en/staff-log"));
    for html in [&of_book, &of_all] {
        assert!(html.contains("Price, with VAT: <del>") && html.contains("none</bdi></del>"), "{html}");
    }
    assert!(of_all.contains("…</bdi>") && !of_book.contains("…</bdi>"));
}

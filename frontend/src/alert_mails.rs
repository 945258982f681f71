//! Mails about alerts, as plain text. They have nothing that the person who asked has typed: an alert can be asked for in
//! anybody's name.

use shared::{
    domain::{AlertEvent, AlertMail},
    shop::Shop,
};

use crate::{
    Locale, links,
    mails::{MailTexts, seller},
};

/// The mail about an alert, and the address that ends it with one request (RFC 8058). `origin` is the shop's address without a
/// slash at its end; without it, that of the request counts.
pub fn about_alert(mail: &AlertMail, shop: &Shop, origin: Option<&str>) -> (MailTexts, String) {
    let locale = Locale::parse(mail.language.as_str()).unwrap_or_default();
    let origin = origin.unwrap_or(&mail.origin);
    let link = |token: &str| format!("{origin}/alerts/{token}");
    let book = if mail.byline.is_empty() { mail.title.clone() } else { format!("{} ({})", mail.title, mail.byline) };
    let name = shop.seller.name.as_str();
    let (subject, sections) = match mail.event {
        AlertEvent::Confirm => (
            locale.text_with("alert-mail-confirm-subject", [("shop", name.into())]),
            vec![
                locale.text_with("alert-mail-confirm", [("book", book.into()), ("shop", name.into())]),
                locale.text_with("alert-mail-confirm-link", [("address", link(&mail.confirm).into())]),
                locale.text("alert-mail-confirm-ignore"),
            ],
        ),
        AlertEvent::Back => {
            let address = format!("{origin}{}", links::book(mail.book, &mail.title));
            (
                locale.text_with("alert-mail-back-subject", [("title", mail.title.as_str().into())]),
                vec![
                    locale.text_with("alert-mail-back", [("book", book.into()), ("shop", name.into())]),
                    locale.text_with("alert-mail-back-link", [("address", address.into())]),
                    locale.text("alert-mail-back-once"),
                ],
            )
        }
    };
    let end = link(&mail.end);
    let last = [locale.text_with("alert-mail-end", [("address", end.as_str().into())]), seller(locale, shop)];
    let text = sections.into_iter().chain(last).collect::<Vec<_>>().join("\n\n") + "\n";
    (MailTexts { subject, text }, end)
}

#[cfg(test)]
mod tests {
    use shared::domain::{Email, Language};

    use super::*;

    fn texts(event: AlertEvent, language: &str, origin: Option<&str>) -> (String, String, String) {
        let mail = AlertMail {
            id: 7,
            event,
            to: Email::parse("ana@example.org").unwrap(),
            language: Language::parse(language).unwrap(),
            book: 53.into(),
            title: "Don Quijote".into(),
            byline: "Cervantes".into(),
            origin: "http://shop.localhost".into(),
            confirm: "YQ.1".into(),
            end: "Yg.2".into(),
        };
        let (MailTexts { subject, text }, end) = about_alert(&mail, &crate::mails::tests::shop(), origin);
        (subject, text, end)
    }

    #[test]
    fn a_mail_names_the_book_and_the_seller_and_how_to_end_it_in_the_language_of_the_request() {
        for (event, language, subject, parts) in [
            (AlertEvent::Confirm, "es", "Confirma que quieres un aviso", &["/alerts/YQ.1", "no hagas nada"][..]),
            (AlertEvent::Confirm, "en", "Confirm that you want to be told", &["/alerts/YQ.1", "do nothing"]),
            (AlertEvent::Back, "es", "«Don Quijote» ha vuelto", &["/books/53-don-quijote"]),
            (AlertEvent::Back, "en", "“Don Quijote” is back", &["/books/53-don-quijote"]),
        ] {
            let (found, text, end) = texts(event, language, Some("https://shop.example"));
            assert!(found.contains(subject), "{found}");
            assert_eq!(end, "https://shop.example/alerts/Yg.2");
            for part in [parts, &["Don Quijote (Cervantes)", &end, "B00000000"]].concat() {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert_eq!(text.contains("/alerts/YQ.1"), event == AlertEvent::Confirm, "{text}");
            assert!(!text.contains('\u{2068}') && !text.contains("localhost"), "{text}");
        }
    }

    #[test]
    fn where_the_stage_has_no_address_the_links_have_that_of_the_request() {
        let (_, text, end) = texts(AlertEvent::Back, "es", None);
        assert!(text.contains("http://shop.localhost/books/53-don-quijote"), "{text}");
        assert_eq!(end, "http://shop.localhost/alerts/Yg.2");
    }
}

//! Answers to messages, as plain text: what somebody of the staff has typed, the seller, and the message that is answered.

use shared::{
    domain::{ReplyMail, unlinked},
    shop::Shop,
};

use crate::{
    Locale, format,
    mails::{MailTexts, seller},
};

/// The prefix of a subject that mail programs know in every language.
const ANSWER: &str = "Re: ";

/// The mail with an answer, or the copy of it for the shop. No program makes a link of what a stranger wrote: a message can have
/// anybody's address, and its words come back to that.
pub fn about_message(mail: &ReplyMail, shop: &Shop) -> MailTexts {
    let locale = Locale::parse(mail.language.as_str()).unwrap_or_default();
    let subject = unlinked(&mail.subject);
    let subject = if subject.starts_with(ANSWER) { subject } else { format!("{ANSWER}{subject}") };
    let copied = mail.is_copy.then(|| {
        let to = format!("{} <{}>", mail.name, mail.to.as_str());
        locale.text_with("reply-mail-copy", [("to", to.into())])
    });
    let moment = format::moment(locale, mail.sent_at, &shop.time_zone);
    let quoted: Vec<String> = unlinked(&mail.message).lines().map(|line| format!("> {line}")).collect();
    let quote = format!("{}\n{}", locale.text_with("reply-mail-quote", [("time", moment.into())]), quoted.join("\n"));
    let sections = [copied, Some(mail.text.clone()), Some(seller(locale, shop)), Some(quote)];
    let text = sections.into_iter().flatten().collect::<Vec<_>>().join("\n\n") + "\n";
    MailTexts { subject, text }
}

#[cfg(test)]
mod tests {
    use shared::domain::{Email, Language};
    use time::macros::datetime;

    use super::*;

    fn mail(language: &str, is_copy: bool) -> ReplyMail {
        ReplyMail {
            id: 7,
            is_copy,
            name: "Luz".into(),
            to: Email::parse("luz@example.org").unwrap(),
            subject: "¿Abren? www.evil.example".into(),
            message: "Hola.\n¿Abren el sábado? https://evil.example".into(),
            sent_at: datetime!(2026-11-20 18:30 UTC),
            text: "Sí, de 10 a 14.\nhttps://shop.example/about".into(),
            language: Language::parse(language).unwrap(),
        }
    }

    #[test]
    fn an_answer_has_what_was_typed_the_seller_and_the_message_without_its_links() {
        for (language, quote) in [("es", "escribiste"), ("en", "you wrote")] {
            let MailTexts { subject, text } = about_message(&mail(language, false), &crate::mails::tests::shop());
            assert!(subject.starts_with("Re: ¿Abren? www") && !subject.contains("www.evil"), "{subject}");
            assert!(text.starts_with("Sí, de 10 a 14.\nhttps://shop.example/about\n\n"), "{text}");
            for part in ["B00000000", quote, "\n> Hola.\n> ¿Abren el sábado?"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("https://evil") && !text.contains("luz@example.org"), "{text}");
        }
    }

    #[test]
    fn the_copy_for_the_shop_names_to_whom_the_answer_went() {
        let MailTexts { text, .. } = about_message(&mail("en", true), &crate::mails::tests::shop());
        assert!(text.lines().next().unwrap().contains("Luz <luz@example.org>"), "{text}");
        assert!(text.contains("Sí, de 10 a 14."), "{text}");
    }

    #[test]
    fn the_answer_to_an_answer_has_one_prefix() {
        let again = ReplyMail { subject: "Re: Un libro".into(), ..mail("es", false) };
        assert_eq!(about_message(&again, &crate::mails::tests::shop()).subject, "Re: Un libro");
    }
}

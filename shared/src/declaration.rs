//! The buyer's declaration to cancel an order, or to withdraw from its contract, as the shop has accepted it. The redirect to
//! the order's page carries it sealed, so that the page confirms what was sent, and nothing to who only types its address.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    domain::{Order, OrderId, SubmissionKey},
    messages::AskedBy,
    session::Subject,
};

/// A declaration that the order queue has. It authorises nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    declared_about: OrderId,
    #[serde(with = "time::serde::timestamp")]
    pub at: OffsetDateTime,
    /// Follows from the sender by the stage's secret, so that the address of a page does not show who that is.
    sender: Uuid,
}

impl Declaration {
    /// The parameter of the page's address.
    pub const PARAMETER: &'static str = "declared";

    pub fn new(key: &SubmissionKey, order: OrderId, asked_by: &AskedBy, at: OffsetDateTime) -> Self {
        Self { declared_about: order, at, sender: sender(key, asked_by) }
    }

    /// The declaration as a text that only the shop can have written, without characters that an address encodes.
    pub fn seal(&self, key: &SubmissionKey) -> String {
        key.seal(&serde_json::to_string(self).expect("a declaration is JSON"))
    }

    /// Reads the declaration about an order; none if this key did not seal it, or it is about another one.
    pub fn unseal(sealed: &str, key: &SubmissionKey, order: OrderId) -> Option<Self> {
        let declaration: Self = serde_json::from_str(&key.unseal(sealed)?).ok()?;
        (declaration.declared_about == order).then_some(declaration)
    }

    /// Whether the buyer has sent it, perhaps as the `customer` whose order it is: anybody can send one, which then has no effect.
    pub fn is_of_buyer(&self, key: &SubmissionKey, order: &Order, customer: Option<Subject>) -> bool {
        let visitor = order.visitor.map(AskedBy::Visitor);
        let email = order.contact.as_ref().map(|contact| AskedBy::Email(contact.email.clone()));
        let is_customer = customer.is_some_and(|customer| of_customer(key, customer) == self.sender);
        is_customer || visitor.iter().chain(&email).any(|buyer| sender(key, buyer) == self.sender)
    }
}

/// A form of an order that was sent again from the same browser, as the redirect to the order's page carries it: only the shop
/// can have written it, so that an address which somebody else has sent claims nothing.
pub struct Resent;

impl Resent {
    /// The parameter of the page's address.
    pub const PARAMETER: &'static str = "resent";

    pub fn write(key: &SubmissionKey, order: OrderId) -> String {
        key.derive(&[b"form sent again", order.uuid().as_bytes()]).to_string()
    }

    pub fn is_of(text: &str, key: &SubmissionKey, order: OrderId) -> bool {
        text == Self::write(key, order)
    }
}

fn sender(key: &SubmissionKey, asked_by: &AskedBy) -> Uuid {
    let id = match asked_by {
        AskedBy::Visitor(visitor) => key.derive(&[b"declared by visitor", visitor.0.as_bytes()]),
        AskedBy::Email(email) => key.derive(&[b"declared by email", email.comparable().as_bytes()]),
        AskedBy::Customer(customer) => return of_customer(key, customer.session.subject),
    };
    id.uuid()
}

fn of_customer(key: &SubmissionKey, customer: Subject) -> Uuid {
    key.derive(&[b"declared by customer", customer.uuid().as_bytes()]).uuid()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::{Email, VisitorId};

    fn key(digit: &str) -> SubmissionKey {
        SubmissionKey::parse(&format!("{}A=", digit.repeat(42))).unwrap()
    }

    fn email(address: &str) -> AskedBy {
        AskedBy::Email(Email::parse(address).unwrap())
    }

    #[test]
    fn only_the_shop_can_have_written_that_a_form_was_sent_again() {
        let (key, other_key) = (key("A"), key("B"));
        let [order, other] = [1, 2].map(|sender| key.order_id(Uuid::from_u128(sender), b"k"));
        for (text, is_so) in [
            (Resent::write(&key, order), true),
            (Resent::write(&key, other), false),
            (Resent::write(&other_key, order), false),
            ("yes".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(Resent::is_of(&text, &key, order), is_so, "{text}");
        }
    }

    #[test]
    fn only_the_shop_can_have_written_a_declaration_and_it_is_about_one_order() {
        let (key, other_key) = (key("A"), key("B"));
        let [order, other] = [1, 2].map(|sender| key.order_id(Uuid::from_u128(sender), b"k"));
        let at = datetime!(2026-03-03 04:05:06 UTC);
        let declaration = Declaration::new(&key, order, &email("ana@example.org"), at);
        let sealed = declaration.seal(&key);
        assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{sealed}");
        for (text, about, read) in [
            (sealed.clone(), order, Some(declaration)),
            (sealed.clone(), other, None),
            (declaration.seal(&other_key), order, None),
            (sealed[1..].to_owned(), order, None),
            (sealed[..sealed.len() - 2].to_owned(), order, None),
            (key.seal("{}"), order, None),
            ("cancelled".to_owned(), order, None),
            (String::new(), order, None),
        ] {
            assert_eq!(Declaration::unseal(&text, &key, about), read, "{text}");
        }
    }

    #[test]
    fn a_declaration_shows_to_the_shop_alone_who_has_sent_it() {
        let key = key("A");
        let visitor = |number| AskedBy::Visitor(VisitorId(Uuid::from_u128(number)));
        let senders = [visitor(1), visitor(2), email("ana@example.org"), email("eva@example.org")];
        for (at, one) in senders.iter().enumerate() {
            let same: Vec<usize> =
                (0..senders.len()).filter(|other| sender(&key, &senders[*other]) == sender(&key, one)).collect();
            assert_eq!(same, [at]);
        }
        assert_eq!(sender(&key, &email("Ana@Example.org")), sender(&key, &email("ana@example.org")));
        assert_eq!(sender(&key, &email("ana@CAFÉ.example")), sender(&key, &email("ana@xn--caf-dma.example")));
        assert_ne!(sender(&key, &visitor(1)), sender(&self::key("B"), &visitor(1)));
    }
}

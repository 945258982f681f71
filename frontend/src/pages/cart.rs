//! The page of the cart.

use askama::Template;
use shared::domain::{Availability, Cart, CartLine, Money, Summary};

use crate::{CartChange, CartNote, View, assets};

/// `/cart`
#[derive(Template, Clone, Copy)]
#[template(path = "cart.html")]
pub struct CartPage<'a> {
    pub view: View<'a>,
    pub rows: &'a [CartRow],
    /// The book that was removed by the last change, as it is now.
    pub removed: Option<&'a Summary>,
}

/// A line of the cart with its book as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct CartRow {
    pub line: CartLine,
    /// None if the shop does not have it any more.
    pub book: Option<Summary>,
}

/// The copies of a book that can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orderable {
    /// At most the quantity of the line.
    pub quantity: u8,
    /// Of one copy, in minor units of the shop's currency.
    pub price: u32,
}

impl CartRow {
    /// The lines with their books, in the order of the cart.
    pub fn all(cart: &Cart, books: &[Summary]) -> Vec<Self> {
        let find = |line: &CartLine| books.iter().find(|book| book.id == line.book).cloned();
        cart.lines().iter().map(|line| Self { line: *line, book: find(line) }).collect()
    }

    fn title(&self) -> String {
        self.book.as_ref().map_or_else(|| self.line.book.to_string(), |book| book.title.clone())
    }

    /// The price now, in the currency of the shop.
    fn price<'r>(&'r self, view: &View) -> Option<&'r Money> {
        view.price_of(self.book.as_ref()?)
    }

    /// What can be ordered of it now; none if it cannot be sold.
    pub fn orderable(&self, view: &View) -> Option<Orderable> {
        let left = u8::try_from(self.book.as_ref()?.stock).unwrap_or(u8::MAX);
        let quantity = self.line.quantity.min(left);
        let price = self.price(view)?.minor;
        (quantity > 0).then_some(Orderable { quantity, price })
    }

    /// The price that was seen, where it is another now.
    fn old_price(&self, view: &View) -> Option<Money> {
        let now = self.price(view)?;
        (now.minor != self.line.price_seen).then(|| Money { minor: self.line.price_seen, ..now.clone() })
    }

    /// The price that the shopper has seen once this page is shown.
    fn price_seen(&self, view: &View) -> u32 {
        self.price(view).map_or(self.line.price_seen, |price| price.minor)
    }

    fn sum(&self, view: &View) -> Option<Money> {
        let Orderable { quantity, price } = self.orderable(view)?;
        let sum = price.saturating_mul(quantity.into());
        Some(Money { minor: sum, currency: self.price(view)?.currency.clone() })
    }

    /// What the shopper must know about it: a key, and the text.
    fn remark(&self, view: &View) -> Option<(&'static str, String)> {
        let plain = |key: &'static str| Some((key, view.text(key)));
        let Some(book) = &self.book else { return plain("cart-withdrawn") };
        if book.availability == Availability::Withdrawn {
            return plain("cart-withdrawn");
        }
        if book.price.is_none() {
            return plain("cart-to-order");
        }
        let Some(now) = self.price(view) else { return plain("not-sold-currency") };
        if book.stock == 0 {
            return plain("cart-out-of-stock");
        }
        if book.stock < u32::from(self.line.quantity) {
            let arguments = [("count", book.stock.into()), ("wanted", self.line.quantity.into())];
            return Some(("cart-too-few", view.locale.text_with("cart-some", arguments)));
        }
        match now.minor.cmp(&self.line.price_seen) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => plain("cart-cheaper"),
            std::cmp::Ordering::Greater => plain("cart-dearer"),
        }
    }
}

impl CartPage<'_> {
    fn cart_notice(&self) -> Option<String> {
        self.view.cart_notice(self.rows.iter().filter_map(|row| row.book.as_ref()).chain(self.removed))
    }

    /// What puts the removed copies back, if they can be sold: book, copies and price.
    fn undo(&self) -> Option<CartLine> {
        let CartChange::Removed(quantity) = self.view.cart_change?.change else { return None };
        let book = self.removed?;
        self.view.price_of(book).map(|price| CartLine { book: book.id, quantity, price_seen: price.minor })
    }

    /// The fault of the number of copies that was typed for a line, if it is this one.
    fn wrong_quantity(&self, row: &CartRow) -> Option<String> {
        let CartNote { change, book } = self.view.cart_change?;
        let is_of_row = change == CartChange::Quantity && book == Some(row.line.book);
        is_of_row.then(|| self.view.text("cart-quantity"))
    }

    fn subtotal(&self) -> Money {
        let orderable = self.rows.iter().filter_map(|row| row.orderable(&self.view));
        let sum: u64 = orderable.map(|Orderable { quantity, price }| u64::from(quantity) * u64::from(price)).sum();
        let currency = self.view.shop.map(|shop| shop.currency.clone()).unwrap_or_default();
        Money { minor: u32::try_from(sum).unwrap_or(u32::MAX), currency }
    }

    fn can_order(&self) -> bool {
        self.rows.iter().any(|row| row.orderable(&self.view).is_some())
    }

    /// How the books can be delivered, and at what price.
    fn deliveries(&self) -> Vec<String> {
        self.view.deliveries()
    }
}

//! The cart: a cookie of the browser, so that a change of it needs no database.
//!
//! `<id>.<book>:<quantity>:<price seen>.<book>:…`, for example `c56a4180-65aa-42ec-a945-5fd21dec0538.53:2:1995.7:1:950`.
//! The cart of a customer also has the time of its last change, `t1764201234567` behind the id, because it is kept in several
//! browsers; versions before do not read that part.
//! The price seen is in minor units of the shop's currency; it only shows what has changed since. Everything in it comes
//! from the browser, so nothing in it is believed: prices and stock are read when a page is drawn.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

use super::{BookId, uuid_of_shop};

/// One book in a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartLine {
    pub book: BookId,
    /// 1 to [`Cart::MAX_COPIES`].
    pub quantity: u8,
    /// The price of one copy when the shopper last saw it, in minor units of the shop's currency.
    pub price_seen: u32,
}

/// The books that a shopper wants to order: each at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cart {
    /// None until it is written for the first time.
    id: Option<Uuid>,
    lines: Vec<CartLine>,
    /// When a customer changed it, in milliseconds since 1970; 0 of a visitor.
    changed: u64,
}

/// A limit that kept a cart from taking everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartLimit {
    /// It has [`Cart::MAX_LINES`] other books already; the book is not in it.
    Lines,
    /// The book is in it with [`Cart::MAX_COPIES`] copies, which is less than was wanted.
    Copies,
}

impl Cart {
    /// The largest number of different books.
    pub const MAX_LINES: usize = super::order::MAX_LINES;
    /// The largest number of copies of one book.
    pub const MAX_COPIES: u8 = super::Quantity::MAX;
    /// The longest value of the cookie: the id, and for each line a dot, two numbers of ten digits, one of two, and two
    /// colons; of a customer also the time.
    pub const MAX_COOKIE: usize = 36 + 22 + Self::MAX_LINES * (1 + 10 + 1 + 2 + 1 + 10);

    /// Reads the value of a cookie. It never fails: what cannot be a line is left out.
    pub fn parse(value: &str) -> Self {
        // A browser may send any length; a cart is never longer.
        let mut parts = value.get(..value.len().min(Self::MAX_COOKIE)).unwrap_or_default().split('.');
        let id = parts.next().and_then(uuid_of_shop);
        let mut cart = Self { id, ..Self::default() };
        for part in parts {
            if let Some(changed) = part.strip_prefix('t') {
                cart.changed = changed.parse().unwrap_or_default();
            }
            let Some(line) = CartLine::parse(part) else { continue };
            // A book that is there twice is one line.
            _ = cart.add(line);
        }
        cart
    }

    /// The value of the cookie. A cart without an id gets this one.
    pub fn to_cookie(&self, new_id: Uuid) -> String {
        let lines: Vec<String> = self.lines.iter().map(CartLine::to_cookie).collect();
        let id = self.id.unwrap_or(new_id).to_string();
        let changed = (self.changed > 0).then(|| format!("t{}", self.changed));
        [vec![id], changed.into_iter().collect(), lines].concat().join(".")
    }

    /// The cart with its id, or with this one if it has none.
    #[must_use]
    pub fn or_with_id(self, new_id: Uuid) -> Self {
        Self { id: self.id.or(Some(new_id)), ..self }
    }

    /// Identifies the cart while it lasts; none if it was never written.
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    pub fn lines(&self) -> &[CartLine] {
        &self.lines
    }

    pub fn line(&self, book: BookId) -> Option<&CartLine> {
        self.lines.iter().find(|line| line.book == book)
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The number of copies of all books.
    pub fn copies(&self) -> u32 {
        self.lines.iter().map(|line| u32::from(line.quantity)).sum()
    }

    /// Adds copies of a book to those that are in it, as many as fit. The price becomes the one that was seen last.
    ///
    /// # Errors
    /// A limit was met; everything that was in the cart is still there.
    pub fn add(&mut self, line: CartLine) -> Result<(), CartLimit> {
        let wanted = self.line(line.book).map_or(0, |known| known.quantity).saturating_add(line.quantity);
        self.set(CartLine { quantity: wanted, ..line })
    }

    /// Makes this the number of copies of a book, or the largest possible one; none removes the book.
    ///
    /// # Errors
    /// See [`Self::add`].
    pub fn set(&mut self, line: CartLine) -> Result<(), CartLimit> {
        if line.quantity == 0 {
            self.remove(line.book);
            return Ok(());
        }
        let fitting = CartLine { quantity: line.quantity.min(Self::MAX_COPIES), ..line };
        let is_full = self.lines.len() == Self::MAX_LINES;
        match self.lines.iter_mut().find(|known| known.book == line.book) {
            Some(known) => *known = fitting,
            None if is_full => return Err(CartLimit::Lines),
            None => self.lines.push(fitting),
        }
        if line.quantity > Self::MAX_COPIES { Err(CartLimit::Copies) } else { Ok(()) }
    }

    pub fn remove(&mut self, book: BookId) {
        self.lines.retain(|line| line.book != book);
    }

    /// Takes in the lines of another cart. Of a book that both have, the larger quantity counts, so that merging twice is
    /// the same as once; the price is that of the other.
    ///
    /// # Errors
    /// See [`Self::add`]; all lines that fit are taken in.
    pub fn merge(&mut self, lines: &[CartLine]) -> Result<(), CartLimit> {
        let mut met = Ok(());
        for line in lines {
            let known = self.line(line.book).map_or(0, |known| known.quantity);
            let outcome = self.set(CartLine { quantity: line.quantity.max(known), ..*line });
            met = met.and(outcome);
        }
        met
    }

    /// The cart of a customer, who has changed it at this millisecond. It is later than the change before, also by a clock that
    /// is behind the one of that change.
    #[must_use]
    pub fn changed_at(self, milliseconds: u64) -> Self {
        Self { changed: milliseconds.max(self.changed.saturating_add(1)), ..self }
    }

    /// The cart of a customer, of the one in this browser and the one that is stored. A cart that both know is the later of
    /// both, so that what was removed stays away. Another one is merged once, the larger quantity wins, and continues as the
    /// stored one.
    #[must_use]
    pub fn following(self, stored: Self, now: u64) -> Self {
        if self.id == stored.id {
            return if stored.changed > self.changed { stored } else { self };
        }
        if self.is_empty() {
            return stored;
        }
        let mut both = stored;
        // What does not fit is left out.
        _ = both.merge(&self.lines);
        both.changed_at(now)
    }

    /// The cart without books that were ordered. It continues as another one, so that the same books in it are another order:
    /// that of a visitor by its id, that of a customer, whose id is known in other browsers, by the time of its change.
    #[must_use]
    pub fn without_ordered(mut self, books: impl IntoIterator<Item = BookId>, new_id: Uuid) -> Self {
        for book in books {
            self.remove(book);
        }
        if self.changed == 0 {
            Self { id: Some(new_id), ..self }
        } else {
            Self { changed: self.changed.saturating_add(1), ..self }
        }
    }

    /// When a customer changed it, in milliseconds since 1970; 0 of a visitor.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// Removes everything. The next cart is another one.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Serialize for Cart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_cookie(Uuid::nil()))
    }
}

impl<'de> Deserialize<'de> for Cart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > Self::MAX_COOKIE {
            return Err(D::Error::custom(format!("cart: has {} bytes; at most {}", text.len(), Self::MAX_COOKIE)));
        }
        let cart = Self::parse(&text);
        if cart.id.is_none() { Err(D::Error::custom("cart: must have an id such as the shop makes")) } else { Ok(cart) }
    }
}

impl CartLine {
    /// Reads `53:2:1995`: a book, 1 to 255 copies, and a price in minor units.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(':');
        let mut next = || numbers.next().filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let (book, quantity, price) = (next()?, next()?, next()?);
        let line = Self {
            book: BookId::parse(book)?,
            quantity: quantity.parse().ok().filter(|quantity| *quantity > 0)?,
            price_seen: price.parse().ok()?,
        };
        numbers.next().is_none().then_some(line)
    }

    /// The form that [`Self::parse`] reads.
    pub fn to_cookie(&self) -> String {
        format!("{}:{}:{}", self.book, self.quantity, self.price_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "c56a4180-65aa-42ec-a945-5fd21dec0538";

    fn cart(lines: &str) -> Cart {
        Cart::parse(&format!("{ID}.{lines}"))
    }

    fn line(text: &str) -> CartLine {
        CartLine::parse(text).unwrap()
    }

    /// The lines as the cookie has them.
    fn lines(cart: &Cart) -> String {
        cart.lines().iter().map(CartLine::to_cookie).collect::<Vec<_>>().join(".")
    }

    /// A cart that is full of books from 1 up.
    fn full(quantity: u8) -> Cart {
        let mut cart = Cart::default();
        for book in 1..=50 {
            cart.add(CartLine { book: BookId::from(book), quantity, price_seen: u32::MAX }).unwrap();
        }
        cart
    }

    #[test]
    fn what_was_ordered_leaves_the_cart_which_continues_as_another_one() {
        let new = Uuid::from_u128(7);
        let of_visitor = cart("53:2:1995.7:1:950").without_ordered([BookId::from(53), BookId::from(8)], new);
        assert_eq!((lines(&of_visitor).as_str(), of_visitor.id(), of_visitor.changed()), ("7:1:950", Some(new), 0));
        let of_customer = cart("t100.53:2:1995.7:1:950").without_ordered([BookId::from(53)], new);
        assert_eq!(of_customer, cart("t101.7:1:950"), "other browsers know it by its id, and that it is later");
        let mut cleared = cart("t100.53:2:1995");
        cleared.clear();
        assert_eq!(cleared, Cart::default());
    }

    #[test]
    fn a_cart_keeps_its_id_and_gets_one_if_it_has_none() {
        let new = Uuid::from_u128(7);
        assert_eq!(cart("53:2:1995").or_with_id(new), cart("53:2:1995"));
        let given = Cart::parse("x.53:2:1995").or_with_id(new);
        assert_eq!((given.id(), lines(&given).as_str()), (Some(new), "53:2:1995"));
    }

    #[test]
    fn a_cart_of_a_message_has_at_most_the_size_of_a_cookie_and_a_line_at_least_one_copy() {
        let longest = full(20).changed_at(u64::MAX).or_with_id(Uuid::from_u128(7));
        let filler = "x".repeat(Cart::MAX_COOKIE);
        let padded = |size: usize| format!("\"{ID}.{}\"", &filler[..size - ID.len() - 1]);
        assert_eq!(serde_json::from_str::<Cart>(&padded(Cart::MAX_COOKIE)).unwrap().id().unwrap().to_string(), ID);
        assert!(serde_json::from_str::<Cart>(&padded(Cart::MAX_COOKIE + 1)).is_err());
        assert!(longest.to_cookie(Uuid::nil()).len() <= Cart::MAX_COOKIE);
        assert_eq!((CartLine::parse("53:0:1"), line("53:1:1").quantity), (None, 1));
    }

    #[test]
    fn a_cart_is_read_as_it_was_written() {
        for value in
            [ID.to_owned(), format!("{ID}.53:2:1995"), format!("{ID}.53:2:1995.7:20:0.4294967295:1:4294967295")]
        {
            let cart = Cart::parse(&value);
            assert_eq!((cart.to_cookie(Uuid::nil()), cart.id().unwrap().to_string()), (value, ID.to_owned()));
        }
        let new = Uuid::parse_str(ID).unwrap();
        assert_eq!(Cart::default().to_cookie(new), ID, "a new cart gets an id");
        assert_eq!(cart("53:2:1995.7:3:950").copies(), 5);
    }

    #[test]
    fn a_customers_cart_is_the_later_one_of_two_browsers_and_a_strange_one_is_merged_once() {
        const OTHER: &str = "0b0fd2bd-5e6f-4d5e-8a39-3b8e2ae7f2a1";
        let stored = Cart::parse(&format!("{ID}.t100.53:2:1995.7:1:950"));
        for (name, browser, expected) in [
            ("nothing", String::new(), format!("{ID}.t100.53:2:1995.7:1:950")),
            ("an earlier state", format!("{ID}.t99.53:9:1"), format!("{ID}.t100.53:2:1995.7:1:950")),
            ("a later state without a book", format!("{ID}.t101.7:1:950"), format!("{ID}.t101.7:1:950")),
            ("a later state without any", format!("{ID}.t101"), format!("{ID}.t101")),
            ("the same time", format!("{ID}.t100.7:2:950"), format!("{ID}.t100.7:2:950")),
            ("another cart", format!("{OTHER}.53:1:2095.8:1:1"), format!("{ID}.t200.53:2:2095.7:1:950.8:1:1")),
        ] {
            let cart = Cart::parse(&browser).following(stored.clone(), 200);
            assert_eq!(cart.to_cookie(Uuid::nil()), expected, "{name}");
            assert_eq!(cart.clone().following(stored.clone(), 300), cart, "{name}: once more");
        }
        let behind = Cart::parse(&format!("{OTHER}.8:1:1")).following(stored.clone(), 50);
        assert_eq!(
            behind.to_cookie(Uuid::nil()),
            format!("{ID}.t101.53:2:1995.7:1:950.8:1:1"),
            "a clock that is behind"
        );
        assert_eq!(behind.clone().changed_at(60).following(behind, 70).changed(), 102);
        let sent = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Cart>(&sent).unwrap(), stored);
        assert!(serde_json::from_str::<Cart>("\"x.53:1:1\"").is_err());
    }

    #[test]
    fn whatever_a_cookie_has_the_page_gets_a_cart_and_bad_lines_are_left_out() {
        let books = |last: u32| (1..=last).map(|book| format!("{book}:1:100")).collect::<Vec<_>>().join(".");
        for (value, expected) in [
            ("", ""),
            ("garbage", ""),
            (".", ""),
            ("....", ""),
            (ID, ""),
            ("garbage.53:2:1995", "53:2:1995"),
            ("00000000-0000-0000-0000-000000000000.53:2:1995", "53:2:1995"),
            (&format!("{ID}.53:2:1995.x.7:1:950"), "53:2:1995.7:1:950"),
            (&format!("{ID}.0:1:1.053:1:1.-1:1:1.+1:1:1.53-quijote:1:1.4294967296:1:1"), ""),
            (&format!("{ID}.53:0:1.53:256:1.53:-1:1.53:1.5:1.53::1.53:1:.53:1:-1.53:1:4294967296"), ""),
            (&format!("{ID}.53:1.53.53:1:1:1.:::.53: 1:1.53:1:1 "), ""),
            (&format!("{ID}.53:1:<script>.53:١:1"), ""),
            (&format!("{ID}.53:21:100.54:255:100"), "53:20:100.54:20:100"),
            (&format!("{ID}.53:2:1995.7:1:950.53:3:1895"), "53:5:1895.7:1:950"),
            (&format!("{ID}.53:15:1995.53:15:1895"), "53:20:1895"),
            (&format!("{ID}.{}", books(80)), &books(50)),
            (&format!("{ID}{}", ".".repeat(100_000)), ""),
            (&"ñ".repeat(4_000), ""),
        ] {
            assert_eq!(lines(&Cart::parse(value)), expected, "{}", value.chars().take(80).collect::<String>());
        }
        assert_eq!(Cart::parse("garbage.53:2:1995").id(), None);
    }

    #[test]
    fn the_fullest_cart_fits_into_a_cookie_with_its_name_and_attributes() {
        let mut longest = Cart::default();
        for book in 0..50 {
            longest.add(CartLine { book: BookId::from(u32::MAX - book), quantity: 20, price_seen: u32::MAX }).unwrap();
        }
        let value = longest.clone().changed_at(u64::MAX).to_cookie(Uuid::max());
        assert_eq!(value.len(), Cart::MAX_COOKIE);
        // Browsers keep 4096 bytes of name, value and attributes: RFC 6265, 6.1.
        let cookie = format!("__Host-cart={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure");
        assert!(cookie.len() < 4_096 / 2, "{}", cookie.len());
        assert_eq!(lines(&Cart::parse(&value)), lines(&longest));
    }

    #[test]
    fn copies_of_a_book_add_up_to_twenty_and_what_is_in_the_cart_is_never_lost() {
        for (before, added, after, limit) in [
            ("", "53:1:1995", "53:1:1995", Ok(())),
            ("53:1:1995", "54:2:950", "53:1:1995.54:2:950", Ok(())),
            ("53:1:1995", "53:2:1995", "53:3:1995", Ok(())),
            ("53:1:1995", "53:1:1895", "53:2:1895", Ok(())),
            ("53:19:1995", "53:1:1995", "53:20:1995", Ok(())),
            ("53:20:1995", "53:1:1995", "53:20:1995", Err(CartLimit::Copies)),
            ("53:18:1995", "53:5:1995", "53:20:1995", Err(CartLimit::Copies)),
            ("", "53:255:1995", "53:20:1995", Err(CartLimit::Copies)),
            ("53:20:1995", "53:255:1995", "53:20:1995", Err(CartLimit::Copies)),
        ] {
            let mut cart = cart(before);
            assert_eq!((cart.add(line(added)), lines(&cart).as_str()), (limit, after), "{before} and {added}");
        }
        let mut cart = full(1);
        let before = lines(&cart);
        assert_eq!(cart.add(line("51:1:100")), Err(CartLimit::Lines));
        assert_eq!(lines(&cart), before);
        assert_eq!(cart.add(line("50:1:100")), Ok(()), "a book that is in the cart already");
    }

    #[test]
    fn a_quantity_can_be_changed_and_none_removes_the_book() {
        for (quantity, after, limit) in [
            (1, "53:1:1895.7:1:950", Ok(())),
            (20, "53:20:1895.7:1:950", Ok(())),
            (21, "53:20:1895.7:1:950", Err(CartLimit::Copies)),
            (0, "7:1:950", Ok(())),
        ] {
            let mut cart = cart("53:3:1995.7:1:950");
            let outcome = cart.set(CartLine { book: BookId::from(53), quantity, price_seen: 1_895 });
            assert_eq!((outcome, lines(&cart).as_str()), (limit, after), "{quantity}");
        }
    }

    #[test]
    fn merging_twice_is_the_same_as_once() {
        for (before, other, after) in [
            ("", "53:2:1995", "53:2:1995"),
            ("53:3:1995", "53:2:1895", "53:3:1895"),
            ("53:1:1995.7:1:950", "53:2:1895.8:1:500", "53:2:1895.7:1:950.8:1:500"),
        ] {
            let mut cart = cart(before);
            let other: Vec<CartLine> = other.split('.').map(line).collect();
            for _ in 0..2 {
                cart.merge(&other).unwrap();
                assert_eq!(lines(&cart), after, "{before} and {other:?}");
            }
        }
        assert_eq!(full(1).merge(&[line("1:2:100"), line("99:1:100")]), Err(CartLimit::Lines));
    }
}

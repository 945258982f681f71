//! Values and helper functions of every page's template.

use fluent_templates::fluent_bundle::FluentValue;
use shared::{
    domain::{
        Availability, BookId, Cart, Language, LineReason, Money, OrderId, OrderReason, OrderState, Rejection, Summary,
        TaxPart, TimeZone,
    },
    shop::{Selling, Shop},
};
use time::{Date, OffsetDateTime};

use crate::{Locale, Markup, Place, cover, delivery, format, links, mails, markup, picture_of_cover, rejected};

/// The visitor's language, the request, and today.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub locale: Locale,
    /// As the request has it: `/books`.
    pub path: &'a str,
    /// The parameters that make it this page, encoded, without the language: `q=quijote&sort=title`.
    pub query: &'a str,
    /// `https://shop.example`, where it is known.
    pub origin: Option<&'a str>,
    pub today: Date,
    /// The settings of selling; none where the stage has no `[shop]`.
    pub shop: Option<&'a Shop>,
    /// The number of copies in the visitor's cart.
    pub cart: u32,
    /// The outcome of the last change of the cart, shown once.
    pub cart_change: Option<CartNote>,
    /// The latest order that was placed in this browser.
    pub order: Option<OrderId>,
    pub account: Account,
    pub wishlist: Wishlist<'a>,
}

/// What a page knows of the wishlist of who has signed in, as far as the cookies tell. It authorises nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishlist<'a> {
    /// The hidden value of its forms; none for who has not signed in.
    pub key: Option<&'a str>,
    /// Its newest books.
    pub newest: &'a [BookId],
    /// The outcome of the last change, shown once.
    pub change: Option<WishNote>,
}

/// The outcome of a change of the wishlist, as the address of the next page has it: `added.53`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishNote {
    Added(BookId),
    Removed(BookId),
}

impl WishNote {
    /// The parameter of the address.
    pub const PARAMETER: &'static str = "wishlist";

    /// The value of the parameter.
    pub fn write(self) -> String {
        match self {
            Self::Added(book) => format!("added.{book}"),
            Self::Removed(book) => format!("removed.{book}"),
        }
    }

    /// Reads the value of the parameter; none if the newest books contradict it.
    pub fn read(value: &str, newest: &[BookId]) -> Option<Self> {
        let (change, book) = value.split_once('.')?;
        let book = BookId::parse(book)?;
        match (change, newest.contains(&book)) {
            ("added", true) => Some(Self::Added(book)),
            ("removed", false) => Some(Self::Removed(book)),
            _ => None,
        }
    }
}

/// Whether somebody has signed in with this browser, as far as its cookies tell. It authorises nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Nobody can sign in on this stage.
    NotHere,
    SignedOut,
    SignedIn,
}

/// The outcome of a change of the cart with its book, as the address of the next page has it: `added.1a2b3c4d.53`. It is of
/// one cart, so that an address which somebody else has typed or sent claims nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartNote {
    pub change: CartChange,
    /// The book that it is about, if it is about one.
    pub book: Option<BookId>,
}

impl CartNote {
    /// The parameter of the address.
    pub const PARAMETER: &'static str = "cart";

    /// The value of the parameter, for the cart after the change.
    pub fn write(self, cart: &Cart) -> String {
        let book = self.book.map(|book| format!(".{book}")).unwrap_or_default();
        let copies = match self.change {
            CartChange::Removed(copies) => format!("-{copies}"),
            _ => String::new(),
        };
        format!("{}{copies}.{}{book}", self.change.name(), Self::mark(cart))
    }

    /// Reads the value of the parameter; none if it is not of this cart, or the cart contradicts it.
    pub fn read(value: &str, cart: &Cart) -> Option<Self> {
        let mut parts = value.split('.');
        let change = CartChange::parse(parts.next()?)?;
        let is_of_cart = parts.next() == Some(&Self::mark(cart));
        let book = parts.next().and_then(BookId::parse);
        let line = book.and_then(|book| cart.line(book));
        let is_so = match change {
            CartChange::Added | CartChange::Short => line.is_some(),
            CartChange::Removed(_) => book.is_some() && line.is_none(),
            CartChange::Full => cart.lines().len() == Cart::MAX_LINES,
            CartChange::Most => cart.lines().iter().any(|line| line.quantity == Cart::MAX_COPIES),
            CartChange::Changed | CartChange::Quantity | CartChange::Refilled | CartChange::Renewed => true,
        };
        (is_of_cart && is_so).then_some(Self { change, book })
    }

    /// Distinguishes the carts of different browsers.
    fn mark(cart: &Cart) -> String {
        let id = cart.id().filter(|_| !cart.is_empty()).map(|id| id.simple().to_string());
        id.map_or_else(|| "none".to_owned(), |id| id[..8].to_owned())
    }
}

/// The outcome of a change of the cart, as the address of the next page has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartChange {
    Added,
    /// A book was added of which there are fewer copies than the cart has now.
    Short,
    /// These copies of a book were removed.
    Removed(u8),
    /// Quantities were changed.
    Changed,
    /// A book did not fit.
    Full,
    /// A book is in the cart with the largest possible quantity.
    Most,
    /// A number of copies cannot be ordered, and nothing was changed.
    Quantity,
    /// The books of a rejected order that can be sold are in the cart.
    Refilled,
    /// The prices or the stock of a form are too old to order by.
    Renewed,
}

impl CartChange {
    const ALL: [(&'static str, Self); 8] = [
        ("added", Self::Added),
        ("short", Self::Short),
        ("changed", Self::Changed),
        ("full", Self::Full),
        ("most", Self::Most),
        ("quantity", Self::Quantity),
        ("refilled", Self::Refilled),
        ("renewed", Self::Renewed),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        if let Some(copies) = name.strip_prefix("removed-") {
            let copies = copies.parse().ok().filter(|copies| (1..=Cart::MAX_COPIES).contains(copies));
            return copies.map(Self::Removed);
        }
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, change)| *change)
    }

    pub fn name(self) -> &'static str {
        if matches!(self, Self::Removed(_)) {
            return "removed";
        }
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    fn key(self) -> &'static str {
        match self {
            Self::Added => "cart-added",
            Self::Short => "cart-short",
            Self::Removed(_) => "cart-removed",
            Self::Changed => "cart-changed",
            Self::Full => "cart-full",
            Self::Most => "cart-most",
            Self::Quantity => "cart-quantity",
            Self::Refilled => "cart-refilled",
            Self::Renewed => "cart-renewed",
        }
    }
}

impl View<'_> {
    pub fn text(&self, key: &str) -> String {
        self.locale.text(key)
    }

    /// The text under a heading.
    pub fn more(&self, heading: &str) -> String {
        self.locale.text(&format!("{heading}.text"))
    }

    /// A text with one argument.
    pub fn text_with<'v>(&self, key: &str, name: &'static str, value: impl Into<FluentValue<'v>>) -> String {
        self.locale.text_with(key, [(name, value.into())])
    }

    /// A text with the argument `count`.
    pub fn count(&self, key: &str, count: impl TryInto<u64>) -> String {
        self.text_with(key, "count", count.try_into().unwrap_or_default())
    }

    pub fn number(&self, number: impl Into<u64>) -> String {
        format::number(self.locale, number.into())
    }

    /// With four digits grouped as well, for columns.
    pub fn column_number(&self, number: impl Into<u64>) -> String {
        format::column_number(self.locale, number.into())
    }

    /// `2,2 M`, for cards.
    pub fn short_number(&self, number: impl Into<u64>) -> String {
        format::short_number(self.locale, number.into())
    }

    pub fn price(&self, money: &Money) -> String {
        format::price(self.locale, money)
    }

    pub fn mean(&self, stars: f64) -> String {
        format::mean(self.locale, stars)
    }

    pub fn year(&self, year: i16) -> String {
        format::year(self.locale, year)
    }

    pub fn date(&self, date: Date) -> String {
        format::date(self.locale, date)
    }

    pub fn day(&self, time: OffsetDateTime) -> String {
        format::day(self.locale, time, &self.time_zone())
    }

    /// The day in the shop's time zone; a shop that does not sell has UTC.
    pub fn local_day(&self, time: OffsetDateTime) -> Date {
        self.time_zone().local(time).date()
    }

    pub fn time_zone(&self) -> TimeZone {
        self.shop.map(|shop| shop.time_zone.clone()).unwrap_or_default()
    }

    /// See [`Locale::genre`].
    pub fn genre(&self, slug: &str) -> String {
        self.locale.genre(slug)
    }

    /// The name of a language: of the tag, or of its primary tag, because a shopper looks for English of any region, or
    /// else the tag.
    pub fn language(&self, tag: &str) -> String {
        let find = |tag: &str| self.locale.find(&format!("language-{tag}"), None);
        if let Some(name) = find(tag) {
            return name;
        }
        find(tag.split('-').next().unwrap_or(tag)).unwrap_or_else(|| tag.to_owned())
    }

    /// Whether the shop takes orders.
    pub fn sells(&self) -> bool {
        Shop::selling(self.shop) == Selling::Yes
    }

    /// Whether the book can be put into the cart.
    pub fn can_buy(&self, book: &Summary) -> bool {
        book.availability == Availability::InStock && self.price_of(book).is_some()
    }

    /// The copies of a book that there are, as far as one order can have them.
    pub fn copies(&self, book: &Summary) -> u32 {
        book.stock.min(Cart::MAX_COPIES.into())
    }

    /// The price of a book in the currency that the shop charges, if it sells the book at all.
    pub fn price_of<'b>(&self, book: &'b Summary) -> Option<&'b Money> {
        let shop = self.shop.filter(|_| self.sells())?;
        book.price.as_ref().filter(|price| price.currency == shop.currency)
    }

    /// The outcome of the last change of the cart. It names the book, if that is among those of the page.
    pub fn cart_notice<'b>(&self, books: impl IntoIterator<Item = &'b Summary>) -> Option<String> {
        let CartNote { change, book } = self.cart_change.filter(|_| self.sells())?;
        let title = books.into_iter().find(|shown| Some(shown.id) == book).map(|book| book.title.as_str());
        let key = match change {
            CartChange::Added => Some("cart-added-book"),
            CartChange::Short => Some("cart-short-book"),
            CartChange::Removed(_) => Some("cart-removed-book"),
            _ => None,
        };
        Some(match key.zip(title) {
            Some((key, title)) => self.text_with(key, "title", title),
            None => self.text(change.key()),
        })
    }

    /// The same of a page that has no books.
    pub fn any_cart_notice(&self) -> Option<String> {
        self.cart_notice([])
    }

    /// The address of the latest order that was placed in this browser.
    pub fn latest_order(&self) -> Option<String> {
        self.order.filter(|_| self.sells()).map(|order| format!("/orders/{order}"))
    }

    /// The address and the text of the link to sign in, or to the account.
    pub fn account_link(&self) -> Option<(String, String)> {
        match self.account {
            Account::NotHere => None,
            Account::SignedOut => Some((links::sign_in(&self.current_url()), self.text("nav-sign-in"))),
            Account::SignedIn => Some(("/account".to_owned(), self.text("nav-account"))),
        }
    }

    /// What a page offers to do with a book and the wishlist, and the key of the button's text; none where nobody can sign
    /// in.
    pub fn wish(&self, book: &Summary) -> Option<(&'static str, &'static str)> {
        match self.account {
            Account::NotHere => None,
            _ if self.wishlist.newest.contains(&book.id) => Some(("remove-wish", "wish-remove")),
            _ => Some(("add-wish", "wish-add")),
        }
    }

    /// The key of the outcome of the last change of the wishlist.
    pub fn wish_notice(&self) -> Option<&'static str> {
        match self.wishlist.change.filter(|_| self.account == Account::SignedIn)? {
            WishNote::Added(_) => Some("wish-added"),
            WishNote::Removed(_) => Some("wish-removed"),
        }
    }

    /// The same view when a session was looked at, or has just ended.
    #[must_use]
    pub fn signed_in_if(self, is_signed_in: bool) -> Self {
        let account = match self.account {
            Account::NotHere => Account::NotHere,
            _ if is_signed_in => Account::SignedIn,
            _ => Account::SignedOut,
        };
        Self { account, ..self }
    }

    /// How orders are delivered, and at what price: "Delivery: €3.95, free from €40.00".
    pub fn deliveries(&self) -> Vec<String> {
        let Some(shop) = self.shop else { return Vec::new() };
        let collect = shop.collect.as_ref().map(|_| self.text("delivery-collect-free"));
        let parcel = shop.ship.as_ref().map(|ship| {
            let price = self.price(&shop.money(ship.price));
            match ship.free_from {
                _ if ship.price == 0 => self.text("delivery-ship-free"),
                None => self.text_with("delivery-ship-price", "price", price),
                Some(from) => {
                    let from = self.price(&shop.money(from));
                    let arguments = [("price", price.into()), ("from", from.into())];
                    self.locale.text_with("delivery-ship-free-from", arguments)
                }
            }
        });
        collect.into_iter().chain(parcel).collect()
    }

    /// How orders are delivered: price, time and countries.
    pub fn deliveries_in_full(&self) -> Vec<String> {
        let Some(shop) = self.shop else { return Vec::new() };
        let collect = shop.collect.as_ref().map(|collect| {
            let arguments = [
                ("place", collect.place.as_str().into()),
                ("ready", collect.ready_in_days.into()),
                ("keep", collect.keep_days.into()),
            ];
            self.locale.text_with("checkout-collect", arguments)
        });
        let parcel = shop.ship.as_ref().map(|ship| {
            let arguments = [
                ("price", self.deliveries().pop().unwrap_or_default().into()),
                ("days", ship.days.into()),
                ("countries", delivery::countries(self.locale, shop).into()),
            ];
            self.locale.text_with("terms-ship", arguments)
        });
        collect.into_iter().chain(parcel).collect()
    }

    /// Where the shop delivers to, if it sends anything.
    pub fn delivery_countries(&self) -> Option<String> {
        let shop = self.shop.filter(|shop| shop.ship.is_some())?;
        Some(self.text_with("delivery-countries", "countries", delivery::countries(self.locale, shop)))
    }

    /// From when the days of a delivery count.
    pub fn delivery_counts(&self) -> String {
        self.shop.map(|shop| delivery::time_counts(self.locale, shop)).unwrap_or_default()
    }

    /// The model form for a withdrawal, addressed to the seller.
    pub fn withdrawal_form(&self) -> Option<String> {
        self.shop.map(|shop| mails::withdrawal_form(self.locale, shop))
    }

    pub fn order_state(&self, state: OrderState) -> String {
        self.text(match state {
            OrderState::Received => "order-received",
            OrderState::Confirmed => "order-confirmed",
            OrderState::AwaitingPayment => "order-awaiting-payment",
            OrderState::Rejected => "order-rejected",
            OrderState::Expired => "order-expired",
            OrderState::Ready => "order-ready",
            OrderState::Shipped => "order-shipped",
            OrderState::Collected => "order-collected",
            OrderState::Delivered => "order-delivered",
            OrderState::Returned => "order-returned",
            OrderState::Cancelled => "order-cancelled",
        })
    }

    /// Why an order was rejected as a whole.
    pub fn order_reason(&self, reason: &OrderReason) -> String {
        rejected::order_reason(self.locale, reason)
    }

    /// Why a line of an order could not be sold.
    pub fn line_reason(&self, reason: &LineReason) -> String {
        rejected::line_reason(self.locale, reason)
    }

    /// `4 %: 0,77 €`
    pub fn tax(&self, part: &TaxPart) -> String {
        let percent = format::percent(self.locale, part.rate);
        let arguments = [("rate", percent.into()), ("amount", self.price(&part.tax).into())];
        self.locale.text_with("tax-part", arguments)
    }

    /// `VAT 21%`, of a rate in hundredths of a percent.
    pub fn tax_rate(&self, rate: u16) -> String {
        self.text_with("tax-rate", "rate", format::percent(self.locale, rate))
    }

    /// `21% VAT included.`, of a rate in hundredths of a percent.
    pub fn tax_included(&self, rate: u16) -> String {
        self.text_with("tax-included-at", "rate", format::percent(self.locale, rate))
    }

    /// Day and time, in the shop's time zone.
    pub fn moment(&self, time: OffsetDateTime) -> String {
        format::moment(self.locale, time, &self.time_zone())
    }

    /// A time for programs: `2026-11-20T18:30Z`.
    pub fn machine_time(&self, time: OffsetDateTime) -> String {
        format!("{}T{:02}:{:02}Z", time.date(), time.hour(), time.minute())
    }

    /// The name of a country, or its code.
    pub fn country(&self, code: &str) -> String {
        delivery::country(self.locale, code)
    }

    pub fn sort(&self, name: &str) -> String {
        self.text(&format!("sort-{name}"))
    }

    pub fn rejection(&self, rejection: &Rejection) -> String {
        self.text(match rejection {
            Rejection::NoSuchBook(_) => "reason-no-such-book",
            Rejection::Hidden => "reason-hidden",
            Rejection::HiddenBefore => "reason-hidden-before",
            Rejection::Erased => "reason-erased",
            Rejection::LaterRating => "reason-later-rating",
            Rejection::OfCustomer => "reason-of-customer",
            Rejection::InStock => "reason-in-stock",
            Rejection::TooManyAlerts => "reason-too-many-alerts",
            Rejection::NoVerifiedEmail => "reason-no-verified-email",
            Rejection::NoSuchAlert => "reason-no-such-alert",
            Rejection::Other(_) => "reason-other",
        })
    }

    /// The `lang` attribute of a text in another language than the page.
    pub fn lang(&self, language: Option<&Language>) -> Markup {
        match language {
            Some(tag) if Locale::parse(tag.as_str()) != Some(self.locale) => {
                Markup::new(format!(" lang=\"{}\"", tag.as_str()))
            }
            _ => Markup::new(String::new()),
        }
    }

    /// The CSS class of a mean in half stars, from `s2` to `s10`.
    #[expect(clippy::cast_possible_truncation, reason = "1 to 5")]
    pub fn star_class(&self, mean: f64) -> String {
        format!("s{}", (mean * 2.0).round() as i64)
    }

    pub fn book(&self, book: &Summary) -> String {
        links::book(book.id, &book.title)
    }

    /// The cover of a book in a list.
    pub fn cover(&self, book: &Summary) -> Markup {
        self.cover_in(Place::List, book, None)
    }

    /// The cover of a book on its own page, where a drawn one has the genre.
    pub fn large_cover(&self, book: &Summary, genre: Option<&str>) -> Markup {
        self.cover_in(Place::Page, book, genre)
    }

    fn cover_in(&self, place: Place, book: &Summary, genre: Option<&str>) -> Markup {
        let label = self.text_with("cover-of", "title", book.title.as_str());
        if let Some(picture) = &book.cover {
            return picture_of_cover(picture, &label, place);
        }
        let imprint = genre.map(|slug| self.genre(slug));
        cover(book.id.get(), &label, &book.title, &book.byline, imprint.as_deref())
    }

    /// The cover of a book of which only this is known.
    pub fn cover_of(&self, id: BookId, title: &str, byline: &str) -> Markup {
        let label = self.text_with("cover-of", "title", title);
        cover(id.get(), &label, title, byline, None)
    }

    pub fn mark(&self, text: &str, query: &str) -> Markup {
        markup::mark(text, query)
    }

    pub fn other_locale(&self) -> Locale {
        match self.locale {
            Locale::Es => Locale::En,
            Locale::En => Locale::Es,
        }
    }

    /// The URL of this page in the other language.
    pub fn language_switch_url(&self) -> String {
        let language = format!("lang={}", self.other_locale().tag());
        address(self.path, self.parameters().chain([language.as_str()]))
    }

    /// The URL of this page.
    pub fn current_url(&self) -> String {
        address(self.path, self.parameters())
    }

    /// The canonical URL of this page for search engines.
    pub fn canonical(&self) -> Option<String> {
        self.address_in(self.locale)
    }

    /// The page in each language, and for visitors of none of them.
    pub fn alternates(&self) -> impl Iterator<Item = (&'static str, String)> {
        let kinds = [("es", Locale::Es), ("en", Locale::En), ("x-default", Locale::Es)];
        kinds.into_iter().filter_map(|(tag, locale)| Some((tag, self.address_in(locale)?)))
    }

    /// Whether search engines may list this page: every page without parameters, and the list of a genre. There is no end
    /// of searches, filters and cursors, and everything in them is on other pages.
    pub fn is_indexed(&self) -> bool {
        let parameters: Vec<&str> = self.parameters().collect();
        match parameters[..] {
            [] => true,
            [one] => one.starts_with("genre="),
            _ => false,
        }
    }

    /// Whether the page is a later slice of its list.
    pub fn is_continued(&self) -> bool {
        self.parameters().any(|pair| pair.starts_with("cursor="))
    }

    /// The page from its beginning, because a cursor leads elsewhere when books are added.
    fn address_in(&self, locale: Locale) -> Option<String> {
        let parameters = self.parameters().filter(|pair| !pair.starts_with("cursor="));
        // Spanish is what a visitor without wishes gets.
        let language = (locale == Locale::En).then_some("lang=en");
        Some(format!("{}{}", self.origin?, address(self.path, parameters.chain(language))))
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        self.query.split('&').filter(|pair| !pair.is_empty())
    }
}

fn address<'a>(path: &str, parameters: impl Iterator<Item = &'a str>) -> String {
    let query = parameters.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;

    use time::macros::date;

    use super::*;

    fn view(locale: Locale, query: &str) -> View<'_> {
        View {
            locale,
            path: "/books",
            query,
            origin: Some("https://shop.example"),
            today: date!(2026 - 11 - 24),
            shop: None,
            cart: 0,
            cart_change: None,
            order: None,
            account: Account::NotHere,
            wishlist: Wishlist::default(),
        }
    }

    #[test]
    fn a_page_offers_to_remove_what_is_on_the_wishlist_and_shows_no_outcome_that_the_list_contradicts() {
        let newest = [BookId::from(53), BookId::from(7)];
        for (note, expected) in [
            ("added.53", Some("wish-added")),
            ("added.54", None),
            ("removed.54", Some("wish-removed")),
            ("removed.7", None),
            ("removed.x", None),
            ("full.7", None),
            ("", None),
        ] {
            let wishlist = Wishlist { key: Some("k"), newest: &newest, change: WishNote::read(note, &newest) };
            let view = View { account: Account::SignedIn, wishlist, ..view(Locale::Es, "") };
            assert_eq!(view.wish_notice(), expected, "{note}");
            assert_eq!(View { account: Account::SignedOut, ..view }.wish_notice(), None, "{note}");
        }
    }

    #[test]
    fn the_head_leads_to_the_sign_in_and_back_or_to_the_account_where_the_stage_has_them() {
        for (account, expected) in [
            (Account::NotHere, None),
            (Account::SignedOut, Some(("/sign-in?return=%2Fbooks%3Fq%3Dc%252B%252B", "Sign in"))),
            (Account::SignedIn, Some(("/account", "My account"))),
        ] {
            let view = View { account, ..view(Locale::En, "q=c%2B%2B") };
            let expected = expected.map(|(address, text)| (address.to_owned(), text.to_owned()));
            assert_eq!(view.account_link(), expected, "{account:?}");
            let after = [true, false].map(|is_signed_in| view.signed_in_if(is_signed_in).account);
            let is_here = account != Account::NotHere;
            assert_eq!(after == [Account::SignedIn, Account::SignedOut], is_here);
        }
    }

    #[test]
    fn a_change_of_language_keeps_the_address() {
        let view = view(Locale::Es, "q=c%2B%2B&sort=price&cursor=abc");
        assert_eq!(view.language_switch_url(), "/books?q=c%2B%2B&sort=price&cursor=abc&lang=en");
        assert_eq!(view.current_url(), "/books?q=c%2B%2B&sort=price&cursor=abc");
    }

    #[test]
    fn search_engines_are_given_the_page_from_its_beginning_in_each_language() {
        for (query, es, en) in [
            ("", "/books", "/books?lang=en"),
            ("cursor=abc", "/books", "/books?lang=en"),
            ("q=c%2B%2B&cursor=abc", "/books?q=c%2B%2B", "/books?q=c%2B%2B&lang=en"),
        ] {
            let [es, en] = [es, en].map(|path| format!("https://shop.example{path}"));
            assert_eq!(view(Locale::Es, query).canonical().as_ref(), Some(&es), "{query}");
            let alternates: Vec<_> = view(Locale::En, query).alternates().collect();
            assert_eq!(alternates, [("es", es.clone()), ("en", en), ("x-default", es)], "{query}");
        }
    }

    #[test]
    fn a_genre_is_indexed_and_other_lists_are_not() {
        for (query, is_indexed) in [
            ("", true),
            ("genre=crime", true),
            ("genre=crime&cursor=abc", false),
            ("genre=crime&language=es", false),
            ("language=es", false),
            ("q=amor", false),
            ("sort=title", false),
            ("cursor=abc", false),
        ] {
            assert_eq!(view(Locale::Es, query).is_indexed(), is_indexed, "{query}");
        }
    }

    #[test]
    fn every_rejection_has_a_text_in_both_languages() {
        // One of each variant: a new one does not compile until it is here.
        let next = |rejection: &Rejection| match rejection {
            Rejection::NoSuchBook(_) => Some(Rejection::Hidden),
            Rejection::Hidden => Some(Rejection::HiddenBefore),
            Rejection::HiddenBefore => Some(Rejection::Erased),
            Rejection::Erased => Some(Rejection::LaterRating),
            Rejection::LaterRating => Some(Rejection::OfCustomer),
            Rejection::OfCustomer => Some(Rejection::InStock),
            Rejection::InStock => Some(Rejection::TooManyAlerts),
            Rejection::TooManyAlerts => Some(Rejection::NoVerifiedEmail),
            Rejection::NoVerifiedEmail => Some(Rejection::NoSuchAlert),
            Rejection::NoSuchAlert => Some(Rejection::Other(String::new())),
            Rejection::Other(_) => None,
        };
        let rejections: Vec<_> = successors(Some(Rejection::NoSuchBook(BookId::from(7))), next).collect();
        assert_eq!(rejections.len(), 11);
        for rejection in rejections {
            for locale in Locale::ALL {
                let text = view(locale, "").rejection(&rejection);
                assert!(!text.starts_with("reason-"), "{rejection:?}: {text}");
            }
        }
    }

    #[test]
    fn every_reason_of_a_rejected_order_has_a_text_in_both_languages() {
        let euro = Money { minor: 1_995, currency: "EUR".into() };
        // One of each variant: a new one does not compile until it is here.
        let next = |reason: &OrderReason| match reason {
            OrderReason::Lines => Some(OrderReason::DeliveryPriceAbove { now: euro.clone() }),
            OrderReason::DeliveryPriceAbove { .. } => Some(OrderReason::TotalAbove { now: euro.clone() }),
            OrderReason::TotalAbove { .. } => Some(OrderReason::TooManyOpen { max: 3 }),
            OrderReason::TooManyOpen { .. } => Some(OrderReason::DeliveryNotOffered),
            OrderReason::DeliveryNotOffered => Some(OrderReason::CountryNotServed),
            OrderReason::CountryNotServed => Some(OrderReason::PaymentNotAccepted),
            OrderReason::PaymentNotAccepted => Some(OrderReason::NotSelling),
            OrderReason::NotSelling => Some(OrderReason::Erased),
            OrderReason::Erased => Some(OrderReason::Cancelled),
            OrderReason::Cancelled => Some(OrderReason::Other(String::new())),
            OrderReason::Other(_) => None,
        };
        let reasons: Vec<_> = successors(Some(OrderReason::Lines), next).collect();
        assert_eq!(reasons.len(), 11);
        for reason in reasons {
            for locale in Locale::ALL {
                let text = view(locale, "").order_reason(&reason);
                assert!(text.ends_with('.') && !text.contains(['{', '-']), "{reason:?}: {text}");
            }
        }
    }

    #[test]
    fn the_outcome_of_a_change_of_the_cart_is_read_as_the_address_has_it() {
        for (name, change) in CartChange::ALL {
            assert_eq!((CartChange::parse(name), change.name()), (Some(change), name));
        }
        assert_eq!(CartChange::parse("stolen"), None);
    }

    #[test]
    fn a_note_is_of_one_cart_and_claims_nothing_that_the_cart_contradicts() {
        let id = "c56a4180-65aa-42ec-a945-5fd21dec0538";
        let cart = |lines: &str| Cart::parse(&format!("{id}{lines}"));
        let many: Vec<String> = (1..=50).map(|book| format!(".{book}:1:100")).collect();
        let many = many.concat();
        let other = Cart::parse("0b0fd2bd-5e6f-4d5e-8a39-3b8e2ae7f2a1.53:1:1995");
        for (change, book, lines, address, is_read) in [
            (CartChange::Added, Some(53), ".53:1:1995", "added.c56a4180.53", true),
            (CartChange::Added, Some(7), ".53:1:1995", "added.c56a4180.7", false),
            (CartChange::Changed, None, ".53:1:1995", "changed.c56a4180", true),
            (CartChange::Changed, None, "", "changed.none", true),
            (CartChange::Full, Some(99), ".53:1:1995", "full.c56a4180.99", false),
            (CartChange::Full, Some(99), &many, "full.c56a4180.99", true),
            (CartChange::Most, None, ".53:19:1995", "most.c56a4180", false),
            (CartChange::Most, Some(53), ".53:20:1995", "most.c56a4180.53", true),
            (CartChange::Short, Some(53), ".53:2:1995", "short.c56a4180.53", true),
            (CartChange::Removed(2), Some(7), ".53:2:1995", "removed-2.c56a4180.7", true),
            (CartChange::Removed(2), Some(7), "", "removed-2.none.7", true),
            (CartChange::Removed(2), Some(53), ".53:2:1995", "removed-2.c56a4180.53", false),
        ] {
            let note = CartNote { change, book: book.map(BookId::from) };
            let cart = cart(lines);
            assert_eq!(note.write(&cart), address);
            assert_eq!(CartNote::read(address, &cart), is_read.then_some(note), "{address} {lines}");
            assert_eq!(CartNote::read(address, &other), None, "{address}");
        }
        for typed in [
            "removed-0.c56a4180.7",
            "removed-21.c56a4180.7",
            "removed.c56a4180.7",
            "removed-2.c56a4180",
            "full",
            "added",
            "added.53",
            "changed",
            "refilled",
            "renewed.",
            "",
            "stolen.c56a4180",
        ] {
            assert_eq!(CartNote::read(typed, &cart(".53:1:1995")), None, "{typed}");
        }
    }

    #[test]
    fn genres_and_languages_have_names_known_or_not() {
        let view = view(Locale::Es, "");
        assert_eq!(view.genre("science-fiction"), "Ciencia ficción");
        assert_eq!(view.genre("new-weird"), "New weird");
        assert_eq!(view.language("es"), "Español");
        for (tag, name) in [("en-GB", "Inglés"), ("es-419", "Español"), ("pt-BR", "Portugués (Brasil)")] {
            assert_eq!(view.language(tag), name);
        }
        assert_eq!(view.language("tlh"), "tlh");
    }
}

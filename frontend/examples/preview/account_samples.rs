//! Samples of the pages of an account in each state.

use frontend::{
    DynTemplate, Form, Locale, Trouble, View,
    pages::{
        AccountAddress, AccountAddresses, AccountData, AccountErase, AccountLanguage, AccountOrders, AccountPage,
        AccountRating, AccountRatings, AccountSignOut, AccountWishlist, EraseStep,
    },
};
use shared::domain::{
    Address, AddressText, BookId, Customer, Email, Invalid, Language, Money, OrderNumber, OrderState, OwnOrder,
    OwnRating, Reason, SavedAddress, Summary, VisitorId, Wish,
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::shop_samples;

const MOMENT: OffsetDateTime = datetime!(2026-11-20 18:30 UTC);

/// Shows the pages with these books and one with hostile text.
pub fn every_page(view: View, books: &[Summary], hostile: &Summary, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let (orders, ratings, addresses) = (orders(books, hostile), ratings(books, hostile), addresses());
    let customer = customer();
    let account = AccountPage {
        view: at("/account"),
        customer: Some(&customer),
        orders: &orders[..3],
        ratings: &ratings[..2],
        address: addresses.first(),
    };
    show("account", &account);
    let unverified = Customer { email_verified: false, ..customer.clone() };
    let empty = AccountPage { orders: &[], ratings: &[], address: None, ..account };
    show("account-empty", &AccountPage { customer: Some(&unverified), ..empty });
    show("account-new", &AccountPage { customer: None, ..empty });

    let next = Some("/account/orders?cursor=x");
    show("account-orders", &AccountOrders { view: at("/account/orders"), orders: &orders, next });
    let continued = View { query: "cursor=x", ..at("/account/orders") };
    show("account-orders-end", &AccountOrders { view: continued, orders: &[], next: None });
    let next = Some("/account/ratings?cursor=x");
    show("account-ratings", &AccountRatings { view: at("/account/ratings"), ratings: &ratings, next });
    let continued = View { query: "cursor=x", ..at("/account/ratings") };
    show("account-ratings-end", &AccountRatings { view: continued, ratings: &[], next: None });

    let wishes: Vec<Wish> =
        books.iter().chain([hostile]).map(|book| Wish { book: book.clone(), added_at: MOMENT }).collect();
    let list = AccountWishlist {
        view: at("/account/wishlist"),
        wishes: &wishes,
        count: wishes.len(),
        offered: None,
        has_offered: false,
        next: Some("/account/wishlist?cursor=x"),
    };
    show("account-wishlist", &list);
    show("account-wishlist-none", &AccountWishlist { wishes: &[], count: 0, next: None, ..list });
    let offered = AccountWishlist { offered: Some(hostile), wishes: &wishes[..1], next: None, ..list };
    show("account-wishlist-offered", &offered);
    show("account-wishlist-there", &AccountWishlist { has_offered: true, ..offered });
    show("account-wishlist-full", &AccountWishlist { count: Wish::MOST, ..offered });
    let continued = View { query: "cursor=x", ..at("/account/wishlist") };
    show("account-wishlist-end", &AccountWishlist { view: continued, next: None, ..list });

    rating_forms(at("/account/ratings/3"), &ratings, show);
    show("account-addresses", &AccountAddresses { view: at("/account/addresses"), addresses: &addresses });
    show("account-addresses-none", &AccountAddresses { view: at("/account/addresses"), addresses: &[] });
    let full = vec![addresses[1].clone(); SavedAddress::MOST];
    show("account-addresses-full", &AccountAddresses { view: at("/account/addresses"), addresses: &full });
    address_forms(at("/account/addresses/1"), &addresses[0], show);

    let chosen = Some(Locale::En);
    show("account-language", &AccountLanguage { view: at("/account/language"), chosen, key: KEY });
    show("account-data", &AccountData { view: at("/account/data") });
    show("account-sign-out", &AccountSignOut { view: at("/account/sign-out-everywhere"), key: KEY });
    let erase = AccountErase { view: at("/account/erase"), step: EraseStep::Explains, key: KEY };
    show("account-erase", &erase);
    show("account-erase-confirm", &AccountErase { step: EraseStep::Confirms, ..erase });
    show("account-erased", &AccountErase { step: EraseStep::Done, ..erase });
}

const KEY: &str = "6f1d7a52-7d0b-8f6c-9f53-0a9f7c1f2b3d";

fn rating_forms(view: View, ratings: &[OwnRating], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let typed = [("stars", "4"), ("review", "¡Qué libro!"), ("name", "Ana")];
    let form = Form { typed: &typed, ..Form::default() };
    let page = AccountRating { view, rating: &ratings[0], form, key: KEY, has_changed: false };
    show("account-rating", &page);
    show("account-rating-409", &AccountRating { has_changed: true, ..page });
    let invalid = [Invalid::new("stars", Reason::NotStars { min: 1, max: 5 })];
    show("account-rating-422", &AccountRating { form: Form { typed: &[], invalid: &invalid, trouble: None }, ..page });
    let trouble = Some(Trouble::Unavailable);
    show("account-rating-503", &AccountRating { form: Form { trouble, ..form }, ..page });
    show("account-rating-hidden", &AccountRating { rating: &ratings[2], has_changed: true, ..page });
}

fn address_forms(view: View, saved: &SavedAddress, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let fields = AccountAddress::fields(saved);
    let typed: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let form = Form { typed: &typed, ..Form::default() };
    let page = AccountAddress { view, saved: Some(saved), form, key: KEY, has_changed: false };
    show("account-address", &page);
    show("account-address-409", &AccountAddress { has_changed: true, ..page });
    let new = AccountAddress {
        view: View { path: "/account/addresses/new", ..view },
        saved: None,
        form: Form::default(),
        ..page
    };
    show("account-address-new", &new);
    let invalid = [Invalid::new("recipient", Reason::Blank), Invalid::new("postal_code", Reason::NotAPostalCode)];
    show("account-address-422", &AccountAddress { form: Form { invalid: &invalid, ..form }, ..new });
}

fn customer() -> Customer {
    Customer {
        email: Email::parse("ana@example.org").expect("an address"),
        email_verified: true,
        language: Language::parse("es").ok(),
        signed_in_at: MOMENT,
        created_at: MOMENT,
    }
}

fn orders(books: &[Summary], hostile: &Summary) -> Vec<OwnOrder> {
    let states = [OrderState::Confirmed, OrderState::Shipped, OrderState::Rejected, OrderState::Received];
    let order = |(number, state): (u32, OrderState)| OwnOrder {
        id: shop_samples::order_id(),
        number: OrderNumber(100_000 + number),
        state,
        total: Money { minor: 1_995 * number, currency: "EUR".into() },
        titles: vec![books[number as usize].title.clone(), hostile.title.clone()],
        placed_at: MOMENT,
    };
    (1..).zip(states).map(order).collect()
}

fn ratings(books: &[Summary], hostile: &Summary) -> Vec<OwnRating> {
    let rating = |id: u64, book: &Summary| OwnRating {
        id,
        version: Uuid::from_u128(id.into()),
        visitor: VisitorId::of_number(Uuid::from_u128(1)),
        book: book.id,
        title: book.title.clone(),
        stars: 4,
        name: None,
        review: Some("<b>x".into()),
        sent_at: MOMENT,
        is_hidden: id == 1,
        verified_purchase: id == 3,
    };
    vec![rating(3, &books[0]), rating(2, hostile), rating(1, &Summary { id: BookId::from(7), ..books[1].clone() })]
}

fn addresses() -> Vec<SavedAddress> {
    let saved = |id, street: &str| {
        let text = AddressText {
            name: "Ana Ruiz".into(),
            street: vec![street.to_owned(), "3.º B".to_owned()],
            postal_code: "28013".into(),
            place: "Madrid".into(),
            region: String::new(),
            country: "ES".into(),
        };
        let address = Address::parse(&text).expect("an address");
        SavedAddress { id, version: 1, is_default: id == 1, address, changed_at: MOMENT }
    };
    vec![saved(1, "Calle Mayor 1"), saved(2, "<i>Calle</i> 2")]
}

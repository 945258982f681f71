//! The pages of a customer's account. Every form has a key that only the session of the customer has.

use askama::Template;
use shared::domain::{Address, Availability, Customer, OrderState, OwnOrder, OwnRating, SavedAddress, Summary, Wish};

use crate::{Form, Locale, View, assets, links};

/// The pages of the account with the keys of their names, in the order of the list that leads to them.
const PAGES: [(&str, &str); 10] = [
    ("/account", "account-title"),
    ("/account/orders", "account-orders"),
    ("/account/ratings", "account-ratings"),
    ("/account/wishlist", "account-wishlist"),
    ("/account/addresses", "account-addresses"),
    ("/account/language", "account-language"),
    ("/account/data", "account-data"),
    ("/sign-out", "sign-out"),
    ("/account/sign-out-everywhere", "account-sign-out"),
    ("/account/erase", "account-erase"),
];

/// `/account`
#[derive(Template, Clone, Copy)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    pub view: View<'a>,
    /// None until the message of the first sign-in is processed.
    pub customer: Option<&'a Customer>,
    /// The newest.
    pub orders: &'a [OwnOrder],
    /// The newest.
    pub ratings: &'a [OwnRating],
    /// The default one.
    pub address: Option<&'a SavedAddress>,
}

/// `/account/orders`
#[derive(Template, Clone, Copy)]
#[template(path = "account_orders.html")]
pub struct AccountOrders<'a> {
    pub view: View<'a>,
    pub orders: &'a [OwnOrder],
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/account/ratings`
#[derive(Template, Clone, Copy)]
#[template(path = "account_ratings.html")]
pub struct AccountRatings<'a> {
    pub view: View<'a>,
    pub ratings: &'a [OwnRating],
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/account/ratings/{id}`, also for the statuses 409, 413, 422 and 503 of a change.
#[derive(Template, Clone, Copy)]
#[template(path = "account_rating.html")]
pub struct AccountRating<'a> {
    pub view: View<'a>,
    pub rating: &'a OwnRating,
    pub form: Form<'a>,
    pub key: &'a str,
    /// Whether it was changed since the form was shown.
    pub has_changed: bool,
}

/// `/account/wishlist`
#[derive(Template, Clone, Copy)]
#[template(path = "account_wishlist.html")]
pub struct AccountWishlist<'a> {
    pub view: View<'a>,
    pub wishes: &'a [Wish],
    /// Books of the whole list.
    pub count: usize,
    /// A book that somebody wanted to add before signing in.
    pub offered: Option<&'a Summary>,
    /// Whether that one is on the list.
    pub has_offered: bool,
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/account/addresses`
#[derive(Template, Clone, Copy)]
#[template(path = "account_addresses.html")]
pub struct AccountAddresses<'a> {
    pub view: View<'a>,
    pub addresses: &'a [SavedAddress],
}

/// `/account/addresses/new` and `/account/addresses/{id}`, also for the statuses 409, 413, 422 and 503 of a change.
#[derive(Template, Clone, Copy)]
#[template(path = "account_address.html")]
pub struct AccountAddress<'a> {
    pub view: View<'a>,
    /// None for a new one.
    pub saved: Option<&'a SavedAddress>,
    pub form: Form<'a>,
    pub key: &'a str,
    /// Whether it was changed since the form was shown.
    pub has_changed: bool,
}

/// `/account/language`
#[derive(Template, Clone, Copy)]
#[template(path = "account_language.html")]
pub struct AccountLanguage<'a> {
    pub view: View<'a>,
    pub chosen: Option<Locale>,
    pub key: &'a str,
}

/// `/account/data`
#[derive(Template, Clone, Copy)]
#[template(path = "account_data.html")]
pub struct AccountData<'a> {
    pub view: View<'a>,
}

/// `/account/erase`
#[derive(Template, Clone, Copy)]
#[template(path = "account_erase.html")]
pub struct AccountErase<'a> {
    pub view: View<'a>,
    pub step: EraseStep,
    pub key: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EraseStep {
    /// What is erased and what the law keeps.
    Explains,
    /// The button that erases.
    Confirms,
    Done,
}

/// `/account/sign-out-everywhere`
#[derive(Template, Clone, Copy)]
#[template(path = "account_sign_out.html")]
pub struct AccountSignOut<'a> {
    pub view: View<'a>,
    pub key: &'a str,
}

impl AccountOrders<'_> {
    /// Whether its buyer can still act on it: cancel it, or withdraw from its contract.
    fn can_be_cancelled(order: &OwnOrder) -> bool {
        order.state.can_be_cancelled()
    }

    fn can_withdraw(order: &OwnOrder) -> bool {
        matches!(order.state, OrderState::Shipped | OrderState::Collected | OrderState::Delivered)
    }
}

impl AccountWishlist<'_> {
    fn is_full(&self) -> bool {
        self.count >= Wish::MOST
    }

    /// The outcome of adding one of the books to the cart.
    fn cart_notice(&self) -> Option<String> {
        self.view.cart_notice(self.wishes.iter().map(|wish| &wish.book))
    }
}

impl AccountRating<'_> {
    fn action(&self) -> String {
        format!("/account/ratings/{}", self.rating.id)
    }

    /// The address of the book.
    fn book(&self) -> String {
        links::book(self.rating.book, &self.rating.title)
    }
}

impl AccountAddresses<'_> {
    fn is_full(&self) -> bool {
        self.addresses.len() >= SavedAddress::MOST
    }
}

impl AccountAddress<'_> {
    fn action(&self) -> String {
        match self.saved {
            Some(saved) => format!("/account/addresses/{}", saved.id),
            None => "/account/addresses/new".to_owned(),
        }
    }

    fn title(&self) -> &'static str {
        if self.saved.is_some() { "address-change" } else { "address-new" }
    }

    /// Countries that the shop serves, and that of the address.
    fn countries(&self) -> Vec<(String, String)> {
        let served = self.view.shop.and_then(|shop| shop.ship.as_ref()).map(|ship| ship.countries.clone());
        let mut codes = served.unwrap_or_else(|| vec!["ES".to_owned()]);
        let own = self.saved.map(|saved| saved.address.country.code().to_owned());
        codes.extend(own.filter(|own| !codes.contains(own)));
        codes.into_iter().map(|code| (code.clone(), self.view.country(&code))).collect()
    }

    fn is_default(&self) -> bool {
        self.form.value("default") == "yes"
    }

    /// Fields of the form with the values of a saved address.
    pub fn fields(saved: &SavedAddress) -> Vec<(&'static str, String)> {
        let default = if saved.is_default { "yes".to_owned() } else { String::new() };
        address_fields(&saved.address).into_iter().chain([("default", default)]).collect()
    }
}

/// The fields of a form with the values of an address. Of more lines of the street, the form has all behind the first in its
/// second.
pub(super) fn address_fields(address: &Address) -> Vec<(&'static str, String)> {
    let (first, more) =
        address.street.split_first().map_or((String::new(), &[][..]), |(first, more)| (first.clone(), more));
    vec![
        ("recipient", address.name.clone()),
        ("street", first),
        ("street2", more.join(", ")),
        ("postal_code", address.postal_code.clone().unwrap_or_default()),
        ("place", address.place.clone()),
        ("region", address.region.clone().unwrap_or_default()),
        ("country", address.country.code().to_owned()),
    ]
}

impl AccountLanguage<'_> {
    fn is_chosen(&self, locale: Locale) -> bool {
        self.chosen.unwrap_or(self.view.locale) == locale
    }
}

//! The lists of the account, for its pages and for programs.

use shared::{
    App, Result,
    domain::{Cursor, OwnOrder, OwnRating, Slice, Wish},
    repo::{
        orders,
        ratings::{self, Keys},
        wishlists,
    },
};

use super::SignedIn;

pub async fn orders(app: &App, customer: &SignedIn, cursor: Option<&str>, limit: u32) -> Result<Slice<OwnOrder>> {
    let after = cursor.map(|text| Cursor::decode(text, orders::OWN)).transpose()?;
    let subject = customer.subject;
    Ok(app.database().read(async |c| orders::of_customer(c, subject, after.as_ref(), limit).await).await?)
}

pub async fn ratings(app: &App, customer: &SignedIn, cursor: Option<&str>, limit: u32) -> Result<Slice<OwnRating>> {
    let after = cursor.map(|text| Cursor::<Keys>::decode(text, ratings::OWN)).transpose()?;
    let subject = customer.subject;
    Ok(app.database().read(async |c| ratings::of_customer(c, subject, after.as_ref(), limit).await).await?)
}

pub async fn wishes(app: &App, customer: &SignedIn, cursor: Option<&str>, limit: u32) -> Result<Slice<Wish>> {
    let after = cursor.map(|text| Cursor::decode(text, wishlists::OWN)).transpose()?;
    let subject = customer.subject;
    Ok(app.database().read(async |c| wishlists::of_customer(c, subject, after.as_ref(), limit).await).await?)
}

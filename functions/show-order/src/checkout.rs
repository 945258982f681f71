//! `GET /checkout`: the form of an order, with the prices of now.

use frontend::{
    Form, PageContext, View,
    pages::{CartRow, Checkout, Orderable},
};
use shared::{
    App, Reply, Request, Result,
    quote::{Quote, QuoteLine},
    shop::{Selling, Shop},
};
use uuid::Uuid;

use super::cart;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let context = PageContext::of(request);
    let view = context.view();
    let seller = view.shop.filter(|shop| Shop::selling(Some(shop)) == Selling::Yes);
    let Some(shop) = seller else { return Ok(Reply::see_other("/cart")) };
    let rows = cart::rows(app, request).await?;
    let Some(quote) = quote(shop, &view, &rows) else { return Ok(Reply::see_other("/cart")) };
    let sealed = quote.seal(&app.submission_key().await?);
    let page = Checkout { view, shop, quote: &quote, sealed: &sealed, form: Form::default() };
    // A browser that goes back to it fills in what was typed, which it does not for a page that it must not keep.
    Ok(context.reply(200, &page)?.revalidated_privately())
}

/// What can be ordered of the cart; none if nothing can.
fn quote(shop: &Shop, view: &View, rows: &[CartRow]) -> Option<Quote> {
    let line = |row: &CartRow| {
        let Orderable { quantity, price } = row.orderable(view)?;
        let book = row.book.as_ref()?;
        Some(QuoteLine { book: book.id, title: book.title.clone(), quantity, price, tax_rate: shop.tax_rates.books })
    };
    let lines: Vec<QuoteLine> = rows.iter().filter_map(line).collect();
    let wanted: u32 = rows.iter().map(|row| u32::from(row.line.quantity)).sum();
    let ordered: u32 = lines.iter().map(|line| u32::from(line.quantity)).sum();
    (!lines.is_empty()).then(|| Quote::new(shop, Uuid::new_v4(), lines, ordered < wanted))
}

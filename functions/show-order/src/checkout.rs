//! `GET /checkout`: the form of an order, with the prices of now.

use std::collections::HashMap;

use frontend::{
    Form, PageContext, View,
    pages::{AccountAddress, CartRow, Checkout, CheckoutNotice, Orderable},
};
use shared::{
    App, Reply, Request, Result,
    domain::{BookId, Order, OrderState, SubmissionKey},
    quote::{Quote, QuoteLine},
    repo::{books, customer_addresses, customers},
    session::{Pool, Session},
    shop::{Selling, Shop},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{cart::Current, order};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let seller = frontend::shop().filter(|shop| Shop::selling(Some(shop)) == Selling::Yes);
    let Some(shop) = seller else { return Ok(Reply::see_other("/cart")) };
    let current = Current::read(app, request).await?;
    let context = PageContext::of(request).with_cart(&current.cart);
    let view = context.view();
    let rows = current.rows(app).await?;
    let rates = tax_rates(app, &rows).await?;
    let Some(quote) = quote(shop, &view, &rows, &rates) else { return Ok(Reply::see_other("/cart")) };
    let (key, now) = (app.submission_key().await?, OffsetDateTime::now_utc());
    let quote = quote.of_cart(&key, &current.cart, now);
    let earlier = earlier(app, request, &key, &quote, now).await?;
    // A buyer who has read this notice and orders anyway wants a second order.
    let quote = if earlier.is_empty() { quote } else { quote.renewed(Uuid::new_v4(), now) };
    let notice = notice_of(&earlier);
    let sealed = quote.seal(&key);
    let known = known(app, request).await?;
    let typed: Vec<(&str, &str)> = known.iter().map(|(field, value)| (*field, value.as_str())).collect();
    let form = Form { typed: &typed, ..Form::default() };
    let page = Checkout { view, shop, quote: &quote, sealed: &sealed, form, notice };
    let reply = current.remembered(context.reply(200, &page)?);
    // A browser that goes back to it fills in what was typed, which it does not for a page that it must not keep. One with
    // the address of a customer is such a page.
    Ok(if known.is_empty() { reply.revalidated_privately() } else { reply.unstored() })
}

/// The orders that were placed today with these books of this cart: their buyer has got no answer, and still has the books in
/// the cart. One may have come before the browser had a visitor's cookie.
async fn earlier(
    app: &App,
    request: &Request,
    key: &SubmissionKey,
    quote: &Quote,
    now: OffsetDateTime,
) -> Result<Vec<Order>> {
    let visitor = request.cookie(Request::VISITOR_COOKIE).and_then(|value| key.read_cookie(value, now));
    let guests = key.order_of(None, quote.key.as_bytes());
    let own = key.order_of(visitor.as_ref(), quote.key.as_bytes());
    let mut earlier: Vec<Order> = order::find(app, guests).await?.into_iter().collect();
    if own != guests {
        earlier.extend(order::find(app, own).await?);
    }
    Ok(earlier)
}

/// That there is such an order; nothing about one that the shop did not keep.
fn notice_of(earlier: &[Order]) -> Option<CheckoutNotice> {
    use OrderState::{Cancelled, Expired, Rejected};
    let kept = earlier.iter().find(|order| !matches!(order.state, Rejected | Cancelled | Expired))?;
    Some(CheckoutNotice::Ordered { id: kept.id, at: kept.placed_at })
}

/// The fields that a customer need not type: the e-mail address and the usual address. Empty for everybody else.
async fn known(app: &App, request: &Request) -> Result<Vec<(&'static str, String)>> {
    let Some(Session { subject, issued_at, .. }) = app.session(request, Pool::Customers).await? else {
        return Ok(Vec::new());
    };
    let reading = app.database().read(async |c| {
        if !customers::session_is_valid(c, subject, issued_at).await? {
            return Ok((None, Vec::new()));
        }
        Ok((customers::find(c, subject).await?, customer_addresses::list(c, subject).await?))
    });
    let (customer, addresses) = reading.await?;
    let address = addresses.iter().find(|saved| saved.is_default);
    let mut fields = address.map(AccountAddress::fields).unwrap_or_default();
    fields.extend(address.map(|saved| ("name", saved.address.name.clone())));
    fields.extend(customer.map(|customer| ("email", customer.email.as_str().to_owned())));
    Ok(fields)
}

/// The tax rates of the books that have one of their own.
async fn tax_rates(app: &App, rows: &[CartRow]) -> Result<HashMap<BookId, u16>> {
    let ids: Vec<BookId> = rows.iter().map(|row| row.line.book).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(app.database().read(async |connection| books::tax_rates(connection, &ids).await).await?)
}

/// What can be ordered of the cart; none if nothing can.
fn quote(shop: &Shop, view: &View, rows: &[CartRow], rates: &HashMap<BookId, u16>) -> Option<Quote> {
    let line = |row: &CartRow| {
        let Orderable { quantity, price } = row.orderable(view)?;
        let book = row.book.as_ref()?;
        let tax_rate = rates.get(&book.id).copied().unwrap_or(shop.tax_rates.books);
        Some(QuoteLine { book: book.id, title: book.title.clone(), quantity, price, tax_rate })
    };
    let lines: Vec<QuoteLine> = rows.iter().filter_map(line).collect();
    let wanted: u32 = rows.iter().map(|row| u32::from(row.line.quantity)).sum();
    let ordered: u32 = lines.iter().map(|line| u32::from(line.quantity)).sum();
    (!lines.is_empty()).then(|| Quote::new(shop, Uuid::new_v4(), lines, ordered < wanted))
}

#[cfg(test)]
mod tests {
    use frontend::Locale;
    use shared::domain::{Availability, CartLine, Delivery, Money, Ratings, Summary};
    use time::macros::date;

    use super::*;

    fn shop() -> Shop {
        let shop = serde_json::json!({
            "seller": {
                "name": "Anaquel", "tax_id": "B00000000", "address": "Calle Mayor 1", "email": "tienda@example.org",
                "phone": "+34 910 000 000", "register": null,
            },
            "currency": "EUR",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": { "place": "Calle Mayor 1", "ready_in_days": 2, "keep_days": 7 },
            "ship": null,
            "payments": { "on_collection": true, "on_delivery": false, "bank_transfer": null },
            "max_open_orders": 5,
            "groups": 1,
            "sells": "yes",
        });
        Shop::parse(&shop.to_string()).unwrap()
    }

    /// A line of the cart whose book has this price and stock.
    fn row(line: &str, price: Option<(u32, &str)>, stock: u32) -> CartRow {
        let line = CartLine::parse(line).unwrap();
        let price = price.map(|(minor, currency)| Money { minor, currency: currency.into() });
        let book = Summary {
            id: line.book,
            title: "El túnel".into(),
            byline: "Ernesto Sabato".into(),
            isbn: None,
            year: None,
            language: None,
            availability: Availability::of(price.as_ref(), stock),
            price,
            stock,
            ratings: Ratings { mean: None, count: 0 },
            cover: None,
        };
        CartRow { line, book: Some(book) }
    }

    #[test]
    fn a_quote_has_what_can_be_sold_at_the_prices_of_now_and_the_tax_rate_of_each_book() {
        let shop = shop();
        let view = View {
            locale: Locale::Es,
            path: "/checkout",
            query: "",
            origin: None,
            today: date!(2026 - 01 - 02),
            shop: Some(&shop),
            cart: 0,
            cart_change: None,
            order: None,
            account: frontend::Account::NotHere,
            wishlist: frontend::Wishlist::default(),
        };
        let rates = HashMap::from([(BookId::from(7), 2_100)]);
        let gone = CartRow { book: None, ..row("53:1:1995", None, 0) };
        for (rows, lines, is_partial) in [
            (vec![row("53:2:1995", Some((1_995, "EUR")), 9)], "53:2:1995:400", false),
            (
                vec![row("53:2:1995", Some((1_995, "EUR")), 9), row("7:1:950", Some((950, "EUR")), 9)],
                "53:2:1995:400 7:1:950:2100",
                false,
            ),
            (vec![row("53:2:1", Some((2_095, "EUR")), 2)], "53:2:2095:400", false),
            (vec![row("53:3:1995", Some((1_995, "EUR")), 2)], "53:2:1995:400", true),
            (vec![gone.clone(), row("7:1:950", Some((950, "EUR")), 1)], "7:1:950:2100", true),
            (vec![row("53:1:0", None, 9), row("7:1:950", Some((950, "EUR")), 1)], "7:1:950:2100", true),
            (vec![row("53:1:1", Some((1, "CHF")), 9), row("7:1:950", Some((950, "EUR")), 1)], "7:1:950:2100", true),
            (vec![row("53:1:1995", Some((1_995, "EUR")), 0)], "", true),
            (vec![gone], "", true),
            (Vec::new(), "", false),
        ] {
            let quote = quote(&shop, &view, &rows, &rates);
            let text = |line: &QuoteLine| format!("{}:{}:{}:{}", line.book, line.quantity, line.price, line.tax_rate);
            let of_quote = |quote: &Quote| quote.lines.iter().map(text).collect::<Vec<_>>().join(" ");
            assert_eq!(quote.as_ref().map(of_quote).unwrap_or_default(), lines);
            if let Some(quote) = quote {
                assert_eq!(quote.is_partial, is_partial, "{lines}");
                assert!(quote.delivery_price(Delivery::Ship).is_none() && quote.taxes(Delivery::Collect).len() <= 2);
            }
        }
    }
}

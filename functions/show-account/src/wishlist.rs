//! `/account/wishlist`: the books that a customer wants to remember. Its forms are also on the pages of books, whose functions
//! know no customer, and return there.

use std::collections::BTreeMap;

use frontend::{
    PageContext, WishNote,
    links::{self, address},
    pages::AccountWishlist,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Invalid},
    http::Query,
    intake::FORM_KEY,
    repo::{
        books,
        wishlists::{self, WishChange},
    },
    wishlist::{MOST_IN_COOKIE, form_key, to_cookie},
};
use time::OffsetDateTime;

use super::{SignedIn, lists};

pub const PAGE: &str = "/account/wishlist";
/// The parameter with a book that somebody wanted to add before signing in.
const OFFERED: &str = "add";
const CURSOR: &[&str] = &["cursor"];

pub async fn handle(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, customer).await;
    }
    if request.is_too_large() {
        return Err(ApiError::TooLarge);
    }
    let typed = request.form()?;
    let book = book_of(&typed)?;
    // A form of an earlier session, or of nobody's, is no wish of this one.
    if typed.get(FORM_KEY).is_none_or(|key| form_key(request).as_ref() != Some(key)) {
        return Ok(Reply::see_other(&offer(book)));
    }
    let (subject, now) = (customer.subject, OffsetDateTime::now_utc());
    let adds = match typed.get("do").map(String::as_str) {
        Some("add-wish") => true,
        Some("remove-wish") => false,
        _ => return Err(Invalid::other("do", "must be `add-wish` or `remove-wish`").into()),
    };
    let changing = app.database().write(async |c| {
        if adds {
            return wishlists::add(c, subject, book, now).await;
        }
        wishlists::remove(c, subject, book).await?;
        Ok(WishChange::Done)
    });
    match changing.await? {
        WishChange::Done => {
            let note = if adds { WishNote::Added(book) } else { WishNote::Removed(book) };
            remembered(app, customer, Reply::see_other(&destination(&typed, note, book))).await
        }
        WishChange::Full => Ok(Reply::see_other(&offer(book))),
        WishChange::NoSuchBook => Err(ApiError::NotFound),
    }
}

async fn show(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    let query = request.page_query(CURSOR)?;
    let wishes = lists::wishes(app, customer, query.get("cursor"), Query::USUAL_LIMIT).await?;
    let offered = request.raw_parameter(OFFERED).and_then(BookId::parse);
    let subject = customer.subject;
    let reading = app.database().read(async |c| {
        let count = wishlists::count(c, subject).await?;
        let Some(book) = offered else { return Ok((count, None, false)) };
        Ok((count, books::summaries(c, &[book]).await?.pop(), wishlists::has(c, subject, book).await?))
    });
    let (count, offered, has_offered) = reading.await?;
    let next = wishes.next.map(|cursor| address(PAGE, [("cursor", cursor.as_str())].into_iter()));
    let context = PageContext::of(request).with_parameters(CURSOR);
    let view = context.view();
    let next = next.as_deref();
    let page = AccountWishlist { view, wishes: &wishes.items, count, offered: offered.as_ref(), has_offered, next };
    remembered(app, customer, context.reply(200, &page)?).await
}

/// The reply with the cookie of the newest books.
async fn remembered(app: &App, customer: &SignedIn, reply: Reply) -> Result<Reply> {
    let subject = customer.subject;
    let limit = u32::try_from(MOST_IN_COOKIE).unwrap_or(u32::MAX);
    let newest = app.database().read(async |c| wishlists::newest(c, subject, limit).await).await?;
    Ok(reply.with_wishlist(&to_cookie(subject, &newest)))
}

pub fn book_of(typed: &BTreeMap<String, String>) -> Result<BookId> {
    let book = typed.get("book").and_then(|book| BookId::parse(book.trim()));
    Ok(book.ok_or_else(|| Invalid::other("book", "must be the number of a book, such as 53"))?)
}

/// The list with a book that can be added there, for example after signing in.
pub fn offer(book: BookId) -> String {
    address(PAGE, [(OFFERED, book.to_string().as_str())].into_iter())
}

/// The page of the form after the change, at the place where it lists the book.
fn destination(typed: &BTreeMap<String, String>, note: WishNote, book: BookId) -> String {
    let back = typed.get("back").filter(|back| links::is_page_of_shop(back)).map_or(PAGE, String::as_str);
    format!("{}#book-{book}", links::with_note(back, WishNote::PARAMETER, &note.write()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leads_back_to_the_page_of_its_form_and_to_no_other_site() {
        let book = BookId::from(53);
        for (back, expected) in [
            ("/books?q=a%20b&wishlist=removed.7", "/books?q=a%20b&wishlist=added.53#book-53"),
            ("/books/53-don-quijote", "/books/53-don-quijote?wishlist=added.53#book-53"),
            ("//evil.example", "/account/wishlist?wishlist=added.53#book-53"),
            ("https://evil.example", "/account/wishlist?wishlist=added.53#book-53"),
            ("", "/account/wishlist?wishlist=added.53#book-53"),
        ] {
            let typed = BTreeMap::from([("back".to_owned(), back.to_owned())]);
            assert_eq!(destination(&typed, WishNote::Added(book), book), expected, "{back}");
        }
    }
}

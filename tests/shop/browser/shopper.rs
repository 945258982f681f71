//! A shopper's tasks, with and without scripts, on a desktop and on a phone.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::tab::{DESK, PHONE, Tab, in_each, in_every_setup};
use crate::{account, cart, imports, orders, support::eventually};

/// Goes to the page of Don Quijote by a search for a word of the title.
async fn find_don_quijote(tab: &Tab<'_>) {
    tab.go("/").await;
    tab.fill("#q", "quijote").await;
    tab.click(".search button").await;
    tab.arrive("/books").await;
    tab.see(".card mark", "Quijote").await;
    if tab.look.width < 600 {
        tab.click(".filters summary").await;
    }
    tab.choose("#language", "es").await;
    tab.click(".filters button").await;
    tab.see(".chip", "Español").await;
    tab.see(".card", "Don Quijote de la Mancha").await;
    tab.click(".card a[href*=don-quijote-de-la-mancha]").await;
    tab.arrive("/books/").await;
    tab.see("h1", "Don Quijote de la Mancha").await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_shopper_finds_a_book_rates_it_and_reads_the_review_on_its_page() {
    in_every_setup(async |tab| {
        let review = format!("Lo mejor que he leído. {}", Uuid::new_v4());
        find_don_quijote(tab).await;
        tab.click("[name=stars][value='5']").await;
        tab.fill("[name=review]", &review).await;
        tab.fill(".card-form [name=name]", "Ana").await;
        tab.click(".card-form button").await;
        tab.arrive("/submissions/").await;
        tab.see(".outcome", "¡Gracias!").await;

        find_don_quijote(tab).await;
        tab.see(".review", &review).await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn an_invalid_message_is_shown_again_with_the_error_beside_its_field() {
    in_every_setup(async |tab| {
        tab.go("/contact").await;
        let typed = [("#name", "Ana"), ("#subject", "«Rayuela»"), ("#message", "¿La tenéis?\n¡Gracias! 😀")];
        for (field, text) in typed {
            tab.fill(field, text).await;
        }
        tab.fill("#email", "ana@casa").await; // valid for a browser
        tab.click(".card-form button").await;
        tab.see("#email-error", "ana@example.org").await;
        assert_eq!(tab.status(), Some(422));
        tab.until("document.activeElement.id === 'form-error'").await;
        assert_eq!(tab.evaluate("document.title.startsWith('Error: ')").await, true);
        assert_eq!(tab.evaluate("document.querySelector('#form-error a').getAttribute('href')").await, "#email");
        assert_eq!(tab.evaluate("document.querySelector('.field:has(#email) #email-error') !== null").await, true);
        assert_eq!(
            tab.evaluate("document.querySelector('#email').getAttribute('aria-describedby')").await,
            "email-error"
        );
        for (field, text) in [typed.as_slice(), &[("#email", "ana@casa")]].concat() {
            assert_eq!(tab.value(field).await, text, "{field}");
        }

        tab.fill("#email", "ana@example.org").await;
        tab.click(".card-form button").await;
        tab.arrive("/submissions/").await;
        tab.see(".outcome", "¡Gracias!").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_change_of_language_is_remembered() {
    in_every_setup(async |tab| {
        tab.go("/books?q=quijote").await;
        tab.click(".language").await;
        tab.arrive_in("en").await;
        assert_eq!(tab.value("#q").await, "quijote");
        tab.click(".top nav a[href='/genres']").await;
        tab.arrive("/genres").await;
        assert_eq!(tab.text("h1").await, "Genres");
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_change_of_language_keeps_what_was_typed() {
    in_every_setup(async |tab| {
        tab.go("/contact").await;
        tab.fill("#message", "¿Abrís los domingos?").await;
        tab.click(".language").await;
        tab.arrive_in("en").await;
        assert_eq!(tab.value("#message").await, "¿Abrís los domingos?");

        tab.go(super::pages::DON_QUIJOTE).await;
        tab.fill("[name=review]", "Me reí mucho.").await;
        tab.click(".language").await;
        tab.arrive_in("es").await;
        assert_eq!(tab.value("[name=review]").await, "Me reí mucho.");
        tab.see("h1", "Don Quijote de la Mancha").await;

        tab.fill("[name=review]", "").await;
        tab.click(".language").await;
        tab.arrive(super::pages::DON_QUIJOTE).await;
        tab.arrive_in("en").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn the_back_button_returns_to_the_same_part_of_the_list() {
    in_every_setup(async |tab| {
        // Other tests import books meanwhile, but none with a language.
        tab.go("/books?language=es&sort=title").await;
        let first = tab.text(".grid").await;
        tab.click("[rel=next]").await;
        tab.until("location.search.includes('cursor=')").await;
        tab.until("document.readyState === 'complete'").await;
        let second = tab.text(".grid").await;
        assert_ne!(first, second);
        tab.click(".card a").await;
        tab.arrive("/books/").await;

        for page in [second, first] {
            tab.back().await;
            tab.until("document.readyState === 'complete' && document.querySelector('.grid') !== null").await;
            let same = format!("document.querySelector('.grid').innerText === {}", json!(page));
            tab.until(&same).await;
        }
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn an_unknown_address_is_a_404_with_a_working_search() {
    in_every_setup(async |tab| {
        tab.go("/nada/de/nada").await;
        assert_eq!(tab.status(), Some(404));
        tab.fill("#q", "quijote").await;
        tab.click(".search button").await;
        tab.arrive("/books").await;
        tab.see(".card", "Don Quijote de la Mancha").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn suggestions_appear_while_typing_and_are_selected_or_closed_by_keyboard() {
    in_each(&[DESK, PHONE], async |tab| {
        let chosen = async |which: &str| {
            let option = format!("document.querySelector('#suggestions li:{which}')");
            tab.until(&format!("{option}.ariaSelected === 'true'")).await;
            let active = format!("document.activeElement.getAttribute('aria-activedescendant') === {option}.id");
            assert_eq!(tab.evaluate(&active).await, true, "{which}");
        };
        tab.go("/").await;
        tab.fill("#q", "amor").await;
        tab.until("document.querySelectorAll('#suggestions li').length > 1").await;
        tab.press("ArrowDown").await;
        chosen("first-child").await;
        tab.press("ArrowUp").await;
        chosen("last-child").await;

        tab.press("Escape").await;
        assert_eq!(tab.evaluate("document.querySelector('#suggestions').hidden").await, true);
        assert_eq!(tab.value("#q").await, "amor");

        tab.fill("#q", "quijote d").await;
        tab.see("#suggestions", "Don Quijote de la Mancha").await;
        tab.see("#suggestions li:last-child b", "quijote d").await; // a word that grows is searched for too
        tab.press("ArrowDown").await;
        tab.press("Enter").await;
        tab.arrive("/books/").await;
        tab.see("h1", "Quijote").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_suggestion_can_be_clicked_on() {
    in_each(&[PHONE], async |tab| {
        tab.go("/").await;
        tab.fill("#q", "don quijote").await;
        tab.see("#suggestions", "Don Quijote de la Mancha").await;
        tab.click("#suggestions li").await;
        tab.arrive("/books/").await;
        tab.see("h1", "Don Quijote de la Mancha").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_mistyped_word_is_corrected_while_it_is_typed() {
    in_each(&[PHONE], async |tab| {
        tab.go("/").await;
        tab.fill("#q", "don qiujot").await;
        tab.see("#suggestions", "don quijote").await;
        tab.click("#suggestions li").await;
        tab.arrive("/books").await;
        tab.see(".card", "Don Quijote de la Mancha").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_double_click_sends_once() {
    in_each(&[DESK, PHONE], async |tab| {
        tab.go("/contact").await;
        for (field, text) in [("#name", "Ana"), ("#email", "ana@example.org"), ("#subject", "Uno"), ("#message", "Uno")]
        {
            tab.fill(field, text).await;
        }
        tab.double_click(".card-form button").await;
        tab.arrive("/submissions/").await;
        tab.see(".outcome", "¡Gracias!").await;
        assert_eq!(tab.posts(), 1);
    })
    .await;
}

/// Fills in a message and sends it by keyboard while the shop does not answer. Until the sending is stopped, the browser
/// takes input and evaluates nothing.
async fn send_in_vain(tab: &Tab<'_>) {
    tab.go("/contact").await;
    for (field, text) in [("#name", "Ana"), ("#email", "ana@example.org"), ("#subject", "Dos"), ("#message", "Dos")] {
        tab.fill(field, text).await;
    }
    tab.evaluate("document.querySelector('.card-form button').focus()").await;
    // Requests that match wait for an answer of the test, which does not come.
    tab.call("Fetch.enable", json!({ "patterns": [{ "urlPattern": "*/contact" }] })).await;
    tab.press("Enter").await;
    posts(tab, 1).await;
}

async fn posts(tab: &Tab<'_>, number: usize) {
    eventually(Duration::from_secs(10), async || match tab.posts() {
        posts if posts == number => Ok(()),
        posts => Err(format!("{posts} posts, not {number}")),
    })
    .await;
}

/// Stops the sending, and sends again while the shop answers.
async fn stop_and_send(tab: &Tab<'_>) {
    tab.call("Page.stopLoading", json!({})).await;
    tab.until("document.querySelector('.card-form').ariaBusy === null").await;
    tab.call("Fetch.disable", json!({})).await;
    tab.click(".card-form button").await;
    tab.arrive("/submissions/").await;
    tab.see(".outcome", "¡Gracias!").await;
    tab.see("h1", "Tu mensaje").await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_form_that_was_stopped_can_be_sent_again() {
    in_each(&[DESK, PHONE], async |tab| {
        send_in_vain(tab).await;
        stop_and_send(tab).await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_form_without_an_answer_can_be_sent_again_after_some_seconds() {
    in_each(&[DESK], async |tab| {
        send_in_vain(tab).await;
        tab.press("Enter").await;
        sleep(Duration::from_secs(6)).await;
        posts(tab, 1).await;
        tab.press("Enter").await;
        posts(tab, 2).await;
        stop_and_send(tab).await;
    })
    .await;
}

/// The number of copies of a book that the shop has.
async fn stock_of(tab: &Tab<'_>, book: u64) -> u64 {
    tab.shop.get(&format!("/api/books/{book}")).await.json()["stock"].as_u64().expect("a stock")
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_shopper_buys_three_books_follows_the_order_and_cancels_it() {
    in_every_setup(async |tab| {
        let books = [imports::book_on_sale(tab.shop, 9).await, imports::book_on_sale(tab.shop, 9).await];
        let listed = Uuid::new_v4().simple().to_string();
        imports::priced(tab.shop, &listed, "19.95,EUR", 9).await;
        // From their own pages, and from the list that a search found.
        for book in books {
            tab.go(&format!("/books/{book}")).await;
            tab.click(".offer .buy button").await;
            tab.see(".done", "está en el carrito.").await;
        }
        tab.go(&format!("/books?q={listed}&in_stock=true")).await;
        tab.click(".card .buy button").await;
        tab.until("document.querySelector('.card:target') !== null").await;
        tab.see(".done", "está en el carrito.").await;
        tab.see(".badge", "3").await;

        tab.click(".done a").await;
        tab.arrive("/cart").await;
        tab.choose(&format!("#quantity-{}", books[0]), "2").await;
        tab.click("[name=do][value=change]").await;
        tab.see(".badge", "4").await;
        tab.see(".done", "Carrito actualizado.").await;
        tab.click("[name=do][value=checkout]").await;
        tab.arrive("/checkout").await;

        tab.fill("#name", "Ana Ruiz").await;
        tab.fill("#email", "ana@casa").await; // valid for a browser
        tab.click("[name=payment][value=on_collection]").await;
        tab.click("button.order").await;
        tab.see("#email-error", "ana@example.org").await;
        assert_eq!(tab.status(), Some(422));
        assert_eq!(tab.value("#name").await, "Ana Ruiz");
        tab.fill("#email", &format!("{}@example.org", Uuid::new_v4())).await;
        tab.click("button.order").await;
        tab.arrive("/orders/").await;
        tab.see(".outcome", "Confirmado").await;
        tab.see(".order-page", "Ana Ruiz").await;
        assert_eq!(tab.evaluate("document.querySelector('.badge') === null").await, true, "the cart is empty");
        assert_eq!(stock_of(tab, books[0]).await, 7);

        tab.click("#cancel ~ p a").await;
        tab.see("#cancel ~ p", "¿Seguro").await;
        tab.click("#cancel ~ form button").await;
        tab.see(".outcome", "Cancelado").await;
        tab.until("document.activeElement.classList.contains('outcome')").await;
        assert_eq!(stock_of(tab, books[0]).await, 9);
    })
    .await;
}

/// Chromium applies `form-action` of the content security policy to redirects, so no form may lead to the user pool.
#[ignore = "needs a browser"]
#[tokio::test]
async fn who_sends_a_form_after_the_session_ended_signs_in_and_continues_with_what_was_typed() {
    in_every_setup(async |tab| {
        let ana = account::customer(tab.shop).await.cookies;
        tab.have_cookies(&ana).await;
        tab.go("/account/addresses/new").await;
        let typed = [("#recipient", "Ana «Ruiz»"), ("#street", "Calle Mayor 1"), ("#place", "Madrid")];
        for (field, text) in typed {
            tab.fill(field, text).await;
        }
        tab.fill("#postal_code", "28013").await;
        tab.have_cookies("session=x").await;
        tab.click("#address > button").await;
        tab.see("h1", "Tu sesión ha terminado").await;
        assert_eq!(tab.status(), Some(401));

        // Signed in again, in another tab.
        let sign_in = tab.evaluate("document.querySelector('main a.button').getAttribute('href')").await;
        assert_eq!(sign_in, "/sign-in?return=%2Faccount%2Faddresses%2Fnew");
        tab.have_cookies(&ana).await;
        tab.click("#typed button").await;
        tab.see("#form-error", "Todo lo que escribiste sigue aquí").await;
        for (field, text) in typed {
            assert_eq!(tab.value(field).await, text, "{field}");
        }
        tab.click("#address > button").await;
        tab.see("h1", "Mis direcciones").await;
        tab.see("main", "Ana «Ruiz»").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_guest_who_presses_the_button_of_the_wishlist_is_led_to_the_sign_in_by_a_page() {
    in_every_setup(async |tab| {
        tab.go(super::pages::DON_QUIJOTE).await;
        tab.click(".wish button").await;
        tab.see("h1", "Antes tienes que entrar").await;
        assert_eq!(tab.status(), Some(401));
        let sign_in = tab.evaluate("document.querySelector('main a.button').getAttribute('href')").await;
        assert_eq!(sign_in, "/sign-in?return=%2Faccount%2Fwishlist%3Fadd%3D53");
    })
    .await;
}

/// Puts copies of a book at 19.95 into the cart, goes to the checkout and fills it in.
async fn check_out(tab: &Tab<'_>, book: u64, copies: u32) {
    tab.have_cookies(&format!("cart={}.{book}:{copies}:1995", Uuid::new_v4())).await;
    tab.go("/checkout").await;
    tab.see(".badge", &copies.to_string()).await;
    tab.fill("#name", "Ana Ruiz").await;
    tab.fill("#email", &format!("{}@example.org", Uuid::new_v4())).await;
    tab.fill("#note", "Por la tarde").await;
    tab.click("[name=payment][value=on_collection]").await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_shopper_changes_a_quantity_in_the_checkout_and_loses_nothing_that_was_typed() {
    in_every_setup(async |tab| {
        let book = imports::book_on_sale(tab.shop, 9).await;
        check_out(tab, book, 1).await;
        let email = tab.value("#email").await;
        tab.choose(&format!("#quantity-{book}"), "3").await;
        tab.click("[name=do][value=change]").await;
        tab.see(".notice", "No se ha pedido nada").await;
        tab.see(".total", "59,85").await;
        tab.see(".badge", "3").await;
        for (field, typed) in [("#name", "Ana Ruiz"), ("#email", &email), ("#note", "Por la tarde")] {
            assert_eq!(tab.value(field).await, typed, "{field}");
        }
        assert_eq!(tab.value("[name=payment]:checked").await, "on_collection");

        // The button that orders asks too, because the total would be one that nobody has seen.
        tab.choose(&format!("#quantity-{book}"), "2").await;
        tab.click("button.order").await;
        tab.see(".badge", "2").await;
        tab.see(".notice", "No se ha pedido nada").await;
        tab.click("button.order").await;
        tab.arrive("/orders/").await;
        tab.see(".outcome", "Confirmado").await;
        assert_eq!(tab.evaluate("document.querySelector('.badge') === null").await, true, "the cart is empty");
        assert_eq!(stock_of(tab, book).await, 7);
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_shopper_whose_order_is_rejected_orders_what_is_available_without_typing_again() {
    in_every_setup(async |tab| {
        let book = imports::book_on_sale(tab.shop, 2).await;
        check_out(tab, book, 2).await;
        let email = tab.value("#email").await;
        // Somebody else is faster.
        let key = Uuid::new_v4().to_string();
        let other = orders::place(tab.shop, &key, "", &orders::order(book, 1, 1_995)).await;
        orders::after(tab.shop, other.header("location"), "received", &cart::cookie(&other, "visitor")).await;
        tab.click("button.order").await;
        tab.arrive("/orders/").await;
        tab.see(".outcome", "No aceptado").await;
        assert_eq!(tab.evaluate("document.querySelector('.badge') === null").await, true, "the cart is empty");

        tab.click("[name=do][value=again]").await;
        tab.arrive("/checkout").await;
        tab.see(".badge", "1").await;
        for (field, typed) in [("#name", "Ana Ruiz"), ("#email", &email), ("#note", "Por la tarde")] {
            assert_eq!(tab.value(field).await, typed, "{field}");
        }
        assert_eq!(tab.value(&format!("[id=quantity-{book}]")).await, "1");
        tab.click("button.order").await;
        tab.arrive("/orders/").await;
        tab.see(".outcome", "Confirmado").await;
        assert_eq!(stock_of(tab, book).await, 0);
    })
    .await;
}

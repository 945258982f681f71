//! The shop by keyboard alone: every control can have the focus, and the focus is visible.

use time::OffsetDateTime;
use uuid::Uuid;

use super::tab::{Tab, in_every_setup};
use crate::{imports, staff_pages};

/// Selects an option with the arrow keys.
async fn choose(tab: &Tab<'_>, selector: &str, value: &str) {
    for _ in 0..20 {
        if tab.value(selector).await == value {
            return;
        }
        tab.press("ArrowDown").await;
    }
    panic!("{selector} has no {value}");
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn the_first_tab_stop_skips_to_the_main_content() {
    in_every_setup(async |tab| {
        tab.go("/books").await;
        tab.tab_to(".skip").await;
        tab.press("Enter").await;
        tab.until("document.activeElement.id === 'main'").await;
        tab.press("Tab").await;
        assert_eq!(tab.evaluate("document.activeElement.closest('main') !== null").await, true);
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn enter_in_a_field_sends_its_form_in_the_language_of_the_page() {
    in_every_setup(async |tab| {
        tab.go("/contact").await;
        for (field, text) in [("#name", "Ana"), ("#email", "ana@example.org"), ("#message", "¿Abrís?")] {
            tab.fill(field, text).await;
        }
        tab.fill("#subject", "Horario").await;
        tab.press("Enter").await;
        tab.arrive("/submissions/").await;
        tab.see(".outcome", "¡Gracias!").await;

        tab.go(super::pages::DON_QUIJOTE).await;
        tab.click("[name=stars][value='4']").await;
        tab.fill(".card-form [name=name]", "Ana").await;
        tab.press("Enter").await;
        tab.arrive("/submissions/").await;
        tab.see(".outcome", "¡Gracias!").await;

        let book = imports::book_on_sale(tab.shop, 9).await;
        tab.go(&format!("/books/{book}")).await;
        tab.click(".offer .buy button").await;
        tab.see(".done", "carrito").await;
        tab.go("/checkout").await;
        tab.fill("#name", "Ana Ruiz").await;
        tab.click("[name=payment][value=on_collection]").await;
        tab.fill("#email", &format!("{}@example.org", Uuid::new_v4())).await;
        tab.press("Enter").await;
        tab.arrive("/orders/").await;
        tab.see(".outcome", "Confirmado").await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_shopper_finds_a_book_rates_it_and_reads_the_review_without_a_mouse() {
    in_every_setup(async |tab| {
        let review = format!("Sin tocar el ratón. {}", Uuid::new_v4());
        find_don_quijote(tab).await;

        tab.tab_to("[name=stars]").await;
        tab.press(" ").await;
        for _ in 0..3 {
            tab.press("ArrowRight").await;
        }
        tab.tab_to("[name=review]").await;
        assert_eq!(tab.value("[name=stars]:checked").await, "4");
        tab.write(&review).await;
        tab.tab_to(".card-form button").await;
        tab.press("Enter").await;
        tab.arrive("/submissions/").await;
        tab.see(".outcome", "¡Gracias!").await;

        find_don_quijote(tab).await;
        tab.see(".review", &review).await;
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_delivery_is_received_with_a_scanner_and_the_keyboard_alone() {
    in_every_setup(async |tab| {
        let book = imports::book_on_sale(tab.shop, 1).await;
        let staff = staff_pages::bookseller(tab.shop, staff_pages::somebody(), OffsetDateTime::now_utc()).await;
        tab.have_cookies(&staff).await;
        tab.go("/staff/stock").await;
        for copies in ["2", "3"] {
            tab.until("document.activeElement.id === 'find'").await;
            tab.write(&book.to_string()).await;
            tab.press("Enter").await;
            tab.until("document.activeElement.id === 'copies'").await;
            tab.write(copies).await;
            tab.press("Enter").await;
            tab.see(".done", &format!("{copies} ejemplares recibidos")).await;
        }
        assert_eq!(tab.shop.get(&format!("/api/books/{book}")).await.json()["stock"], 6);
    })
    .await;
}

async fn find_don_quijote(tab: &Tab<'_>) {
    tab.go("/").await;
    tab.tab_to("#q").await;
    tab.write("quijote").await;
    tab.press("Enter").await;
    tab.arrive("/books").await;
    tab.see(".card", "Don Quijote de la Mancha").await;

    if tab.look.width < 600 {
        tab.tab_to(".filters summary").await;
        tab.press("Enter").await;
    }
    tab.tab_to("#language").await;
    choose(tab, "#language", "es").await;
    tab.tab_to(".filters button").await;
    tab.press(" ").await;
    tab.see(".chip", "Español").await;

    tab.tab_to(".card a[href*=don-quijote-de-la-mancha]").await;
    tab.press("Enter").await;
    tab.arrive("/books/").await;
    tab.see("h1", "Don Quijote de la Mancha").await;
}

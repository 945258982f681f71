#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(show_book::api::handle, frontend::page(show_book::page::handle)).await
}

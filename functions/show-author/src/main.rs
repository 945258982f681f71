#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(show_author::api::handle, frontend::page(show_author::page::handle)).await
}

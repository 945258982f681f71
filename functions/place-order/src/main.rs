#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(place_order::api::handle, frontend::page(place_order::page::handle)).await
}

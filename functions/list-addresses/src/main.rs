#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    frontend::serve(list_addresses::handle).await
}

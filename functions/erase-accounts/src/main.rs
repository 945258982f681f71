#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::consume_with(erase_accounts::handle, shared::batch::status).await
}

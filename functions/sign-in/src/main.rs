#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve_page(frontend::page(sign_in::handle).within(sign_in::limit).prepared_by(sign_in::prepare))
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    frontend::serve(serve_assets::handle).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    frontend::serve(show_not_found::handle).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    frontend::serve(submit_rating::handle).await
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    bookstore::cli::run().await
}

//! A developer ships one function with cargo-lambda.

use std::{path::PathBuf, process::Stdio};

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use tokio::process::Command;

use crate::support::{Shop, variable};

const FUNCTION: &str = "anaquel-local-show-submission";

#[tokio::test]
async fn cargo_lambda_ships_a_version_to_the_alias_and_leaves_the_configuration_alone() {
    let shop = Shop::alone().await;
    let lambda = aws_sdk_lambda::Client::new(&shop.sdk());
    let live = async || {
        let asked = lambda.get_function_configuration().function_name(FUNCTION).qualifier("live");
        asked.send().await.unwrap()
    };
    let before = live().await;

    // Another program than the one that runs, so that there is something to ship: its neighbour.
    let folder = PathBuf::from(variable("ANAQUEL_BINARIES")).join("shipped");
    std::fs::create_dir_all(&folder).unwrap();
    let bootstrap = folder.join("bootstrap");
    std::fs::copy(PathBuf::from(variable("ANAQUEL_BINARIES")).join("show-book"), &bootstrap).unwrap();
    ship(&shop, &bootstrap).await;
    let shipped = live().await;
    assert_ne!(shipped.code_sha256(), before.code_sha256());
    assert_ne!(shipped.version(), before.version());
    assert_eq!(settings(&shipped), settings(&before));

    std::fs::copy(PathBuf::from(variable("ANAQUEL_BINARIES")).join("show-submission"), &bootstrap).unwrap();
    ship(&shop, &bootstrap).await;
    assert_eq!(shop.get("/api/submissions/made-up").await.status, 404);
    assert_eq!(settings(&live().await), settings(&before));
}

async fn ship(shop: &Shop, binary: &std::path::Path) {
    let cargo_lambda = variable("ANAQUEL_CARGO_LAMBDA");
    let output = Command::new(cargo_lambda)
        .args(["lambda", "deploy", "--alias", "live", "--binary-path"])
        .arg(binary)
        .arg(FUNCTION)
        .env("AWS_ENDPOINT_URL", shop.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .stdin(Stdio::null())
        .output()
        .await
        .expect("cargo-lambda");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

fn settings(function: &GetFunctionConfigurationOutput) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        function.environment(),
        function.memory_size(),
        function.timeout(),
        function.role(),
        function.architectures()
    )
}

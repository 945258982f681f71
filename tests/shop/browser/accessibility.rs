//! What axe finds in every page, in both languages and both colour schemes: nothing.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    pages,
    tab::{DESK, Look, in_each},
};
use crate::support::variable;

/// What axe finds. A page in which nothing passes was not looked at.
const FINDINGS: &str = "axe.run({ resultTypes: ['violations'] }).then(({ violations, passes }) => {
    if (passes.length === 0) return 'nothing seen';
    const told = (node) => `${node.html} ${node.failureSummary}`;
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(told) }));
})";

/// Each language and each width meets both schemes.
fn ways(language: &str) -> [(u32, &'static str); 2] {
    if language == "es" { [(1280, "light"), (390, "dark")] } else { [(1280, "dark"), (390, "light")] }
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn nothing_bars_anybody_from_a_page_and_none_is_wider_than_its_window() {
    let axe = Path::new(&variable("ANAQUEL_NODE_MODULES")).join("axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).expect("axe-core");
    in_each(&pages::LANGUAGES.map(|language| Look { language, ..DESK }), async |tab| {
        tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe })).await;
        for page in pages::all(tab.shop).await {
            page.open(tab).await;
            for (width, scheme) in ways(tab.look.language) {
                tab.resize(width, 900).await;
                tab.prefer(scheme).await;
                let at = format!("{} in {}, {width} px, {scheme}", page.name, tab.look.language);
                let wide = tab.evaluate("document.documentElement.scrollWidth").await.as_u64();
                assert!(wide <= Some(width.into()), "{at}: {wide:?} px wide");
                let findings = tab.evaluate(FINDINGS).await;
                assert_eq!(findings, json!([]), "{at}: {findings:#}");
            }
        }
    })
    .await;
}

//! axe finds no violation in any page, in both languages and both colour schemes.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    pages,
    tab::{DESK, Look, in_each},
};
use crate::support::variable;

/// axe's violations. A page without any passed rule was not checked.
const FINDINGS: &str = "axe.run({ resultTypes: ['violations'] }).then(({ violations, passes }) => {
    if (passes.length === 0) return 'nothing checked';
    const shown = (node) => `${node.html} ${node.failureSummary}`;
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(shown) }));
})";

/// Each language and each width is combined with both schemes.
fn setups(language: &str) -> [(u32, &'static str); 2] {
    if language == "es" { [(1280, "light"), (390, "dark")] } else { [(1280, "dark"), (390, "light")] }
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn every_page_is_accessible_and_no_page_is_wider_than_its_window() {
    let axe = Path::new(&variable("ANAQUEL_NODE_MODULES")).join("axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).expect("axe-core");
    in_each(&pages::LANGUAGES.map(|language| Look { language, ..DESK }), async |tab| {
        tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe })).await;
        for page in pages::all(tab.shop).await {
            page.open(tab).await;
            for (width, scheme) in setups(tab.look.language) {
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

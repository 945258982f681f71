//! axe finds no violation in any page, in both languages and both colour schemes.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    pages,
    tab::{DESK, Look, Tab, in_each},
};
use crate::support::variable;

/// axe's violations. A page without any passed rule was not checked.
const FINDINGS: &str = "axe.run({ resultTypes: ['violations'] }).then(({ violations, passes }) => {
    if (passes.length === 0) return 'nothing checked';
    const shown = (node) => `${node.html} ${node.failureSummary}`;
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(shown) }));
})";

/// Fields that a browser exposes as invalid.
async fn invalid_fields(tab: &Tab<'_>) -> Vec<String> {
    let tree = tab.call("Accessibility.getFullAXTree", json!({})).await;
    let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
    let is_invalid = |node: &Value| {
        let properties = node["properties"].as_array().into_iter().flatten();
        properties.clone().any(|property| property["name"] == "invalid" && property["value"]["value"] != "false")
    };
    let invalid = nodes.iter().filter(|node| is_invalid(node));
    invalid.map(|node| format!("{} {}", node["role"]["value"], node["name"]["value"])).collect()
}

/// What is wrong with the page at text of 200 % on a telephone: its width, and words of the site that are broken.
const AT_DOUBLE_TEXT: &str = "(() => {
    document.documentElement.style.fontSize = '32px';
    const wrong = [];
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) wrong.push(`${scrollWidth} px wide`);
    for (const element of document.querySelectorAll('.top a, .top button, footer a, main button, .histogram th, .amounts th, h1, h2, h3')) {
        const words = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        for (let node = words.nextNode(); node; node = words.nextNode()) {
            for (const { 0: word, index } of node.data.matchAll(/[^\\s-]+/g)) {
                if (word.length > 12) continue; // it may have no room on a line
                const range = document.createRange();
                range.setStart(node, index);
                range.setEnd(node, index + word.length);
                const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
                if (lines.size > 1) wrong.push(`${word} is broken`);
            }
        }
    }
    document.documentElement.style.fontSize = '';
    return wrong;
})()";

/// Controls that something else covers, so that a mouse or a finger does not reach them.
const COVERED: &str = "(() => {
    const is_same = (control, there) => control.contains(there) || there.closest('label')?.control === control;
    const covered = [];
    for (const control of document.querySelectorAll('a, button, input, select, textarea')) {
        const [box] = control.getClientRects();
        // Parts for those who see nothing are a pixel large.
        if (!box || box.width < 2 || box.height < 2 || control.closest('.unseen')) continue;
        if (!control.checkVisibility()) continue; // in details that are closed
        control.scrollIntoView({ block: 'center' });
        const { left, top, width, height } = control.getClientRects()[0];
        const there = document.elementFromPoint(left + width / 2, top + height / 2);
        if (there && !is_same(control, there)) covered.push(`${control.outerHTML} by ${there.outerHTML}`.slice(0, 400));
    }
    scrollTo(0, 0);
    return covered;
})()";

/// Each language and each width is combined with both schemes.
fn setups(language: &str) -> [(u32, &'static str); 2] {
    if language == "es" { [(1280, "light"), (390, "dark")] } else { [(1280, "dark"), (390, "light")] }
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn every_page_is_accessible_no_wider_than_its_window_and_no_control_is_covered() {
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
                // Each width in one language, because it takes as long as the rest.
                if (width == 1280) == (tab.look.language == "es") {
                    let covered = tab.evaluate(COVERED).await;
                    assert_eq!(covered, json!([]), "{at}: {covered:#}");
                }
            }
            let at = format!("{} in {}", page.name, tab.look.language);
            let invalid = invalid_fields(tab).await;
            assert_eq!(!invalid.is_empty(), page.has_wrong_fields, "{at}: exposed as invalid: {invalid:?}");
            tab.resize(390, 900).await;
            let wrong = tab.evaluate(AT_DOUBLE_TEXT).await;
            assert_eq!(wrong, json!([]), "{at}, 390 px, text of 200 %");
        }
    })
    .await;
}

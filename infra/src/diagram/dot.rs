//! Writer for Graphviz's DOT language. `style.css` has the styles, by class.

use std::fmt::Write;

/// Left to right, in the direction of requests.
const HEAD: &str = r#"digraph {
graph [rankdir=LR, compound=true, labeljust=l, nodesep=0.18, ranksep=0.45, pad=0.2, fontname=Helvetica, fontsize=13]
node [style="rounded,filled", margin="0.13,0.08", fontname=Helvetica, fontsize=12]
edge [arrowsize=0.7, fontname=Helvetica, fontsize=12]
"#;

/// A graph in construction.
pub struct Dot {
    text: String,
    clusters: usize,
}

impl Dot {
    pub fn new() -> Self {
        Self { text: HEAD.to_owned(), clusters: 0 }
    }

    /// A node with the shape of a box.
    pub fn node(&mut self, id: &str, class: &str, label: &str) {
        self.node_with_shape(id, class, "box", label);
    }

    pub fn node_with_shape(&mut self, id: &str, class: &str, shape: &str, label: &str) {
        self.line(&format!("{} [class={class}, shape={shape}, label={}]", quoted(id), quoted(label)));
    }

    /// A node with rows of cells.
    pub fn table(&mut self, id: &str, class: &str, rows: &[Vec<String>]) {
        let rows: Vec<_> = rows.iter().map(|cells| format!("{{{}}}", cells.join(" | "))).collect();
        let label = rows.join(" | ");
        self.line(&format!("{} [class={class}, shape=record, style=filled, label={}]", quoted(id), quoted(&label)));
    }

    pub fn edge(&mut self, from: &str, to: &str, class: &str, label: &str) {
        self.edge_with("", from, to, class, label);
    }

    /// An edge with further attributes, such as `minlen=2,`.
    pub fn edge_with(&mut self, attributes: &str, from: &str, to: &str, class: &str, label: &str) {
        let (from, to, label) = (quoted(from), quoted(to), quoted(label));
        self.line(&format!("{from} -> {to} [{attributes} class={class}, label={label}]"));
    }

    /// A box around the nodes that `inside` adds. Returns its name.
    pub fn cluster(&mut self, class: &str, label: &str, inside: impl FnOnce(&mut Self)) -> String {
        self.clusters += 1;
        let name = format!("cluster_{}", self.clusters);
        self.line(&format!("subgraph {name} {{"));
        self.line(&format!("graph [class={class}, label={}]", quoted(label)));
        inside(self);
        self.line("}");
        name
    }

    pub fn finish(mut self) -> String {
        self.line("}");
        self.text
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("writing to a String never fails");
    }
}

/// A quoted string. A text that ends with a line break is left-aligned.
fn quoted(text: &str) -> String {
    let left = text.ends_with('\n');
    format!("\"{}\"", text.replace('"', "\\\"").replace('\n', if left { "\\l" } else { "\\n" }))
}

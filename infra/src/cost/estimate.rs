//! The charges of all resources of a stage, those of the same kind in one line.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    charges::{self, Charge},
    prices::{Price, Prices},
    usage::Usage,
};
use crate::{stage::Stage, synth};

pub struct Estimate(Vec<Line>);

/// What the resources of one type are charged for one thing.
pub struct Line {
    /// `EC2::NatGateway`
    pub kind: String,
    pub resources: Vec<String>,
    pub charge: Charge,
    pub price: Price,
}

impl Estimate {
    pub fn of(stage: &Stage, requests: u64) -> Result<Self> {
        let resources = resources(stage)?;
        let count = |kind: &str| resources.iter().filter(|(_, resource)| resource["Type"] == kind).count();
        let usage = Usage::new(
            stage,
            requests,
            count("AWS::ElasticLoadBalancingV2::ListenerRule"),
            count("AWS::EC2::NatGateway"),
        );
        let mut estimate = Self(Vec::new());
        estimate.charge(&resources, &usage, &Prices::of(&stage.region)?)?;
        Ok(estimate)
    }

    fn charge(&mut self, resources: &[(String, Value)], usage: &Usage, prices: &Prices) -> Result<()> {
        for (name, resource) in resources {
            let kind = resource["Type"].as_str().unwrap_or_default().trim_start_matches("AWS::");
            let charges = charges::of(kind, &resource["Properties"], usage);
            let charges = charges.with_context(|| {
                format!("nobody has said what {kind} costs, the type of {name}: add it to infra/src/cost/charges.rs")
            })?;
            for charge in charges.into_iter().filter(|charge| charge.amount > 0.0) {
                let price = prices.get(&charge.price)?.clone();
                self.add(Line { kind: kind.to_owned(), resources: vec![name.clone()], charge, price });
            }
        }
        Ok(())
    }

    fn add(&mut self, line: Line) {
        let same = |other: &&mut Line| other.kind == line.kind && other.charge.what == line.charge.what;
        match self.0.iter_mut().find(same) {
            Some(known) => {
                known.charge.amount += line.charge.amount;
                known.resources.extend(line.resources);
            }
            None => self.0.push(line),
        }
    }

    pub fn usd(&self) -> f64 {
        self.0.iter().map(Line::usd).sum()
    }

    /// The lines that grow with the requests, or those that do not.
    pub fn lines(&self, grow: bool) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(move |line| line.charge.grows == grow)
    }

    pub fn all(&self) -> &[Line] {
        &self.0
    }
}

impl Line {
    pub fn usd(&self) -> f64 {
        self.charge.amount * self.price.usd
    }
}

/// The resources of all stacks of the stage, each with its name.
fn resources(stage: &Stage) -> Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    for stack in synth::stacks(stage)? {
        let template = serde_json::to_value(&stack.template)?;
        let resources = template["Resources"].as_object().into_iter().flatten();
        all.extend(resources.map(|(name, resource)| (name.clone(), resource.clone())));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn charged(kind: &str, properties: &Value) -> Result<Estimate> {
        let resource = json!({ "Type": kind, "Properties": properties });
        let resources = ["It", "Other"].map(|name| (name.to_owned(), resource.clone()));
        let usage = Usage::new(&Stage::load("prod")?, 1_000_000, 23, 2);
        let mut estimate = Estimate(Vec::new());
        estimate.charge(&resources, &usage, &Prices::of("us-east-1")?)?;
        Ok(estimate)
    }

    #[test]
    fn a_type_without_a_price_is_an_error_that_names_it() {
        let complaint = charged("AWS::Redshift::Cluster", &json!({})).err().unwrap().to_string();
        let expected =
            "nobody has said what Redshift::Cluster costs, the type of It: add it to infra/src/cost/charges.rs";
        assert_eq!(complaint, expected);
    }

    #[test]
    fn resources_of_a_type_are_one_line_a_charge() {
        let estimate = charged("AWS::EC2::NatGateway", &json!({})).unwrap();
        let fixed: Vec<_> = estimate.lines(false).collect();
        assert_eq!((fixed.len(), fixed[0].resources.len()), (1, 2));
        assert!((fixed[0].usd() - 2.0 * 730.0 * 0.045).abs() < 0.001);
        assert_eq!(estimate.lines(true).count(), 1);
    }

    #[test]
    fn a_function_pays_for_its_memory_and_processor() {
        let of = |memory: u16, processor: &str| {
            let function = json!({
                "FunctionName": "anaquel-prod-show-book",
                "MemorySize": memory,
                "Architectures": [processor],
            });
            let estimate = charged("AWS::Lambda::Function", &function).unwrap();
            let mut lines = estimate.lines(true);
            lines.find(|line| line.charge.what == "time").expect("a line for its time").usd()
        };
        assert!((of(512, "arm64") / of(256, "arm64") - 2.0).abs() < 0.001);
        assert!((of(256, "x86_64") / of(256, "arm64") - 1.25).abs() < 0.001);
    }

    #[test]
    fn an_endpoint_is_paid_in_each_zone_and_a_gateway_not_at_all() {
        let endpoint =
            |subnets: &Value| charged("AWS::EC2::VPCEndpoint", &json!({ "SubnetIds": subnets })).unwrap().usd();
        assert!((endpoint(&json!(["a", "b"])) / endpoint(&json!(["a"])) - 2.0).abs() < 0.001);
        assert!(endpoint(&Value::Null).abs() < 0.001);
    }
}

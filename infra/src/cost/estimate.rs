//! The estimate: the charges of all resources of a stage, grouped by resource type and purpose.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    charges::{self, Charge},
    prices::{Price, Prices},
    usage::Usage,
};
use crate::{stage::Stage, synth};

/// Monthly cost of a stage in US dollars.
pub struct Estimate(Vec<Line>);

/// The charge for one purpose of all resources of one type.
pub struct Line {
    /// Resource type: `EC2::NatGateway`.
    pub kind: String,
    /// Logical IDs.
    pub resources: Vec<String>,
    pub charge: Charge,
    pub price: Price,
}

impl Estimate {
    /// Estimates the stage with this number of requests in a month. Fails when a type or a price is unknown.
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
                format!("infra/src/cost/charges.rs has no charges for {kind}, the type of {name}; add them")
            })?;
            for charge in charges.into_iter().filter(|charge| charge.amount > 0.0) {
                let price = prices.get(&charge.price)?.clone();
                self.add(Line { kind: kind.to_owned(), resources: vec![name.clone()], charge, price });
            }
        }
        Ok(())
    }

    fn add(&mut self, line: Line) {
        let same = |other: &&mut Line| other.kind == line.kind && other.charge.purpose == line.charge.purpose;
        match self.0.iter_mut().find(same) {
            Some(known) => {
                known.charge.amount += line.charge.amount;
                known.resources.extend(line.resources);
            }
            None => self.0.push(line),
        }
    }

    /// US dollars for the invocations and the duration of these functions, by their logical IDs.
    pub fn of_each(stage: &Stage, requests: u64, functions: &[String]) -> Result<f64> {
        let mut resources = resources(stage)?;
        let rules =
            resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::ElasticLoadBalancingV2::ListenerRule");
        let usage = Usage::new(stage, requests, rules.count(), 0);
        resources.retain(|(name, _)| functions.contains(name));
        let mut estimate = Self(Vec::new());
        estimate.charge(&resources, &usage, &Prices::of(&stage.region)?)?;
        let counts = |line: &&Line| ["requests", "duration"].contains(&line.charge.purpose.as_str());
        Ok(Self::sum(estimate.lines().iter().filter(counts)))
    }

    /// Total in US dollars a month.
    pub fn usd(&self) -> f64 {
        self.0.iter().map(Line::usd).sum()
    }

    /// The idle cost.
    pub fn idle_lines(&self) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(|line| !line.charge.usage_based)
    }

    /// The cost that grows with the requests.
    pub fn usage_lines(&self) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(|line| line.charge.usage_based)
    }

    /// Total of these lines in US dollars a month.
    pub fn sum<'a>(lines: impl Iterator<Item = &'a Line>) -> f64 {
        lines.map(Line::usd).fold(0.0, |sum, usd| sum + usd) // `sum` of an empty iterator is -0.0.
    }

    pub fn lines(&self) -> &[Line] {
        &self.0
    }
}

impl Line {
    /// US dollars a month.
    pub fn usd(&self) -> f64 {
        self.charge.amount * self.price.usd
    }
}

/// The resources of all stacks of the stage, with their logical IDs.
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

    fn estimate(kind: &str, properties: &Value) -> Result<Estimate> {
        let resource = json!({ "Type": kind, "Properties": properties });
        let resources = ["It", "Other"].map(|name| (name.to_owned(), resource.clone()));
        let usage = Usage::new(&Stage::load("prod")?, 1_000_000, 23, 2);
        let mut estimate = Estimate(Vec::new());
        estimate.charge(&resources, &usage, &Prices::of("us-east-1")?)?;
        Ok(estimate)
    }

    #[test]
    fn a_type_without_a_price_is_an_error_that_names_it() {
        let error = estimate("AWS::Redshift::Cluster", &json!({})).err().unwrap().to_string();
        let expected = "infra/src/cost/charges.rs has no charges for Redshift::Cluster, the type of It; add them";
        assert_eq!(error, expected);
    }

    #[test]
    fn resources_of_a_type_share_one_line_for_each_purpose() {
        let estimate = estimate("AWS::EC2::NatGateway", &json!({})).unwrap();
        let idle: Vec<_> = estimate.idle_lines().collect();
        assert_eq!((idle.len(), idle[0].resources.len()), (1, 2));
        assert!((idle[0].usd() - 2.0 * 730.0 * 0.045).abs() < 0.001);
        assert_eq!(estimate.usage_lines().count(), 1);
    }

    #[test]
    fn the_cost_of_a_function_depends_on_memory_and_architecture() {
        let of = |memory: u16, processor: &str| {
            let function = json!({
                "FunctionName": "anaquel-prod-show-book",
                "MemorySize": memory,
                "Architectures": [processor],
            });
            let estimate = estimate("AWS::Lambda::Function", &function).unwrap();
            let mut lines = estimate.usage_lines();
            lines.find(|line| line.charge.purpose == "duration").expect("a line for its duration").usd()
        };
        assert!((of(512, "arm64") / of(256, "arm64") - 2.0).abs() < 0.001);
        assert!((of(256, "x86_64") / of(256, "arm64") - 1.25).abs() < 0.001);
    }

    #[test]
    fn an_interface_endpoint_costs_the_same_in_each_zone_and_a_gateway_endpoint_is_free() {
        let endpoint =
            |subnets: &Value| estimate("AWS::EC2::VPCEndpoint", &json!({ "SubnetIds": subnets })).unwrap().usd();
        assert!((endpoint(&json!(["a", "b"])) / endpoint(&json!(["a"])) - 2.0).abs() < 0.001);
        assert!(endpoint(&Value::Null).abs() < 0.001);
    }
}

//! Monthly cost estimate of a stage, resource by resource, from its templates.
//!
//! A resource type that has neither charges nor a line in the list of free types is an error, so none is forgotten.

mod charges;
mod estimate;
mod prices;
mod table;
mod usage;

use anyhow::Result;

use self::{estimate::Estimate, prices::Prices};
use crate::{
    database_memory::Memory,
    stage::{Egress, Server, Stage},
};

/// Requests for which `summary` and `report` state the additional cost.
const MILLION: u64 = 1_000_000;

/// The monthly estimate as text: the stage's idle cost, the cost of `requests` requests, the egress options and the
/// database classes, with the sources of all prices. US dollars, before tax. Fails when a charge or a price is unknown.
pub fn report(stage: &Stage, requests: u64) -> Result<String> {
    let estimate = Estimate::of(stage, requests)?;
    let mut parts = vec![
        format!(
            "Estimated monthly cost of stage {}, in US dollars of {}, before tax and without the free tier.",
            stage.name, stage.region
        ),
        table::charges("idle", estimate.idle_lines()),
    ];
    if requests > 0 {
        let title = format!("{} requests a month", table::with_separators(usage::float(requests)));
        parts.extend([
            table::charges(&title, estimate.usage_lines()),
            format!("Total of idle and requests: {:.2}", estimate.usd()),
        ]);
    } else {
        parts.push(format!(
            "A million requests a month would add {:.2}; --requests-per-month shows the details.",
            cost_of_a_million(stage)?
        ));
    }
    let options = egress_options(stage, requests)?;
    parts.push(table::egress_options(stage.egress, &options));
    if let Server::Rds(server) = &stage.database.server {
        let memory = Memory::of(stage).map(|memory| memory.summary()).unwrap_or_default();
        parts.push(format!("{}\n{memory}", table::database_classes(stage, server, &Prices::of(&stage.region)?)));
    }
    parts.extend([usage::assumptions(), table::sources(options.iter().map(|(_, estimate)| estimate))]);
    Ok(parts.join("\n\n"))
}

/// One line for the confirmation of `deploy`. An unknown price is reported in it and does not prevent the deploy.
pub fn summary(stage: &Stage) -> String {
    let costs = || anyhow::Ok((Estimate::of(stage, 0)?.usd(), cost_of_a_million(stage)?));
    match costs() {
        Ok((idle, million)) => format!(
            "Estimated cost: {idle:.0} US dollars a month idle, and {million:.0} for a million requests \
             (`{}`).",
            stage.command("cost")
        ),
        Err(error) => format!("The cost estimate failed: {error:#}"),
    }
}

/// US dollars that a million requests a month add to the idle cost.
fn cost_of_a_million(stage: &Stage) -> Result<f64> {
    Ok(Estimate::of(stage, MILLION)?.usd() - Estimate::of(stage, 0)?.usd())
}

/// Estimates of the stage with each egress option.
fn egress_options(stage: &Stage, requests: u64) -> Result<Vec<(Egress, Estimate)>> {
    let with = |egress| Ok((egress, Estimate::of(&Stage { egress, ..stage.clone() }, requests)?));
    Egress::ALL.into_iter().map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::estimate::Line;
    use super::*;
    use crate::stage::STAGES;

    fn stage(name: &str) -> Stage {
        Stage::load(name).unwrap()
    }

    fn usd(stage: &Stage, requests: u64) -> f64 {
        Estimate::of(stage, requests).unwrap().usd()
    }

    #[test]
    fn every_resource_of_every_stage_has_a_price_or_is_free() {
        for (name, _) in STAGES {
            egress_options(&stage(name), MILLION).unwrap();
            egress_options(&Stage::in_full(name).unwrap(), MILLION).unwrap();
        }
    }

    #[test]
    fn a_standby_adds_the_cost_of_a_second_instance_and_its_storage() {
        let mut dev = stage("dev");
        let single = usd(&dev, 0);
        let Server::Rds(rds) = &mut dev.database.server else { panic!("dev has RDS") };
        rds.multi_az = true;
        let added = usd(&dev, 0) - single;
        assert!((added - (730.0 * 0.032 + 20.0 * 0.115 + 0.5 * 0.50)).abs() < 0.001, "{added}");
    }

    #[test]
    fn each_nat_gateway_costs_the_same_and_ipv6_is_free() {
        let prod = stage("prod");
        let with = |egress| usd(&Stage { egress, ..prod.clone() }, 0);
        let second = with(Egress::NatPerZone) - with(Egress::SingleNat);
        assert!((second - 730.0 * (0.045 + 0.005)).abs() < 0.001, "{second}");
        let endpoints = with(Egress::Endpoints) - with(Egress::SingleNat);
        assert!((endpoints - 730.0 * (3.0 * 2.0 * 0.01 - 0.05)).abs() < 0.001, "{endpoints}");
        let ipv6 = with(Egress::SingleNat) - with(Egress::Ipv6);
        assert!((ipv6 - 730.0 * (0.045 + 0.005)).abs() < 0.001, "{ipv6}");
    }

    #[test]
    fn usage_cost_grows_with_the_requests_and_idle_cost_does_not() {
        let dev = stage("dev");
        assert!(Estimate::of(&dev, 0).unwrap().usage_lines().next().is_none());
        let ten = usd(&dev, 10 * MILLION);
        assert!(ten > usd(&dev, MILLION) && usd(&dev, MILLION) > usd(&dev, 0));
        let idle = |requests| Estimate::of(&dev, requests).unwrap().idle_lines().map(Line::usd).sum::<f64>();
        assert!((idle(10 * MILLION) - idle(0)).abs() < 0.001);
    }
}

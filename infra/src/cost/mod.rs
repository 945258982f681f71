//! Monthly cost estimate of a stage, resource by resource, from its own templates.
//!
//! A type of resource that has neither a price nor a place among the free ones is an error: nothing is forgotten.

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

/// What tells how much an idle stage grows.
const MILLION: u64 = 1_000_000;

/// The monthly estimate as a person reads it: what the stage costs without requests, what `requests` add, the egress options
/// and the database classes, each with the sources of its prices. US dollars, before tax.
pub fn report(stage: &Stage, requests: u64) -> Result<String> {
    let estimate = Estimate::of(stage, requests)?;
    let mut parts = vec![
        format!(
            "Estimated monthly cost of stage {}, in US dollars of {}, before tax and without the free tier.",
            stage.name, stage.region
        ),
        table::lines("idle", &estimate, false),
    ];
    if requests > 0 {
        let title = format!("{} requests a month", table::thousands(usage::float(requests)));
        parts.extend([table::lines(&title, &estimate, true), format!("Total: {:.2}", estimate.usd())]);
    } else {
        parts.push(format!(
            "A million requests a month would add {:.2}; --requests-per-month shows the details.",
            growth(stage)?
        ));
    }
    let options = egress_options(stage, requests)?;
    parts.push(table::egress_options(stage.egress, &options));
    if let Server::Rds(server) = &stage.database.server {
        let memory = Memory::of(stage).map(|memory| memory.sum()).unwrap_or_default();
        parts.push(format!("{}\n{memory}", table::classes(stage, server, &Prices::of(&stage.region)?)));
    }
    parts.extend([usage::assumptions(), table::sources(options.iter().map(|(_, estimate)| estimate))]);
    Ok(parts.join("\n\n"))
}

/// One line for `deploy`, which asks for consent; a price that is lacking keeps nobody from deploying.
pub fn summary(stage: &Stage) -> String {
    let known = || anyhow::Ok((Estimate::of(stage, 0)?.usd(), growth(stage)?));
    match known() {
        Ok((idle, growth)) => format!(
            "It costs about {idle:.0} US dollars a month while nobody comes, and {growth:.0} more with a million \
             requests (`cargo bookstore cost --stage {}`).",
            stage.name
        ),
        Err(error) => format!("What it costs is not known: {error:#}"),
    }
}

fn growth(stage: &Stage) -> Result<f64> {
    Ok(Estimate::of(stage, MILLION)?.usd() - Estimate::of(stage, 0)?.usd())
}

/// The stage as it would be with every value of `egress`.
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
    fn a_standby_costs_a_second_instance_and_its_storage() {
        let mut dev = stage("dev");
        let alone = usd(&dev, 0);
        let Server::Rds(rds) = &mut dev.database.server else { panic!("dev has RDS") };
        rds.multi_az = true;
        let added = usd(&dev, 0) - alone;
        assert!((added - (730.0 * 0.032 + 20.0 * 0.115 + 0.5 * 0.50)).abs() < 0.001, "{added}");
    }

    #[test]
    fn two_nat_gateways_cost_twice_one_with_its_address_and_ipv6_nothing() {
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
    fn more_requests_cost_more_and_idle_ones_nothing() {
        let dev = stage("dev");
        assert!(Estimate::of(&dev, 0).unwrap().lines(true).next().is_none());
        let ten = usd(&dev, 10 * MILLION);
        assert!(ten > usd(&dev, MILLION) && usd(&dev, MILLION) > usd(&dev, 0));
        let fixed = |requests| Estimate::of(&dev, requests).unwrap().lines(false).map(Line::usd).sum::<f64>();
        assert!((fixed(10 * MILLION) - fixed(0)).abs() < 0.001);
    }
}

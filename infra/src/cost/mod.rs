//! `bookstore cost`: what a stage costs a month, resource by resource, from its own templates.
//!
//! A type of resource that has neither a price nor a place among the free ones is an error: nothing is forgotten.

mod charges;
mod estimate;
mod prices;
mod table;
mod usage;

use anyhow::{Result, bail};
use clap::Args;

use self::{estimate::Estimate, prices::Prices};
use crate::{
    database_memory::Memory,
    stage::{Egress, Server, Stage},
};

/// What tells how much an idle stage grows.
const MILLION: u64 = 1_000_000;

#[derive(Args)]
pub struct Cost {
    /// Stage to reckon: dev or prod
    #[arg(long)]
    stage: String,
    /// Requests at the load balancer
    #[arg(long, default_value_t = 0, value_name = "N")]
    requests_per_month: u64,
}

pub fn run(args: &Cost) -> Result<()> {
    let stage = Stage::load(&args.stage)?;
    if stage.is_local() {
        bail!("the local stage costs nothing: it runs on this machine");
    }
    let estimate = Estimate::of(&stage, args.requests_per_month)?;
    say!(
        "What stage {} costs a month, in US dollars of {}, before tax and without the free tier.\n",
        stage.name,
        stage.region
    );
    say!("{}\n", table::lines("while nobody comes", &estimate, false));
    if args.requests_per_month > 0 {
        let requests = table::thousands(usage::float(args.requests_per_month));
        say!("{}\n", table::lines(&format!("{requests} requests a month"), &estimate, true));
        say!("All of it: {:.2}\n", estimate.usd());
    } else {
        say!("A million requests a month would add {:.2}; --requests-per-month shows for what.\n", growth(&stage)?);
    }
    let ways_out = ways_out(&stage, args.requests_per_month)?;
    say!("{}\n", table::ways_out(stage.egress, &ways_out));
    if let Server::Rds(server) = &stage.database.server {
        say!("{}", table::classes(&stage, server, &Prices::of(&stage.region)?));
        say!("{}\n", Memory::of(&stage).map(|memory| memory.sum()).unwrap_or_default());
    }
    say!("{}\n", usage::said());
    say!("{}", table::sources(ways_out.iter().map(|(_, estimate)| estimate)));
    Ok(())
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
fn ways_out(stage: &Stage, requests: u64) -> Result<Vec<(Egress, Estimate)>> {
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
            ways_out(&stage(name), MILLION).unwrap();
            ways_out(&Stage::in_full(name).unwrap(), MILLION).unwrap();
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

    #[test]
    fn the_local_stage_and_an_unknown_one_are_refused() {
        let complaint =
            |stage: &str| run(&Cost { stage: stage.to_owned(), requests_per_month: 0 }).unwrap_err().to_string();
        assert_eq!(complaint("local"), "the local stage costs nothing: it runs on this machine");
        assert_eq!(complaint("qa"), "there is no stage `qa`; the stages are local, dev, prod");
    }
}

//! Monthly cost estimate of a stage, resource by resource, from its templates.
//!
//! A resource type that has neither charges nor a line in the list of free types is an error, so none is forgotten.

mod break_even;
mod charges;
mod estimate;
pub(crate) mod prices;
pub(crate) mod table;
pub(crate) mod usage;

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use self::{
    break_even::BreakEven,
    estimate::{Estimate, Line},
    prices::{Price, Prices},
};
use crate::{
    database_memory::Memory,
    stage::{Egress, Server, Stage},
};

/// Requests for which `summary` and `Report` state the additional cost.
pub(crate) const MILLION: u64 = 1_000_000;

/// Longest line of the report in characters, except for addresses of sources.
pub(crate) const WIDTH: u16 = 100;

/// The monthly estimate of a stage, in US dollars before tax.
pub struct Report {
    stage: Stage,
    requests: u64,
    estimate: Estimate,
    /// What a million requests a month add to the idle cost.
    million: f64,
    /// The part of it for the functions' metrics, which a hundredth of the requests costs as well.
    metrics: f64,
    egress_options: Vec<(Egress, Estimate)>,
    /// None for a stage without optional settings for containers.
    break_even: Option<BreakEven>,
}

impl Report {
    /// The estimate with this number of requests a month. Fails when a charge or a price is unknown.
    pub fn of(stage: &Stage, requests: u64) -> Result<Self> {
        Ok(Self {
            stage: stage.clone(),
            requests,
            estimate: Estimate::of(stage, requests)?,
            million: cost_of_a_million(stage)?,
            metrics: metrics_of_a_million(stage)?,
            egress_options: egress_options(stage, requests)?,
            break_even: BreakEven::of(stage)?,
        })
    }

    /// The answer in one line, then what it consists of, the egress options and the database classes; on request the sources
    /// of all prices.
    pub fn text(&self, with_sources: bool) -> Result<String> {
        let Self { stage, estimate, egress_options, .. } = self;
        let mut parts = vec![self.answer(), table::charges("idle", estimate.idle_lines())];
        if self.requests > 0 {
            parts.push(table::charges(&format!("{} requests", self.requests_in_words()), estimate.usage_lines()));
        }
        parts.push(table::egress_options(stage.egress, egress_options));
        if let Server::Rds(server) = &stage.database.server {
            let memory = Memory::of(stage).map(|memory| table::wrapped(&memory.summary())).unwrap_or_default();
            parts.push(format!("{}\n{memory}", table::database_classes(stage, server, &Prices::of(&stage.region)?)));
        }
        parts.extend(self.break_even.as_ref().map(|break_even| table::wrapped(&break_even.text())));
        parts.push(table::wrapped(&usage::assumptions()));
        if with_sources {
            parts.push(table::sources(self.prices()));
        }
        Ok(parts.join("\n\n"))
    }

    fn answer(&self) -> String {
        let Self { stage, estimate, million, metrics, .. } = self;
        let idle = Estimate::sum(estimate.idle_lines());
        let answer = match self.requests {
            0 => format!(
                "{idle:.2} USD a month idle; a million requests a month would add {million:.2} USD.\n{metrics:.2} USD of \
                 that are for the functions' metrics, from some {} requests a month on.",
                table::with_separators(usage::requests_with_all_metrics())
            ),
            _ => format!(
                "{:.2} USD a month: {idle:.2} USD idle, and {:.2} USD for {} requests.",
                estimate.usd(),
                Estimate::sum(estimate.usage_lines()),
                self.requests_in_words()
            ),
        };
        format!(
            "{}: {answer}\nPrices of {}, before tax and without the free tier; --sources lists where they are from.",
            stage.name, stage.region
        )
    }

    fn requests_in_words(&self) -> String {
        table::with_separators(usage::float(self.requests))
    }

    fn prices(&self) -> BTreeMap<&str, &Price> {
        let lines = self.egress_options.iter().flat_map(|(_, estimate)| estimate.lines());
        lines.map(|line| (line.charge.price.as_str(), &line.price)).collect()
    }

    /// The estimate for programs.
    pub fn json(&self) -> Value {
        let Self { stage, requests, estimate, million, metrics, egress_options, break_even } = self;
        let line = |line: &Line| {
            json!({
                "type": line.kind,
                "resources": line.resources,
                "purpose": line.charge.purpose,
                "amount": line.charge.amount,
                "price": line.charge.price,
                "usage_based": line.charge.usage_based,
                "usd": cents(line.usd()),
            })
        };
        let option = |(egress, estimate): &(Egress, Estimate)| {
            json!({
                "egress": egress.name(),
                "is_chosen": *egress == stage.egress,
                "usd": cents(Estimate::sum(table::egress_lines(estimate))),
                "stage_usd": cents(estimate.usd()),
            })
        };
        json!({
            "stage": stage.name,
            "region": stage.region,
            "requests_per_month": requests,
            "idle_usd": cents(Estimate::sum(estimate.idle_lines())),
            "usage_usd": cents(Estimate::sum(estimate.usage_lines())),
            "total_usd": cents(estimate.usd()),
            "million_requests_usd": cents(*million),
            "metrics_usd": cents(*metrics),
            "lines": estimate.lines().iter().map(line).collect::<Vec<_>>(),
            "egress_options": egress_options.iter().map(option).collect::<Vec<_>>(),
            "containers": break_even,
            "prices": self.prices(),
        })
    }
}

fn cents(usd: f64) -> f64 {
    (usd * 100.0).round() / 100.0
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
    of_requests(stage, MILLION)
}

/// US dollars that so many requests within a month add to the idle cost.
///
/// # Errors
/// A charge or a price is unknown.
pub fn of_requests(stage: &Stage, requests: u64) -> Result<f64> {
    Ok(Estimate::of(stage, requests)?.usd() - Estimate::of(stage, 0)?.usd())
}

fn metrics_of_a_million(stage: &Stage) -> Result<f64> {
    let estimate = Estimate::of(stage, MILLION)?;
    Ok(Estimate::sum(estimate.usage_lines().filter(|line| line.charge.price == "metric")))
}

/// Estimates of the stage with each egress option.
fn egress_options(stage: &Stage, requests: u64) -> Result<Vec<(Egress, Estimate)>> {
    let with = |egress| Ok((egress, Estimate::of(&Stage { egress, ..stage.clone() }, requests)?));
    // Fargate cannot be used with it.
    let is_possible = |egress: &Egress| stage.containers.is_none() || *egress != Egress::Ipv6;
    Egress::ALL.into_iter().filter(is_possible).map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{Https, STAGES};

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
    fn a_distribution_costs_nothing_while_idle_and_then_replaces_the_data_of_the_load_balancer() {
        let dev = stage("dev");
        let none = Stage { https: Https::None, ..dev.clone() };
        assert!(dev.has_cloudfront());
        assert!((usd(&dev, 0) - usd(&none, 0)).abs() < 0.001);
        let added = usd(&dev, MILLION) - usd(&none, MILLION);
        // Requests, runs of the function, and 12 GB at another price, without the rules that CloudFront adds.
        assert!((added - (1.20 + 0.10 + 12.0 * (0.085 - 0.09))).abs() < 0.05, "{added}");
    }

    #[test]
    fn the_firewall_of_accounts_costs_nine_dollars_and_counts_sign_ins_only() {
        let full = Stage::in_full("prod").unwrap();
        let lines = |stage: &Stage| {
            let estimate = Estimate::of(stage, MILLION).unwrap();
            let of_firewalls = estimate.lines().iter().filter(|line| line.kind == "WAFv2::WebACL");
            of_firewalls.map(Line::usd).sum::<f64>()
        };
        // Production behind CloudFront has no accounts, and so no tokens of customers.
        let without = lines(&Stage { https: Https::CloudFront, domain: None, api_gateway: None, ..full.clone() });
        let added = lines(&full) - without;
        // One web ACL with four rules, and ten requests of each of a thousand customers.
        assert!((added - (5.0 + 4.0 + 0.6 * 0.01)).abs() < 0.001, "{added}");
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

    #[test]
    fn the_report_begins_with_its_answer_and_fits_a_terminal() {
        for (name, _) in STAGES {
            for (stage, requests) in
                [stage(name), Stage::in_full(name).unwrap()].into_iter().zip([0, MILLION, 1000 * MILLION].repeat(2))
            {
                let text = Report::of(&stage, requests).unwrap().text(false).unwrap();
                assert!(text.starts_with(&format!("{name}: ")) && text.contains(" USD a month"), "{text}");
                for line in text.lines() {
                    assert!(line.chars().count() <= usize::from(WIDTH), "{} is too long: {line}", line.chars().count());
                }
                assert!(!text.contains("https://"), "{text}");
            }
        }
        let idle = Report::of(&stage("dev"), 0).unwrap().text(false).unwrap();
        assert!(idle.starts_with("dev: 51.51 USD a month idle; a million requests a month would add "), "{idle}");
        let second = idle.lines().nth(1).unwrap();
        assert!(
            second.ends_with(" USD of that are for the functions' metrics, from some 15,000 requests a month on."),
            "{second}"
        );
    }

    #[test]
    fn metrics_cost_as_much_for_some_thousand_requests_as_for_a_million() {
        let dev = stage("dev");
        let metrics = |requests| {
            let estimate = Estimate::of(&dev, requests).unwrap();
            Estimate::sum(estimate.usage_lines().filter(|line| line.charge.price == "metric"))
        };
        let report = Report::of(&dev, 0).unwrap();
        assert!((metrics(MILLION) - report.metrics).abs() < 0.001);
        // Only the consumers of queues, which a fiftieth of the requests or fewer reach, have metrics in fewer hours.
        assert!(
            metrics(15_000) > report.metrics - 3.0 * usage::METRICS * 0.30 && metrics(1_000) < report.metrics / 5.0
        );
    }

    #[test]
    fn sources_are_listed_on_request_each_with_its_date() {
        let text = Report::of(&stage("dev"), 0).unwrap().text(true).unwrap();
        let source = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSELB/";
        assert!(text.lines().any(|line| line.trim_start().starts_with(source)), "{text}");
        assert!(text.contains("load-balancer: 0.0225 USD per hour, 2026-09-11, SKU 37CUWUT8GSNQEPUV"), "{text}");
    }

    #[test]
    fn programs_get_the_totals_and_what_they_consist_of() {
        let json = Report::of(&stage("dev"), MILLION).unwrap().json();
        let sum =
            |lines: &Value| lines.as_array().unwrap().iter().map(|line| line["usd"].as_f64().unwrap()).sum::<f64>();
        assert!((sum(&json["lines"]) - json["total_usd"].as_f64().unwrap()).abs() < 0.2, "{json}");
        assert_eq!(json["million_requests_usd"], json["usage_usd"]);
        assert_eq!(json["egress_options"][0]["is_chosen"], true);
        assert_eq!(json["prices"]["load-balancer"]["date"], "2026-09-11");
    }
}

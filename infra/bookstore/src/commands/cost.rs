//! `bookstore cost`: prints the monthly cost estimate of a stage.

use anyhow::{Result, bail};
use clap::Args;
use infra::{cost, memory_sizes, stage::Stage};

use crate::{arguments, output::Report};

#[derive(Args)]
pub struct Cost {
    /// Stage to estimate: dev or prod
    #[arg(long, value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Requests at the load balancer: 1000000, 1e6 or 1M
    #[arg(long, default_value = "0", value_name = "N", allow_hyphen_values = true, value_parser = arguments::count)]
    requests_per_month: u64,
    /// List the source and the date of each price
    #[arg(long)]
    sources: bool,
    /// Latency and price of each function at each memory size, in place of the estimate
    #[arg(long, conflicts_with_all = ["requests_per_month", "sources"])]
    memory_sizes: bool,
}

pub fn run(args: &Cost) -> Result<Report> {
    let stage = Stage::load(&args.stage)?;
    if stage.is_local() {
        bail!("the local stage costs nothing: it runs on this machine");
    }
    if args.memory_sizes {
        let compared = memory_sizes::Comparison::of(&stage)?;
        return Ok(Report::new(compared.text(), compared.json()));
    }
    let report = cost::Report::of(&stage, args.requests_per_month)?;
    Ok(Report::new(report.text(args.sources)?, report.json()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_stage_and_an_unknown_one_are_refused() {
        let complaint = |stage: &str| {
            run(&Cost { stage: stage.to_owned(), requests_per_month: 0, sources: false, memory_sizes: false })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(complaint("local"), "the local stage costs nothing: it runs on this machine");
        assert_eq!(complaint("qa"), "there is no stage `qa`; the stages are local, dev, prod");
    }
}

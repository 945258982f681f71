//! `bookstore scale`: prints what a stage carries on paper, and what to change for more.

use anyhow::{Result, bail};
use clap::Args;
use infra::{scale, stage::Stage};

use crate::{arguments, output::Report};

#[derive(Args)]
pub struct Scale {
    /// Stage to compute: dev or prod
    #[arg(long, value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Requests at the load balancer, of which 10, 100 and 1,000 times as many are compared with the limits
    #[arg(long, default_value_t = scale::REQUESTS_PER_MONTH, value_name = "N", allow_hyphen_values = true, value_parser = arguments::count)]
    requests_per_month: u64,
    /// Books of the shop, of which 10, 100 and 1,000 times as many are compared with the limits
    #[arg(long, default_value_t = scale::BOOKS, value_name = "N", allow_hyphen_values = true, value_parser = arguments::count)]
    books: u64,
    /// List the source of each quota, and how it was checked
    #[arg(long)]
    sources: bool,
}

pub fn run(args: &Scale) -> Result<Report> {
    let stage = Stage::load(&args.stage)?;
    if stage.is_local() {
        bail!("the local stage has no limits of AWS; `cargo bookstore bench` measures this machine");
    }
    let report = scale::Report::of(&stage, args.requests_per_month, args.books);
    Ok(Report::new(report.text(args.sources), report.json()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_stage_is_refused_and_another_one_answered() {
        let of = |stage: &str| {
            run(&Scale { stage: stage.to_owned(), requests_per_month: 1_000_000, books: 10_000, sources: false })
        };
        let complaint = "the local stage has no limits of AWS; `cargo bookstore bench` measures this machine";
        assert_eq!(of("local").unwrap_err().to_string(), complaint);
        assert!(of("dev").unwrap().text.starts_with("dev: carries "));
    }
}

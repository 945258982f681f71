//! AWS's prices from `infra/prices.toml`, each with its source.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};

/// Compiled in, so that the command runs in any folder.
const FILE: &str = include_str!("../../prices.toml");

/// The prices of one region, by name.
pub struct Prices(BTreeMap<String, Price>);

/// The price of one unit.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// `hour`, `GB`; for units other than time, the price is for a month.
    pub unit: String,
    pub usd: f64,
    /// Address of the price page.
    pub source: String,
    /// Identifier in a file of AWS's price list.
    pub sku: Option<String>,
    /// Date of the price page or file, or `undated`.
    pub date: String,
}

impl Prices {
    /// The prices of the region. Fails when the file is invalid or has no such region.
    pub fn of(region: &str) -> Result<Self> {
        let mut regions: BTreeMap<String, BTreeMap<String, Price>> = toml::from_str(FILE)
            .map_err(|error| anyhow!(error.message().to_owned()))
            .context("infra/prices.toml is invalid")?;
        let prices = regions.remove(region);
        prices.map(Self).with_context(|| format!("infra/prices.toml has no prices for the region {region}"))
    }

    /// The price of this name. The error states how to add it.
    pub fn get(&self, name: &str) -> Result<&Price> {
        self.0.get(name).with_context(|| format!("infra/prices.toml lacks the price `{name}`; add it with its source"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{STAGES, Stage};

    #[test]
    fn every_price_of_every_stage_has_a_source_and_a_date() {
        for (stage, _) in STAGES {
            for (name, price) in Prices::of(&Stage::load(stage).unwrap().region).unwrap().0 {
                assert!(price.usd > 0.0, "{name}");
                assert!(price.source.starts_with("https://"), "{name}");
                let digits = price.date.chars().filter(char::is_ascii_digit).count();
                assert!(price.date == "undated" || [4, 6, 8].contains(&digits), "{name} has the date {}", price.date);
            }
        }
    }

    /// The others have sources that cannot be looked up by a program.
    #[test]
    fn most_prices_cite_a_file_of_awss_price_list() {
        let prices = Prices::of("us-east-1").unwrap().0;
        let cites_aws = |price: &Price| price.source.starts_with("https://pricing.us-east-1.amazonaws.com/offers/");
        let others: Vec<&str> =
            prices.iter().filter(|(_, price)| !cites_aws(price)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            others,
            [
                "active-user",
                "api-gateway-request",
                "cloudfront-data",
                "cloudfront-function",
                "cloudfront-request",
                "dashboard",
                "fargate-gb-arm64",
                "fargate-gb-x86_64",
                "fargate-vcpu-arm64",
                "fargate-vcpu-x86_64",
                "health-check",
                "health-check-https",
                "image-storage",
                "mail",
                "parameter",
                "rds-db.m7g.large",
                "s3-read",
                "s3-write",
                "schedule",
                "trace"
            ]
        );
        assert!(prices.values().filter(|price| cites_aws(price)).all(|price| price.date.len() == 10));
        assert!(prices.values().all(|price| price.sku.is_none() || cites_aws(price)));
    }

    #[test]
    fn errors_name_the_missing_region_or_price() {
        let region = Prices::of("eu-south-9").err().unwrap().to_string();
        assert_eq!(region, "infra/prices.toml has no prices for the region eu-south-9");
        let price = Prices::of("us-east-1").unwrap().get("rds-db.x9.large").err().unwrap().to_string();
        assert_eq!(price, "infra/prices.toml lacks the price `rds-db.x9.large`; add it with its source");
    }
}

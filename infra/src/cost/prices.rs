//! What AWS asks for each thing, from `infra/prices.toml`, where each price names its source.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

/// It travels inside the command, so it runs from anywhere.
const FILE: &str = include_str!("../../prices.toml");

/// The prices of one region, by name.
pub struct Prices(BTreeMap<String, Price>);

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What one is: `hour`, `GB`; a month of it where it is no time.
    pub unit: String,
    pub usd: f64,
    /// The page that it was read on.
    pub source: String,
    /// The date that the page bears.
    pub date: String,
}

impl Prices {
    pub fn of(region: &str) -> Result<Self> {
        let mut regions: BTreeMap<String, BTreeMap<String, Price>> = toml::from_str(FILE)
            .map_err(|error| anyhow!(error.message().to_owned()))
            .context("infra/prices.toml cannot be used")?;
        let prices = regions.remove(region);
        prices.map(Self).with_context(|| format!("infra/prices.toml has no prices for the region {region}"))
    }

    pub fn get(&self, name: &str) -> Result<&Price> {
        self.0.get(name).with_context(|| format!("infra/prices.toml lacks the price `{name}`: add it with its source"))
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
                assert!(price.date == "undated" || [4, 6, 8].contains(&digits), "{name} is of {}", price.date);
            }
        }
    }

    #[test]
    fn a_region_and_a_price_that_are_not_there_are_named() {
        let region = Prices::of("eu-south-9").err().unwrap().to_string();
        assert_eq!(region, "infra/prices.toml has no prices for the region eu-south-9");
        let price = Prices::of("us-east-1").unwrap().get("rds-db.x9.large").err().unwrap().to_string();
        assert_eq!(price, "infra/prices.toml lacks the price `rds-db.x9.large`: add it with its source");
    }
}

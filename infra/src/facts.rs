//! What AWS offers and refuses, from `infra/facts.toml`: each fact with its source and how it was checked.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub database_versions: Vec<DatabaseVersion>,
    pub database_classes: Vec<DatabaseClass>,
    pub zones: Vec<Zone>,
    pub names: Vec<Name>,
    pub quotas: Vec<Quota>,
}

/// The page that decides, and how the fact was checked without an account.
#[derive(Deserialize)]
pub struct Evidence {
    pub source: String,
    pub checked: String,
}

#[derive(Deserialize)]
pub struct DatabaseVersion {
    pub engine: String,
    /// Major and minor: `11.8`.
    pub version: String,
    #[serde(flatten)]
    pub evidence: Evidence,
}

#[derive(Deserialize)]
pub struct DatabaseClass {
    pub name: String,
    /// Of the machine, before the system takes its part.
    pub memory_mib: u32,
    #[serde(flatten)]
    pub evidence: Evidence,
}

#[derive(Deserialize)]
pub struct Zone {
    /// The same zone in every account: `use1-az1`.
    pub id: String,
    /// What is missing there.
    pub lacks: Option<String>,
    #[serde(flatten)]
    pub evidence: Evidence,
}

#[derive(Deserialize)]
pub struct Name {
    pub kind: String,
    #[serde(rename = "name")]
    pub value: String,
    #[serde(flatten)]
    pub evidence: Evidence,
}

#[derive(Deserialize)]
pub struct Quota {
    pub name: String,
    pub value: u32,
    #[serde(flatten)]
    pub evidence: Evidence,
}

pub static FACTS: LazyLock<Facts> =
    LazyLock::new(|| toml::from_str(include_str!("../facts.toml")).expect("infra/facts.toml is tested"));

impl Facts {
    pub fn database_class(&self, name: &str) -> Option<&DatabaseClass> {
        self.database_classes.iter().find(|class| class.name == name)
    }

    pub fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.id == id)
    }

    pub fn has_database_version(&self, engine: &str, version: &str) -> bool {
        self.database_versions.iter().any(|known| known.engine == engine && known.version == version)
    }
}

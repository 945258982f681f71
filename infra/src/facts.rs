//! Facts about AWS from `infra/facts.toml`: versions, instance classes, zones, names and quotas, each with its source.

use std::sync::LazyLock;

use serde::Deserialize;

/// The contents of `infra/facts.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub database_versions: Vec<DatabaseVersion>,
    pub database_classes: Vec<DatabaseClass>,
    pub zones: Vec<Zone>,
    pub names: Vec<Name>,
    pub quotas: Vec<Quota>,
}

/// Source of a fact.
#[derive(Deserialize)]
pub struct Evidence {
    /// Address of the page.
    pub source: String,
    /// How the fact was checked without an AWS account.
    pub checked: String,
}

/// An engine version that RDS offers.
#[derive(Deserialize)]
pub struct DatabaseVersion {
    pub engine: String,
    /// Major and minor: `11.8`.
    pub version: String,
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// An instance class of RDS.
#[derive(Deserialize)]
pub struct DatabaseClass {
    pub name: String,
    /// Memory of the machine, including that of the operating system.
    pub memory_mib: u32,
    /// Virtual processors.
    pub processors: u8,
    /// Share of each processor that a burstable class may use all day, in percent; without it all of each.
    pub baseline_percent: Option<u8>,
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// An availability zone.
#[derive(Deserialize)]
pub struct Zone {
    /// Zone id, which means the same zone in every account: `use1-az1`.
    pub id: String,
    /// A service that the zone does not have.
    pub lacks: Option<String>,
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// A name that AWS defines: a runtime, a TLS policy, a managed policy.
#[derive(Deserialize)]
pub struct Name {
    /// `runtime`, `TLS policy`, `managed policy`.
    pub kind: String,
    #[serde(rename = "name")]
    pub value: String,
    #[serde(flatten)]
    pub evidence: Evidence,
}

impl DatabaseClass {
    /// Processors that it has all day: those of a burstable class count with their baseline.
    pub fn sustained_processors(&self) -> f64 {
        f64::from(self.processors) * f64::from(self.baseline_percent.unwrap_or(100)) / 100.0
    }
}

/// A quota of an AWS service.
#[derive(Deserialize)]
pub struct Quota {
    pub name: String,
    pub value: u32,
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// The facts, parsed at the first use.
pub static FACTS: LazyLock<Facts> =
    LazyLock::new(|| toml::from_str(include_str!("../facts.toml")).expect("infra/facts.toml is tested"));

impl Facts {
    /// The instance class of this name, such as `db.t4g.small`.
    pub fn database_class(&self, name: &str) -> Option<&DatabaseClass> {
        self.database_classes.iter().find(|class| class.name == name)
    }

    /// The zone of this id, such as `use1-az1`.
    pub fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.id == id)
    }

    /// The quota of this name. Panics for a name that the file does not have: it is one of the code's.
    pub fn quota(&self, name: &str) -> &Quota {
        let found = self.quotas.iter().find(|quota| quota.name == name);
        found.unwrap_or_else(|| panic!("infra/facts.toml lacks the quota of {name}"))
    }

    /// Whether RDS offers this major and minor version of the engine.
    pub fn has_database_version(&self, engine: &str, version: &str) -> bool {
        self.database_versions.iter().any(|known| known.engine == engine && known.version == version)
    }
}

//! Parts of an RDS instance that the primary and its replicas have in common.

use super::log_group;
use crate::stage::Stage;
use crate::template::{Id, Template, logical_id};

/// MariaDB's logs that RDS exports to CloudWatch.
pub(super) const LOGS: [&str; 2] = ["error", "slowquery"];
/// Interval of Enhanced Monitoring.
pub(super) const MONITORING_SECONDS: i32 = 60;

/// The RDS instance, with what its replicas share with it.
pub(super) struct Instance {
    pub id: Id,
    pub parameter_group: Id,
    /// Security group.
    pub group: Id,
    pub monitoring_role: Id,
}

/// The log groups of an instance. Created here because log groups that RDS creates never expire.
pub(super) fn logs(template: &mut Template, stage: &Stage, id: &str, instance: &str) -> [Id; 2] {
    LOGS.map(|log| {
        let id = logical_id(&format!("{id}-{log}-logs"));
        let group = log_group(template, stage, id, &format!("/aws/rds/instance/{instance}/{log}"));
        // The logs of a replaced instance explain its loss, and RDS writes to them until it is deleted.
        template.retain_on_replacement(group);
        group
    })
}

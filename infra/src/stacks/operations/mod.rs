//! The operations stack: human roles and monitoring. Nothing here serves shoppers, so it is deployed last and removed
//! first.

mod alarms;
mod dashboard;
pub mod human_roles;
mod metrics;
mod notifications;

use super::{Kind, Stack};
use crate::stage::{Monitoring, Stage};

use metrics::Metrics;

pub(super) fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Operations, "human roles, alarms, dashboard and budget");
    if stage.operations {
        human_roles::add(&mut stack.template, stage);
    }
    if let Some(settings) = &stage.monitoring {
        monitoring(&mut stack, stage, settings);
    }
    stack
}

fn monitoring(stack: &mut Stack, stage: &Stage, settings: &Monitoring) {
    let metrics = Metrics::new(stack, stage);
    let template = &mut stack.template;
    let topic = notifications::add(template, stage, settings);
    let alarms = alarms::add(template, stage, &metrics, topic);
    alarms::add_new_messages(template, stage, &metrics, topic);
    dashboard::add(template, stage, &metrics, &alarms);
}

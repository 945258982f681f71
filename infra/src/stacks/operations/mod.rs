//! What people need to look after the stage. Nothing here serves shoppers, so it is the last up and the first down.

mod alarms;
mod dashboard;
pub mod human_roles;
mod metrics;
mod notifications;

use super::{Kind, Stack};
use crate::stage::{Stage, Watch};

use metrics::Metrics;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Operations, "who may work on it, and what tells them how it is");
    if stage.operations {
        human_roles::add(&mut stack.template, stage);
    }
    if let Some(settings) = &stage.watch {
        watch(&mut stack, stage, settings);
    }
    stack
}

fn watch(stack: &mut Stack, stage: &Stage, settings: &Watch) {
    let metrics = Metrics::take(stack, stage);
    let template = &mut stack.template;
    let topic = notifications::add(template, stage, settings);
    let alarms = alarms::add(template, stage, &metrics, topic);
    alarms::add_new_messages(template, stage, &metrics, topic);
    dashboard::add(template, stage, &metrics, &alarms);
}

//! Functions against containers: the number of requests a month from which containers cost less.

use anyhow::Result;
use serde::Serialize;

use super::{Estimate, MILLION, cents, table};
use crate::{
    containers::{Service, runs_in_containers},
    routes::FUNCTIONS,
    stacks::containers::requests_a_second,
    stage::{Compute, Containers, Stage},
    template::logical_id,
};

/// Costs in US dollars a month.
#[derive(Serialize)]
pub struct BreakEven {
    /// Of the least number of tasks, whatever the traffic.
    tasks_usd: f64,
    /// Of a million requests to the functions that containers would answer: invocations and duration.
    million_usd: f64,
    /// Requests a month from which the tasks cost less.
    requests: f64,
    /// Requests a second that the least number of tasks takes, before the scaling adds some.
    requests_a_second: f64,
    tasks: u16,
    cpu: u16,
    memory_mb: u16,
}

impl BreakEven {
    /// With the stage's containers, or those that its file has as an option.
    pub fn of(stage: &Stage) -> Result<Option<Self>> {
        let optional = || Ok::<_, anyhow::Error>(Stage::in_full(&stage.name)?.containers);
        let settings = if stage.containers.is_some() { stage.containers.clone() } else { optional()? };
        let Some(settings) = settings else { return Ok(None) };
        let on_lambda = Stage { containers: None, ..stage.clone() };
        let on_fargate =
            Stage { containers: Some(Containers { compute: Compute::Fargate, ..settings.clone() }), ..stage.clone() };
        // What the tasks need besides: a repository, and with interface endpoints three more of them.
        let tasks_usd = Estimate::of(&on_fargate, 0)?.usd() - Estimate::of(&on_lambda, 0)?.usd();
        let functions: Vec<String> =
            FUNCTIONS.iter().filter(|f| runs_in_containers(f)).map(|f| logical_id(f.name)).collect();
        let million_usd = Estimate::of_each(&on_lambda, MILLION, &functions)?;
        let tasks: u16 = Service::ALL.into_iter().map(|service| service.tasks(&settings).min).sum();
        Ok(Some(Self {
            tasks_usd: cents(tasks_usd),
            million_usd: cents(million_usd),
            requests: (tasks_usd / million_usd * 10.0).round() / 10.0 * 1_000_000.0,
            requests_a_second: (requests_a_second(&settings) * f64::from(tasks)).round(),
            tasks,
            cpu: settings.cpu,
            memory_mb: settings.memory_mb,
        }))
    }

    pub fn text(&self) -> String {
        let Self { tasks_usd, million_usd, requests, requests_a_second, tasks, cpu, memory_mb } = self;
        let vcpus = f64::from(*cpu) / 1024.0;
        format!(
            "Containers: {tasks} tasks of {vcpus} vCPU and {memory_mb} MB would cost {tasks_usd:.2} USD a month whatever the \
             traffic, and take {requests_a_second:.0} requests a second. Functions cost {million_usd:.2} USD for a million of the \
             same requests, so containers cost less from {} requests a month on.",
            table::with_separators(*requests)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_break_even_both_cost_the_same() {
        let even = BreakEven::of(&Stage::load("prod").unwrap()).unwrap().unwrap();
        let functions = even.requests / 1_000_000.0 * even.million_usd;
        assert!((functions / even.tasks_usd - 1.0).abs() < 0.02, "{functions} and {}", even.tasks_usd);
        let tasks = f64::from(even.tasks) * 730.0 * (0.5 * 0.03238 + 0.00356);
        assert!(even.tasks_usd >= tasks && even.tasks_usd < tasks + 5.0, "{} and {tasks}", even.tasks_usd);
        assert!(BreakEven::of(&Stage::load("local").unwrap()).unwrap().is_none());
    }
}

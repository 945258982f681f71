//! Tables of the scale report.

use std::collections::BTreeMap;

use super::Exceeded;
use super::limit::{Carried, Limit, occupied, setting, short};
use super::traffic::{Work, served, share};
use crate::cost::table::{amount, table, with_separators};
use crate::facts::Quota;
use crate::routes::Function;
use crate::stage::Stage;

/// Limits with the load at which each is full, in the unit of the last column.
pub fn limits(title: &str, carried: &str, limits: &[Limit]) -> String {
    let mut table = table(&[title, "allows", "unit", "each uses", carried], &[1, 3, 4]);
    for limit in limits {
        table.add_row([
            limit.name.clone(),
            amount(limit.allows),
            limit.unit.to_owned(),
            small(limit.uses),
            carried_at(limit.full_at()),
        ]);
    }
    table.to_string()
}

/// The load that the database carries with the stage's class and with each larger one.
pub fn classes(classes: &[Carried]) -> String {
    let header = ["database class", "processors", "buffer pool, MiB", "requests/s", "orders/s", "books"];
    let mut table = table(&header, &[1, 2, 3, 4, 5]);
    for Carried { class, buffer_pool_mib, requests, orders, books } in classes {
        table.add_row([
            class.name.clone(),
            amount(class.sustained_processors()),
            with_separators(f64::from(*buffer_pool_mib)),
            carried_at(*requests),
            carried_at(*orders),
            carried_at(*books),
        ]);
    }
    table.to_string()
}

/// The load that each function behind the load balancer carries: of its own requests, and of all of which it gets its share.
pub fn functions(stage: &Stage) -> String {
    let header = ["function", "of 1,000", "setting", "executions", "ms", "its own/s", "requests/s"];
    let mut table = table(&header, &[1, 3, 4, 5, 6]);
    let carried = |function: &Function| {
        let executions = f64::from(function.max_concurrency(stage));
        (executions, executions / occupied(function))
    };
    let mut functions: Vec<_> = served().collect();
    functions.sort_by(|one, other| (carried(one).1 / share(one)).total_cmp(&(carried(other).1 / share(other))));
    for function in functions {
        let (executions, own) = carried(function);
        table.add_row([
            function.name.to_owned(),
            amount(share(function) * 1_000.0),
            short(setting(function)).to_owned(),
            amount(executions),
            format!("{:.1}", Work::of(function).seconds(function.memory_mb) * 1_000.0),
            carried_at(own),
            carried_at(own / share(function)),
        ]);
    }
    table.to_string()
}

/// The exceeded limits of a load, each with the change that is needed.
pub fn changes(exceeded: &[Exceeded<'_>]) -> String {
    let mut table = table(&["exceeded", "allows", "needs", "change"], &[1, 2]);
    for Exceeded { limit, needed, change } in exceeded {
        table.add_row([limit.name.clone(), amount(limit.allows), amount(*needed), change.clone()]);
    }
    table.to_string()
}

/// The quotas of AWS behind the limits, each with its source.
pub fn sources<'a>(limits: impl Iterator<Item = &'a Limit>) -> String {
    let quotas: BTreeMap<&str, _> =
        limits.filter_map(|limit| limit.quota).map(|quota| (quota.name.as_str(), quota)).collect();
    let entry = |(name, quota): (&str, &Quota)| {
        let (value, evidence) = (with_separators(f64::from(quota.value)), &quota.evidence);
        format!("{name}: {value}; checked: {}\n  {}", evidence.checked, evidence.source)
    };
    quotas.into_iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// A load, rounded down.
pub fn carried_at(load: f64) -> String {
    if load < 10.0 { amount(load) } else { with_separators(load.floor()) }
}

/// An amount below one with two digits that say something, such as 0.0029.
fn small(amount_used: f64) -> String {
    match amount_used {
        0.01.. => amount(amount_used),
        0.0001.. => format!("{amount_used:.5}"),
        _ => format!("{amount_used:.7}"),
    }
}

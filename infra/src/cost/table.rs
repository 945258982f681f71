//! The estimate as a person reads it.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::{
    estimate::{Estimate, Line},
    prices::Prices,
    usage::HOURS,
};
use crate::{
    database_memory::Memory,
    facts::FACTS,
    stage::{Egress, Rds, Server, Stage},
};

/// The charges, dearest first, and their sum.
pub fn lines(title: &str, estimate: &Estimate, grow: bool) -> String {
    let mut lines: Vec<&Line> = estimate.lines(grow).collect();
    lines.sort_by(|one, other| other.usd().total_cmp(&one.usd()));
    let mut table = table(&[title, "for", "amount", "unit", "each", "a month"], &[2, 4, 5]);
    for line in &lines {
        table.add_row([
            whose(line),
            line.charge.what.clone(),
            amount(line.charge.amount),
            line.price.unit.clone(),
            line.price.usd.to_string(),
            format!("{:.2}", line.usd()),
        ]);
    }
    let sum: f64 = lines.iter().map(|line| line.usd()).sum();
    table.add_row(["", "", "", "", "", &format!("{sum:.2}")]);
    table.to_string()
}

/// What each way out costs, and the stage with it.
pub fn egress_options(chosen: Egress, estimates: &[(Egress, Estimate)]) -> String {
    let mut table = table(&["way out", "of it", "of the stage", ""], &[1, 2]);
    for (egress, estimate) in estimates {
        let of_it = estimate.all().iter().filter(|line| is_way_out(&line.kind)).map(Line::usd);
        let of_it = of_it.fold(0.0, |sum, usd| sum + usd); // `sum` makes -0.00 of nothing.
        let mark = if *egress == chosen { "*" } else { "" };
        table.add_row([
            format!("{}{mark}", egress.name()),
            format!("{of_it:.2}"),
            format!("{:.2}", estimate.usd()),
            egress.about().to_owned(),
        ]);
    }
    format!("{table}\n* as the stage says (`egress` in infra/stages/)")
}

/// What each class of database with a price costs an hour long for a month, and how its memory would divide.
pub fn classes(stage: &Stage, chosen: &Rds, prices: &Prices) -> String {
    let mut table = table(&["database class", "a month", "MiB", "buffer pool", "for IAM logins"], &[1, 2, 3, 4]);
    for class in &FACTS.database_classes {
        let Ok(price) = prices.get(&format!("rds-{}", class.name)) else { continue };
        let mut stage = stage.clone();
        stage.database.server = Server::Rds(Rds { class: class.name.clone(), ..chosen.clone() });
        let mark = if class.name == chosen.class { "*" } else { "" };
        let parts = Memory::of(&stage).map(|memory| [memory.buffer_pool, memory.left].map(|part| part.to_string()));
        let [pool, left] = parts.unwrap_or(["none".to_owned(), "too little".to_owned()]);
        let usd = format!("{:.2}", price.usd * HOURS);
        table.add_row([format!("{}{mark}", class.name), usd, class.memory_mib.to_string(), pool, left]);
    }
    format!("{table}\n* as the stage says (`class` in infra/stages/); a standby doubles the price")
}

fn is_way_out(kind: &str) -> bool {
    ["EC2::EIP", "EC2::NatGateway", "EC2::VPCEndpoint"].contains(&kind)
}

/// Where the prices were read that the estimates used.
pub fn sources<'a>(estimates: impl IntoIterator<Item = &'a Estimate>) -> String {
    let lines = estimates.into_iter().flat_map(Estimate::all);
    let prices: BTreeMap<_, _> = lines.map(|line| (&line.charge.price, &line.price)).collect();
    let mut table = table(&["price", "each", "unit", "as of", "source"], &[1]);
    for (name, price) in prices {
        table.add_row([name, &price.usd.to_string(), &price.unit, &price.date, &price.source]);
    }
    table.to_string()
}

/// The names of one or two, else how many of which type.
fn whose(line: &Line) -> String {
    match &line.resources[..] {
        [_] | [_, _] => line.resources.join(", "),
        many => format!("{} {}", many.len(), line.kind),
    }
}

/// Fewer decimals, the larger it is.
fn amount(amount: f64) -> String {
    match amount {
        100.0.. => thousands(amount),
        1.0.. => trimmed(&format!("{amount:.2}")),
        _ => trimmed(&format!("{amount:.4}")),
    }
}

/// `10,000,000`
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let grouped = digits.chars().enumerate().flat_map(|(at, digit)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    });
    grouped.collect()
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    for &index in right {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::{charges::Charge, prices::Price};

    #[test]
    fn an_amount_shows_as_many_decimals_as_tell_something() {
        let amounts = [10_000_000.0, 730.0, 30.0, 1.314, 0.657, 0.0004];
        assert_eq!(amounts.map(amount), ["10,000,000", "730", "30", "1.31", "0.657", "0.0004"]);
    }

    #[test]
    fn many_resources_are_counted_and_few_named() {
        let line = |names: &[&str]| Line {
            kind: "S3::Bucket".to_owned(),
            resources: names.iter().map(|name| (*name).to_owned()).collect(),
            charge: Charge { what: String::new(), price: String::new(), amount: 1.0, grows: false },
            price: Price { unit: String::new(), usd: 1.0, source: String::new(), date: String::new() },
        };
        assert_eq!(whose(&line(&["One", "Two"])), "One, Two");
        assert_eq!(whose(&line(&["One", "Two", "Three"])), "3 S3::Bucket");
    }
}

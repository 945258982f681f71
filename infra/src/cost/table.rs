//! Tables of the cost report.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::NOTHING};

use super::{
    WIDTH,
    estimate::{Estimate, Line},
    prices::{Price, Prices},
    usage::HOURS,
};
use crate::{
    database_memory::Memory,
    facts::FACTS,
    stage::{Egress, Rds, Server, Stage},
};

/// Charges in descending order of cost, and their total.
pub fn charges<'a>(title: &str, lines: impl Iterator<Item = &'a Line>) -> String {
    let mut lines: Vec<&Line> = lines.collect();
    lines.sort_by(|one, other| other.usd().total_cmp(&one.usd()));
    let mut table = table(&[title, "for", "amount", "unit", "unit price", "USD/month"], &[2, 4, 5]);
    for line in &lines {
        table.add_row([
            resources(line),
            line.charge.purpose.clone(),
            amount(line.charge.amount),
            line.price.unit.clone(),
            line.price.usd.to_string(),
            format!("{:.2}", line.usd()),
        ]);
    }
    let total: f64 = lines.iter().map(|line| line.usd()).sum();
    table.add_row(["Total", "", "", "", "", &format!("{total:.2}")]);
    table.to_string()
}

/// Cost of each egress option, and of the stage with it.
pub fn egress_options(chosen: Egress, estimates: &[(Egress, Estimate)]) -> String {
    let mut table = table(&["egress option", "USD/month", "stage, USD/month", "reaches"], &[1, 2]);
    for (egress, estimate) in estimates {
        let own = Estimate::sum(egress_lines(estimate));
        let mark = if *egress == chosen { "*" } else { "" };
        table.add_row([
            format!("{}{mark}", egress.name()),
            format!("{own:.2}"),
            format!("{:.2}", estimate.usd()),
            egress.about().to_owned(),
        ]);
    }
    format!("{table}\n* this stage's `egress`")
}

/// Monthly cost of each database class with a price, and the division of its memory.
pub fn database_classes(stage: &Stage, chosen: &Rds, prices: &Prices) -> String {
    let header = ["database class", "USD/month", "memory, MiB", "buffer pool, MiB", "IAM logins, MiB"];
    let mut table = table(&header, &[1, 2, 3, 4]);
    for class in &FACTS.database_classes {
        let Ok(price) = prices.get(&format!("rds-{}", class.name)) else { continue };
        let mut stage = stage.clone();
        stage.database.server = Server::Rds(Rds { class: class.name.clone(), ..chosen.clone() });
        let mark = if class.name == chosen.class { "*" } else { "" };
        let parts = Memory::of(&stage).map(|memory| [memory.buffer_pool, memory.logins].map(|part| part.to_string()));
        let [pool, logins] = parts.unwrap_or(["none".to_owned(), "too little".to_owned()]);
        let usd = format!("{:.2}", price.usd * HOURS);
        table.add_row([format!("{}{mark}", class.name), usd, class.memory_mib.to_string(), pool, logins]);
    }
    format!("{table}\n* this stage's `class`; a standby doubles the price")
}

/// The charges for reaching AWS and the internet.
pub fn egress_lines(estimate: &Estimate) -> impl Iterator<Item = &Line> {
    let kinds = ["EC2::EIP", "EC2::NatGateway", "EC2::VPCEndpoint"];
    estimate.lines().iter().filter(move |line| kinds.contains(&line.kind.as_str()))
}

/// Each price with its date and identifier, and below it its source.
pub fn sources(prices: BTreeMap<&str, &Price>) -> String {
    let entry = |(name, price): (&str, &Price)| {
        let Price { unit, usd, source, sku, date } = price;
        let sku = sku.as_ref().map(|sku| format!(", SKU {sku}")).unwrap_or_default();
        format!("{name}: {usd} USD per {unit}, {date}{sku}\n  {source}")
    };
    prices.into_iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// The text in lines of at most `WIDTH` characters.
pub fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > usize::from(WIDTH) {
            lines.push(String::new());
        }
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.join("\n")
}

/// Names of up to two resources, otherwise their number and type.
fn resources(line: &Line) -> String {
    match &line.resources[..] {
        [_] | [_, _] => line.resources.join(", "),
        many => format!("{} {}", many.len(), line.kind),
    }
}

/// An amount, with fewer decimals for larger ones.
pub fn amount(amount: f64) -> String {
    match amount {
        100.0.. => with_separators(amount),
        1.0.. => without_trailing_zeros(&format!("{amount:.2}")),
        _ => without_trailing_zeros(&format!("{amount:.4}")),
    }
}

/// A whole number with thousands separators: `10,000,000`.
pub fn with_separators(number: f64) -> String {
    let digits = format!("{number:.0}");
    let grouped = digits.chars().enumerate().flat_map(|(at, digit)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    });
    grouped.collect()
}

fn without_trailing_zeros(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An empty table with this header, in the width of the report.
pub fn table(header: &[&str], right_aligned: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH).set_header(header);
    for &index in right_aligned {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::charges::Charge;

    #[test]
    fn an_amount_has_only_significant_decimals() {
        let amounts = [10_000_000.0, 730.0, 30.0, 1.314, 0.657, 0.0004];
        assert_eq!(amounts.map(amount), ["10,000,000", "730", "30", "1.31", "0.657", "0.0004"]);
    }

    #[test]
    fn many_resources_are_counted_and_few_named() {
        let line = |names: &[&str]| Line {
            kind: "S3::Bucket".to_owned(),
            resources: names.iter().map(|name| (*name).to_owned()).collect(),
            charge: Charge { purpose: String::new(), price: String::new(), amount: 1.0, usage_based: false },
            price: Price { unit: String::new(), usd: 1.0, source: String::new(), sku: None, date: String::new() },
        };
        assert_eq!(resources(&line(&["One", "Two"])), "One, Two");
        assert_eq!(resources(&line(&["One", "Two", "Three"])), "3 S3::Bucket");
    }
}

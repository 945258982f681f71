//! The comparison as a table.

use frontend::{Locale, format};

use super::{Comparison, Measured, Row};
use crate::{figures::Figures, table::table};

/// A table with a line for each class, and the explanation of its columns.
pub fn print(comparison: &Comparison) -> String {
    let number = |number: u64| format::number(Locale::En, number);
    let [small, large] = [&comparison.small, &comparison.large].map(|catalogue| number(catalogue.books.into()));
    let of = |count: &str, column: &str| format!("{column} at {count}");
    let header = [
        String::new(),
        of(&small, "p50"),
        "p99".to_owned(),
        "SQL p50".to_owned(),
        "SQL p99".to_owned(),
        of(&large, "p50"),
        "p99".to_owned(),
        "SQL p50".to_owned(),
        "SQL p99".to_owned(),
        "ratio".to_owned(),
        "failed".to_owned(),
    ];
    let mut lines = table(&header);
    for row in &comparison.classes {
        lines.add_row(cells(row));
    }
    let megabytes = |bytes: u64| number(bytes / 1_000_000);
    [
        format!("{lines}\n"),
        "Times in milliseconds, of the function's response; SQL p50 and p99 are of its statements alone.".to_owned(),
        format!("Ratio: p50 at {large} books divided by p50 at {small}. Failed: calls with another status than 200."),
        format!(
            "Buffer pool: {} MB, for databases of {} and {} MB.",
            megabytes(comparison.buffer_pool),
            megabytes(comparison.small.bytes),
            megabytes(comparison.large.bytes)
        ),
    ]
    .join("\n")
}

fn cells(row: &Row) -> Vec<String> {
    let times = |measured: &Measured| {
        let figures = |figures: Figures| [figures.median, figures.p99].map(|time| format!("{time:.2}"));
        let sql = measured.sql.map_or_else(|| ["stopped".to_owned(), "stopped".to_owned()], figures);
        figures(measured.times).into_iter().chain(sql)
    };
    let failed = [&row.small, &row.large].map(failures).into_iter().flatten().collect::<Vec<_>>().join(", ");
    let mut cells = vec![row.class.to_owned()];
    cells.extend(times(&row.small));
    cells.extend(times(&row.large));
    cells.extend([format!("{:.2}", row.ratio), failed]);
    cells
}

/// The failures of one catalogue, such as `503: 3 of 4`.
fn failures(measured: &Measured) -> Option<String> {
    let status = measured.status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
    (measured.failures > 0).then(|| format!("{status}: {} of {}", measured.failures, measured.calls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::catalogue::Catalogue;

    #[test]
    fn a_failed_class_is_a_line_with_its_status() {
        let catalogue = |books| Catalogue { books, database: format!("generated_{books}"), bytes: 5_000_000 };
        let measured = |median, sql, failures, status| Measured {
            times: Figures { median, p99: 1_202.0 },
            sql,
            calls: 4,
            failures,
            status,
        };
        let row = Row {
            class: "q=que me",
            small: measured(2.0, Some(Figures { median: 1.5, p99: 1.75 }), 0, None),
            large: measured(1_200.0, None, 3, Some(503)),
            ratio: 600.0,
        };
        let printed = print(&Comparison {
            small: catalogue(10_000),
            large: catalogue(1_000_000),
            buffer_pool: 268_435_456,
            classes: vec![row],
        });
        for expected in
            ["p50 at 1,000,000", "q=que me", "1.75", "stopped", "600.00", "503: 3 of 4", "Buffer pool: 268 MB"]
        {
            assert!(printed.contains(expected), "{expected}: {printed}");
        }
    }
}

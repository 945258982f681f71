//! The report as tables.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use crate::{
    covers::ListOfCovers,
    imports::ImportSpeed,
    measure::{
        JSON_TARGET, MEMORY_TARGET, Measurement, PAGE_TARGET, Report, START_TARGET, TAIL_TARGET, WarmRequest,
        ZIP_TARGET,
    },
    orders::{OrderSpeed, Speed},
    submissions::{self, PublishingSpeed},
};

/// Tables of cold starts and warm requests, and the explanation of their columns.
pub fn print(report: &Report) -> String {
    let database = &report.database;
    [
        cold_starts(&report.functions),
        warm_requests(&report.functions),
        report.covers.as_ref().map(list_of_covers).unwrap_or_default(),
        report.orders.as_ref().map(decided_orders).unwrap_or_default(),
        report.ratings.as_ref().map(published_ratings).unwrap_or_default(),
        report.imports.as_ref().map(imported_books).unwrap_or_default(),
        format!(
            "Times in milliseconds: medians, except p99 and the mean CPU time. Targets: the CPU time of a start at most \
             {START_TARGET} × that of hello,"
        ),
        format!(
            "which does nothing; memory {MEMORY_TARGET} MB, zip {ZIP_TARGET} MB; `own`, the CPU time without that of hello and of \
             the same SQL,"
        ),
        format!("{JSON_TARGET} for JSON and {PAGE_TARGET} for a page; p99 at most {TAIL_TARGET} × the median."),
        format!(
            "Database: {:.2} for a login, {:.2} for a ping, {}.",
            database.login,
            database.ping,
            database.tls.as_deref().unwrap_or("without TLS")
        ),
        "The benchmark responds in place of AWS, over TLS.".to_owned(),
        "Nothing is written to the shop's database. Packages are for this machine's architecture.".to_owned(),
    ]
    .join("\n")
}

fn cold_starts(functions: &[Measurement]) -> String {
    let mut table = table(&["", "start", "CPU", "× hello", "first call", "peak memory", "zip", "target"]);
    for measurement in functions {
        table.add_row([
            measurement.function.clone(),
            format!("{:.1}", measurement.cold_start),
            format!("{:.1}", measurement.start_cpu),
            format!("{:.1}", measurement.start_factor()),
            format!("{:.2}", measurement.first),
            format!("{:.1} MB", measurement.peak_memory_mb),
            format!("{:.2} MB", measurement.zip_mb),
            verdict_on(&measurement.missed()),
        ]);
    }
    format!("{table}\n")
}

fn warm_requests(functions: &[Measurement]) -> String {
    let mut table = table(&["", "", "median", "p99", "CPU", "hello", "SQL", "own", "target"]);
    // The column of requests.
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    for measurement in functions {
        for warm in &measurement.warm {
            table.add_row(warm_row(&measurement.function, warm));
        }
    }
    format!("{table}\n")
}

/// A list with pictures beside one with drawn covers.
fn list_of_covers(list: &ListOfCovers) -> String {
    let mut table = table(&["", "KB in the page", "requests", "KB in them", "ms of serve-cover"]);
    let kilobytes = |bytes: usize| format!("{:.1}", f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e3);
    let mut row = |name: &str, page: usize, requests: usize, bytes: usize, time: f64| {
        table.add_row([name.to_owned(), kilobytes(page), requests.to_string(), kilobytes(bytes), format!("{time:.1}")]);
    };
    let ListOfCovers { drawn, pictured, pictures, bytes_of_pictures, function_time } = *list;
    row(&format!("{pictures} drawn covers"), drawn, 0, 0, 0.0);
    row(&format!("{pictures} pictures"), pictured, pictures, bytes_of_pictures, function_time);
    row("the same from a cache", pictured, pictures, bytes_of_pictures, 0.0);
    format!("{table}\n")
}

/// One processor beside the bare transaction.
fn decided_orders(orders: &OrderSpeed) -> String {
    let mut table = table(&["", "orders/s", "median", "p99"]);
    let mut row = |name: &str, Speed { orders_per_second, order }: Speed| {
        table.add_row([
            name.to_owned(),
            format!("{orders_per_second:.0}"),
            format!("{:.2}", order.median),
            format!("{:.2}", order.p99),
        ]);
    };
    row("process-orders, batches of ten orders", orders.batches);
    row("process-orders, batches of one order", orders.singles);
    row("the deciding transaction alone", orders.transactions);
    format!("{table}\n")
}

/// One writer beside the same work on an open connection.
fn published_ratings(ratings: &PublishingSpeed) -> String {
    let mut table = table(&["", "ratings/s", "median", "p99"]);
    for (name, speed) in [
        ("process-submissions, batches of ten ratings", ratings.batches),
        ("process-submissions, batches of one rating", ratings.singles),
        ("the transaction of a set of ten alone", ratings.sets),
        ("bare SQL in sets of ten", ratings.bare),
    ] {
        table.add_row([
            name.to_owned(),
            format!("{:.0}", speed.ratings_per_second),
            format!("{:.2}", speed.rating.median),
            format!("{:.2}", speed.rating.p99),
        ]);
    }
    format!(
        "{table}\nBatches of ten have {:.0} % of the speed of bare sets. Target: {:.0} %: {}.\n",
        ratings.part_of_bare() * 100.0,
        submissions::TARGET * 100.0,
        verdict(ratings.meets_target()),
    )
}

/// Each file, and the times of the word index.
fn imported_books(imports: &ImportSpeed) -> String {
    let mut table = table(&["", "books", "seconds", "books/s"]);
    for (name, file) in ["into an empty shop", "then"].into_iter().zip(&imports.files) {
        table.add_row([
            format!("import-catalogue, {name}"),
            file.books.to_string(),
            format!("{:.1}", file.seconds),
            format!("{:.0}", f64::from(file.books) / file.seconds),
        ]);
    }
    let (index, ratings) = (imports.word_index, imports.ratings);
    format!(
        "{table}\nA migration writes the word index of these books again in {index:.1} s.\n\
         The first ratings of a book take {:.2} ms each, and without the word index {:.2} ms: {:.2} ×.\n",
        ratings.indexed,
        ratings.unindexed,
        ratings.cost_of_word_index(),
    )
}

fn warm_row(function: &str, warm: &WarmRequest) -> Vec<String> {
    let part = |time: f64| if time > 0.0 { format!("{time:.2}") } else { String::new() };
    vec![
        function.to_owned(),
        warm.request.to_owned(),
        format!("{:.2}", warm.times.median),
        format!("{:.2}", warm.times.p99),
        format!("{:.2}", warm.cpu),
        part(warm.hello),
        part(warm.sql),
        format!("{:.2}", warm.own_cpu()),
        verdict_on(&warm.missed()),
    ]
}

/// `pass`, or the figures that miss their targets.
fn verdict_on(missed: &[&str]) -> String {
    if missed.is_empty() { verdict(true) } else { missed.join(", ") }
}

fn verdict(pass: bool) -> String {
    if pass { "pass" } else { "fail" }.to_owned()
}

/// An empty table with right-aligned columns, except the first.
pub fn table(header: &[impl ToString]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().map(ToString::to_string));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{figures::Figures, measure::DatabaseTimes};

    fn warm(is_page: bool, cpu: f64, p99: f64) -> WarmRequest {
        let times = Figures { median: 1.0, p99 };
        WarmRequest { request: "a book", is_page, times, cpu, hello: 0.1, hello_cpu: 0.1, sql: 0.3, sql_cpu: 0.15 }
    }

    fn measurement(start_cpu: f64, zip_mb: f64, warm: Vec<WarmRequest>) -> Measurement {
        Measurement {
            function: "show-book".to_owned(),
            cold_start: 5.0,
            start_cpu,
            hello_start_cpu: 1.0,
            first: 1.0,
            peak_memory_mb: 9.0,
            zip_mb,
            warm,
        }
    }

    #[test]
    fn a_figure_equal_to_its_target_passes_and_a_larger_one_is_named() {
        let equal = measurement(4.0, 3.6, vec![warm(false, 0.49, 3.0), warm(true, 1.04, 3.0)]);
        assert!(equal.missed().is_empty() && equal.warm.iter().all(|warm| warm.missed().is_empty()));
        let larger = measurement(4.1, 3.7, vec![warm(false, 0.51, 3.1), warm(true, 1.06, 3.0)]);
        assert_eq!(larger.missed(), ["start", "zip"]);
        assert_eq!(larger.warm[0].missed(), ["CPU", "p99"]);
        assert_eq!(larger.warm[1].missed(), ["CPU"]);
        let report = Report {
            database: DatabaseTimes { login: 1.9, ping: 0.1, tls: Some("TLSv1.3".to_owned()) },
            functions: vec![larger],
            covers: None,
            orders: None,
            ratings: None,
            imports: None,
        };
        let text = print(&report);
        assert!(text.contains("start, zip") && text.contains("CPU, p99") && text.contains("TLSv1.3"), "{text}");
    }
}

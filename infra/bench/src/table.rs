//! The report as a person reads it.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use crate::measure::{Measured, Report, START_AIM, WARM_AIM, Warm};

pub fn print(report: &Report) -> String {
    let waits = report.waits;
    [
        starts(&report.functions),
        warm(&report.functions),
        format!("Times in milliseconds, medians but for p99. The aims: start ≤ {START_AIM} + SSM + login;"),
        format!("median ≤ {WARM_AIM} × (hello + SQL + queue), of which hello does nothing but answer."),
        format!("The database takes {:.2} for a login, {:.2} for the ping after a rest.", waits.login, waits.ping),
        format!("In place of AWS the bench itself answers, at once and without TLS: SSM within {:.2},", waits.ssm),
        format!("the queue within {:.2}. What would write is not asked for; zips are for this machine.", waits.queue),
    ]
    .join("\n")
}

fn starts(functions: &[Measured]) -> String {
    let mut table = table(&["", "start", "SSM + login", "aim", "first call", "peak memory", "zip"]);
    for measured in functions {
        table.add_row([
            measured.function.clone(),
            format!("{:.1}", measured.start),
            format!("{:.1}", measured.waits),
            verdict(measured.starts_in_time()),
            format!("{:.2}", measured.first),
            format!("{:.1} MB", measured.peak_memory_mb),
            format!("{:.2} MB", measured.zip_mb),
        ]);
    }
    format!("{table}\n")
}

fn warm(functions: &[Measured]) -> String {
    let mut table = table(&["", "", "median", "p99", "CPU", "hello", "SQL", "queue", "ratio", "aim"]);
    // The request stands on the left too.
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    for measured in functions {
        for warm in &measured.warm {
            table.add_row(warm_row(&measured.function, warm));
        }
    }
    format!("{table}\n")
}

fn warm_row(function: &str, warm: &Warm) -> Vec<String> {
    let part = |time: f64| if time > 0.0 { format!("{time:.2}") } else { String::new() };
    vec![
        function.to_owned(),
        warm.request.to_owned(),
        format!("{:.2}", warm.times.median),
        format!("{:.2}", warm.times.p99),
        format!("{:.2}", warm.cpu),
        part(warm.hello),
        part(warm.sql),
        part(warm.queue),
        format!("{:.2}", warm.times.median / warm.floor()),
        verdict(warm.answers_in_time()),
    ]
}

fn verdict(met: bool) -> String {
    if met { "met" } else { "missed" }.to_owned()
}

/// Names on the left, figures on the right.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{figures::Figures, measure::Waits};

    #[test]
    fn an_aim_is_met_to_the_limit_and_missed_beyond() {
        let warm = |median| Warm {
            request: "a book",
            times: Figures { median, p99: 2.0 },
            cpu: 0.1,
            hello: 0.1,
            sql: 0.3,
            queue: 0.0,
        };
        let measured = |start, median| Measured {
            function: "show-book".to_owned(),
            start,
            waits: 2.0,
            first: 1.0,
            peak_memory_mb: 9.0,
            zip_mb: 3.5,
            warm: vec![warm(median)],
        };
        let waits = Waits { ssm: 0.1, login: 1.9, ping: 0.1, queue: 0.1 };
        let print = |start, median| print(&Report { waits, functions: vec![measured(start, median)] });
        assert_eq!(print(10.0, 0.51).matches("missed").count(), 0);
        assert_eq!(print(10.1, 0.51).matches("missed").count(), 1);
        assert_eq!(print(10.1, 0.53).matches("missed").count(), 2);
    }
}

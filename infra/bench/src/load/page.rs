//! The report of a load test as one HTML page, with its plots drawn as SVG.
//!
//! The page needs no script and no other file. Every plot has its figures in the table below it.

use std::fmt::Write;

use html_escape::encode_safe;

use super::{
    report::{HEADER, Report, cells},
    step::Step,
};

/// Size of a plot, and of the space for its axes.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 40.0;
const MARGIN: f64 = 14.0;
/// Lines across a plot.
const GRID: u32 = 4;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: light-dark(#1b1b1b, #eee); --faint: light-dark(#ccc, #444); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; overflow-x: auto; } svg { width: 100%; min-width: 22rem; height: auto; } figcaption { font-weight: 600; }
svg text { fill: var(--ink); font-size: 12px; } .grid { stroke: var(--faint); } .line { fill: none; stroke-width: 2; }
.invalid { fill: var(--faint); opacity: .5; }
.a { --c: light-dark(#005fcc, #6fb1ff); } .b { --c: light-dark(#b34700, #ffab66); } .c { --c: light-dark(#8a1c7c, #ee8fe0); }
.d { --c: light-dark(#0a7d32, #6fdc94); } .line { stroke: var(--c); } .dot, .key { fill: var(--c); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
";

/// One line of a plot. `dash` is for a limit, which is no measurement.
struct Line<'a> {
    label: &'a str,
    class: &'a str,
    is_limit: bool,
    of: Box<dyn Fn(&Step) -> f64 + 'a>,
}

fn line<'a>(label: &'a str, class: &'a str, of: impl Fn(&Step) -> f64 + 'a) -> Line<'a> {
    Line { label, class, is_limit: false, of: Box::new(of) }
}

fn limit<'a>(label: &'a str, class: &'a str, limit: f64) -> Line<'a> {
    Line { label, class, is_limit: true, of: Box::new(move |_| limit) }
}

/// A page that needs no other file.
pub fn html(report: &Report) -> String {
    let targets = report.course.targets;
    let environments =
        |step: &Step| f64::from(u32::try_from(step.environments.values().sum::<usize>()).unwrap_or(u32::MAX));
    let mut connections = vec![line("connections", "a", |step| f64::from(step.connections))];
    connections.extend(report.connection_budget.map(|budget| limit("budget", "b", f64::from(budget))));
    let mut plots = vec![
        plot(
            report,
            "Successful responses per second",
            &[line("answered", "a", |step| step.throughput), line("sent", "d", |step| step.rate)],
        ),
        plot(
            report,
            "Latency of successful requests from the intended start, ms",
            &[
                line("p50", "a", |step| step.latency.p50),
                line("p90", "d", |step| step.latency.p90),
                line("p99", "c", |step| step.latency.p99),
                limit("target of p99", "b", targets.p99),
            ],
        ),
        plot(
            report,
            "Requests without success, %",
            &[line("errors", "a", Step::error_percent), limit("target", "b", targets.errors)],
        ),
    ];
    // Of a target elsewhere, these are unknown.
    if report.messages.is_some() {
        plots.push(plot(report, "Execution environments", &[line("environments", "a", environments)]));
        plots.push(plot(report, "Connections to the database", &connections));
        plots.push(plot(
            report,
            "Age of the oldest message, s",
            &[line("age", "a", |step| step.queue_age), limit("target", "b", targets.queue_age)],
        ));
    }
    if report.steps.iter().any(|step| step.cpu.is_some()) {
        plots.push(plot(
            report,
            "CPU of this machine, %",
            &[
                line("all", "a", |step| step.cpu.map_or(0.0, |cpu| cpu.machine)),
                line("database", "d", |step| step.cpu.map_or(0.0, |cpu| cpu.database)),
                line("functions", "c", |step| step.cpu.map_or(0.0, |cpu| cpu.functions)),
                line("generator", "b", |step| step.cpu.map_or(0.0, |cpu| cpu.generator)),
            ],
        ));
    }
    let conclusions: String =
        report.conclusions().iter().map(|line| ["<p>", &encode_safe(line), "</p>\n"].concat()).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Load test: {target}</title>\n<style>{STYLE}</style>\n<main>\n<h1>Load test</h1>\n\
         <p>{target}; mix <em>{mix}</em>, steps of {seconds:.0} s, seed {seed}. Shaded steps are invalid: the generator was late \
         or had no CPU left.</p>\n{conclusions}<div class=\"plots\">\n{plots}</div>\n<h2>Steps</h2>\n{steps}\
         <h2>Requests by class</h2>\n{classes}</main>\n</html>\n",
        target = encode_safe(&report.target),
        mix = report.course.mix.name(),
        seconds = report.course.seconds,
        seed = report.course.seed,
        plots = plots.concat(),
        steps = steps(report),
        classes = classes(report),
    )
}

fn steps(report: &Report) -> String {
    let rows = report.steps.iter().map(|step| {
        let mut row = cells(step, report.connection_budget);
        row.push(step.missed.iter().cloned().chain(step.invalid.clone()).collect::<Vec<_>>().join("; "));
        row
    });
    let header: Vec<&str> = HEADER.into_iter().chain(["why"]).collect();
    table("Steps", &header, rows)
}

/// Of the fastest step that met its targets, or of the last one.
fn classes(report: &Report) -> String {
    let Some(step) = report.carried().or(report.steps.last()) else { return String::new() };
    let rows = step.classes.iter().map(|(class, of)| {
        let latency = of.latency;
        let times = [latency.p50, latency.p90, latency.p99, latency.max].map(|time| format!("{time:.1}"));
        [vec![class.clone(), of.requests.to_string(), of.failures.to_string()], times.to_vec()].concat()
    });
    format!(
        "<p>At {:.0} requests per second, in milliseconds.</p>\n{}",
        step.rate,
        table("Requests by class", &["class", "requests", "failures", "p50", "p90", "p99", "max"], rows)
    )
}

fn table(label: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head: String = header.iter().map(|cell| ["<th scope=\"col\">", cell, "</th>"].concat()).collect();
    let mut body = String::new();
    for row in rows {
        let cells: String = row.iter().map(|cell| ["<td>", &encode_safe(cell), "</td>"].concat()).collect();
        _ = writeln!(body, "<tr>{cells}</tr>");
    }
    format!(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\"><table>\n<tr>{head}</tr>\n{body}</table></div>\n"
    )
}

/// A plot of values by the rate of the steps.
fn plot(report: &Report, title: &str, lines: &[Line<'_>]) -> String {
    let steps = &report.steps;
    let largest = steps.iter().flat_map(|step| lines.iter().map(|line| (line.of)(step))).fold(0.0, f64::max);
    let top = round_up(largest);
    let last = round_up(steps.iter().map(|step| step.rate).fold(0.0, f64::max));
    let x = |rate: f64| LEFT + (WIDTH - LEFT - MARGIN) * rate / last;
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - BOTTOM - MARGIN) * value.min(top) / top;
    let mut svg =
        format!("<figure><figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    _ = write!(svg, "<title>{title}, by requests per second</title>");
    for step in steps.iter().filter(|step| step.invalid.is_some()) {
        let (left, height) = (x(step.rate) - 8.0, HEIGHT - BOTTOM - MARGIN);
        _ = write!(svg, "<rect class=\"invalid\" x=\"{left:.1}\" y=\"{MARGIN}\" width=\"16\" height=\"{height}\"/>");
    }
    for tick in 0..=GRID {
        let value = top * f64::from(tick) / f64::from(GRID);
        let (at, right) = (y(value), WIDTH - MARGIN);
        _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>");
        _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            short(value)
        );
        let rate = last * f64::from(tick) / f64::from(GRID);
        _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{}\">{}</text>",
            x(rate),
            HEIGHT - BOTTOM + 16.0,
            if tick == GRID { "end" } else { "middle" },
            short(rate) + if tick == GRID { " requests/s" } else { "" },
        );
    }
    for Line { class, is_limit, of, .. } in lines {
        let points: Vec<(f64, f64)> = steps.iter().map(|step| (x(step.rate), y(of(step)))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let dash = if *is_limit { " stroke-dasharray=\"6 4\"" } else { "" };
        _ = write!(svg, "<path class=\"line {class}\"{dash} d=\"M{}\"/>", path.join("L"));
        for (x, y) in points.iter().filter(|_| !is_limit) {
            _ = write!(svg, "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
        }
    }
    let mut left = LEFT;
    for Line { label, class, .. } in lines {
        let at = HEIGHT - 8.0;
        _ = write!(svg, "<rect class=\"key {class}\" x=\"{left}\" y=\"{:.1}\" width=\"10\" height=\"10\"/>", at - 9.0);
        _ = write!(svg, "<text x=\"{:.1}\" y=\"{at:.1}\">{label}</text>", left + 15.0);
        left += 110.0;
    }
    svg.push_str("</svg></figure>\n");
    svg
}

/// The next number of one digit and zeros, or half of it: an axis ends there.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 8.0, 10.0].into_iter().map(|factor| factor * unit).find(|end| *end >= value).unwrap_or(value)
}

/// With decimals only where a number has some.
fn short(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::report::tests::{report, step};

    #[test]
    fn the_page_has_every_plot_and_the_figures_of_every_step() {
        let late = Step { invalid: Some("late & slow".to_owned()), ..step(200.0) };
        let html = html(&report(vec![step(50.0), step(100.0), late]));
        for title in
            ["Successful responses", "Latency", "Requests without success", "environments", "Connections", "oldest"]
        {
            assert!(html.contains(title), "{title}");
        }
        assert_eq!(html.matches("<svg ").count(), 7);
        assert_eq!(html.matches("<rect class=\"invalid\"").count(), 7);
        assert!(html.contains("late &amp; slow") && html.contains("<td>200</td>"), "{html}");
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("NaN"), "{html}");
    }

    #[test]
    fn a_report_without_steps_is_a_page_too() {
        assert!(!html(&report(Vec::new())).contains("NaN"));
    }

    #[test]
    fn a_number_at_an_axis_has_no_more_decimals_than_it_needs() {
        assert_eq!([0.0, 2.5, 5.0, 100.0, 0.25].map(short), ["0", "2.5", "5", "100", "0.25"]);
    }

    #[test]
    fn an_axis_ends_at_a_round_number_above_the_largest_value() {
        let ends: Vec<f64> = [0.0, 0.7, 1.0, 3.0, 99.0, 101.0, 430.0].into_iter().map(round_up).collect();
        assert_eq!(ends, [1.0, 0.8, 1.0, 4.0, 100.0, 200.0, 500.0]);
    }
}

//! The traffic: which functions a request reaches, and what each needs of a processor, the database and other services.
//!
//! Processor and database times are measured; docs/benchmarks.md has the commands and the figures, and a test compares them
//! with these. Shares, waits and the start of an execution environment are assumptions, which the report states.

use crate::cost::usage::{self, HOURS, Usage};
use crate::facts::FACTS;
use crate::listener_rules::rules;
use crate::routes::{FUNCTIONS, Function, Trigger};
use crate::stage::Stage;

/// Requests in a second of the busiest minutes, for each of the month's mean.
pub const PEAK: f64 = 10.0;
/// A statement's way to the database in another zone and back. No account has measured it.
pub const ROUND_TRIP_MS: f64 = 1.0;
/// A call of SQS, S3 or Cognito. No account has measured it.
const CALL_MS: f64 = 10.0;
/// From the request that starts an execution environment to its first answer. No account has measured it.
pub const START_SECONDS: f64 = 0.5;

/// Books of the small and the large catalogue that were measured.
pub const CATALOGUES: [u64; 2] = [10_000, 1_000_000];
/// Sizes of their databases, in MB of a million bytes: the last line of `cargo bookstore bench --books 1000000`.
pub const DATABASES_MB: [f64; 2] = [34.0, 1_912.0];

/// Milliseconds of an order in a batch of ten: `cargo bookstore bench process-orders`.
#[expect(clippy::approx_constant, reason = "a time that has nothing to do with a circle")]
pub const ORDER_MS: f64 = 6.28;
/// Of which the deciding transaction alone takes this: `cargo bookstore bench process-orders`.
pub const DECISION_MS: f64 = 2.96;
/// Round trips of the deciding transaction, and of all three transactions of an order: an estimate from `shared/src/repo/orders`.
pub const DECISION_ROUND_TRIPS: f64 = 10.0;
const ORDER_ROUND_TRIPS: f64 = 15.0;
/// Milliseconds of the database for a rating: `cargo bookstore bench import-catalogue`.
pub const RATING_MS: f64 = 1.64;
/// Round trips of a rating or a message: an estimate.
const SUBMISSION_ROUND_TRIPS: f64 = 10.0;
/// Writes to the volume of a submission and of an order: two log writes for each commit, and each changed page twice. Estimates.
pub const SUBMISSION_WRITES: f64 = 12.0;
pub const ORDER_WRITES: f64 = 22.0;
/// Books whose word index a migration writes in a second: `cargo bookstore bench import-catalogue`, 200,000 in 28.4 s.
pub const INDEXED_PER_SECOND: f64 = 200_000.0 / 28.4;

/// Of a thousand requests at the load balancer, those of each function. `submit-…` are the submissions of the cost estimate, and
/// one in ten of `place-order` is an order. A cover is in the caches of browsers and of CloudFront most of the time.
pub const MIX: [(&str, u16); 21] = [
    ("list-books", 280),
    ("show-book", 280),
    ("show-home", 90),
    ("show-author", 50),
    ("serve-assets", 50),
    ("serve-cover", 50),
    ("list-ratings", 40),
    ("show-order", 40),
    ("place-order", 20),
    ("show-submission", 20),
    ("show-account", 20),
    ("submit-rating", 15),
    ("show-about", 10),
    ("list-genres", 5),
    ("list-addresses", 5),
    ("check-health", 5),
    ("show-not-found", 5),
    ("show-staff", 5),
    ("sign-in", 5),
    ("submit-contact", 3),
    ("submit-alert", 2),
];

/// A measured request of a function.
#[derive(Clone, Copy)]
pub struct Measured {
    pub function: &'static str,
    /// Its name in the tables of `cargo bookstore bench`.
    pub request: &'static str,
    /// Mean milliseconds of a whole processor, from the column `CPU`.
    pub processor_ms: f64,
    /// Its name in the table of `cargo bookstore bench --books 1000000`, where it is there.
    pub in_large_shop: Option<&'static str>,
    /// Median milliseconds of its SQL in the catalogues of `CATALOGUES`. Without a row there, that of the other table.
    pub database_ms: [f64; 2],
}

const fn measured(function: &'static str, request: &'static str, processor_ms: f64) -> Measured {
    Measured { function, request, processor_ms, in_large_shop: None, database_ms: [0.0; 2] }
}

impl Measured {
    const fn sql(self, milliseconds: f64) -> Self {
        Self { database_ms: [milliseconds; 2], ..self }
    }

    const fn in_large_shop(self, row: &'static str, database_ms: [f64; 2]) -> Self {
        Self { in_large_shop: Some(row), database_ms, ..self }
    }
}

/// The pages of the functions, which need more than their JSON. A function with several lines gets them in equal parts.
pub const MEASURED: [Measured; 15] = [
    measured("list-books", "page", 0.81).in_large_shop("page", [0.55, 0.60]),
    measured("list-books", "page, q=the", 1.56).in_large_shop("page, q=love", [3.42, 15.38]),
    measured("show-book", "a book's page", 0.57).in_large_shop("a book's page", [1.04, 1.18]),
    measured("show-home", "home page", 0.62).in_large_shop("home page", [1.67, 1.91]),
    measured("show-author", "an author", 0.35).in_large_shop("page of the author of 1 %", [0.78, 0.90]),
    measured("list-genres", "all genres", 0.28).in_large_shop("all genres", [0.17, 0.17]),
    measured("list-addresses", "200 books", 1.39).in_large_shop("sitemap part", [0.34, 0.33]),
    measured("list-ratings", "ratings page", 0.37).sql(0.30),
    measured("show-submission", "a received one", 0.19).sql(0.05),
    measured("check-health", "health check", 0.32).sql(0.03),
    measured("submit-rating", "a rating", 0.32),
    measured("submit-contact", "a message", 0.32),
    measured("show-about", "about page", 0.18),
    measured("serve-assets", "stylesheet", 0.14),
    measured("serve-cover", "a cover", 0.30),
];

/// Functions that `bench` does not measure, each with one that does similar work.
pub const LIKE: [(&str, &str); 7] = [
    ("submit-alert", "submit-rating"),
    ("place-order", "submit-rating"),
    ("sign-in", "submit-rating"),
    ("show-order", "show-book"),
    ("show-account", "show-book"),
    ("show-staff", "show-book"),
    ("show-not-found", "show-about"),
];

/// Requests and orders in a second at the peak, and books.
#[derive(Clone, Copy)]
pub struct Load {
    pub requests: f64,
    pub orders: f64,
    pub books: f64,
}

impl Load {
    pub fn of(requests_per_month: u64, books: u64) -> Self {
        let requests = usage::float(requests_per_month) / (HOURS * 3_600.0) * PEAK;
        Self { requests, orders: requests * usage::ORDERED, books: usage::float(books) }
    }

    pub fn times(self, factor: f64) -> Self {
        Self { requests: self.requests * factor, orders: self.orders * factor, books: self.books * factor }
    }
}

/// Share of the requests that reach the function, 0 to 1.
pub fn share(function: &Function) -> f64 {
    MIX.iter().find(|(name, _)| *name == function.name).map_or(0.0, |(_, share)| f64::from(*share) / 1_000.0)
}

/// The functions behind the load balancer.
pub fn served() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|function| matches!(function.trigger, Trigger::Http(_) | Trigger::Unmatched))
}

/// The time that one request of the function needs, in milliseconds.
#[derive(Clone, Copy)]
pub struct Work {
    /// Of a whole processor.
    pub processor: f64,
    /// Of the database, in the catalogues of `CATALOGUES`.
    pub database: [f64; 2],
    /// Of waiting for the network.
    pub wait: f64,
}

impl Work {
    pub fn of(function: &Function) -> Self {
        let like = LIKE.iter().find(|(name, _)| *name == function.name).map_or(function.name, |(_, like)| *like);
        let lines: Vec<&Measured> = MEASURED.iter().filter(|line| line.function == like).collect();
        let mean = |of: &dyn Fn(&Measured) -> f64| {
            let sum: f64 = lines.iter().map(|line| of(line)).sum();
            sum / usage::float(lines.len().max(1) as u64)
        };
        Self {
            processor: mean(&|line| line.processor_ms),
            database: [mean(&|line| line.database_ms[0]), mean(&|line| line.database_ms[1])],
            wait: round_trips(function) * ROUND_TRIP_MS + calls(function) * CALL_MS,
        }
    }

    /// Seconds that it occupies an execution environment of this memory, in a shop of a million books.
    pub fn seconds(self, memory_mb: u16) -> f64 {
        (self.processor * slowdown(memory_mb) + self.database[1] + self.wait) / 1_000.0
    }
}

/// How much longer a function's own work takes with this memory than with a whole processor.
fn slowdown(memory_mb: u16) -> f64 {
    let whole = f64::from(FACTS.quota("megabytes of a function's memory for one processor").value);
    (whole / f64::from(memory_mb)).max(1.0)
}

/// Statements that one request waits for: five for the page of a book, three for a list.
fn round_trips(function: &Function) -> f64 {
    match function.name {
        _ if function.database.is_none() => 0.0,
        "list-books" => 3.0,
        "list-genres" | "show-submission" | "check-health" => 1.0,
        _ => 5.0,
    }
}

/// Calls of AWS services that one request waits for. Pages with the right to send do so only where a form is sent.
fn calls(function: &Function) -> f64 {
    let calls = function.name == "check-health"
        || function.database.is_none() && (!function.queue.is_empty() || !function.buckets.is_empty());
    if calls { 1.0 } else { 0.0 }
}

/// Seconds in which a consumer with this memory decides one order. All that is not the deciding transaction counts as work of
/// its own processor.
pub fn seconds_of_order(memory_mb: u16) -> f64 {
    (DECISION_MS + (ORDER_MS - DECISION_MS) * slowdown(memory_mb) + ORDER_ROUND_TRIPS * ROUND_TRIP_MS) / 1_000.0
}

/// Seconds in which a consumer with this memory writes one submission: the database's time, and as much of its own as the
/// function that has accepted it.
pub fn seconds_of_submission(memory_mb: u16) -> f64 {
    let own = MEASURED.iter().find(|line| line.function == "submit-rating").map_or(0.0, |line| line.processor_ms);
    (RATING_MS + own * slowdown(memory_mb) + SUBMISSION_ROUND_TRIPS * ROUND_TRIP_MS) / 1_000.0
}

/// Seconds of a database's processors for one request at the load balancer, with what consumers write for it.
pub fn database_seconds(catalogue: usize) -> f64 {
    read_seconds(catalogue, |_| true) + (usage::SUBMITTED * RATING_MS + usage::ORDERED * DECISION_MS) / 1_000.0
}

/// The part of the functions that `counts`, without what is written.
pub fn read_seconds(catalogue: usize, counts: impl Fn(&Function) -> bool) -> f64 {
    let functions = served().filter(|function| counts(function));
    functions.map(|function| share(function) * Work::of(function).database[catalogue]).sum::<f64>() / 1_000.0
}

/// Capacity units of the load balancer at the peak, which are charged and no limit.
pub fn capacity_units(stage: &Stage, load: Load) -> f64 {
    // A month of as many requests in each second.
    let rules = rules(FUNCTIONS).len();
    let month = Usage::new(stage, 0, rules, 0).with_requests(load.requests * HOURS * 3_600.0);
    month.capacity_unit_hours() / HOURS
}

/// Bytes of the database for each book.
pub fn bytes_of_book() -> f64 {
    let [small, large] = CATALOGUES.map(usage::float);
    (DATABASES_MB[1] - DATABASES_MB[0]) * 1_000_000.0 / (large - small)
}

/// The assumptions, for the report.
pub fn assumptions() -> String {
    format!(
        "Assumptions: at the peak, {PEAK} times as many requests as on the mean of the month; of a thousand, {}; one in {:.0} is \
         an order. A statement waits {ROUND_TRIP_MS} ms for the network and a call of another service {CALL_MS} ms; an \
         execution environment starts within {START_SECONDS} s. A submission writes {SUBMISSION_WRITES} times to the volume \
         and an order {ORDER_WRITES} times. Measured, by `cargo bookstore bench` on x86-64: the processor and database time \
         of each request, in a shop of a million books unless stated; functions that it does not measure count like one with similar work: {}. \
         A burst of unevenly spread requests meets a limit earlier.",
        MIX.map(|(name, share)| format!("{share} {name}")).join(", "),
        1.0 / usage::ORDERED,
        LIKE.map(|(name, like)| format!("{name} like {like}")).join(", "),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::cost::usage::{ORDERED, SIGNED_IN, SUBMITTED};

    fn is_about(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= expected.abs() * 0.001
    }

    fn find(name: &str) -> &'static Function {
        FUNCTIONS.iter().find(|function| function.name == name).unwrap()
    }

    #[test]
    fn every_function_for_visitors_has_a_share_of_the_requests_and_a_duration() {
        let shares: BTreeSet<&str> = MIX.iter().map(|(name, _)| *name).collect();
        assert_eq!(shares, served().map(|function| function.name).collect::<BTreeSet<_>>());
        assert_eq!(MIX.iter().map(|(_, share)| share).sum::<u16>(), 1_000);
        for function in served() {
            assert!(Work::of(function).processor > 0.0, "{} has no figures in MEASURED or LIKE", function.name);
        }
    }

    #[test]
    fn submissions_orders_and_sign_ins_are_as_many_as_in_the_cost_estimate() {
        let submitted: f64 = served().filter(|function| function.name.starts_with("submit-")).map(share).sum();
        assert!(is_about(submitted, SUBMITTED), "{submitted}");
        assert!(share(find("place-order")) >= ORDERED && share(find("sign-in")) >= 2.0 * SIGNED_IN);
    }

    #[test]
    fn a_duration_is_the_processor_at_its_memory_and_the_waits() {
        // (0.81 + 1.56) / 2 x 1769 / 256 + (0.60 + 15.38) / 2 + 3 round trips
        assert!(is_about(Work::of(find("list-books")).seconds(256), 0.019_179));
        assert!(is_about(Work::of(find("list-books")).seconds(3_008), 0.012_175), "no more than a whole processor");
        // 0.32 x 1769 / 256 + one call
        assert!(is_about(Work::of(find("submit-rating")).seconds(256), 0.012_211));
        // 2.96 + (6.28 - 2.96) x 1769 / 256 + 15 round trips
        assert!(is_about(seconds_of_order(256), 0.040_902));
        // 1.64 + 0.32 x 1769 / 256 + 10 round trips
        assert!(is_about(seconds_of_submission(256), 0.013_851));
    }

    #[test]
    fn a_million_requests_a_month_are_four_a_second_at_the_peak() {
        let load = Load::of(1_000_000, 10_000);
        assert!(is_about(load.requests, 3.805) && is_about(load.orders, 0.007_61));
        assert!(is_about(load.times(1_000.0).requests, 3_805.2) && is_about(load.times(1_000.0).books, 10_000_000.0));
    }

    #[test]
    fn the_largest_dimension_of_a_capacity_unit_counts() {
        let stage = Stage::load("prod").unwrap();
        // 12 KB for each of 100 requests in a second are 4.32 GB an hour, of which a unit has 0.4.
        let load = Load { requests: 100.0, orders: 0.0, books: 0.0 };
        assert!(is_about(capacity_units(&stage, load), 10.8), "{}", capacity_units(&stage, load));
    }

    #[test]
    fn a_book_has_some_two_kilobytes() {
        assert!(is_about(bytes_of_book(), 1_878.0 / 0.99));
    }

    /// The columns of a line after the name of the request.
    fn columns<'a>(line: &'a str, function: &str, request: &str) -> Option<Vec<&'a str>> {
        let rest = line.strip_prefix(function)?.trim_start().strip_prefix(request)?;
        rest.starts_with("  ").then(|| rest.split_whitespace().collect())
    }

    #[test]
    fn the_measured_times_are_those_of_the_benchmarks() {
        let benchmarks = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md")).unwrap();
        let has = |text: &str| assert!(benchmarks.contains(text), "docs/benchmarks.md has other figures than {text}");
        for line in MEASURED {
            let Measured { function, request, processor_ms, in_large_shop, database_ms } = line;
            let found = benchmarks.lines().find_map(|text| columns(text, function, request).filter(|c| c.len() > 4));
            let found = found.unwrap_or_else(|| panic!("docs/benchmarks.md has no `{request}` of {function}"));
            assert_eq!(found[2], format!("{processor_ms:.2}"), "CPU of `{request}` of {function}");
            let [small, large] = database_ms.map(|milliseconds| format!("{milliseconds:.2}"));
            let Some(row) = in_large_shop else {
                assert!(small == "0.00" || found[4] == small, "SQL of `{request}` of {function}");
                continue;
            };
            let start = [format!("| {row} |"), format!("| `{row}` |")];
            let found = benchmarks.lines().find(|text| start.iter().any(|start| text.starts_with(start)));
            let cells: Vec<&str> = found.unwrap_or_else(|| panic!("no row {row}")).split(" | ").collect();
            assert_eq!((cells[3], cells[7]), (small.as_str(), large.as_str()), "SQL of {row}");
        }
        has(&format!("process-orders, batches of ten orders       151    {ORDER_MS}"));
        has(&format!("the deciding transaction alone              318    {DECISION_MS}"));
        has(&format!("The first ratings of a book take {RATING_MS} ms each"));
        has("A migration writes the word index of these books again in 28.4 s.");
        has("databases of 34 and 1,912 MB");
    }
}

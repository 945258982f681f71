//! The load that a stage carries on paper: which of its limits is full first, and what to change for ten, a hundred and a thousand times
//! its traffic.
//!
//! Everything follows from the stage's file, the route table, the quotas in `infra/facts.toml` and the measured times in
//! `traffic`. No account has shown that it is so.

mod limit;
mod table;
pub(crate) mod traffic;

use serde_json::{Value, json};

use self::limit::{Limit, Size};
use self::traffic::{INDEXED_PER_SECOND, Load, PEAK, Work};
use crate::cost::table::{with_separators, wrapped};
use crate::cost::{self, usage};
use crate::routes::Function;
use crate::stage::Stage;

/// The traffic that a stage is assumed to have if none is given: that of the cost estimate, and the small catalogue of the
/// benchmarks.
pub const REQUESTS_PER_MONTH: u64 = cost::MILLION;
pub const BOOKS: u64 = traffic::CATALOGUES[0];

/// How many times the traffic.
const FACTORS: [f64; 4] = [1.0, 10.0, 100.0, 1_000.0];

/// The load that a stage carries.
pub struct Report {
    stage: Stage,
    load: Load,
    /// Each from the limit that is full first.
    requests: Vec<Limit>,
    orders: Vec<Limit>,
    books: Vec<Limit>,
}

/// A limit that a load exceeds, and what to change.
struct Exceeded<'a> {
    limit: &'a Limit,
    needed: f64,
    change: String,
}

impl Report {
    /// The load that the stage carries, compared with this traffic.
    pub fn of(stage: &Stage, requests_per_month: u64, books: u64) -> Self {
        Self {
            stage: stage.clone(),
            load: Load::of(requests_per_month, books),
            requests: ascending(limit::of_requests(stage)),
            orders: ascending(limit::of_orders(stage)),
            books: ascending(limit::of_books(stage)),
        }
    }

    /// The answer, the limits, the functions, and what to change for more traffic; on request the sources of the quotas.
    pub fn text(&self, with_sources: bool) -> String {
        let mut parts = vec![
            self.answer(),
            table::limits("limit of requests", "requests/s", &self.requests),
            table::limits("limit of orders", "orders/s", &self.orders),
            table::limits("limit of books", "books", &self.books),
            table::functions(&self.stage),
        ];
        let classes = limit::classes(&self.stage);
        parts.extend((!classes.is_empty()).then(|| table::classes(&classes)));
        parts.extend(self.firewall());
        parts.extend(FACTORS.map(|factor| self.growth(factor)));
        parts.push(wrapped(&traffic::assumptions()));
        if with_sources {
            parts.push(table::sources(self.all()));
        }
        parts.join("\n\n")
    }

    fn all(&self) -> impl Iterator<Item = &Limit> {
        self.requests.iter().chain(&self.orders).chain(&self.books)
    }

    fn answer(&self) -> String {
        let first = |limits: &[Limit], what: &str| {
            limits.first().map_or_else(String::new, |limit| {
                format!("{} {what} ({})", table::carried_at(limit.full_at()), limit.name)
            })
        };
        wrapped(&format!(
            "{}: carries {}, {} and {}; in brackets the limit that is full first.",
            self.stage.name,
            first(&self.requests, "requests a second"),
            first(&self.orders, "orders a second"),
            first(&self.books, "books"),
        ))
    }

    /// The limits for one address.
    fn firewall(&self) -> Option<String> {
        let firewall = self.stage.firewall.as_ref()?;
        let per_second = |limit: i32| f64::from(limit) / 300.0;
        Some(wrapped(&format!(
            "One address may send {:.2} requests a second on the mean of five minutes, and {:.2} POST requests \
             (requests_per_address, posts_per_address).",
            per_second(firewall.requests_per_address),
            per_second(firewall.posts_per_address)
        )))
    }

    /// The limits that this multiple of the load exceeds.
    fn exceeded(&self, factor: f64) -> Vec<Exceeded<'_>> {
        let load = self.load.times(factor);
        let holds = |limit: &&Limit| limit.books.is_none_or(|size| size == Size::of(load.books));
        let groups = [(&self.requests, load.requests), (&self.orders, load.orders), (&self.books, load.books)];
        let limits = groups.into_iter().flat_map(|(limits, load)| limits.iter().map(move |limit| (limit, load)));
        let exceeded = limits.filter(|(limit, load)| holds(limit) && limit.is_exceeded(*load));
        exceeded
            .map(|(limit, load)| Exceeded {
                limit,
                needed: limit.needed(load),
                change: limit.change(&self.stage, load),
            })
            .collect()
    }

    /// The changes for this multiple of the load.
    fn growth(&self, factor: f64) -> String {
        let load = self.load.times(factor);
        let title = format!(
            "{}×: {} requests a month, {} a second at the peak, {} orders a second, {} books.",
            with_separators(factor),
            with_separators(load.requests / PEAK * usage::HOURS * 3_600.0),
            cost::table::amount(load.requests),
            cost::table::amount(load.orders),
            with_separators(load.books),
        );
        let seconds = load.books / INDEXED_PER_SECOND;
        let rewrite =
            if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} minutes", seconds / 60.0) };
        let rewrite = format!(
            "The load balancer has {} capacity units at the peak; a deploy that writes the word index again takes {rewrite} for it.",
            cost::table::amount(traffic::capacity_units(&self.stage, load))
        );
        let exceeded = self.exceeded(factor);
        if exceeded.is_empty() {
            return wrapped(&format!("{title} No limit is exceeded. {rewrite}"));
        }
        format!("{}\n{}", wrapped(&format!("{title} {rewrite}")), table::changes(&exceeded))
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let limit = |limit: &Limit| {
            json!({
                "name": limit.name,
                "allows": limit.allows,
                "unit": limit.unit,
                "uses": limit.uses,
                "full_at": limit.full_at(),
                "source": limit.quota.map(|quota| &quota.evidence.source),
            })
        };
        let all = |limits: &[Limit]| limits.iter().map(limit).collect::<Vec<_>>();
        let growth = |factor: &f64| {
            let load = self.load.times(*factor);
            let exceeded = self.exceeded(*factor);
            let exceeded = exceeded.iter().map(|Exceeded { limit, needed, change }| {
                json!({ "name": limit.name, "needed": needed, "allows": limit.allows, "change": change })
            });
            json!({
                "factor": factor,
                "requests_per_second": load.requests,
                "orders_per_second": load.orders,
                "books": load.books,
                "exceeded": exceeded.collect::<Vec<_>>(),
            })
        };
        let function = |function: &Function| {
            json!({
                "name": function.name,
                "share": traffic::share(function),
                "concurrency": function.max_concurrency(&self.stage),
                "seconds": Work::of(function).seconds(function.memory_mb),
                "requests_per_second": f64::from(function.max_concurrency(&self.stage)) / limit::occupied(function),
            })
        };
        json!({
            "stage": self.stage.name,
            "requests": all(&self.requests),
            "orders": all(&self.orders),
            "books": all(&self.books),
            "measured": traffic::MEASURED.map(|line| json!({
                "function": line.function,
                "request": line.request,
                "in_large_shop": line.in_large_shop,
                "processor_ms": line.processor_ms,
                "database_ms": line.database_ms,
            })),
            "functions": traffic::served().map(function).collect::<Vec<_>>(),
            "growth": FACTORS.iter().map(growth).collect::<Vec<_>>(),
        })
    }
}

/// The limits from that which is full first.
fn ascending(mut limits: Vec<Limit>) -> Vec<Limit> {
    limits.sort_by(|one, other| one.full_at().total_cmp(&other.full_at()));
    limits
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::limits;
    use crate::routes::FUNCTIONS;
    use crate::stage::{Compute, ParameterStore, STAGES, Server};

    fn stage(name: &str) -> Stage {
        Stage::load(name).unwrap()
    }

    fn report(stage: &Stage) -> Report {
        Report::of(stage, REQUESTS_PER_MONTH, BOOKS)
    }

    fn full_at(limits: &[Limit], start: &str) -> f64 {
        let found = limits.iter().find(|limit| limit.name.starts_with(start));
        found.unwrap_or_else(|| panic!("no limit {start}")).full_at()
    }

    /// Asserts that two numbers differ by less than a thousandth.
    fn assert_about(value: f64, expected: f64) {
        assert!((value - expected).abs() <= expected * 0.001, "{value}, not {expected}");
    }

    #[test]
    fn a_function_serves_ten_requests_a_second_in_each_execution_and_no_more() {
        // 25 executions x 10, of which list-books and show-book have 28 % each; 15 ms would allow 66 a second in each.
        assert_about(full_at(&report(&stage("prod")).requests, "http: "), 25.0 * 10.0 / 0.28);
        assert_about(full_at(&report(&stage("dev")).requests, "http: "), 3.0 * 10.0 / 0.28);
    }

    #[test]
    fn the_database_of_production_has_two_processors_for_3_milliseconds_of_each_request() {
        // Milliseconds of a thousand requests: lists 280 x 7.99, books 280 x 1.18, home 90 x 1.91, authors 50 x 0.90,
        // ratings 40 x 0.30, orders, accounts and staff 65 x 1.18, genres 5 x 0.17, sitemaps 5 x 0.33, submissions 20 x 0.05,
        // health 5 x 0.03; 20 ratings of 1.64 and 2 orders of 2.96 are written.
        let milliseconds = 2_237.2 + 330.4 + 171.9 + 45.0 + 12.0 + 76.7 + 0.85 + 1.65 + 1.0 + 0.15 + 32.8 + 5.92;
        assert_about(
            full_at(&report(&stage("prod")).requests, "db.m7g.large at 1,000,000 books"),
            2.0 * 1_000_000.0 / milliseconds,
        );
        // A burstable class counts with its baseline, 20 % of each of two.
        assert_about(
            full_at(&report(&stage("dev")).requests, "db.t4g.small at 1,000,000 books"),
            0.4 * 1_000_000.0 / milliseconds,
        );
    }

    #[test]
    fn a_release_starts_an_environment_for_each_request_of_half_a_second() {
        // All but 65 of a thousand requests are of functions that read parameters.
        let mut dev = stage("dev");
        assert_about(full_at(&report(&dev).requests, "calls of SSM"), 40.0 / (0.935 * 0.5));
        dev.parameter_store = ParameterStore::HighThroughput;
        assert_about(full_at(&report(&dev).requests, "calls of SSM"), 1_000.0 / (0.935 * 0.5));
    }

    #[test]
    fn orders_are_decided_one_after_another_in_each_group() {
        let mut prod = stage("prod");
        let one = full_at(&report(&prod).orders, "orders.groups");
        assert_about(one, 1.0 / 0.029_431);
        (prod.orders.groups, prod.orders.concurrency) = (4, 8);
        assert_about(full_at(&report(&prod).orders, "orders.groups"), 4.0 * one);
        assert_about(full_at(&report(&prod).orders, "orders sent to the groups"), 1_200.0);
        prod.orders.concurrency = 2;
        assert_about(full_at(&report(&prod).orders, "orders.concurrency"), 2.0 * one);
    }

    #[test]
    fn the_books_of_the_buffer_pool_are_its_size_by_that_of_a_book() {
        // 5,120 MiB, and (1,912 - 34) MB for 990,000 books.
        let expected = 5_120.0 * 1_048_576.0 / (1_878_000_000.0 / 990_000.0);
        assert_about(full_at(&report(&stage("prod")).books, "buffer pool"), expected);
    }

    #[test]
    fn replicas_take_the_reads_of_pages_from_the_primary() {
        let mut prod = stage("prod");
        let alone = full_at(&report(&prod).requests, "db.m7g.large at 1,000,000 books");
        prod.database.replicas = 3;
        let report = report(&prod);
        assert!(full_at(&report.requests, "db.m7g.large at 1,000,000 books") > 5.0 * alone);
        let on_replicas = full_at(&report.requests, "read replicas: 3 x db.m7g.large at 1,000,000 books");
        assert!(on_replicas > 3.0 * alone && on_replicas < 4.0 * alone, "{on_replicas} and {alone}");
        // 3,805 requests a second need eleven processors, and each replica has two.
        let exceeded = report.exceeded(1_000.0);
        let replicas = exceeded.iter().find(|exceeded| exceeded.limit.name.starts_with("read replicas")).unwrap();
        assert_eq!(replicas.change, "[database] replicas = 6");
    }

    #[test]
    fn tasks_replace_the_executions_of_the_functions_that_they_run() {
        let mut full = Stage::in_full("prod").unwrap();
        let settings = full.containers.as_mut().unwrap();
        settings.compute = Compute::Fargate;
        (settings.cpu, settings.pages.max, settings.api.max) = (1_024, 4, 2);
        let limits = limit::of_requests(&full);
        let named = |start: &str| limits.iter().any(|limit| limit.name.starts_with(start));
        assert!(named("tasks of pages") && named("tasks of api") && !named("http: show-book"));
        // Four tasks of 250 requests a second, for less than all requests.
        let pages = full_at(&limits, "tasks of pages");
        assert!((1_000.0..1_500.0).contains(&pages), "{pages}");
        let change = limits.iter().find(|limit| limit.name == "tasks of pages").unwrap().change(&full, 2.0 * pages);
        assert_eq!(change, "[containers] pages.max = 8");
    }

    #[test]
    fn the_budget_of_connections_allows_what_synth_allows() {
        let (prod, allowed) = (stage("prod"), limit::of_requests(&stage("prod")));
        let connections = allowed.iter().find(|limit| limit.name.starts_with("connections")).unwrap();
        let executions: u16 = traffic::served().map(|function| function.connections(&prod)).sum();
        let executions = f64::from(executions);
        assert!(limits::check(&prod, FUNCTIONS).is_ok() && executions <= connections.allows, "{executions}");
        // 80 % of 750, halved by the release, without ten and seven of functions that are not behind the load balancer.
        assert_about(connections.allows, 300.0 - 17.0);
    }

    #[test]
    fn each_setting_is_that_of_the_functions_that_the_stage_gives_it_to() {
        let mut stage = stage("prod");
        (stage.concurrency.http, stage.concurrency.http_rare) = (1, 2);
        (stage.concurrency.http_without_database, stage.concurrency.covers) = (3, 4);
        for function in traffic::served() {
            let expected = limit::SETTINGS[usize::from(function.max_concurrency(&stage)) - 1];
            assert_eq!(limit::setting(function), expected, "{}", function.name);
        }
    }

    #[test]
    fn an_exceeded_limit_is_found_with_a_change_that_is_enough() {
        let mut prod = stage("prod");
        assert!(report(&prod).exceeded(1.0).is_empty() && report(&prod).exceeded(10.0).is_empty());
        let change = |stage: &Stage, start: &str| {
            let report = report(stage);
            let exceeded = report.exceeded(1_000.0).into_iter().find(|exceeded| exceeded.limit.name.starts_with(start));
            exceeded.map(|exceeded| exceeded.change)
        };
        // 3,805 requests a second x 0.28 x 0.1 s
        assert_eq!(change(&prod, "http: ").as_deref(), Some("concurrency.http = 107"));
        prod.concurrency.http = 107;
        assert_eq!(change(&prod, "http: "), None);
        // 3,805 x 2.9 ms are eleven processors, more than the largest known class has.
        assert!(change(&prod, "db.").unwrap().starts_with("beyond db.m7g.2xlarge: OpenSearch"));
        let Server::Rds(server) = &mut prod.database.server else { panic!("RDS") };
        server.class = "db.t4g.large".to_owned();
        let report = Report::of(&prod, 200 * REQUESTS_PER_MONTH, 1_000_000);
        let exceeded = report.exceeded(1.0);
        let processors = exceeded.iter().find(|exceeded| exceeded.limit.name.starts_with("db.")).unwrap();
        assert_eq!(processors.change, "class = db.m7g.xlarge", "761 x 2.9 ms are 2.2 processors");
    }

    #[test]
    fn more_books_need_more_memory_and_then_another_engine() {
        let change = |factor: f64| {
            let report = report(&stage("prod"));
            let exceeded = report.exceeded(factor).into_iter().find(|e| e.limit.name.starts_with("buffer pool"));
            exceeded.map(|exceeded| exceeded.change)
        };
        assert_eq!(change(100.0), None, "a million books have 1,809 MiB of 5,120");
        assert_eq!(change(1_000.0).as_deref(), Some("class = db.m7g.2xlarge"));
        assert!(change(2_000.0).unwrap().starts_with("beyond db.m7g.2xlarge: OpenSearch"));
    }

    #[test]
    fn each_larger_class_carries_more_in_proportion_to_its_processors_and_its_memory() {
        let classes = limit::classes(&stage("prod"));
        let names: Vec<&str> = classes.iter().map(|carried| carried.class.name.as_str()).collect();
        assert_eq!(names, ["db.m7g.large", "db.m7g.xlarge", "db.m7g.2xlarge"]);
        assert_about(classes[2].requests, 4.0 * classes[0].requests);
        assert_about(classes[0].orders, 2.0 / 0.002_96);
        assert_about(classes[2].books, 29_696.0 * 1_048_576.0 / (1_878_000_000.0 / 990_000.0));
        assert!(limit::classes(&stage("local")).is_empty(), "its server is no instance of RDS");
    }

    #[test]
    fn more_connections_need_the_memory_for_them() {
        let report = report(&stage("prod"));
        let exceeded = report.exceeded(1_000.0);
        let connections = exceeded.iter().find(|exceeded| exceeded.limit.name.starts_with("connections")).unwrap();
        assert!(connections.change.starts_with("max_connections = "), "{}", connections.change);
        assert!(connections.change.ends_with(", class = db.m7g.xlarge"), "{}", connections.change);
    }

    #[test]
    fn the_size_of_a_part_of_the_sitemap_is_that_of_the_pages() {
        let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../frontend/src/sitemap.rs")).unwrap();
        assert!(source.contains("pub const PAGES: u32 = 200;"), "correct SITEMAP_PAGES");
    }

    #[test]
    fn the_limits_are_in_ascending_order_and_the_answer_names_the_first() {
        for (name, _) in STAGES {
            let report = report(&stage(name));
            for limits in [&report.requests, &report.orders, &report.books] {
                assert!(limits.windows(2).all(|pair| pair[0].full_at() <= pair[1].full_at()), "{name}");
                assert!(limits.iter().all(|limit| limit.allows > 0.0 && limit.uses > 0.0), "{name}");
            }
            let text = report.text(false);
            assert!(text.starts_with(&format!("{name}: carries ")), "{text}");
            assert!(text.lines().take(3).any(|line| line.contains("requests a second")), "{text}");
            let first = &report.requests[0];
            assert!(text.replace('\n', " ").contains(&format!("requests a second ({})", first.name)), "{text}");
        }
    }

    #[test]
    fn the_report_fits_a_terminal_and_lists_sources_on_request() {
        let prod = Stage::in_full("prod").unwrap();
        let text = report(&prod).text(false);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(cost::WIDTH), "{} is too long: {line}", line.chars().count());
        }
        assert!(!text.contains("https://"), "{text}");
        let text = report(&prod).text(true);
        assert!(text.contains("https://docs.aws.amazon.com/waf/latest/developerguide/limits.html"), "{text}");
    }

    #[test]
    fn programs_get_the_limits_and_what_is_exceeded() {
        let json = report(&stage("prod")).json();
        assert_eq!(json["stage"], "prod");
        let first = json["requests"][0]["full_at"].as_f64().unwrap();
        assert!(json["requests"].as_array().unwrap().iter().all(|limit| limit["full_at"].as_f64().unwrap() >= first));
        let growth = json["growth"].as_array().unwrap();
        assert_eq!(
            growth.iter().map(|step| step["factor"].to_string()).collect::<Vec<_>>(),
            ["1.0", "10.0", "100.0", "1000.0"]
        );
        assert!(growth[3]["exceeded"].as_array().unwrap().len() > growth[1]["exceeded"].as_array().unwrap().len());
        assert_eq!(json["functions"].as_array().unwrap().len(), traffic::MIX.len());
    }
}

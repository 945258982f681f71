//! Latency and price of each function at each memory size: Lambda gives a function processors in proportion to its memory, so a
//! larger one is quicker, and its time is dearer.
//!
//! The times are those of the scale report: measured processor and database times, and assumed waits for the network.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cost::{
        prices::Prices,
        table::{table, wrapped},
        usage::float,
    },
    routes::{FUNCTIONS, Function},
    scale::traffic::{Work, seconds_of_order, seconds_of_submission, served},
    stage::Stage,
};

/// Memory sizes in MB that are compared; the last one has a whole processor.
pub const SIZES: [u16; 5] = [128, 256, 512, 1_024, 1_769];

/// A function with one of the sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OfSize {
    pub memory_mb: u16,
    /// Milliseconds of an invocation.
    pub milliseconds: f64,
    /// US dollars of a million invocations.
    pub usd: f64,
}

impl OfSize {
    /// The product, which the best size makes least: half the latency is worth twice the price.
    fn product(self) -> f64 {
        self.milliseconds * self.usd
    }
}

/// The functions whose times are known, each with all sizes.
pub struct Comparison(Vec<(&'static Function, Vec<OfSize>)>);

impl Comparison {
    /// # Errors
    /// A price is unknown.
    pub fn of(stage: &Stage) -> Result<Self> {
        let prices = Prices::of(&stage.region)?;
        let (request, time) =
            (prices.get("lambda-request")?, prices.get(&format!("lambda-{}", stage.architecture.lambda()))?);
        let of_size = |function: &Function, memory_mb: u16| {
            let milliseconds = milliseconds(function, memory_mb);
            // AWS charges whole milliseconds.
            let gb_seconds = milliseconds.ceil() * 1_000.0 * f64::from(memory_mb) / 1_024.0;
            OfSize { memory_mb, milliseconds, usd: request.usd + gb_seconds * time.usd }
        };
        let compared = timed().map(|function| (function, SIZES.map(|size| of_size(function, size)).to_vec()));
        Ok(Self(compared.collect()))
    }

    /// Each function with the size that has the least product of latency and price.
    pub fn best(&self) -> impl Iterator<Item = (&'static Function, OfSize)> {
        let best =
            |sizes: &[OfSize]| sizes.iter().copied().min_by(|one, other| one.product().total_cmp(&other.product()));
        self.0.iter().filter_map(move |(function, sizes)| Some((*function, best(sizes)?)))
    }

    pub fn text(&self) -> String {
        let header: Vec<String> =
            ["function".to_owned()].into_iter().chain(SIZES.map(|size| format!("{size} MB"))).collect();
        let mut table = table(&header.iter().map(String::as_str).collect::<Vec<_>>(), &[1, 2, 3, 4, 5]);
        for ((function, sizes), (_, best)) in self.0.iter().zip(self.best()) {
            let cell = |of: &OfSize| {
                let mark = if of.memory_mb == function.memory_mb { "*" } else { "" };
                let least = if *of == best { "<" } else { "" };
                format!("{:.1} ms ${:.2}{least}{mark}", of.milliseconds, of.usd)
            };
            table.add_row([function.name.to_owned()].into_iter().chain(sizes.iter().map(cell)));
        }
        format!(
            "{table}\n{}",
            wrapped(
                "Milliseconds of an invocation in a shop of a million books, and US dollars of a million invocations. \
                 * this function's memory_mb; < the least product of both. Waits for the network are assumed, as in `bookstore scale`."
            )
        )
    }

    pub fn json(&self) -> Value {
        let size =
            |of: &OfSize| json!({ "memory_mb": of.memory_mb, "ms": of.milliseconds, "usd_of_a_million": of.usd });
        let function = |(function, sizes): &(&Function, Vec<OfSize>)| {
            json!({
                "function": function.name,
                "memory_mb": function.memory_mb,
                "sizes": sizes.iter().map(size).collect::<Vec<_>>(),
            })
        };
        self.0.iter().map(function).collect()
    }
}

/// Functions behind the load balancer, and those that decide orders and publish submissions.
fn timed() -> impl Iterator<Item = &'static Function> {
    served().chain(FUNCTIONS.iter().filter(|function| consumed(function).is_some()))
}

fn milliseconds(function: &Function, memory_mb: u16) -> f64 {
    let seconds = consumed(function).map_or_else(|| Work::of(function).seconds(memory_mb), |of| of(memory_mb));
    seconds * float(1_000)
}

/// The time of one message.
fn consumed(function: &Function) -> Option<fn(u16) -> f64> {
    match function.name {
        "process-orders" => Some(seconds_of_order),
        "process-submissions" => Some(seconds_of_submission),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared() -> Comparison {
        Comparison::of(&Stage::load("prod").unwrap()).unwrap()
    }

    #[test]
    fn the_best_size_is_small_for_a_function_that_waits_and_a_whole_processor_for_one_that_computes() {
        let best = |name: &str| {
            let compared = compared();
            let found = compared.best().find(|(function, _)| function.name == name).expect("a function with times");
            found.1.memory_mb
        };
        assert_eq!((best("show-about"), best("serve-assets")), (1_769, 1_769));
        assert!(best("submit-rating") <= 512);
    }

    /// A larger size that is worth its price saves a shopper no time that is noticed.
    #[test]
    fn every_function_has_the_best_size_or_one_that_is_nearly_as_good() {
        let compared = compared();
        for ((function, sizes), (_, best)) in compared.0.iter().zip(compared.best()) {
            let chosen = sizes.iter().find(|size| size.memory_mb == function.memory_mb);
            let chosen = chosen.unwrap_or_else(|| panic!("{} has a size that is not compared", function.name));
            let is_close = chosen.product() < 1.2 * best.product();
            assert!(
                is_close || chosen.milliseconds - best.milliseconds < 1.0,
                "{}: {chosen:?}, {best:?}",
                function.name
            );
        }
    }

    #[test]
    fn more_memory_is_never_slower_and_a_function_that_waits_gets_dearer() {
        for (function, sizes) in compared().0 {
            assert!(sizes.is_sorted_by(|one, next| one.milliseconds >= next.milliseconds), "{}", function.name);
        }
        let compared = compared();
        let (_, sizes) = compared.0.iter().find(|(function, _)| function.name == "submit-rating").unwrap();
        assert!(sizes[4].usd > 1.5 * sizes[1].usd, "{sizes:?}");
    }

    #[test]
    fn whole_milliseconds_are_charged() {
        let compared = compared();
        let (_, sizes) = compared.0.iter().find(|(function, _)| function.name == "show-about").unwrap();
        let OfSize { milliseconds, usd, .. } = sizes[4];
        assert!(milliseconds < 1.0);
        // $0.20 for the requests, and 1,000 seconds of 1,769 MB at $0.0000133334 for a GB.
        assert!((usd - 0.223_03).abs() < 0.000_1, "{usd}");
    }
}

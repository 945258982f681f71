//! The load balancer's listener rules, derived from the route table. A more specific path has a higher priority.
//!
//! AWS rejects a rule whose priority another rule still has, so a new route must not change the priorities of the others.
//! A priority is therefore a function of the route alone: a band for its specificity, and within the band a hash of its
//! methods and path.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::routes::{Function, Route};

/// A listener rule that forwards one route to its function.
pub struct Rule {
    /// Name of the function.
    pub function: &'static str,
    pub route: &'static Route,
    /// The path with `*` for each variable. `*` matches slashes too.
    pub pattern: String,
    /// Unique, from 1 to 50,000; the load balancer evaluates the lowest first.
    pub priority: u32,
}

/// Number of priorities for one specificity: AWS's 50,000 divided by 100 specificities.
const BAND: u32 = 500;

/// One rule for each route, in the order of evaluation.
pub fn rules(functions: &[Function]) -> Vec<Rule> {
    let mut routes: Vec<_> =
        functions.iter().flat_map(|function| function.routes().iter().map(|route| (function.name, route))).collect();
    routes.sort_by_key(|(_, route)| (Reverse(specificity(route)), route.path, route.methods));

    let mut taken = BTreeSet::new();
    let mut rules: Vec<_> = routes
        .into_iter()
        .map(|(function, route)| Rule { function, route, pattern: pattern(route), priority: claim(route, &mut taken) })
        .collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

fn segments(route: &Route) -> impl Iterator<Item = &'static str> {
    route.path.split('/').skip(1)
}

fn varies(segment: &str) -> bool {
    segment.starts_with('{')
}

fn pattern(route: &Route) -> String {
    segments(route).flat_map(|segment| ["/", if varies(segment) { "*" } else { segment }]).collect()
}

/// 0 to 99. A pattern that matches a subset of another's paths has at least as many fixed segments, and with the same
/// number of them more variables.
fn specificity(route: &Route) -> u32 {
    let (varying, fixed): (Vec<_>, Vec<_>) = segments(route).partition(|segment| varies(segment));
    let digit = |count: usize| u32::try_from(count.min(9)).expect("at most nine");
    10 * digit(fixed.len()) + digit(varying.len())
}

/// The route's own priority, or the next free one in its band.
fn claim(route: &Route, taken: &mut BTreeSet<u32>) -> u32 {
    let first = BAND * (99 - specificity(route)) + 1;
    let mut candidates = (0..BAND).map(|step| first + (fingerprint(route) % BAND + step) % BAND);
    candidates.find(|priority| taken.insert(*priority)).expect("a load balancer has fewer rules than priorities")
}

/// FNV-1a hash of methods and path; it must never change, because deployed priorities depend on it.
fn fingerprint(route: &Route) -> u32 {
    let bytes = route.methods.iter().chain([&route.path]).flat_map(|text| text.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{DEFAULTS, FUNCTIONS, Trigger};

    /// The load balancer's pattern matching: `*` matches any text, including slashes.
    fn matches(pattern: &str, path: &str) -> bool {
        match pattern.split_once('*') {
            None => pattern == path,
            Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
                path.char_indices().map(|(at, _)| at).chain([path.len()]).any(|at| matches(rest, &path[at..]))
            }),
        }
    }

    fn table(paths: &[&'static str]) -> Vec<Function> {
        let route = |path| Route { methods: &["GET"], path, probe: path };
        let function = |path| Function { name: path, trigger: Trigger::Http(vec![route(path)].leak()), ..DEFAULTS };
        paths.iter().copied().map(function).collect()
    }

    fn order(paths: &[&'static str]) -> Vec<&'static str> {
        rules(&table(paths)).iter().map(|rule| rule.route.path).collect()
    }

    #[test]
    fn a_path_with_a_method_that_it_lacks_comes_to_the_function_without_a_route_or_to_one_that_names_its_methods() {
        let rules = rules(FUNCTIONS);
        let paths: BTreeSet<&str> = rules.iter().map(|rule| rule.route.path).collect();
        let mut taken = BTreeSet::new();
        for path in &paths {
            let has =
                |method| rules.iter().any(|rule| rule.route.path == *path && rule.route.methods.contains(&method));
            for method in ["GET", "HEAD", "POST"].into_iter().filter(|method| !has(method)) {
                let of_method = |rule: &&Rule| rule.route.methods.contains(&method);
                if let Some(rule) = rules.iter().filter(of_method).find(|rule| matches(&rule.pattern, path)) {
                    taken.insert((rule.function, method, *path));
                }
            }
        }
        // `show-order` answers these with 405, as the function without a route does.
        let cancel = "/api/orders/{id}/cancel";
        assert_eq!(taken, [("show-order", "GET", cancel), ("show-order", "HEAD", cancel)].into());
    }

    #[test]
    fn no_rule_shadows_a_later_one() {
        let rules = rules(FUNCTIONS);
        for (at, rule) in rules.iter().enumerate() {
            for earlier in &rules[..at] {
                let same_method = earlier.route.methods.iter().any(|method| rule.route.methods.contains(method));
                let shadowed = same_method && matches(&earlier.pattern, &rule.pattern);
                assert!(!shadowed, "{} shadows {}", earlier.pattern, rule.pattern);
            }
        }
    }

    #[test]
    fn every_probe_reaches_its_own_function() {
        let rules = rules(FUNCTIONS);
        for rule in &rules {
            let path = rule.route.probe.split('?').next().unwrap();
            let method = rule.route.methods[0];
            let first = rules.iter().find(|rule| rule.route.methods.contains(&method) && matches(&rule.pattern, path));
            assert_eq!(first.expect("a rule").function, rule.function, "{method} {path}");
        }
    }

    #[test]
    fn specific_paths_come_before_general_ones() {
        let paths = ["/{page}", "/books/{id}", "/books/{id}/{slug}", "/books/new", "/books/{id}/ratings"];
        let [first, .., last] = order(&paths)[..] else { panic!("five rules") };
        assert_eq!([first, last], ["/books/{id}/ratings", "/{page}"]);
        assert_eq!(order(&["/books/{id}", "/books/{id}/{slug}"]), ["/books/{id}/{slug}", "/books/{id}"]);
    }

    #[test]
    fn a_new_route_changes_no_other_priority() {
        let before = rules(&table(&["/books", "/books/{id}"]));
        let after = rules(&table(&["/books", "/authors", "/books/new", "/books/{id}"]));
        for rule in before {
            let same = after.iter().find(|other| other.pattern == rule.pattern).expect("the same rule");
            assert_eq!(same.priority, rule.priority, "{}", rule.pattern);
        }
    }

    #[test]
    fn routes_with_the_same_fingerprint_get_different_priorities() {
        let twice = rules(&table(&["/books", "/books"]));
        assert_eq!(twice[0].priority + 1, twice[1].priority);
    }

    #[test]
    fn the_least_and_the_most_specific_route_have_valid_priorities() {
        let all = rules(&table(&["/", "/1/2/3/4/5/6/7/8/9/10/{a}/{b}"]));
        assert!(all.iter().all(|rule| (1..=50_000).contains(&rule.priority)));
    }
}

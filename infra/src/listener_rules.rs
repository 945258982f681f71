//! The load balancer's listener rules, derived from the route table. A more specific path has a higher priority.
//!
//! AWS rejects a rule whose priority another rule still has, so a new route must not change the priorities of the others.
//! A priority is therefore a function of one route alone: a band for its specificity, and within the band a hash of its
//! methods and path. Routes that share its rule change neither its priority nor its id.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::routes::{Function, Route};

/// A listener rule that forwards routes to their function.
pub struct Rule {
    /// Name of the function.
    pub function: &'static str,
    /// Routes with the same methods; the first gives the rule its id and its priority.
    pub routes: Vec<&'static Route>,
    /// Unique, from 1 to 50,000; the load balancer evaluates the lowest first.
    pub priority: u32,
}

impl Rule {
    /// The methods of all its routes.
    pub fn methods(&self) -> &'static [&'static str] {
        self.first().methods
    }

    pub fn first(&self) -> &'static Route {
        self.routes[0]
    }

    /// The paths with `*` for each variable. `*` matches slashes too.
    pub fn patterns(&self) -> Vec<String> {
        self.routes.iter().map(|route| pattern(route)).collect()
    }
}

/// Number of priorities for one specificity: AWS's 50,000 divided by 100 specificities.
const BAND: u32 = 500;

/// The rules of all routes, in the order of evaluation.
pub fn rules(functions: &[Function]) -> Vec<Rule> {
    let mut first: Vec<_> = routes(functions).filter(|(_, route)| route.rule_of.is_none()).collect();
    first.sort_by_key(|(_, route)| (Reverse(specificity(route)), route.path, route.methods));

    let mut taken = BTreeSet::new();
    let rule = |(function, route): (&Function, &'static Route)| {
        let others = function.routes().iter().filter(|other| shares(other, route));
        let routes = [route].into_iter().chain(others).collect();
        Rule { function: function.name, routes, priority: claim(route, &mut taken) }
    };
    let mut rules: Vec<_> = first.into_iter().map(rule).collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

/// Routes that would share the rule of a route that their function does not have with the same methods.
pub fn without_rule(functions: &[Function]) -> Vec<&'static Route> {
    let has_none = |(function, route): &(&Function, &'static Route)| {
        route.rule_of.is_some()
            && !function.routes().iter().any(|first| first.rule_of.is_none() && shares(route, first))
    };
    routes(functions).filter(has_none).map(|(_, route)| route).collect()
}

fn routes(functions: &[Function]) -> impl Iterator<Item = (&Function, &'static Route)> {
    functions.iter().flat_map(|function| function.routes().iter().map(move |route| (function, route)))
}

fn shares(route: &Route, first: &Route) -> bool {
    route.rule_of == Some(first.path) && route.methods == first.methods
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

/// The load balancer's pattern matching: `*` matches any text, including slashes.
pub fn is_matched(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
            path.char_indices().map(|(at, _)| at).chain([path.len()]).any(|at| is_matched(rest, &path[at..]))
        }),
    }
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

    fn matches(rule: &Rule, method: &str, path: &str) -> bool {
        rule.methods().contains(&method) && rule.patterns().iter().any(|pattern| is_matched(pattern, path))
    }

    const fn route(path: &'static str) -> Route {
        Route { methods: &["GET"], path, probe: path, rule_of: None }
    }

    fn table(paths: &[&'static str]) -> Vec<Function> {
        let function = |path| Function { name: path, trigger: Trigger::Http(vec![route(path)].leak()), ..DEFAULTS };
        paths.iter().copied().map(function).collect()
    }

    fn order(paths: &[&'static str]) -> Vec<&'static str> {
        rules(&table(paths)).iter().map(|rule| rule.first().path).collect()
    }

    #[test]
    fn a_path_with_a_method_that_it_lacks_comes_to_the_function_without_a_route_or_to_one_that_names_its_methods() {
        let rules = rules(FUNCTIONS);
        let all = || rules.iter().flat_map(|rule| &rule.routes);
        let paths: BTreeSet<&str> = all().map(|route| route.path).collect();
        let mut taken = BTreeSet::new();
        for path in &paths {
            let has = |method| all().any(|route| route.path == *path && route.methods.contains(&method));
            for method in ["GET", "HEAD", "POST"].into_iter().filter(|method| !has(method)) {
                if let Some(rule) = rules.iter().find(|rule| matches(rule, method, path)) {
                    taken.insert((rule.function, method, *path));
                }
            }
        }
        // `show-order` answers these with 405, as the function without a route does.
        let cancel = "/api/orders/{id}/cancel";
        let of_orders = [("show-order", "GET", cancel), ("show-order", "HEAD", cancel)];
        // Without a session of the staff `show-staff` has no pages; with one it answers these with 405 too.
        let of_staff = ["/staff/sign-in", "/staff/sign-in/return"].map(|path| ("show-staff", "POST", path));
        assert_eq!(taken, of_orders.into_iter().chain(of_staff).collect());
    }

    #[test]
    fn no_rule_shadows_a_later_one() {
        let rules = rules(FUNCTIONS);
        for (at, rule) in rules.iter().enumerate() {
            for earlier in &rules[..at] {
                if !earlier.methods().iter().any(|method| rule.methods().contains(method)) {
                    continue;
                }
                for later in rule.patterns() {
                    let shadowing = earlier.patterns().into_iter().find(|pattern| is_matched(pattern, &later));
                    assert_eq!(shadowing, None, "it shadows {later}");
                }
            }
        }
    }

    #[test]
    fn every_route_is_in_one_rule_and_its_probe_reaches_its_own_function() {
        let rules = rules(FUNCTIONS);
        let count: usize = FUNCTIONS.iter().map(|function| function.routes().len()).sum();
        assert_eq!(rules.iter().map(|rule| rule.routes.len()).sum::<usize>(), count);
        assert!(without_rule(FUNCTIONS).is_empty());
        for (function, route) in routes(FUNCTIONS) {
            let path = route.probe.split('?').next().unwrap();
            for method in route.methods {
                let first = rules.iter().find(|rule| matches(rule, method, path)).expect("a rule");
                assert_eq!(first.function, function.name, "{method} {path}");
                assert!(first.routes.iter().any(|other| std::ptr::eq(*other, route)), "{method} {path}");
            }
        }
    }

    #[test]
    fn routes_of_a_rule_have_one_function_and_the_same_methods_and_change_neither_its_priority_nor_its_id() {
        let alone = &rules(&table(&["/books"]))[0];
        let beside = Route { rule_of: Some("/books"), ..route("/a/very/specific/{path}") };
        let routes = vec![route("/books"), beside].leak();
        let shop = [Function { name: "list-books", trigger: Trigger::Http(routes), ..DEFAULTS }];
        let [rule] = &rules(&shop)[..] else { panic!("one rule") };
        assert_eq!((rule.priority, rule.first().path), (alone.priority, "/books"));
        assert_eq!(rule.patterns(), ["/books", "/a/very/specific/*"]);

        let [of_another, with_other_methods] = [
            Route { rule_of: Some("/authors"), ..route("/a") },
            Route { methods: &["POST"], rule_of: Some("/books"), ..route("/b") },
        ];
        let lost = vec![route("/books"), of_another, with_other_methods].leak();
        let shop = [table(&["/authors"])[0], Function { trigger: Trigger::Http(lost), ..shop[0] }];
        let paths: Vec<&str> = without_rule(&shop).iter().map(|route| route.path).collect();
        assert_eq!(paths, ["/a", "/b"]);
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
            let same = after.iter().find(|other| other.patterns() == rule.patterns()).expect("the same rule");
            assert_eq!(same.priority, rule.priority, "{:?}", rule.patterns());
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

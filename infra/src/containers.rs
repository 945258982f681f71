//! Containers: the services that run handlers of functions behind the load balancer, and the settings of their tasks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use shared::config::PARAMETERS;

use crate::{
    listener_rules::{Rule, is_matched, rules},
    routes::{FUNCTIONS, Function, Route, Trigger},
    stage::{Containers, Stage, Tasks},
};

/// A service on ECS: tasks that each run the server with these handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// What browsers ask for, and what has no route.
    Pages,
    /// The API and the health check.
    Api,
}

/// The environment variable with the name of the service.
pub const SERVICE: &str = "ANAQUEL_SERVICE";
/// The environment variable with the number of connections to the database that a task opens at most.
pub const CONNECTIONS: &str = "ANAQUEL_CONNECTIONS";
/// The environment variable with the port that the server listens on.
pub const PORT: &str = "ANAQUEL_PORT";

/// The port of a task.
pub const HTTP_PORT: u16 = 8080;

/// A path that is 200 while the server takes requests, for the health check of a target group: it asks no dependency, because
/// new tasks would not bring back a database that is away.
pub const READY: &str = "/ready";

/// Functions whose requests stay with Lambda: they hold the keys of sessions, or serve the staff alone.
const ON_LAMBDA: [&str; 2] = ["show-staff", "sign-in"];

impl Service {
    pub const ALL: [Self; 2] = [Self::Pages, Self::Api];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Api => "api",
        }
    }

    /// # Errors
    /// No service has this name.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|service| service.name() == name);
        ensure!(found.is_some(), "{SERVICE} is {name:?}; the services are pages and api");
        Ok(found.unwrap_or(Self::Pages))
    }

    /// The log group of its tasks.
    pub fn log_group(self, stage: &Stage) -> String {
        format!("/ecs/{}", stage.physical(self.name()))
    }

    /// The range of its tasks.
    pub fn tasks(self, settings: &Containers) -> Tasks {
        match self {
            Self::Pages => settings.pages,
            Self::Api => settings.api,
        }
    }

    fn has(self, route: &Route) -> bool {
        let is_api = route.path.starts_with("/api/") || route.path == "/health";
        is_api == (self == Self::Api)
    }

    /// The routes of a function in this service.
    pub fn routes(self, function: &Function) -> impl Iterator<Item = &'static Route> {
        let routes = if let Trigger::Http(routes) = function.trigger { routes } else { &[] };
        routes.iter().filter(move |route| self.has(route))
    }

    /// Functions with a route in this service, and the one for requests without a route.
    pub fn functions(self) -> impl Iterator<Item = &'static Function> {
        FUNCTIONS.iter().filter(|function| runs_in_containers(function)).filter(move |function| {
            match function.trigger {
                Trigger::Http(routes) => routes.iter().any(|route| self.has(route)),
                _ => true,
            }
        })
    }

    /// The environment of a task: that of its functions together, with all their parameters.
    ///
    /// # Errors
    /// Two functions need different values of one variable.
    pub fn environment(self, stage: &Stage) -> Result<BTreeMap<&'static str, String>> {
        let mut variables = BTreeMap::new();
        let mut parameters = BTreeSet::new();
        for function in self.functions() {
            parameters.extend(function.parameters(stage));
            for (name, value) in function.environment(stage).filter(|(name, _)| *name != PARAMETERS) {
                let known = variables.entry(name).or_insert_with(|| value.clone());
                ensure!(*known == value, "functions of the service {} need different values of {name}", self.name());
            }
        }
        variables.insert(PARAMETERS, parameters.into_iter().collect::<Vec<_>>().join(","));
        variables.insert(SERVICE, self.name().to_owned());
        Ok(variables)
    }
}

/// Whether containers can serve the function's requests.
pub fn runs_in_containers(function: &Function) -> bool {
    matches!(function.trigger, Trigger::Http(_) | Trigger::Unmatched) && !ON_LAMBDA.contains(&function.name)
}

/// Priority of the first rule that leads everybody to containers.
pub const EVERYBODY: i32 = 24_000;
/// Rules of functions that stay with Lambda come before that, by as much as this.
const BEFORE: i32 = 22_000;

/// The priority of a rule with these path patterns. It does not depend on `compute`, so that a switch moves none.
pub fn priority(stage: &Stage, rule: &Rule, patterns: &[String]) -> i32 {
    let own = i32::try_from(rule.priority).expect("at most 50,000");
    let function = FUNCTIONS.iter().find(|function| function.name == rule.function);
    let stays = !function.is_some_and(runs_in_containers)
        || !stage.has_api_at_load_balancer() && patterns.iter().any(|pattern| pattern.starts_with("/api/"));
    if stage.containers.is_some() && stays { own - BEFORE } else { own }
}

/// Finds the function of a request by the rules of the load balancer, for the routes of one service.
pub struct Dispatch {
    rules: Vec<CompiledRule>,
    unmatched: &'static str,
}

struct CompiledRule {
    methods: &'static [&'static str],
    patterns: Vec<String>,
    function: &'static str,
}

impl CompiledRule {
    fn of(rule: &Rule, service: Service) -> Self {
        let patterns = rule.routes.iter().zip(rule.patterns()).filter(|(route, _)| service.has(route));
        let patterns = patterns.map(|(_, pattern)| pattern).collect();
        Self { methods: rule.methods(), patterns, function: rule.function }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.methods.contains(&method) && self.patterns.iter().any(|pattern| is_matched(pattern, path))
    }
}

impl Dispatch {
    pub fn new(service: Service) -> Self {
        let is_unmatched = |function: &&Function| matches!(function.trigger, Trigger::Unmatched);
        let unmatched = FUNCTIONS.iter().find(is_unmatched).map_or("", |function| function.name);
        Self { rules: rules(FUNCTIONS).iter().map(|rule| CompiledRule::of(rule, service)).collect(), unmatched }
    }

    /// The function for requests without a route.
    pub fn unmatched(&self) -> &'static str {
        self.unmatched
    }

    /// The name of the function; that of the one for requests without a route if the service does not serve it.
    pub fn function(&self, method: &str, path: &str) -> &'static str {
        let found = self.rules.iter().find(|rule| rule.matches(method, path)).map(|rule| rule.function);
        found.filter(|name| !ON_LAMBDA.contains(name)).unwrap_or(self.unmatched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_is_in_one_service_or_stays_with_lambda() {
        for function in FUNCTIONS {
            for route in function.routes() {
                let services: Vec<Service> = Service::ALL.into_iter().filter(|service| service.has(route)).collect();
                assert_eq!(services.len(), 1, "{}", route.path);
                let serves = services[0].functions().any(|other| other.name == function.name);
                assert_eq!(serves, !ON_LAMBDA.contains(&function.name), "{}", route.path);
            }
        }
        let names = |service: Service| service.functions().map(|function| function.name).collect::<Vec<_>>();
        assert!(names(Service::Pages).contains(&"show-home") && !names(Service::Pages).contains(&"check-health"));
        assert!(names(Service::Api).contains(&"check-health") && !names(Service::Api).contains(&"show-home"));
    }

    #[test]
    fn a_request_comes_to_the_function_of_its_rule_and_without_one_to_that_for_none() {
        let [pages, api] = Service::ALL.map(Dispatch::new);
        assert_eq!(api.function("GET", "/api/books"), "list-books");
        assert_eq!(api.function("GET", "/health"), "check-health");
        assert_eq!(api.function("GET", "/books"), "show-not-found");
        for (method, path, function) in [
            ("GET", "/", "show-home"),
            ("HEAD", "/books", "list-books"),
            ("GET", "/api/books", "show-not-found"),
            ("POST", "/api/orders", "show-not-found"),
            ("GET", "/books/1", "show-book"),
            ("GET", "/books/1/ratings", "list-ratings"),
            ("POST", "/books/1/ratings", "submit-rating"),
            ("POST", "/books", "show-not-found"),
            ("GET", "/nothing", "show-not-found"),
            ("GET", "/staff/orders", "show-not-found"),
            ("GET", "/sign-in", "show-not-found"),
            ("BREW", "/", "show-not-found"),
        ] {
            assert_eq!(pages.function(method, path), function, "{method} {path}");
        }
    }

    #[test]
    fn rules_of_what_stays_with_lambda_come_before_those_of_containers_and_all_others_behind() {
        let stage = Stage::in_full("prod").unwrap();
        for rule in rules(FUNCTIONS) {
            let stays = ON_LAMBDA.contains(&rule.function);
            let priority = priority(&stage, &rule, &rule.patterns());
            assert_eq!(priority < EVERYBODY, stays, "{}", rule.first().path);
            assert!(priority > 0 && !(EVERYBODY - 10..EVERYBODY + 4).contains(&priority), "{}", rule.first().path);
            let without = Stage { containers: None, ..stage.clone() };
            assert_eq!(super::priority(&without, &rule, &rule.patterns()), i32::try_from(rule.priority).unwrap());
            assert_eq!(super::priority(&stage.on_lambda(), &rule, &rule.patterns()), priority);
        }
    }

    #[test]
    fn a_task_has_the_settings_of_all_its_functions_and_no_key_that_signs() {
        for name in ["local", "dev", "prod"] {
            let stage = Stage::in_full(name).unwrap();
            for service in Service::ALL {
                let environment = service.environment(&stage).unwrap();
                let parameters: Vec<&str> = environment[PARAMETERS].split(',').collect();
                let ends_with = |end: &str| parameters.iter().any(|name| name.ends_with(end));
                assert!(ends_with("/database/reader/user") && ends_with("/submission-key"), "{parameters:?}");
                assert!(!ends_with("/session/private-key"), "{parameters:?}");
                assert_eq!(environment[SERVICE], service.name());
            }
        }
    }
}

//! What AWS would refuse half-way through a deploy, and what the database could not bear: refused at synth.

use anyhow::{Result, ensure};

use crate::routes::{Function, Trigger};
use crate::rules::rules;
use crate::stage::Stage;

/// Rules of one load balancer (a quota that AWS raises on request).
const RULES: usize = 100;
/// Paths and methods of one rule.
const VALUES: usize = 5;
/// Names in one `GetParameters` call.
const PARAMETERS: usize = 10;
/// Characters in the name of a target group.
const NAME: usize = 32;
/// An outage of the database that loses no submission, in seconds.
const OUTAGE: u32 = 12 * 60 * 60;

/// Reports everything that is wrong at once.
pub fn check(stage: &Stage, functions: &[Function]) -> Result<()> {
    let problems = [
        parameters(stage, functions),
        names(stage, functions),
        routing(functions),
        connections(stage, functions),
        retries(stage, functions),
    ];
    let problems = problems.concat();
    ensure!(problems.is_empty(), "stage `{}` cannot be deployed:\n  {}", stage.name, problems.join("\n  "));
    Ok(())
}

fn parameters(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions
        .iter()
        .map(|function| (function.name, function.parameters(stage).len()))
        .filter(|(_, count)| *count > PARAMETERS)
        .map(|(name, count)| format!("{name} reads {count} parameters, and one call gets {PARAMETERS}"))
        .collect()
}

fn names(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions
        .iter()
        .filter(|function| function.serves_http())
        .map(|function| stage.physical(function.name))
        .filter(|name| name.len() > NAME)
        .map(|name| format!("{name} has {} characters, a target group's name {NAME}", name.len()))
        .collect()
}

fn routing(functions: &[Function]) -> Vec<String> {
    let rules = rules(functions);
    let mut problems = Vec::new();
    if rules.len() > RULES {
        problems.push(format!("{} rules for the load balancer, which takes {RULES}", rules.len()));
    }
    for rule in rules.iter().filter(|rule| rule.route.methods.len() + 1 > VALUES) {
        problems.push(format!("{} has too many methods: a rule takes {}", rule.pattern, VALUES - 1));
    }
    problems
}

/// During a release a function's old and new version both hold connections.
fn connections(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let copies: u32 = functions.iter().filter_map(|function| function.copies(stage)).map(u32::from).sum();
    let (held, accepted) = (2 * copies, u32::from(stage.database.max_connections));
    let allowed = accepted * 80 / 100;
    if held <= allowed {
        return Vec::new();
    }
    vec![format!(
        "functions may hold {held} connections during a release (twice {copies} copies), more than {allowed}, \
         80 % of max_connections = {accepted}"
    )]
}

fn retries(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let mut problems = Vec::new();
    let (visibility, receives) = (stage.submissions.visibility_seconds, stage.submissions.max_receives);
    let tried = u32::from(visibility) * u32::from(receives);
    if tried < OUTAGE && !stage.is_local() {
        problems.push(format!(
            "a submission is tried for {visibility} s x {receives} = {tried} s, and an outage may last {OUTAGE} s"
        ));
    }
    for Function { name, trigger, timeout_seconds, .. } in functions {
        // AWS advises six times the timeout; the local stage would rather try again soon.
        let least = if stage.is_local() { *timeout_seconds } else { 6 * timeout_seconds };
        if matches!(trigger, Trigger::Submissions) && visibility < least {
            problems.push(format!(
                "{name} may run for {timeout_seconds} s, so its messages must stay away for {least} s, and return after \
                 {visibility} s"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{Access, FUNCTIONS, NOTHING, Queue, Route};
    use crate::stage::STAGES;

    fn complaint(stage: &Stage, functions: &[Function]) -> String {
        check(stage, functions).unwrap_err().to_string()
    }

    fn prod() -> Stage {
        Stage::load("prod").unwrap()
    }

    #[test]
    fn every_stage_keeps_within_the_limits() {
        for (name, _) in STAGES {
            check(&Stage::load(name).unwrap(), FUNCTIONS).unwrap();
        }
    }

    #[test]
    fn more_copies_than_connections_are_refused() {
        let mut stage = prod();
        stage.concurrency.http = 80;
        assert_eq!(
            complaint(&stage, FUNCTIONS),
            "stage `prod` cannot be deployed:\n  functions may hold 1466 connections during a release \
             (twice 733 copies), more than 480, 80 % of max_connections = 600"
        );
    }

    #[test]
    fn a_queue_that_gives_up_within_twelve_hours_is_refused_on_aws_only() {
        let mut stage = prod();
        stage.submissions.max_receives = 700;
        assert!(complaint(&stage, FUNCTIONS).contains("60 s x 700 = 42000 s, and an outage may last 43200 s"));
        check(&Stage::load("local").unwrap(), FUNCTIONS).unwrap();
    }

    #[test]
    fn a_message_that_returns_while_it_is_processed_is_refused() {
        let slow = Function { name: "slow", trigger: Trigger::Submissions, timeout_seconds: 11, ..NOTHING };
        assert!(complaint(&prod(), &[slow]).contains("must stay away for 66 s, and return after 60 s"));
    }

    #[test]
    fn an_eleventh_parameter_is_refused() {
        let greedy = Function {
            name: "greedy",
            database: Some(Access::Admin),
            queue: &[Queue::Send, Queue::Park],
            submission_key: true,
            ..NOTHING
        };
        assert!(complaint(&prod(), &[greedy]).contains("greedy reads 11 parameters, and one call gets 10"));
    }

    #[test]
    fn names_and_rules_that_the_load_balancer_refuses_are_refused() {
        const ROUTE: Route = Route { methods: &["GET", "HEAD", "POST", "PUT", "DELETE"], path: "/", probe: "/" };
        let wide = Function { name: "show-a-page-with-a-long-name", trigger: Trigger::Http(&[ROUTE]), ..NOTHING };
        let complaint = complaint(&prod(), &[wide]);
        assert!(complaint.contains("anaquel-prod-show-a-page-with-a-long-name has 41 characters"), "{complaint}");
        assert!(complaint.contains("/ has too many methods: a rule takes 4"), "{complaint}");
        assert!(self::complaint(&prod(), &[wide; 101]).contains("101 rules for the load balancer, which takes 100"));
    }
}

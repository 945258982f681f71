//! The app stack: functions, load balancer, and the buckets of imports and files.

use super::wiring::Wiring;
use super::{Kind, Stack, accounts, api_gateway, files, function, imports, load_balancer, sweeps, tasks};
use crate::routes::{FUNCTIONS, Function, Trigger};
use crate::stage::Stage;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::App, "functions, load balancer, and the buckets of imports and files");
    // Protected last and unprotected last, so a stage is never protected in part.
    stack.protect = stage.protect;
    let wiring = Wiring::new(&mut stack, stage);
    if let Some(settings) = &stage.api_gateway {
        api_gateway::add_api(&mut stack, stage, settings);
    }
    let (unmatched, others): (Vec<&Function>, _) =
        FUNCTIONS.iter().partition(|function| matches!(function.trigger, Trigger::Unmatched));
    let [unmatched] = unmatched[..] else { panic!("exactly one function has the trigger Unmatched") };
    let alias = function::add(&mut stack, stage, &wiring, unmatched);
    let serving = load_balancer::add(&mut stack, stage, unmatched, alias);
    for function in others {
        let alias = function::add(&mut stack, stage, &wiring, function);
        match function.trigger {
            Trigger::Http(_) => load_balancer::forward(&mut stack.template, stage, &serving, function, alias),
            Trigger::Messages(queue) => {
                function::consume_queue(&mut stack.template, stage, &wiring, function, queue, alias);
            }
            Trigger::Imports => imports::add(&mut stack.template, stage, &wiring, function, alias),
            Trigger::Uploads => files::add(&mut stack.template, stage, &wiring, function, alias),
            Trigger::Unmatched | Trigger::Staff | Trigger::Release => {}
        }
    }
    if let Some(settings) = &stage.containers {
        tasks::add(&mut stack, stage, &wiring, settings, &serving);
    }
    if stage.has_sign_in() {
        accounts::add_clients(&mut stack, stage);
        if let Some(settings) = &stage.api_gateway {
            api_gateway::add_client(&mut stack, stage, settings);
        }
    }
    if stage.shop.is_some() {
        sweeps::add(&mut stack.template, stage, &wiring);
    }
    stack
}

//! What people need to look after the stage. Nothing here serves shoppers, so it is the last up and the first down.

mod people;

use super::{Kind, Stack};
use crate::stage::Stage;

#[cfg(test)]
pub use people::PEOPLE;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Operations, "who may work on it");
    people::add(&mut stack.template, stage);
    stack
}

//! Random programs, run against a store and against a simple model of one; after every step both
//! must say the same.

mod collected;
mod compare;
mod machine;
mod model;
mod program;

use crate::Subject;
use crate::case::{Case, block_on};
use crate::environment::for_random;

pub(crate) use machine::Machine;
pub(crate) use program::{Program, programs};

pub(crate) fn cases() -> Vec<Case> {
    vec![Case {
        area: "semantics",
        name: "random_programs_do_what_the_model_does",
        run: random_programs_do_what_the_model_does,
        durable: false,
    }]
}

/// Runs `check` on random programs; the one that fails is made as small as possible.
pub(crate) fn for_programs(usual: u32, steps: usize, check: impl Fn(Program)) {
    for_random(7, usual, &programs(steps), check);
}

fn random_programs_do_what_the_model_does(subject: &Subject) {
    for_programs(subject.scaled(20, 3), 40, |program| {
        block_on(async {
            let mut machine = Machine::new(subject).await;
            for step in &program.steps {
                machine.step(step).await;
                machine.compare_somewhere().await;
            }
            machine.compare_everything().await;
        });
    });
}

//! Random programs, run against a store and against a simple model of one; after every step both
//! must say the same.

mod collected;
mod compare;
mod machine;
mod model;
mod program;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::Subject;
use crate::case::{Case, block_on};
use crate::environment::{cases as count, seed};

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
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config {
        cases: count(usual),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let result = TestRunner::new_with_rng(config, rng).run(&programs(steps), |program| {
        check(program);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("with ARGON_TEST_SEED={}: {failure}", seed());
    }
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

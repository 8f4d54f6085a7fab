//! What a random program is made of.
//!
//! Branches and states are picked by numbers that are taken modulo what there is, so that every
//! program can be run and a smaller one is a program too.

use proptest::prelude::*;

/// Steps to take one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write { branch: u8, operations: Vec<Operation> },
    Fork { branch: u8, lsn: u8, name: u8 },
    Reset { branch: u8, target: u8, lsn: u8 },
    Rename { branch: u8, name: u8 },
    Delete { branch: u8 },
    Snapshot { branch: u8, lsn: u8 },
    Reopen,
}

/// A part of a write; collections are `c0`, `c1` ….
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Put { collection: u8, id: u8, value: u8, condition: When },
    Delete { collection: u8, id: u8, condition: When },
    Create { collection: u8 },
    Drop { collection: u8 },
    Rename { from: u8, to: u8 },
    SetOptions { collection: u8, value: u8 },
}

/// A condition; the positions are filled in when the step is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Any,
    Absent,
    Present,
    ChangedByLast,
    ChangedByAnother,
    SkipUnlessAbsent,
    SkipUnlessPresent,
}

/// Programs of up to `steps` steps.
pub(crate) fn programs(steps: usize) -> impl Strategy<Value = Program> {
    prop::collection::vec(step(), 1..=steps).prop_map(|steps| Program { steps })
}

fn step() -> impl Strategy<Value = Step> {
    let byte = any::<u8>;
    prop_oneof![
        12 => (byte(), prop::collection::vec(operation(), 1..8))
            .prop_map(|(branch, operations)| Step::Write { branch, operations }),
        3 => (byte(), byte(), 0..8_u8)
            .prop_map(|(branch, lsn, name)| Step::Fork { branch, lsn, name }),
        2 => (byte(), byte(), byte())
            .prop_map(|(branch, target, lsn)| Step::Reset { branch, target, lsn }),
        1 => (byte(), 0..8_u8).prop_map(|(branch, name)| Step::Rename { branch, name }),
        1 => byte().prop_map(|branch| Step::Delete { branch }),
        2 => (byte(), byte()).prop_map(|(branch, lsn)| Step::Snapshot { branch, lsn }),
        1 => Just(Step::Reopen),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let (collection, id, value) = (0..4_u8, 0..6_u8, any::<u8>());
    prop_oneof![
        24 => (collection.clone(), id.clone(), value, when())
            .prop_map(|(collection, id, value, condition)| {
                Operation::Put { collection, id, value, condition }
            }),
        12 => (collection.clone(), id, when())
            .prop_map(|(collection, id, condition)| Operation::Delete { collection, id, condition }),
        1 => collection.clone().prop_map(|collection| Operation::Create { collection }),
        1 => collection.clone().prop_map(|collection| Operation::Drop { collection }),
        1 => (collection.clone(), 0..4_u8).prop_map(|(from, to)| Operation::Rename { from, to }),
        1 => (collection, 0..3_u8)
            .prop_map(|(collection, value)| Operation::SetOptions { collection, value }),
    ]
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        // A request conflicts as a whole, so conditions that often don't hold are rare.
        24 => Just(When::Any),
        1 => Just(When::Absent),
        1 => Just(When::Present),
        4 => Just(When::ChangedByLast),
        1 => Just(When::ChangedByAnother),
        3 => Just(When::SkipUnlessAbsent),
        3 => Just(When::SkipUnlessPresent),
    ]
}

//! The hot paths in small sizes, for each engine: what to run before and after a change.

use std::path::Path;
use std::time::Duration;

use argon_benches::Result;
use argon_benches::documents::{DOCUMENT_BYTES, checked, key, raw};
use argon_benches::subject::{EngineName, Scale, Subject, collection};
use argon_benches::workloads::{diff, large, point_read, scan};
use argon_benches::writing::{IMPORT_COMMIT, Ready, by_writers, import, one_by_one};
use argon_core::Branch;
use argon_core::write::Precondition;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const ENGINES: [EngineName; 3] = [EngineName::Sled, EngineName::Fjall, EngineName::Memory];

/// Documents of the stores that are read.
const DOCUMENTS: u64 = 10_000;

/// Documents that the diff finds changed.
const CHANGES: u64 = 1_000;

const WRITERS: usize = 64;

fn writes(criterion: &mut Criterion) {
    let runtime = runtime();
    for engine in ENGINES {
        let subject = subject(engine);
        let (_store, branch) = finished(runtime.block_on(subject.create("writes")));
        let mut next = 0;
        let mut fresh = |count: u64| {
            next += count;
            next - count..next
        };
        let mut group = criterion.benchmark_group(format!("{engine}/write"));
        group.bench_function("durable commit", |bencher| {
            bencher.iter_batched(
                || ready(fresh(1)),
                |documents| {
                    finished(runtime.block_on(one_by_one(&branch, documents, Precondition::Any)))
                },
                BatchSize::PerIteration,
            );
        });
        group.throughput(Throughput::Elements(WRITERS as u64)).bench_function(
            "64 writers",
            |bencher| {
                bencher.iter_batched(
                    || ready(fresh(WRITERS as u64)),
                    |documents| {
                        let written = by_writers(&branch, documents, WRITERS, Precondition::Any);
                        finished(runtime.block_on(written));
                    },
                    BatchSize::PerIteration,
                );
            },
        );
        group.throughput(Throughput::Elements(IMPORT_COMMIT as u64)).bench_function(
            "import",
            |bencher| {
                bencher.iter_batched(
                    || {
                        fresh(IMPORT_COMMIT as u64)
                            .map(|number| raw(number, 0, DOCUMENT_BYTES))
                            .collect()
                    },
                    |documents: Vec<_>| finished(runtime.block_on(import(&branch, documents))),
                    BatchSize::PerIteration,
                );
            },
        );
        group.finish();
    }
}

fn reads(criterion: &mut Criterion) {
    let runtime = runtime();
    for engine in ENGINES {
        let subject = subject(engine);
        let filled = finished(runtime.block_on(scan::changed(&subject, "reads", DOCUMENTS)));
        let state = finished(runtime.block_on(head(&filled.branch)));
        let mut number = 0;
        let mut group = criterion.benchmark_group(format!("{engine}/read"));
        group.bench_function("document", |bencher| {
            bencher.to_async(&runtime).iter_custom(|reads| {
                number += 7919;
                let (state, first) = (state.clone(), number);
                async move {
                    let mut time = Duration::ZERO;
                    for read in first..first + reads {
                        let id = finished(key(read * 7919 % DOCUMENTS));
                        time += finished(point_read::read_in(&state, &id).await);
                    }
                    time
                }
            });
        });
        group.throughput(Throughput::Elements(DOCUMENTS)).bench_function("scan", |bencher| {
            bencher.iter(|| finished(runtime.block_on(scan::scan(&state, DOCUMENTS))));
        });
        group.finish();
    }
}

fn diffs(criterion: &mut Criterion) {
    let runtime = runtime();
    for engine in ENGINES {
        let subject = subject(engine);
        let filled = finished(runtime.block_on(large::with_changes(&subject, "diff", DOCUMENTS)));
        let states = finished(runtime.block_on(large::before_and_after(&filled, CHANGES)));
        criterion.bench_function(&format!("{engine}/diff of {CHANGES}"), |bencher| {
            let (before, after) = &states;
            bencher.iter(|| finished(runtime.block_on(diff::diff_of(before, after, CHANGES))));
        });
    }
}

async fn head(branch: &Branch) -> Result<argon_core::CollectionView> {
    Ok(branch.head().await?.collection(&collection()?)?)
}

fn ready(numbers: std::ops::Range<u64>) -> Vec<Ready> {
    numbers.map(|number| finished(checked(number, 0, DOCUMENT_BYTES))).collect()
}

fn subject(engine: EngineName) -> Subject {
    finished(Subject::new(engine, Scale::Quick, Path::new(env!("CARGO_TARGET_TMPDIR"))))
}

fn runtime() -> Runtime {
    finished(Runtime::new().map_err(Into::into))
}

#[expect(clippy::expect_used, reason = "there is nothing to measure after an error")]
fn finished<T>(result: Result<T>) -> T {
    result.expect("the workload succeeds")
}

criterion_group!(benches, writes, reads, diffs);
criterion_main!(benches);

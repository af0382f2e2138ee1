//! A whole client against a node in the same process, which is part of what is measured.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use xmtp_web::client::{ListOptions, MessageOptions};
use xmtp_web::groups::NewGroup;
use xmtp_web::storage::Direction;

use crate::support::World;

/// One thread, as in a browser's worker.
struct Thread {
    runtime: Runtime,
    local: LocalSet,
}

impl Thread {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            runtime,
            local: LocalSet::new(),
        }
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.local.block_on(&self.runtime, work)
    }
}

pub(crate) fn benches(criterion: &mut Criterion) {
    let thread = Thread::new();
    let world = thread.run(World::new());
    send(criterion, &thread, &world);
    for conversations in [200, 1_000] {
        lists(criterion, &thread, &world, conversations);
    }
    pages(criterion, &thread, &world);
}

fn send(criterion: &mut Criterion, thread: &Thread, world: &World) {
    let (alice, group) = thread.run(async {
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "the first").await;
        (alice, group)
    });
    let mut bench = criterion.benchmark_group("client");
    bench.sample_size(20);
    bench.bench_function("send", |bencher| {
        bencher.iter(|| thread.run(alice.say(group, "hello, how are you?")));
    });
    bench.finish();
}

fn lists(criterion: &mut Criterion, thread: &Thread, world: &World, count: usize) {
    let alice = thread.run(async {
        let alice = world.person().await;
        for _ in 0..count {
            let made = alice
                .client
                .conversations()
                .create_group_optimistic(&NewGroup::default());
            let group = made.expect("a group").id();
            alice.jot(group, "something said").await;
        }
        alice.sync().await;
        alice
    });
    let mut bench = criterion.benchmark_group("client");
    bench.sample_size(20);
    let options = ListOptions::default();
    bench.bench_function(BenchmarkId::new("list with last message", count), |bencher| {
        bencher.iter(|| {
            let listed = alice.client.conversations().list_with_last_message(&options);
            assert_eq!(black_box(listed.expect("reads")).len(), count);
        });
    });
    bench.bench_function(BenchmarkId::new("list with names and rights", count), |bencher| {
        bencher.iter(|| {
            let listed = alice.client.conversations().list(&options).expect("reads");
            for group in &listed {
                black_box(group.view().expect("reads"));
            }
            assert_eq!(listed.len(), count);
        });
    });
    bench.bench_function(BenchmarkId::new("sync idle conversations", count), |bencher| {
        bencher.iter(|| thread.run(alice.sync()));
    });
    bench.finish();
}

fn pages(criterion: &mut Criterion, thread: &Thread, world: &World) {
    const MESSAGES: usize = 10_000;
    let (alice, group) = thread.run(async {
        let alice = world.person().await;
        let made = alice
            .client
            .conversations()
            .create_group_optimistic(&NewGroup::default());
        let group = made.expect("a group");
        for index in 0..MESSAGES {
            alice.jot(group.id(), &format!("message {index}")).await;
        }
        (alice, group)
    });
    let mut bench = criterion.benchmark_group("client");
    bench.sample_size(10);
    bench.bench_function(BenchmarkId::new("page through messages", MESSAGES), |bencher| {
        bencher.iter(|| {
            let (mut read, mut older_than) = (0, None);
            loop {
                let options = MessageOptions {
                    sent_before_ns: older_than,
                    direction: Direction::Descending,
                    limit: Some(100),
                    ..Default::default()
                };
                let page = group.messages(&options).expect("reads");
                let Some(oldest) = page.last() else { break };
                older_than = Some(oldest.sent_at_ns);
                read += page.len();
            }
            assert_eq!(read, MESSAGES);
        });
    });
    bench.finish();
    drop(alice);
}

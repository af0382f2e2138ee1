//! Reading what was said while one was away.

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use openmls::prelude::tls_codec::Deserialize as _;
use openmls::prelude::{MlsGroup, MlsMessageIn, OpenMlsProvider as _, ProcessedMessageContent};
use sha2::{Digest as _, Sha256};
use xmtp_web::groups::inbound::{Envelope, receive};
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::messages::Plaintext;
use xmtp_web::messages::content::text;
use xmtp_web::mls::Provider;
use xmtp_web::storage::{DeliveryStatus, MessageKind, MessageRow, StorageError};

use crate::crowd::{Asleep, crowd};
use crate::world::{Client, NOW, Node, group_of};

/// What one answer of a node holds.
const PAGE: usize = 100;

/// A group in which somebody said much that the sleeper has not read.
struct Backlog {
    sleeper: Asleep,
    group: GroupId,
    envelopes: Vec<Envelope>,
}

fn backlog(directory: &Path, members: usize, messages: usize) -> Backlog {
    let mut node = Node::default();
    let alice = Client::new(&mut node, 1);
    let file = directory.join("sleeper.db");
    let _ = std::fs::remove_file(&file);
    let bob = Client::in_file(&mut node, 2, &file);
    let others = crowd(&mut node, members - 2);
    let group = group_of(&mut node, &[&alice, &bob]);
    if !others.is_empty() {
        alice.learn(&node);
        bob.learn(&node);
        assert!(alice.want_members(group, &others, &[]));
        alice.flush(&mut node, group);
        bob.pull(&node, group);
    }
    let read = node.messages.len();
    let mut said = Vec::new();
    alice
        .store
        .transaction(|tx| -> Result<(), StorageError> {
            let context = alice.context();
            let context = context.with(tx);
            let mut loaded = context.load(group).expect("stored");
            for index in 0..messages {
                let plaintext = Plaintext {
                    content: text::encode(&format!("message {index}, of a usual length for a chat")).encode(),
                    idempotency_key: (NOW + i64::try_from(index).expect("small")).to_string(),
                };
                let payload = loaded.encrypt(&context.provider(), context.key, &plaintext.encode());
                said.push(payload.expect("encrypts"));
            }
            Ok(())
        })
        .expect("stored");
    for payload in said {
        node.post(payload);
    }
    Backlog {
        sleeper: Asleep::new(bob, 2, &file),
        group,
        envelopes: node.messages.split_off(read),
    }
}

impl Backlog {
    /// As a client reads it.
    fn ours(&self, client: &Client) {
        for page in self.envelopes.chunks(PAGE) {
            let batch = client
                .store
                .transaction(|tx| receive(tx, &client.context(), self.group, page, false))
                .expect("no failure of our own");
            assert_eq!((batch.done, batch.changes.len()), (page.len(), page.len()));
        }
    }

    /// OpenMLS, and a row for each message.
    fn floor(&self, client: &Client) {
        let id = openmls::group::GroupId::from_slice(self.group.as_bytes());
        let mut group = MlsGroup::load(Provider::new(&client.store).storage(), &id)
            .expect("readable")
            .expect("stored");
        for page in self.envelopes.chunks(PAGE) {
            client
                .store
                .transaction(|tx| -> Result<(), StorageError> {
                    let provider = Provider::new(tx);
                    for envelope in page {
                        let message = MlsMessageIn::tls_deserialize_exact(&envelope.data).expect("a message");
                        let message = message.try_into_protocol_message().expect("of a group");
                        let processed = group.process_message(&provider, message).expect("decrypts");
                        let ProcessedMessageContent::ApplicationMessage(message) = processed.into_content()
                        else {
                            panic!("not an application message")
                        };
                        assert!(tx.insert_message(&self.row(client, envelope, message.into_bytes()))?);
                    }
                    Ok(())
                })
                .expect("stored");
        }
    }

    fn row(&self, client: &Client, envelope: &Envelope, content: Vec<u8>) -> MessageRow {
        MessageRow {
            id: MessageId::new(Sha256::digest(&envelope.data).into()),
            group_id: self.group,
            idempotency_key: String::new(),
            sent_at_ns: envelope.created_ns,
            inserted_at_ns: NOW,
            kind: MessageKind::Application,
            sender_inbox_id: client.inbox_id,
            sender_installation_id: client.key.id(),
            delivery_status: DeliveryStatus::Published,
            authority_id: "xmtp.org".into(),
            type_id: "text".into(),
            version_major: 1,
            version_minor: 0,
            reference_id: None,
            sequence_id: Some(envelope.sequence_id),
            originator_id: Some(10),
            expire_at_ns: None,
            should_push: true,
            content,
        }
    }
}

/// How much memory reading takes at most, beyond what was in use before: kilobytes. `None` where the system does not say.
fn memory_for(work: impl FnOnce()) -> Option<u64> {
    let in_use = |name: &str| {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    // The highest so far is forgotten.
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = in_use("VmRSS:")?;
    work();
    Some(in_use("VmHWM:")?.saturating_sub(before))
}

pub(crate) fn benches(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut bench = criterion.benchmark_group("backlog");
    bench.sample_size(10);
    for (members, messages) in [(2, 1_000), (2, 10_000), (400, 1_000)] {
        let backlog = backlog(directory.path(), members, messages);
        let case = format!("{messages} messages, {members} members");
        let client = backlog.sleeper.copy(directory.path());
        match memory_for(|| backlog.ours(&client)) {
            Some(kilobytes) => println!("memory for {case}: {kilobytes} KB"),
            None => println!("memory for {case}: not known on this system"),
        }
        drop(client);
        bench.throughput(Throughput::Elements(messages as u64));
        bench.bench_function(BenchmarkId::new("floor", &case), |bencher| {
            bencher.iter_batched(
                || backlog.sleeper.copy(directory.path()),
                |client| {
                    backlog.floor(&client);
                    black_box(client)
                },
                BatchSize::PerIteration,
            );
        });
        bench.bench_function(BenchmarkId::new("ours", &case), |bencher| {
            bencher.iter_batched(
                || backlog.sleeper.copy(directory.path()),
                |client| {
                    backlog.ours(&client);
                    black_box(client)
                },
                BatchSize::PerIteration,
            );
        });
    }
    bench.finish();
}

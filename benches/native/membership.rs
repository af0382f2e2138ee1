//! Joining, processing a commit and adding a member, by the size of the group.
//!
//! The state of the tree: its creator added everybody in one commit, nobody else has committed yet. That is the
//! dearest one, because the creator's path is sealed to each leaf under it.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion};
use openmls::group::JoinBuilder;
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    KeyPackageIn, MlsGroup, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider as _,
    PastEpochDeletionPolicy, ProcessedMessageContent, ProcessedWelcome, ProtocolVersion,
};
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use xmtp_web::groups::inbound::{Envelope, receive};
use xmtp_web::groups::intent::{self, Build, IntentData, Refresh};
use xmtp_web::groups::join::{Joined, Prepared, WelcomeEnvelope, receive_welcome};
use xmtp_web::groups::{Context, GroupError, view};
use xmtp_web::identity::InstallationKey;
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::mls::{Provider, VerifiedKeyPackage, key_package, welcome};
use xmtp_web::storage::{Db, StorageError, Transaction};

use crate::crowd::{Asleep, crowd, get_to_know, membership};
use crate::world::{Client, NOW, Node, group_of};

/// How many members the groups have.
const SIZES: [usize; 5] = [2, 50, 100, 250, 400];

/// How often the two of a pair are measured in turn: what slows the machine down for some seconds is in both then, and in
/// one of the ratios alone.
const ROUNDS: usize = 8;

/// A group of a size, before and after somebody comes in as the last member.
struct Scene {
    /// Made the group and adds.
    adder: Asleep,
    /// Is in the group and sees somebody come in.
    witness: Asleep,
    /// Comes in.
    newcomer: Asleep,
    group: GroupId,
    newcomer_inbox: InboxId,
    newcomer_package: Vec<u8>,
    commit: Envelope,
    welcome: WelcomeEnvelope,
    /// The same, out of the wrap that the network adds.
    mls_welcome: Vec<u8>,
}

fn scene(directory: &Path, size: usize) -> Scene {
    let mut node = Node::default();
    let files = ["adder.db", "witness.db", "newcomer.db"].map(|name| directory.join(name));
    for file in &files {
        let _ = std::fs::remove_file(file);
    }
    let mut clients = (1..)
        .zip(&files)
        .map(|(n, file)| Client::in_file(&mut node, n, file));
    let (Some(adder), Some(witness), Some(newcomer)) = (clients.next(), clients.next(), clients.next())
    else {
        panic!("three files")
    };
    drop(clients);
    let others = crowd(&mut node, size.saturating_sub(3));
    let group = group_of(&mut node, &[&adder, &witness]);
    for client in [&adder, &witness, &newcomer] {
        client.learn(&node);
        get_to_know(client, others.iter().copied());
        get_to_know(client, [adder.inbox_id, witness.inbox_id, newcomer.inbox_id]);
    }
    if !others.is_empty() {
        assert!(adder.want_members(group, &others, &[]));
        adder.flush(&mut node, group);
        witness.pull(&node, group);
    }
    // In two databases: as it is before, and one in which it happens.
    let before = directory.join("before.db");
    adder.store.close().expect("closes");
    std::fs::copy(&files[0], &before).expect("copied");
    let asleep = |number: u16, client_file: &Path, inbox_id| Asleep::at(number, client_file, inbox_id);
    let adder_inbox = membership_owner(&witness, group);
    let adder = asleep(1, &before, adder_inbox);
    let acting = asleep(1, &files[0], adder_inbox).copy(directory);
    assert!(acting.want_members(group, &[newcomer.inbox_id], &[]));
    acting.flush(&mut node, group);
    let commit = node.last().clone();
    let (_, welcome) = node.welcomes.pop().expect("the newcomer is welcomed");
    let provider = Provider::new(&newcomer.store);
    let package = newcomer.store.key_package_by_init_key(&welcome.hpke_public_key);
    let package = package.expect("readable").expect("its own");
    let private_key = welcome::init_private_key(&provider, &package.hash_ref).expect("stored");
    let opened = welcome::unwrap(&welcome.data, &welcome.metadata, &private_key).expect("opens");
    let newcomer_inbox = newcomer.inbox_id;
    let newcomer_package = node.packages[&newcomer.key.id()].clone();
    Scene {
        adder,
        witness: Asleep::new(witness, 2, &files[1]),
        newcomer: Asleep::new(newcomer, 3, &files[2]),
        group,
        newcomer_inbox,
        newcomer_package,
        commit,
        welcome,
        mls_welcome: opened.welcome,
    }
}

fn membership_owner(client: &Client, group: GroupId) -> InboxId {
    let row = client.store.group(&group).expect("readable").expect("known");
    assert!(
        membership(client, group)
            .members
            .contains_key(&row.creator_inbox_id)
    );
    row.creator_inbox_id
}

fn load(store: &Db, group: GroupId) -> MlsGroup {
    let id = openmls::group::GroupId::from_slice(group.as_bytes());
    MlsGroup::load(Provider::new(store).storage(), &id)
        .expect("readable")
        .expect("stored")
}

/// Does something within a transaction.
type Within<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&Transaction<'_>));

/// Somebody who has done the same before: statements are prepared and pages read, as in a client that has been open for a
/// while. It was undone.
fn warm(client: Client, run: impl FnOnce(&Client, Within<'_>)) -> Client {
    let undone = client.store.transaction(|tx| {
        run(&client, &mut |work| work(tx));
        Err::<(), _>(StorageError::Full)
    });
    assert_eq!(undone, Err(StorageError::Full));
    client
}

impl Scene {
    fn join(&self, client: &Client, within: Within<'_>) {
        within(&mut |tx| {
            let joined = receive_welcome(tx, &client.context(), &self.welcome, Prepared::default());
            assert_eq!(joined.expect("no failure of our own"), Joined::Group(self.group));
        });
    }

    fn join_by_openmls(&self, _: &Client, within: Within<'_>) {
        within(&mut |tx| {
            let provider = Provider::new(tx);
            let message = MlsMessageIn::tls_deserialize_exact(&self.mls_welcome).expect("a message");
            let MlsMessageBodyIn::Welcome(welcome) = message.extract() else {
                panic!("not a welcome")
            };
            let config = MlsGroupJoinConfig::builder()
                .set_past_epoch_deletion_policy(PastEpochDeletionPolicy::MaxEpochs(3))
                .use_ratchet_tree_extension(true)
                .build();
            let processed = ProcessedWelcome::new_from_welcome(&provider, &config, welcome).expect("for us");
            JoinBuilder::new(&provider, processed)
                .skip_lifetime_validation()
                .build()
                .expect("valid")
                .into_group(&provider)
                .expect("stored");
        });
    }

    fn process(&self, client: &Client, within: Within<'_>) {
        let commits = std::slice::from_ref(&self.commit);
        within(&mut |tx| self.receive(client, tx, commits));
    }

    fn receive(&self, client: &Client, tx: &Transaction<'_>, envelopes: &[Envelope]) {
        let batch = receive(tx, &client.context(), self.group, envelopes, false);
        let batch = batch.expect("no failure of our own");
        assert_eq!((batch.done, batch.changes.len()), (1, 2));
    }

    fn process_by_openmls(&self, _: &Client, within: Within<'_>) {
        within(&mut |tx| {
            let mut group = load(tx, self.group);
            let provider = Provider::new(tx);
            let message = MlsMessageIn::tls_deserialize_exact(&self.commit.data).expect("a message");
            let message = message.try_into_protocol_message().expect("of a group");
            let processed = group.process_message(&provider, message).expect("valid");
            let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
                panic!("not a commit")
            };
            group.merge_staged_commit(&provider, *staged).expect("merges");
        });
    }

    /// From the wish to the merged commit, as if the node had given it back at once.
    fn add(&self, client: &Client, within: Within<'_>) {
        let context = client.context();
        let package = key_package::verify_for(
            &context.provider(),
            &self.newcomer_package,
            InstallationKey::from_seed(&crate::wallet::seed(3)).id(),
        )
        .expect("valid");
        let mut built = None;
        within(&mut |tx| built = Some(self.build(&context.with(tx), tx, package.clone()).expect("built")));
        let Some(Build::Send(payload)) = built else {
            panic!("nothing to send")
        };
        let returned = [Envelope {
            sequence_id: self.commit.sequence_id,
            created_ns: NOW,
            data: payload.data,
        }];
        within(&mut |tx| self.receive(client, tx, &returned));
    }

    fn build(
        &self,
        context: &Context<'_>,
        tx: &Transaction<'_>,
        package: VerifiedKeyPackage,
    ) -> Result<Build, GroupError> {
        let membership = view::membership(context, self.group)?;
        let refresh = Refresh {
            add: [self.newcomer_inbox].into(),
            ..Default::default()
        };
        let update: Option<IntentData> = intent::membership_update(context, &membership, &refresh)?;
        let id = intent::queue(context, self.group, &update.expect("somebody is new"))?;
        let intent = tx.intent(id)?.expect("just queued");
        let packages = [(package.installation_id(), Some(package))].into();
        intent::build(tx, context, &intent, packages)
    }

    fn add_by_openmls(&self, client: &Client, within: Within<'_>) {
        within(&mut |tx| {
            let mut group = load(tx, self.group);
            let provider = Provider::new(tx);
            let package = KeyPackageIn::tls_deserialize_exact(&self.newcomer_package).expect("a package");
            let package = package
                .validate(provider.crypto(), ProtocolVersion::Mls10)
                .expect("valid");
            let (commit, welcome, _) = group
                .add_members(&provider, &PlainSigner(&client.key), &[package])
                .expect("staged");
            black_box(commit.tls_serialize_detached().expect("serializes"));
            black_box(welcome.tls_serialize_detached().expect("serializes"));
            group.merge_pending_commit(&provider).expect("merges");
        });
    }
}

/// The installation's key as OpenMLS takes it.
struct PlainSigner<'a>(&'a InstallationKey);

impl Signer for PlainSigner<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

pub(crate) fn benches(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    type Who = fn(&Scene) -> &Asleep;
    type Run = fn(&Scene, &Client, Within<'_>);
    let cases: [(&str, Who, Run, Run); 3] = [
        (
            "join",
            |scene| &scene.newcomer,
            Scene::join,
            Scene::join_by_openmls,
        ),
        (
            "process a commit",
            |scene| &scene.witness,
            Scene::process,
            Scene::process_by_openmls,
        ),
        (
            "add a member",
            |scene| &scene.adder,
            Scene::add,
            Scene::add_by_openmls,
        ),
    ];
    for size in SIZES.into_iter().filter(|size| *size > 2) {
        let scene = scene(directory.path(), size);
        for (name, who, ours, floor) in cases {
            for round in 0..ROUNDS {
                // Within one group of criterion's a name is taken once.
                let mut bench = criterion.benchmark_group(name);
                bench
                    .sample_size(10)
                    .warm_up_time(Duration::from_millis(300))
                    .measurement_time(Duration::from_secs(1));
                let mut pair = [("floor", floor), ("ours", ours)];
                // In another order each time, so that neither always follows the other.
                pair.rotate_left(round % 2);
                for (label, run) in pair {
                    bench.bench_function(BenchmarkId::new(label, size), |bencher| {
                        bencher.iter_batched(
                            || {
                                let client = who(&scene).copy(directory.path());
                                warm(client, |client, within| run(&scene, client, within))
                            },
                            |client| {
                                run(&scene, &client, &mut |work| {
                                    let done = client.store.transaction(|tx| {
                                        work(tx);
                                        Ok::<_, StorageError>(())
                                    });
                                    done.expect("stored");
                                });
                                black_box(client)
                            },
                            BatchSize::PerIteration,
                        );
                    });
                }
                bench.finish();
            }
        }
    }
}

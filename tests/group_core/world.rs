//! A node that keeps everything in lists, and clients that are carried to it by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use xmtp_web::groups::inbound::{Batch, Envelope, receive};
use xmtp_web::groups::intent::{self, Build, IntentData, Payload, Refresh};
use xmtp_web::groups::join::{Joined, Prepared, WelcomeEnvelope, receive_welcome};
use xmtp_web::groups::{Context, GroupError, MutableMetadata, NewGroup, create, view};
use xmtp_web::identity::{InstallationKey, SignatureRequest};
use xmtp_web::ids::{GroupId, InboxId, InstallationId, MessageId};
use xmtp_web::messages::content::text;
use xmtp_web::mls::{CommitPlan, ContextChange, VerifiedKeyPackage, key_package, welcome};
use xmtp_web::proto::xmtp::mls::message_contents::WelcomeMetadata;
use xmtp_web::storage::{
    AttemptRow, IdentityUpdateRow, IntentId, IntentRow, IntentState, KeyPackageRow, MessageKind,
    MessageQuery, MessageRow, Store, StoreOptions,
};

use crate::wallet::{Wallet, seed};

/// When everything happens, in nanoseconds since the Unix epoch.
pub(crate) const NOW: i64 = 1_800_000_000_000_000_000;

/// What a node keeps.
#[derive(Default)]
pub(crate) struct Node {
    pub(crate) identity: Vec<IdentityUpdateRow>,
    pub(crate) packages: BTreeMap<InstallationId, Vec<u8>>,
    pub(crate) messages: Vec<Envelope>,
    pub(crate) welcomes: Vec<(InstallationId, WelcomeEnvelope)>,
}

impl Node {
    pub(crate) fn post(&mut self, data: Vec<u8>) -> u64 {
        let sequence_id = self.messages.len() as u64 + 1;
        let created_ns = NOW + i64::try_from(sequence_id).expect("small");
        self.messages.push(Envelope {
            sequence_id,
            created_ns,
            data,
        });
        sequence_id
    }

    pub(crate) fn last(&self) -> &Envelope {
        self.messages.last().expect("something was posted")
    }

    /// The number of the newest identity update of an inbox.
    pub(crate) fn newest_update(&self, inbox_id: InboxId) -> u64 {
        let of_inbox = self.identity.iter().filter(|row| row.inbox_id == inbox_id);
        of_inbox.map(|row| row.sequence_id).max().expect("registered")
    }

    pub(crate) fn publish_update(&mut self, inbox_id: InboxId, payload: Vec<u8>) -> IdentityUpdateRow {
        let sequence_id = self.identity.len() as u64 + 100;
        let row = IdentityUpdateRow {
            inbox_id,
            sequence_id,
            server_timestamp_ns: NOW,
            payload,
        };
        self.identity.push(row.clone());
        row
    }
}

/// An installation.
pub(crate) struct Client {
    pub(crate) store: Store,
    pub(crate) key: InstallationKey,
    pub(crate) wallet: Wallet,
    pub(crate) inbox_id: InboxId,
    pub(crate) now_ns: i64,
    /// The protocol version it says it has.
    pub(crate) version: &'static str,
}

impl Client {
    /// A new inbox with this as its one installation; the number picks wallet and key.
    pub(crate) fn new(node: &mut Node, number: u16) -> Self {
        Self::with_store(node, number, Store::open(StoreOptions::memory()).expect("memory"))
    }

    /// As [`Client::new`], in a file.
    pub(crate) fn in_file(node: &mut Node, number: u16, path: &Path) -> Self {
        Self::with_store(
            node,
            number,
            Store::open(StoreOptions::file(path)).expect("a file"),
        )
    }

    fn with_store(node: &mut Node, number: u16, store: Store) -> Self {
        let (wallet, key) = (Wallet(number), InstallationKey::from_seed(&seed(number)));
        let update = wallet.new_inbox(&key);
        node.publish_update(update.inbox_id, update.to_bytes());
        let client = Self {
            store,
            key,
            wallet,
            inbox_id: update.inbox_id,
            now_ns: NOW,
            version: "1.10.0",
        };
        client.publish_key_package(node);
        client.learn(node);
        client
    }

    /// One more installation of this inbox.
    pub(crate) fn second_installation(&self, node: &mut Node, number: u16) -> Self {
        let key = InstallationKey::from_seed(&seed(number));
        let state = match xmtp_web::identity::resolve(
            &self.store,
            self.inbox_id,
            xmtp_web::identity::LogPosition::Newest,
        ) {
            Ok(xmtp_web::identity::Resolved::State(state)) => state,
            other => panic!("{other:?}"),
        };
        let request =
            SignatureRequest::new_installation(&state, self.wallet.identifier(), key.id(), 5_000_000_000)
                .expect("there is room");
        let update = self.wallet.complete(request, Some(&key));
        node.publish_update(self.inbox_id, update.to_bytes());
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let client = Self {
            store,
            key,
            wallet: self.wallet,
            inbox_id: self.inbox_id,
            now_ns: NOW,
            version: "1.10.0",
        };
        client.publish_key_package(node);
        client.learn(node);
        client
    }

    /// Revokes an installation of this inbox.
    pub(crate) fn revoke(&self, node: &mut Node, installation: InstallationId) {
        let identifier = self.wallet.identifier();
        let request =
            SignatureRequest::revoke_installations(self.inbox_id, identifier, &[installation], 9_000_000_000)
                .expect("something to revoke");
        let update = self.wallet.complete(request, None);
        node.publish_update(self.inbox_id, update.to_bytes());
    }

    fn publish_key_package(&self, node: &mut Node) {
        let context = self.context();
        let package = key_package::generate(&context.provider(), &self.key, self.inbox_id).expect("made");
        self.store
            .insert_key_package(&KeyPackageRow {
                hash_ref: package.hash_ref,
                init_key: package.init_key,
                created_at_ns: NOW,
                delete_at_ns: None,
            })
            .expect("stored");
        node.packages.insert(self.key.id(), package.tls);
    }

    /// Fetches all identity logs.
    pub(crate) fn learn(&self, node: &Node) {
        self.store
            .insert_identity_updates(&node.identity)
            .expect("stored");
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            db: &self.store,
            key: &self.key,
            inbox_id: self.inbox_id,
            now_ns: self.now_ns,
            own_version: self.version,
        }
    }

    pub(crate) fn create(&self) -> GroupId {
        create::create_group(&self.context(), &NewGroup::default())
            .expect("made")
            .id
    }

    pub(crate) fn want(&self, group: GroupId, data: &IntentData) -> IntentId {
        intent::queue(&self.context(), group, data).expect("queued")
    }

    pub(crate) fn want_field(&self, group: GroupId, field: &str, value: &str) -> IntentId {
        self.want(
            group,
            &IntentData::UpdateMetadata {
                field: field.into(),
                value: value.into(),
            },
        )
    }

    /// Queues the membership update the group needs. Answers whether it needs one.
    pub(crate) fn want_members(&self, group: GroupId, add: &[InboxId], remove: &[InboxId]) -> bool {
        let context = self.context();
        let membership = view::membership(&context, group).expect("decodes");
        let refresh = Refresh {
            add: add.iter().copied().collect(),
            remove: remove.iter().copied().collect(),
        };
        let update = intent::membership_update(&context, &membership, &refresh).expect("everybody is known");
        update.is_some_and(|data| {
            self.want(group, &data);
            true
        })
    }

    pub(crate) fn say(&self, group: GroupId, words: &str) -> MessageId {
        intent::queue_message(
            &self.context(),
            group,
            text::encode(words).encode(),
            Some(words.into()),
            true,
        )
        .expect("queued")
    }

    /// Builds the payload of the next intent.
    pub(crate) fn build(
        &self,
        node: &Node,
        group: GroupId,
    ) -> Result<Option<(IntentRow, Build)>, GroupError> {
        let context = self.context();
        let Some(intent) = intent::next(&context, group)? else {
            return Ok(None);
        };
        let packages = self
            .store
            .transaction(|tx| intent::members_to_fetch(tx, &context, &intent))?
            .into_keys()
            .map(|id| {
                let fetched = node.packages.get(&id);
                let package: Option<VerifiedKeyPackage> =
                    fetched.and_then(|tls| key_package::verify_standalone(tls).ok());
                (id, package)
            })
            .collect();
        let built = self
            .store
            .transaction(|tx| intent::build(tx, &context, &intent, packages))?;
        Ok(Some((intent, built)))
    }

    /// Builds the payload of the next intent, which there is.
    pub(crate) fn payload(&self, node: &Node, group: GroupId) -> Payload {
        match self.build(node, group) {
            Ok(Some((_, Build::Send(payload)))) => payload,
            other => panic!("{other:?}"),
        }
    }

    /// Commits without being judged, as a peer may: the payload, with an intent that knows it as its own.
    pub(crate) fn force(&self, group: GroupId, plan: CommitPlan) -> Vec<u8> {
        self.force_with_welcome(group, plan).0
    }

    /// As [`Client::force`], with the MLS welcome for those it adds.
    pub(crate) fn force_with_welcome(&self, group: GroupId, plan: CommitPlan) -> (Vec<u8>, Option<Vec<u8>>) {
        let context = self.context();
        let mut loaded = context.load(group).expect("stored");
        let epoch = loaded.epoch();
        let made = loaded.stage_commit(context.provider(), &self.key, plan);
        let made = made.expect("staged");
        let intent_id = self.want(group, &IntentData::KeyUpdate);
        self.store
            .insert_attempt(&AttemptRow {
                intent_id,
                payload_hash: Sha256::digest(&made.payload).into(),
                published_in_epoch: epoch,
                staged_commit: Some(made.staged),
                post_commit: None,
                payload: Some(made.payload.clone()),
            })
            .expect("stored");
        (made.payload, made.welcome)
    }

    /// As [`Client::force`], for other metadata.
    pub(crate) fn force_metadata(
        &self,
        group: GroupId,
        change: impl FnOnce(&mut MutableMetadata),
    ) -> Vec<u8> {
        let mut metadata = self.metadata(group);
        change(&mut metadata);
        let change = Some(ContextChange::MutableMetadata(metadata.encode()));
        self.force(
            group,
            CommitPlan {
                change,
                ..Default::default()
            },
        )
    }

    /// Forgets what it wanted.
    pub(crate) fn give_up(&self, group: GroupId) {
        for intent in self.intents(group) {
            intent::complete(&self.context(), intent.id).expect("forgotten");
        }
    }

    pub(crate) fn pull(&self, node: &Node, group: GroupId) -> Batch {
        self.pull_of(&node.messages, group, false)
    }

    pub(crate) fn pull_of(&self, envelopes: &[Envelope], group: GroupId, fetched: bool) -> Batch {
        self.store
            .transaction(|tx| receive(tx, &self.context(), group, envelopes, fetched))
            .expect("no failure of our own")
    }

    /// Sends the welcomes of commits that were accepted.
    pub(crate) fn finish(&self, node: &mut Node, group: GroupId) {
        let context = self.context();
        for (intent, cursor, post_commit) in intent::to_complete(&context, group).expect("readable") {
            let metadata = WelcomeMetadata {
                message_cursor: cursor,
            }
            .encode_to_vec();
            for recipient in post_commit.recipients {
                let wrapped =
                    welcome::wrap(&post_commit.welcome, &metadata, &recipient.init_key).expect("sealed");
                let sequence_id = node.welcomes.len() as u64 + 1;
                node.welcomes.push((
                    recipient.installation_id,
                    WelcomeEnvelope {
                        sequence_id,
                        created_ns: NOW,
                        data: wrapped.data,
                        hpke_public_key: recipient.init_key,
                        curve25519: true,
                        metadata: wrapped.metadata,
                    },
                ));
            }
            intent::complete(&context, intent).expect("forgotten");
        }
    }

    /// Sends all that waits, one payload at a time, reading in between.
    pub(crate) fn flush(&self, node: &mut Node, group: GroupId) {
        self.pull(node, group);
        while let Some((_, built)) = self.build(node, group).expect("builds") {
            match built {
                Build::Send(payload) => node.post(payload.data),
                Build::Done => continue,
                other => panic!("{other:?}"),
            };
            self.pull(node, group);
            self.finish(node, group);
        }
    }

    /// Processes all welcomes.
    pub(crate) fn accept(&self, node: &Node) -> Vec<Joined> {
        node.welcomes
            .iter()
            .filter(|(to, _)| *to == self.key.id())
            .map(|(_, envelope)| self.welcome(envelope))
            .collect()
    }

    pub(crate) fn welcome(&self, envelope: &WelcomeEnvelope) -> Joined {
        self.welcome_prepared(envelope, Prepared::default())
    }

    /// Processes a welcome again, after everything of its group was read.
    pub(crate) fn welcome_after_reading(&self, envelope: &WelcomeEnvelope) -> Joined {
        self.welcome_prepared(
            envelope,
            Prepared {
                read: true,
                ..Default::default()
            },
        )
    }

    fn welcome_prepared(&self, envelope: &WelcomeEnvelope, prepared: Prepared) -> Joined {
        self.store
            .transaction(|tx| receive_welcome(tx, &self.context(), envelope, prepared))
            .expect("no failure of our own")
    }

    pub(crate) fn epoch(&self, group: GroupId) -> u64 {
        self.context().load(group).expect("stored").epoch()
    }

    pub(crate) fn authenticator(&self, group: GroupId) -> Vec<u8> {
        self.context()
            .load(group)
            .expect("stored")
            .epoch_authenticator()
            .to_vec()
    }

    pub(crate) fn is_active(&self, group: GroupId) -> bool {
        self.context().load(group).expect("stored").is_active()
    }

    pub(crate) fn metadata(&self, group: GroupId) -> MutableMetadata {
        view::group(&self.context(), group).expect("readable").metadata
    }

    pub(crate) fn members(&self, group: GroupId) -> BTreeSet<InboxId> {
        view::membership(&self.context(), group)
            .expect("readable")
            .members
            .into_keys()
            .collect()
    }

    pub(crate) fn rows(&self, group: GroupId) -> Vec<MessageRow> {
        self.store
            .messages(&MessageQuery::group(group), self.now_ns)
            .expect("readable")
    }

    /// The texts people wrote, in the order of their rows.
    pub(crate) fn texts(&self, group: GroupId) -> Vec<String> {
        let rows = self.rows(group);
        rows.into_iter()
            .filter(|row| row.kind == MessageKind::Application)
            .map(|row| row.idempotency_key)
            .collect()
    }

    pub(crate) fn intents(&self, group: GroupId) -> Vec<IntentRow> {
        use IntentState::{Committed, Error, Processed, Published, ToPublish};
        self.store
            .intents(&group, &[ToPublish, Published, Committed, Error, Processed])
            .expect("readable")
    }
}

/// A group made by the first of the clients, with all others in it and everybody's keys renewed.
pub(crate) fn group_of(node: &mut Node, clients: &[&Client]) -> GroupId {
    let [creator, others @ ..] = clients else {
        panic!("nobody")
    };
    for client in clients {
        client.learn(node);
    }
    let group = creator.create();
    let inboxes: Vec<_> = others.iter().map(|client| client.inbox_id).collect();
    assert!(creator.want_members(group, &inboxes, &[]));
    creator.flush(node, group);
    for client in others {
        assert_eq!(client.accept(node), [Joined::Group(group)]);
        // keeps the renewal of a joiner's keys out of tests about something else
        client.store.set_group_rotated(&group, NOW).expect("stored");
    }
    group
}

/// Everybody reads everything; then all are in one epoch.
pub(crate) fn settle(node: &Node, clients: &[&Client], group: GroupId) {
    for client in clients {
        let batch = client.pull(node, group);
        assert_eq!((batch.done, batch.stop), (node.messages.len(), None));
        assert_eq!(client.authenticator(group), clients[0].authenticator(group));
    }
}

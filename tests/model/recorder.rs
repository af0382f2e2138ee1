//! A silent member of every group that reads along with plain OpenMLS and lets the model judge.

use std::collections::{BTreeMap, BTreeSet};

use openmls::prelude::tls_codec::{Deserialize as _, VLBytes};
use openmls::prelude::{
    BasicCredential, Credential, Extensions, LeafNodeIndex, MlsGroup, MlsMessageIn, OpenMlsProvider as _,
    ProcessedMessage, ProcessedMessageContent, Proposal, Sender, StagedCommit,
};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use xmtp_web::groups::{GroupMembership, MutableMetadata, PolicySet};
use xmtp_web::ids::{GroupId, InboxId, InstallationId, MessageId};
use xmtp_web::messages::Plaintext;
use xmtp_web::mls::Provider;
use xmtp_web::proto::xmtp::identity::MlsCredential;
use xmtp_web::storage::{StorageError, Store, StoreOptions};

use crate::judge::{Commit, Leaf, State, judge};
use crate::registry::Registry;
use crate::support::World;

/// A message that counts, and who must have it in the end: whoever stayed in the tree since.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) id: MessageId,
    pub(crate) readers: BTreeSet<InstallationId>,
}

/// What the node has of one group, understood.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) state: State,
    pub(crate) heard: Vec<Heard>,
    /// In the tree without ever having been welcomed: a dishonest member added them.
    pub(crate) stranded: BTreeSet<InstallationId>,
    /// Hashes of the commits that were accepted.
    pub(crate) accepted: BTreeSet<[u8; 32]>,
    /// How many commits were refused, by the rule.
    pub(crate) refused: BTreeMap<&'static str, usize>,
    /// From which epoch on an installation has been in the tree.
    since: BTreeMap<InstallationId, u64>,
    /// The last envelope that was read.
    after: u64,
}

pub(crate) struct Recorder {
    store: Store,
    pub(crate) records: BTreeMap<GroupId, Record>,
}

/// Why an envelope changes nothing; undoes what reading it did.
enum Nothing {
    Refused(&'static str),
    Storage(StorageError),
}

impl From<StorageError> for Nothing {
    fn from(error: StorageError) -> Self {
        Nothing::Storage(error)
    }
}

enum Understood {
    Commit(Box<State>, BTreeSet<InstallationId>),
    /// A message and the epoch it was written in.
    Heard(MessageId, u64),
}

fn named(credential: &Credential) -> Option<InboxId> {
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    MlsCredential::decode(basic.identity())
        .ok()?
        .inbox_id
        .parse()
        .ok()
}

fn device(key: &[u8]) -> InstallationId {
    InstallationId::try_from(key).expect("32 bytes")
}

fn leaf_at(group: &MlsGroup, index: LeafNodeIndex) -> Option<Leaf> {
    let member = group.member_at(index)?;
    Some((named(&member.credential), device(&member.signature_key)))
}

fn raw(extensions: &Extensions<openmls::group::GroupContext>, number: u16) -> Option<Vec<u8>> {
    extensions.unknown(number).map(|extension| extension.0.clone())
}

fn load(store: &xmtp_web::storage::Db, id: GroupId) -> MlsGroup {
    let id = openmls::group::GroupId::from_slice(id.as_bytes());
    MlsGroup::load(Provider::new(store).storage(), &id)
        .expect("readable")
        .expect("stored")
}

fn leaves(group: &MlsGroup) -> BTreeSet<InstallationId> {
    group
        .members()
        .map(|member| device(&member.signature_key))
        .collect()
}

impl Recorder {
    /// Of a client that has joined these groups and was closed.
    pub(crate) fn new(file: &std::path::Path, groups: &[(GroupId, u64)]) -> Self {
        let store = Store::open(StoreOptions::file(file)).expect("opens");
        let records = groups.iter().map(|(id, after)| {
            let group = load(&store, *id);
            let context = group.extensions();
            let state = State {
                epoch: group.epoch().as_u64(),
                authenticator: group.epoch_authenticator().as_slice().to_vec(),
                membership: GroupMembership::decode(raw(context, 0xFF01).as_deref()).expect("decodes"),
                metadata: MutableMetadata::decode(raw(context, 0xFF00).as_deref()).expect("decodes"),
                policies: PolicySet::decode(raw(context, 0xFF02).as_deref()).expect("decodes"),
                leaves: leaves(&group),
            };
            let record = Record {
                since: state.leaves.iter().map(|device| (*device, 0)).collect(),
                state,
                heard: Vec::new(),
                stranded: BTreeSet::new(),
                accepted: BTreeSet::new(),
                refused: BTreeMap::new(),
                after: *after,
            };
            (*id, record)
        });
        let records = records.collect();
        Self { store, records }
    }

    /// Reads everything the node has. `forged` are the commits that dishonest ones made by hand.
    pub(crate) async fn read(&mut self, world: &World, registry: &Registry, forged: &BTreeSet<[u8; 32]>) {
        for (id, record) in &mut self.records {
            loop {
                let page = world.api().query_group_messages(*id, record.after).await;
                let page = page.expect("the node answers");
                for envelope in page.items {
                    record.after = envelope.id;
                    record.take(&self.store, *id, &envelope.data, registry, forged);
                }
                if page.next.is_none() {
                    break;
                }
            }
        }
    }
}

impl Record {
    fn take(
        &mut self,
        store: &Store,
        id: GroupId,
        data: &[u8],
        registry: &Registry,
        forged: &BTreeSet<[u8; 32]>,
    ) {
        let understood = store.transaction(|tx| understand(tx, id, data, &self.state, registry));
        match understood {
            Ok(Understood::Heard(message, epoch)) => {
                if self.heard.iter().all(|heard| heard.id != message) {
                    let there = self.since.iter().filter(|(_, since)| **since <= epoch);
                    let readers = there.map(|(device, _)| *device).collect();
                    self.heard.push(Heard { id: message, readers });
                }
            }
            Ok(Understood::Commit(state, added)) => {
                let hash = Sha256::digest(data).into();
                self.accepted.insert(hash);
                for heard in &mut self.heard {
                    // who is removed, or added again, need not have what was said before
                    heard
                        .readers
                        .retain(|reader| state.leaves.contains(reader) && !added.contains(reader));
                }
                self.stranded
                    .retain(|device| state.leaves.contains(device) && !added.contains(device));
                self.state = *state;
                self.since
                    .retain(|device, _| self.state.leaves.contains(device) && !added.contains(device));
                self.since
                    .extend(added.iter().map(|device| (*device, self.state.epoch)));
                self.stranded
                    .extend(added.into_iter().filter(|_| forged.contains(&hash)));
            }
            Err(Nothing::Refused(rule)) => *self.refused.entry(rule).or_default() += 1,
            Err(Nothing::Storage(error)) => panic!("{error}"),
        }
    }
}

fn understand(
    tx: &xmtp_web::storage::Transaction<'_>,
    id: GroupId,
    data: &[u8],
    before: &State,
    registry: &Registry,
) -> Result<Understood, Nothing> {
    let refuse = Nothing::Refused;
    let mut group = load(tx, id);
    let provider = Provider::new(tx);
    let message = MlsMessageIn::tls_deserialize_exact(data)
        .ok()
        .and_then(|message| message.try_into_protocol_message().ok())
        .ok_or(refuse("a message is one"))?;
    if message.group_id() != group.group_id() {
        return Err(refuse("a message is of its group"));
    }
    let epoch = message.epoch().as_u64();
    let is_private = matches!(message, openmls::prelude::ProtocolMessage::PrivateMessage(_));
    let processed: ProcessedMessage = group
        .process_message(&provider, message)
        .map_err(|_| refuse("MLS accepts it"))?;
    if !is_private {
        return Err(refuse("only private messages"));
    }
    let Sender::Member(index) = *processed.sender() else {
        return Err(refuse("members speak"));
    };
    let sender = leaf_at(&group, index).ok_or(refuse("members speak"))?;
    let claimed = named(processed.credential());
    match processed.into_content() {
        ProcessedMessageContent::ApplicationMessage(message) => {
            let inbox = sender
                .0
                .filter(|_| sender.0 == claimed)
                .ok_or(refuse("a speaker is known"))?;
            let update = before
                .membership
                .members
                .get(&inbox)
                .ok_or(refuse("a speaker is a member"))?;
            let speaks = registry
                .at(inbox, *update)
                .is_some_and(|set| set.contains(&sender.1));
            if !speaks {
                return Err(refuse("a speaker speaks for itself"));
            }
            match Plaintext::decode(&message.into_bytes()) {
                Ok(Some(plaintext)) => Ok(Understood::Heard(plaintext.message_id(id), epoch)),
                _ => Err(refuse("a message says something")),
            }
        }
        ProcessedMessageContent::StagedCommitMessage(staged) => {
            let commit = described(&group, &staged, sender);
            let state = judge(before, &commit, registry).map_err(refuse)?;
            group.merge_staged_commit(&provider, *staged).expect("merges");
            let added = commit.added.iter().map(|(_, device)| *device).collect();
            let state = State {
                epoch: group.epoch().as_u64(),
                authenticator: group.epoch_authenticator().as_slice().to_vec(),
                leaves: leaves(&group),
                ..state
            };
            Ok(Understood::Commit(Box::new(state), added))
        }
        _ => Err(refuse("nothing but messages and commits")),
    }
}

fn described(group: &MlsGroup, staged: &StagedCommit, committer: Leaf) -> Commit {
    let after = staged.group_context().extensions();
    let mut commit = Commit {
        committer,
        path: staged
            .update_path_leaf_node()
            .map(|leaf| (named(leaf.credential()), device(leaf.signature_key().as_slice()))),
        added: Vec::new(),
        removed: Vec::new(),
        strange: false,
        metadata: raw(after, 0xFF00),
        membership: raw(after, 0xFF01),
        permissions: raw(after, 0xFF02),
    };
    for proposal in staged.queued_proposals() {
        match proposal.proposal() {
            Proposal::Add(add) => {
                let leaf = add.key_package().leaf_node();
                let key = device(leaf.signature_key().as_slice());
                commit.added.push((named(leaf.credential()), key));
            }
            Proposal::Remove(remove) => {
                commit
                    .removed
                    .push(leaf_at(group, remove.removed()).expect("MLS checked it"));
            }
            Proposal::GroupContextExtensions(change) => {
                // what cannot change is still there
                let fixed = raw(change.extensions(), 0xF000);
                let reads = fixed.is_some_and(|bytes| VLBytes::tls_deserialize_exact(bytes).is_ok());
                commit.strange |= !reads;
            }
            _ => commit.strange = true,
        }
    }
    commit
}

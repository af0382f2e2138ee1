//! What dishonest members make by hand: commits that nobody would have judged, old payloads once more, garbage.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use xmtp_web::groups::intent::{self, IntentData};
use xmtp_web::groups::{Context, GroupMembership, MutableMetadata, PolicySet, Preset, field, view};
use xmtp_web::identity::InstallationKey;
use xmtp_web::ids::{GroupId, InboxId, InstallationId};
use xmtp_web::mls::{CommitPlan, ContextChange, Group, Provider, key_package};
use xmtp_web::platform::Platform as _;
use xmtp_web::storage::{AttemptRow, IntentState, StorageError, Store, StoreOptions};
use xmtp_web::transport::calls::OutgoingGroupMessage;

use crate::registry::Registry;
use crate::support::{Chance, World};

/// Somebody a forgery is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) inbox: InboxId,
    pub(crate) device: InstallationId,
}

/// Something made by hand.
pub(crate) struct Forgery {
    pub(crate) data: Vec<u8>,
    pub(crate) is_commit: bool,
    /// No member in any position could do this.
    pub(crate) hopeless: bool,
}

/// A dishonest member, at its own database.
pub(crate) struct Forger<'a> {
    store: Store,
    key: InstallationKey,
    inbox: InboxId,
    world: &'a World,
    group: GroupId,
    metadata: MutableMetadata,
    policies: PolicySet,
    membership: GroupMembership,
}

impl<'a> Forger<'a> {
    /// `None`: it is no member.
    pub(crate) fn new(world: &'a World, file: &Path, group: GroupId) -> Option<Self> {
        let store = Store::open(StoreOptions::file(file)).expect("opens");
        let identity = store.identity().expect("readable").expect("registered");
        let key = InstallationKey::from_seed(identity.installation_seed.as_bytes());
        let context = Context {
            db: &store,
            key: &key,
            inbox_id: identity.inbox_id,
            now_ns: 0,
            own_version: "1.10.0",
        };
        let seen = view::group(&context, group).ok().filter(|seen| seen.is_active)?;
        let membership = view::membership(&context, group).expect("decodes");
        Some(Self {
            inbox: identity.inbox_id,
            world,
            group,
            metadata: seen.metadata,
            policies: seen.permissions,
            membership,
            store,
            key,
        })
    }

    fn context(&self) -> Context<'_> {
        Context {
            db: &self.store,
            key: &self.key,
            inbox_id: self.inbox,
            now_ns: i64::try_from(self.world.machine.now_ns()).expect("in range"),
            own_version: "1.10.0",
        }
    }

    /// Does something to the group and undoes it.
    fn undone<T>(&self, act: impl FnOnce(&mut Group, &Provider<'_>) -> Option<T>) -> Option<T> {
        let mut made = None;
        let undone = self.store.transaction(|tx| -> Result<(), StorageError> {
            let provider = Provider::new(tx);
            let mut group = Group::load(&provider, self.group).expect("stored");
            made = act(&mut group, &provider);
            Err(StorageError::Full)
        });
        assert_eq!(undone, Err(StorageError::Full));
        made
    }

    /// Commits without being judged, and keeps what it takes to follow should others accept it.
    fn commit(&self, plan: CommitPlan) -> Option<Vec<u8>> {
        let provider = || Provider::new(&self.store);
        let mut group = Group::load(&provider(), self.group).expect("stored");
        let epoch = group.epoch();
        let made = group.stage_commit(provider(), &self.key, plan).ok()?;
        let intent_id = intent::queue(&self.context(), self.group, &IntentData::KeyUpdate).expect("queued");
        self.store
            .set_intent_state(intent_id, IntentState::Published)
            .expect("stored");
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
        Some(made.payload)
    }

    fn change(&self, change: ContextChange) -> Option<Vec<u8>> {
        self.commit(CommitPlan {
            change: Some(change),
            ..Default::default()
        })
    }

    fn metadata(&self, edit: impl FnOnce(&mut MutableMetadata)) -> Option<Vec<u8>> {
        let mut metadata = self.metadata.clone();
        edit(&mut metadata);
        self.change(ContextChange::MutableMetadata(metadata.encode()))
    }

    fn field(&self, name: &str, value: &str) -> Option<Vec<u8>> {
        self.metadata(|metadata| {
            metadata.attributes.insert(name.into(), value.into());
        })
    }

    fn members(&self, edit: impl FnOnce(&mut GroupMembership), plan: CommitPlan) -> Option<Vec<u8>> {
        let mut membership = self.membership.clone();
        edit(&mut membership);
        self.commit(CommitPlan {
            change: Some(ContextChange::Membership(membership.encode())),
            ..plan
        })
    }

    async fn leaf_of(&self, device: InstallationId) -> CommitPlan {
        let fetched = self.world.api().fetch_key_packages(&[device]).await;
        let tls = fetched.ok().and_then(|list| list.into_iter().next().flatten());
        let package = tls.and_then(|tls| key_package::verify_standalone(&tls).ok());
        CommitPlan {
            add: package.into_iter().collect(),
            ..Default::default()
        }
    }

    fn is_super_admin(&self, inbox: InboxId) -> bool {
        self.metadata.is_super_admin(inbox)
    }
}

fn without(devices: &[InstallationId]) -> CommitPlan {
    CommitPlan {
        remove: devices.to_vec(),
        ..Default::default()
    }
}

/// How many kinds of forged commits there are.
const COMMITS: usize = 22;

/// One that stories do not tell unless it is a favourite: nobody is an admin any more.
pub(crate) const NO_ADMINS: usize = COMMITS;

/// Makes something by hand. `past` is what the group's topic has seen; of `favourites`, if there are any, commits are
/// chosen.
pub(crate) async fn forge(
    forger: Option<Forger<'_>>,
    targets: &[Target],
    registry: &Registry,
    past: &[Vec<u8>],
    favourites: &[usize],
    chance: &mut Chance,
) -> Vec<Forgery> {
    let (Some(forger), false) = (forger, chance.once_in(5)) else {
        return garbage(past, chance);
    };
    let kind = match favourites {
        [] => chance.below(COMMITS),
        favourites => *chance.of(favourites),
    };
    let target = *chance.of(targets);
    let n = chance.below(1000);
    let own = forger.inbox.to_string();
    let is_super = forger.is_super_admin(forger.inbox);
    let protected = forger.is_super_admin(target.inbox);
    let is_member = forger.membership.members.contains_key(&target.inbox);
    let newest = registry.newest(target.inbox);
    let (hopeless, data) = match kind {
        0 => (false, forger.field(field::NAME, &format!("forged {n}"))),
        1 => (false, forger.field(field::DISAPPEAR_IN_NS, "0")),
        2 => (
            !is_super,
            forger.metadata(|metadata| metadata.super_admins.push(own)),
        ),
        3 => {
            let friend = target.inbox.to_string();
            (false, forger.metadata(|metadata| metadata.admins.push(friend)))
        }
        4 => (true, forger.field(field::NAME, &"n".repeat(101))),
        5 => {
            let plan = without(&[target.device]);
            let gone = forger.members(
                |membership| {
                    membership.members.remove(&target.inbox);
                },
                plan,
            );
            (protected || !is_member, gone.filter(|_| is_member))
        }
        6 => (
            true,
            forger.commit(without(&[target.device])).filter(|_| is_member),
        ),
        7 => {
            let plan = forger.leaf_of(target.device).await;
            let adds = !is_member && !plan.add.is_empty();
            (true, forger.commit(plan).filter(|_| adds))
        }
        8 | 9 => {
            let plan = forger.leaf_of(target.device).await;
            let adds = !is_member && !plan.add.is_empty();
            let added = forger.members(
                |membership| {
                    membership.members.insert(target.inbox, newest);
                },
                plan,
            );
            (false, added.filter(|_| adds))
        }
        10 => {
            let less = forger.members(
                |membership| {
                    membership.members.insert(target.inbox, 0);
                },
                CommitPlan::default(),
            );
            (true, less)
        }
        11 => {
            let mut policies = PolicySet::preset(*chance.of(&[Preset::AllMembers, Preset::AdminOnly]));
            policies.add_admin = xmtp_web::groups::Policy::Admin;
            let hopeless = !is_super && policies != forger.policies;
            (
                hopeless,
                forger.change(ContextChange::Permissions(policies.encode().expect("encodes"))),
            )
        }
        12 => (true, forger.change(ContextChange::MutableMetadata(vec![0xff; 9]))),
        13 => (true, forger.change(ContextChange::Membership(vec![0xff; 9]))),
        14 => (true, forger.change(ContextChange::Permissions(vec![0xff; 9]))),
        15 => (true, forger.field(field::MINIMUM_VERSION, "new")),
        16 => (false, forger.commit(CommitPlan::default())),
        17 => (true, forger.metadata(|metadata| metadata.super_admins.clear())),
        18 => {
            // a member without a leaf, excused
            let listed = forger.members(
                |membership| {
                    membership.members.insert(target.inbox, newest);
                    membership.failed_installations.insert(target.device);
                },
                CommitPlan::default(),
            );
            (false, listed.filter(|_| !is_member))
        }
        19 => {
            // an excuse for a removal that did not happen
            let gone = forger.members(
                |membership| {
                    membership.members.remove(&target.inbox);
                },
                CommitPlan::default(),
            );
            (true, gone.filter(|_| is_member))
        }
        20 => {
            // everybody else's leaf
            let plan = without(&targets.iter().map(|target| target.device).collect::<Vec<_>>());
            (true, forger.commit(plan))
        }
        NO_ADMINS => (false, forger.metadata(|metadata| metadata.admins.clear())),
        _ => {
            let noise = [vec![], vec![0xff; 40], b"no envelope".to_vec()];
            let plaintext = chance.of(&noise);
            let spoken =
                forger.undone(|group, provider| group.encrypt(provider, &forger.key, plaintext).ok());
            let noise = spoken.map(|data| Forgery {
                data,
                is_commit: false,
                hopeless: true,
            });
            return noise.into_iter().collect();
        }
    };
    let mut made: Vec<_> = data
        .into_iter()
        .map(|data| Forgery {
            data,
            is_commit: true,
            hopeless,
        })
        .collect();
    if chance.once_in(6) {
        // two commits of one epoch: one of them at most can count
        made.extend(
            forger
                .field(field::DESCRIPTION, &format!("at once {n}"))
                .map(|data| Forgery {
                    data,
                    is_commit: true,
                    hopeless: false,
                }),
        );
    }
    made
}

/// What was seen before, once more or spoilt.
fn garbage(past: &[Vec<u8>], chance: &mut Chance) -> Vec<Forgery> {
    let Some(old) = (!past.is_empty()).then(|| chance.of(past).clone()) else {
        return Vec::new();
    };
    let mut data = old;
    match chance.below(4) {
        0 => {}
        1 => data.truncate(data.len() - 1),
        2 => {
            let at = chance.below(data.len());
            data[at] ^= 1 << chance.below(8);
        }
        _ => data.push(0),
    }
    vec![Forgery {
        data,
        is_commit: false,
        hopeless: false,
    }]
}

/// Publishes what was made; whether it arrives is the network's business.
pub(crate) async fn publish(world: &World, data: Vec<u8>) {
    let message = OutgoingGroupMessage {
        data,
        sender_hmac: Vec::new(),
        should_push: false,
    };
    drop(world.api().send_group_messages(vec![message]).await);
}

//! Joining a group by a welcome.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::dm::dm_id;
use super::error::{CommitError, GroupError, WelcomeError};
use super::inbound::{is_repeated, transcript_row};
use super::membership::GroupMembership;
use super::metadata::{ImmutableMetadata, MutableMetadata, field};
use super::patience::Waiting;
use super::permissions::{Policy, PolicySet};
use super::states::{self, States};
use super::version;
use crate::identity::LogPosition;
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::messages::content::group_updated::GroupUpdated;
use crate::mls::{ContextExtensions, Group, Invitation, MlsError, WelcomeFault, welcome};
use crate::storage::{
    CommitLogRow, CommitResult, ConsentEntity, ConsentRow, ConsentState, ConversationType, CursorKind,
    GroupRow, MembershipState, StorageError, Transaction,
};

/// A welcome as the node delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WelcomeEnvelope {
    /// The node's number.
    pub sequence_id: u64,
    /// When the node stored it, nanoseconds since the Unix epoch.
    pub created_ns: i64,
    /// The welcome, wrapped for us.
    pub data: Vec<u8>,
    /// The key of ours it is wrapped to.
    pub hpke_public_key: Vec<u8>,
    /// Whether it is wrapped by the one algorithm our key packages offer (Curve25519).
    pub curve25519: bool,
    /// The metadata, wrapped in the same context.
    pub metadata: Vec<u8>,
}

/// How many inboxes a welcome may name: some groups are larger than [`MAX_MEMBERS`](super::MAX_MEMBERS), and none is by far.
const MAX_WELCOMED: usize = 4 * super::MAX_MEMBERS;

/// What came of a welcome. In each case but [`Joined::Missing`] the cursor has moved on.
#[derive(Debug, PartialEq)]
pub enum Joined {
    /// A group was joined, or joined again.
    Group(GroupId),
    /// The welcome was refused for good.
    Refused(GroupError),
    /// It was processed before, or it carries no conversation.
    Nothing,
    /// These must be known first: fetch them and process the welcome again.
    Missing(States),
    /// We are a member of this group as far as we know: read what it has and process the welcome again. Who was
    /// removed and added again may meet the welcome first.
    Behind(GroupId),
}

/// What was done for a welcome before it is processed again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Identity logs were fetched.
    pub fetched: bool,
    /// The group it invites to was read to its end.
    pub read: bool,
    /// When the node stored the newest welcome that came with it, nanoseconds since the Unix epoch; 0 where that is not
    /// known.
    pub newest_ns: i64,
}

impl Prepared {
    /// For another welcome that came with this one: nothing was done for it yet.
    #[must_use]
    pub fn for_next(self) -> Self {
        Self {
            newest_ns: self.newest_ns,
            ..Self::default()
        }
    }
}

/// Why a welcome was not joined, within its savepoint.
enum Failure {
    Refused(GroupError),
    Missing(States),
    Behind(GroupId),
    Nothing,
    Fatal(GroupError),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        GroupError::from(error).into()
    }
}

impl From<GroupError> for Failure {
    fn from(error: GroupError) -> Self {
        match error {
            // a number that no honest node or member gives
            GroupError::Storage(StorageError::NumberTooLarge { .. }) => Failure::Refused(error),
            GroupError::Storage(_) => Failure::Fatal(error),
            error => Failure::Refused(error),
        }
    }
}

impl From<MlsError> for Failure {
    fn from(error: MlsError) -> Self {
        GroupError::from(error).into()
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        Failure::Fatal(error.into())
    }
}

impl From<WelcomeError> for Failure {
    fn from(error: WelcomeError) -> Self {
        Failure::Refused(error.into())
    }
}

/// Processes one welcome: unwraps, verifies and checks it, and stores the group with everything that belongs
/// to it, or nothing but the cursor.
///
/// `prepared` says what was done for this welcome already.
///
/// # Errors
/// [`GroupError::Storage`]: nothing was written.
///
/// # Source
/// libxmtp's welcome processing; RFC 9420 §12.4.3.1.
pub fn receive_welcome(
    tx: &Transaction<'_>,
    context: &Context<'_>,
    envelope: &WelcomeEnvelope,
    prepared: Prepared,
) -> Result<Joined, GroupError> {
    let topic = context.key.id();
    if tx.cursor(topic.as_bytes(), CursorKind::Welcome, super::originator::WELCOMES)? >= envelope.sequence_id
    {
        return Ok(Joined::Nothing);
    }
    let joined = match tx.savepoint(|part| join(&context.with(part), envelope, prepared)) {
        Ok(group_id) => Joined::Group(group_id),
        Err(Failure::Refused(error)) => Joined::Refused(error),
        Err(Failure::Nothing) => Joined::Nothing,
        Err(Failure::Missing(states)) => {
            if prepared.fetched && states.questions.is_empty() {
                waiting(topic.as_bytes(), envelope, prepared).note(&context.with(tx))?;
            }
            return Ok(Joined::Missing(states));
        }
        Err(Failure::Behind(group_id)) => return Ok(Joined::Behind(group_id)),
        Err(Failure::Fatal(error)) => return Err(error),
    };
    tx.advance_cursor(
        topic.as_bytes(),
        CursorKind::Welcome,
        super::originator::WELCOMES,
        envelope.sequence_id,
    )?;
    Ok(joined)
}

fn waiting<'a>(topic: &'a [u8], envelope: &WelcomeEnvelope, prepared: Prepared) -> Waiting<'a> {
    Waiting {
        entity: topic,
        created_ns: envelope.created_ns,
        newest_ns: prepared.newest_ns,
    }
}

/// Whose logs must be fetched before a welcome can be judged; of one that cannot be opened or will be refused nobody's. Writes
/// nothing, and does a good half of what joining does.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn unknown_members(
    context: &Context<'_>,
    envelope: &WelcomeEnvelope,
) -> Result<BTreeSet<InboxId>, GroupError> {
    let unknown = || {
        let (invitation, _) = open(context, envelope)?;
        let membership = Offer::read(&invitation)?.membership;
        Ok(states::load(context, &positions(&membership))?.missing)
    };
    match unknown() {
        Ok(missing) => Ok(missing),
        Err(Failure::Fatal(error)) => Err(error),
        Err(_) => Ok(BTreeSet::new()),
    }
}

fn join(context: &Context<'_>, envelope: &WelcomeEnvelope, prepared: Prepared) -> Result<GroupId, Failure> {
    let (invitation, cursor) = open(context, envelope)?;
    let accepted = invitation.judge(|invitation| check(context, invitation, envelope, prepared, cursor))?;
    let (group, welcome) = accepted.join(&context.provider())?;
    store(context, &group, welcome, envelope, cursor)?;
    Ok(group.id())
}

/// What a welcome invites to, and from which of the group's messages on.
fn open(context: &Context<'_>, envelope: &WelcomeEnvelope) -> Result<(Invitation, u64), Failure> {
    let provider = context.provider();
    if !envelope.curve25519 {
        return Err(MlsError::from(WelcomeFault::Algorithm).into());
    }
    let package = context
        .db
        .key_package_by_init_key(&envelope.hpke_public_key)?
        .ok_or(MlsError::from(WelcomeFault::UnknownKeyPackage))?;
    let private_key = welcome::init_private_key(&provider, &package.hash_ref)?;
    let opened = welcome::unwrap(&envelope.data, &envelope.metadata, &private_key)?;
    let cursor = welcome::decode_metadata(&opened.metadata)?;
    Ok((Invitation::open(&provider, &opened.welcome)?, cursor))
}

/// A welcome that keeps every rule, with what it says and what it would replace. Only [`check`] makes one.
struct CheckedWelcome {
    offer: Offer,
    existing: Option<GroupRow>,
    by_stranger: bool,
}

/// The rules a welcome must keep before it is joined; `docs/VALIDATION.md` numbers them.
fn check(
    context: &Context<'_>,
    invitation: &Invitation,
    envelope: &WelcomeEnvelope,
    prepared: Prepared,
    cursor: u64,
) -> Result<CheckedWelcome, Failure> {
    let offer = Offer::read(invitation)?;
    check_membership(context, invitation, &offer.membership, envelope, prepared)?;
    let group_id = invitation.group_id();
    if i64::try_from(cursor).is_err() || i64::try_from(invitation.epoch()).is_err() {
        return Err(MlsError::from(WelcomeFault::Malformed).into());
    }
    let existing = context.db.group(&group_id)?;
    let mut by_stranger = false;
    if let Some(row) = existing
        .as_ref()
        .filter(|row| row.membership_state == MembershipState::Restored)
    {
        by_stranger = !check_restored(context, row, &offer)?;
    } else if existing.is_some() {
        match context.load(group_id) {
            Ok(group) => {
                by_stranger = !check_replacement(context, &group, invitation, &offer, prepared.read)?;
            }
            // nothing is there to be replaced
            Err(GroupError::Mls(MlsError::UnknownGroup)) => {}
            Err(error) => return Err(Failure::Fatal(error)),
        }
    }
    match offer.immutable.conversation_type {
        ConversationType::Oneshot => return Err(Failure::Nothing),
        ConversationType::Dm => check_dm(context, &offer)?,
        // Only our own installations talk among themselves.
        ConversationType::Sync
            if offer.added_by != context.inbox_id || !offer.membership.is_only(context.inbox_id) =>
        {
            return Err(WelcomeError::Membership.into());
        }
        ConversationType::Group | ConversationType::Sync => {}
    }
    Ok(CheckedWelcome {
        offer,
        existing,
        by_stranger,
    })
}

/// Whether a welcome may take the place of a group that is known; `false` when its sender was no member of it.
///
/// Group ids are no secret to nodes and former members, who could invite to a group of their own under the same
/// id: what is known must be what the welcome says it is and come before it, and while we are a member, having read everything, only
/// those who may bring our leaf back can do so.
fn check_replacement(
    context: &Context<'_>,
    group: &Group,
    invitation: &Invitation,
    offer: &Offer,
    read: bool,
) -> Result<bool, Failure> {
    let known = group.context();
    if known.immutable_metadata != invitation.context().immutable_metadata {
        return Err(WelcomeError::OtherGroup.into());
    }
    let adder = offer.added_by;
    let membership = GroupMembership::decode(known.membership.as_deref())?;
    let is_member = adder == context.inbox_id || membership.members.contains_key(&adder);
    // Also where we were removed: an earlier welcome that comes again would bring us back to before that.
    if invitation.epoch() <= group.epoch() {
        return Err(WelcomeError::AlreadyJoined.into());
    }
    // Numbers of identity updates only grow in a group (rule 7 of commits). One that was revoked since could speak for its inbox
    // in a group of its own that stands before that.
    let at = |membership: &GroupMembership| membership.members.get(&adder).copied();
    if at(&offer.membership) < at(&membership) {
        return Err(WelcomeError::OtherGroup.into());
    }
    if !group.is_active() {
        return Ok(is_member);
    }
    if !read {
        return Err(Failure::Behind(group.id()));
    }
    let metadata = MutableMetadata::decode(known.mutable_metadata.as_deref())?;
    let may = adder == context.inbox_id
        || is_member && (offer.immutable.dm_members.is_some() || metadata.is_super_admin(adder));
    if may {
        Ok(true)
    } else {
        Err(WelcomeError::OtherGroup.into())
    }
}

/// The same for a group known from an archive, which says who made it but not who is in it: who wrote something in
/// it was.
fn check_restored(context: &Context<'_>, row: &GroupRow, offer: &Offer) -> Result<bool, Failure> {
    let (kind, creator) = (offer.immutable.conversation_type, offer.immutable.creator);
    if kind != row.conversation_type || creator != row.creator_inbox_id || offer.dm_id() != row.dm_id {
        return Err(WelcomeError::OtherGroup.into());
    }
    let adder = offer.added_by;
    Ok(kind == ConversationType::Dm
        || [context.inbox_id, creator, row.added_by_inbox_id].contains(&adder)
        || context.db.has_message_of(&row.id, &adder)?)
}

/// What a welcome's group says of itself.
struct Offer {
    added_by: InboxId,
    adder_installation: InstallationId,
    immutable: ImmutableMetadata,
    metadata: MutableMetadata,
    membership: GroupMembership,
    permissions: PolicySet,
}

impl Offer {
    fn dm_id(&self) -> Option<String> {
        self.immutable.dm_members.map(|(one, two)| dm_id(one, two))
    }

    fn read(invitation: &Invitation) -> Result<Self, Failure> {
        let context: ContextExtensions = invitation.context();
        if context.has_app_data_dictionary {
            return Err(WelcomeError::Migrated.into());
        }
        let bad = |what| move |_| Failure::from(WelcomeError::Extension(what));
        Ok(Self {
            added_by: invitation.added_by()?,
            adder_installation: invitation.sender().installation_id,
            immutable: ImmutableMetadata::decode(context.immutable_metadata.as_deref())
                .map_err(bad("immutable metadata"))?,
            metadata: MutableMetadata::decode(context.mutable_metadata.as_deref())
                .map_err(bad("mutable metadata"))?,
            membership: GroupMembership::decode(context.membership.as_deref())
                .map_err(bad("group membership"))?,
            permissions: PolicySet::decode(context.permissions.as_deref()).map_err(bad("permissions"))?,
        })
    }
}

/// The members, each at the update that its membership names.
fn positions(membership: &GroupMembership) -> BTreeSet<(InboxId, LogPosition)> {
    let members = membership.members.iter();
    members
        .map(|(inbox, id)| (*inbox, LogPosition::At(*id)))
        .collect()
}

/// Every leaf belongs to an installation of a member at the recorded update, once; every installation of a
/// member has a leaf or is listed as failed.
fn check_membership(
    context: &Context<'_>,
    invitation: &Invitation,
    membership: &GroupMembership,
    envelope: &WelcomeEnvelope,
    prepared: Prepared,
) -> Result<(), Failure> {
    // Nobody's group is that large, and asking for the logs of all it names would be a flood.
    if membership.members.len() > MAX_WELCOMED
        || membership.members.values().any(|sequence_id| *sequence_id == 0)
    {
        return Err(WelcomeError::Membership.into());
    }
    let states = states::load(context, &positions(membership))?;
    if !states.is_complete() {
        let topic = context.key.id();
        let is_hopeless = prepared.fetched
            && states.questions.is_empty()
            && waiting(topic.as_bytes(), envelope, prepared).is_hopeless(context)?;
        return Err(if is_hopeless {
            WelcomeError::Membership.into()
        } else {
            Failure::Missing(states)
        });
    }
    let mut expected: BTreeMap<InstallationId, InboxId> = BTreeMap::new();
    for ((inbox, _), installations) in &states.known {
        expected.extend(installations.iter().map(|id| (*id, *inbox)));
    }
    for leaf in invitation.leaves()? {
        // taken out when seen: a second leaf of the same installation finds nothing
        let owner = expected.remove(&leaf.installation_id);
        if owner.is_none() || owner != leaf.inbox_id {
            return Err(WelcomeError::Membership.into());
        }
    }
    if expected
        .keys()
        .any(|id| !membership.failed_installations.contains(id))
    {
        return Err(WelcomeError::Membership.into());
    }
    Ok(())
}

/// A direct message is between its adder and us (or made by another installation of ours), has no admins and
/// not every policy other than a direct message's.
fn check_dm(context: &Context<'_>, offer: &Offer) -> Result<(), Failure> {
    let refuse = || Failure::from(WelcomeError::DirectMessage);
    let (one, two) = offer.immutable.dm_members.ok_or_else(refuse)?;
    let own = context.inbox_id;
    if offer
        .membership
        .members
        .keys()
        .any(|inbox| *inbox != one && *inbox != two)
    {
        return Err(refuse());
    }
    if offer.added_by == own {
        return if one == own || two == own {
            Ok(())
        } else {
            Err(refuse())
        };
    }
    let members = BTreeSet::from([one, two]);
    if members != BTreeSet::from([offer.added_by, own]) {
        return Err(refuse());
    }
    if !offer.metadata.admins.is_empty() || !offer.metadata.super_admins.is_empty() {
        return Err(refuse());
    }
    let set = &offer.permissions;
    let all = [
        &set.add_member,
        &set.remove_member,
        &set.add_admin,
        &set.remove_admin,
        &set.update_permissions,
    ];
    if all.iter().all(|policy| **policy != Policy::Deny) {
        return Err(refuse());
    }
    Ok(())
}

fn store(
    context: &Context<'_>,
    group: &Group,
    welcome: CheckedWelcome,
    envelope: &WelcomeEnvelope,
    cursor: u64,
) -> Result<(), Failure> {
    let CheckedWelcome {
        offer,
        existing,
        by_stranger,
    } = welcome;
    let group_id = group.id();
    let conversation_type = offer.immutable.conversation_type;
    let returns = existing
        .as_ref()
        .is_some_and(|row| row.membership_state == MembershipState::PendingRemove);
    let restored = existing
        .as_ref()
        .is_some_and(|row| row.membership_state == MembershipState::Restored);
    let minimum = offer.metadata.get(field::MINIMUM_VERSION).unwrap_or_default();
    // Also direct messages, which libxmtp pauses at their next commit only.
    let paused = conversation_type != ConversationType::Sync
        && version::exceeds(minimum, context.own_version).unwrap_or(false);
    let fresh = GroupRow {
        id: group_id,
        conversation_type,
        membership_state: match conversation_type {
            ConversationType::Sync => MembershipState::Allowed,
            _ if returns => MembershipState::Allowed,
            _ => MembershipState::Pending,
        },
        created_at_ns: context.now_ns,
        creator_inbox_id: offer.immutable.creator,
        added_by_inbox_id: offer.added_by,
        dm_id: offer.dm_id(),
        welcome_sequence_id: Some(envelope.sequence_id),
        rotated_at_ns: 0,
        installations_last_checked_ns: 0,
        last_message_ns: (conversation_type == ConversationType::Dm).then_some(envelope.created_ns),
        message_disappear_from_ns: offer.metadata.get_ns(field::DISAPPEAR_FROM_NS),
        message_disappear_in_ns: offer.metadata.get_ns(field::DISAPPEAR_IN_NS),
        paused_for_version: paused.then(|| minimum.to_owned()),
        maybe_forked: false,
        fork_details: String::new(),
        should_publish_commit_log: offer.metadata.is_super_admin(context.inbox_id)
            || conversation_type == ConversationType::Dm,
        has_pending_leave_request: false,
    };
    let row = match existing {
        // A second welcome to a known group (a re-add) keeps what belongs to the person's history.
        Some(old) if !restored => GroupRow {
            created_at_ns: old.created_at_ns,
            creator_inbox_id: old.creator_inbox_id,
            dm_id: old.dm_id,
            last_message_ns: old.last_message_ns,
            membership_state: if returns {
                MembershipState::Allowed
            } else {
                old.membership_state
            },
            ..fresh
        },
        Some(old) => GroupRow {
            created_at_ns: old.created_at_ns,
            last_message_ns: old.last_message_ns.max(fresh.last_message_ns),
            ..fresh
        },
        None => fresh,
    };
    context.db.put_group(&row)?;
    // What was asked before we were away may have been settled meanwhile.
    context.db.delete_pending_removes(&group_id)?;
    context.db.append_commit_log(&CommitLogRow {
        group_id,
        sequence_id: 0,
        last_epoch_authenticator: Vec::new(),
        result: CommitResult::Applied,
        applied_epoch: Some(group.epoch()),
        applied_epoch_authenticator: Some(group.epoch_authenticator().to_vec()),
        sender_inbox_id: Some(offer.added_by),
        sender_installation_id: Some(offer.adder_installation),
        commit_type: Some("Welcome".into()),
        error: None,
    })?;
    if conversation_type != ConversationType::Sync {
        let content = GroupUpdated::joined(offer.added_by, context.inbox_id)
            .encode()
            .encode();
        let key = format!("{}_welcome_added", envelope.created_ns);
        let sender = (offer.added_by, offer.adder_installation);
        let message = transcript_row(context, group_id, sender, content, key, envelope.created_ns, None);
        if !is_repeated(context, &message, true)? {
            context.db.insert_message(&message)?;
        }
        consent(context, &row, returns || by_stranger, envelope.created_ns)?;
    }
    // Everything up to the commit that added us is not for us.
    context.db.advance_cursor(
        group_id.as_bytes(),
        CursorKind::CommitMessage,
        super::originator::COMMITS,
        cursor,
    )?;
    Ok(())
}

/// What follows from a welcome for what was decided, which nobody is told: the own other installations have a
/// welcome of their own.
///
/// Groups that our own other installations made are wanted: a decision on record is newer than this conclusion,
/// whenever it was made. After a re-add the question is open again; only a denial made after the welcome stays. A
/// second group of the same direct message takes over the newest decision about the others, with its time.
fn consent(context: &Context<'_>, row: &GroupRow, returns: bool, welcomed_ns: i64) -> Result<(), GroupError> {
    let entity = row.id.to_string();
    let known = context.db.consent_record(ConsentEntity::Conversation, &entity)?;
    let record = |state, consented_at_ns| ConsentRow {
        entity_type: ConsentEntity::Conversation,
        entity: entity.clone(),
        state,
        consented_at_ns,
    };
    // What a stranger's welcome says of the creator proves nothing.
    let own = row.creator_inbox_id == context.inbox_id && row.added_by_inbox_id == context.inbox_id;
    if returns && !own {
        let denied_since = known
            .as_ref()
            .is_some_and(|known| known.state == ConsentState::Denied && known.consented_at_ns > welcomed_ns);
        if !denied_since {
            context.db.set_consent(&ConsentRow::decided(
                ConsentEntity::Conversation,
                entity,
                ConsentState::Unknown,
                context.now_ns,
                known.as_ref(),
            ))?;
        }
        return Ok(());
    }
    let mut newest = known.or(own.then(|| record(ConsentState::Allowed, 0)));
    if let Some(dm_id) = &row.dm_id {
        for other in context.db.dm_groups(dm_id)? {
            let decided = context
                .db
                .consent_record(ConsentEntity::Conversation, &other.id.to_string())?;
            newest = decided
                .filter(|decided| decided.supersedes(newest.as_ref()))
                .or(newest);
        }
    }
    if let Some(newest) = newest {
        context
            .db
            .set_consent(&record(newest.state, newest.consented_at_ns))?;
    }
    Ok(())
}

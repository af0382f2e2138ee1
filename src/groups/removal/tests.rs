use proptest::prelude::*;

use super::*;
use crate::groups::timeline::{self, RemovedBy};
use crate::identity::InstallationKey;
use crate::ids::GroupId;
use crate::storage::{DeliveryStatus, MessageQuery, Store, StoreOptions, suite};

const HOUR: i64 = 60 * 60 * 1_000_000_000;

fn store() -> Store {
    let store = Store::open(StoreOptions::memory()).expect("memory");
    for group in [1, 2] {
        store.put_group(&suite::group_row(group)).expect("stored");
    }
    store
}

fn context<'a>(db: &'a Store, key: &'a InstallationKey) -> Context<'a> {
    Context {
        db,
        key,
        inbox_id: InboxId::new([1; 32]),
        now_ns: 0,
        own_version: "1.10.0",
    }
}

/// Something that arrives.
#[derive(Debug, Clone)]
enum Arrival {
    Target(MessageRow),
    Removal(RemovalRow),
}

fn arrive(context: &Context<'_>, arrival: &Arrival) -> bool {
    let target = match arrival {
        Arrival::Target(row) => {
            if !context.db.insert_message(row).expect("stored") {
                return false;
            }
            row.id
        }
        Arrival::Removal(row) => {
            context.db.put_removal(row).expect("stored");
            row.target_id
        }
    };
    settle(context, target).expect("settles")
}

/// Each message with its remover, as lists show them.
fn shown(context: &Context<'_>) -> Vec<(MessageId, Option<RemovedBy>)> {
    let query = MessageQuery::group(GroupId::new([1; 16]));
    let views = timeline::list(context, &query).expect("reads");
    let mut all: Vec<_> = views.iter().map(|view| (view.row.id, view.removed)).collect();
    all.sort_by_key(|(id, _)| *id);
    all
}

fn target(number: u8, sender: u8, sent_hour: i64, type_id: &str) -> MessageRow {
    MessageRow {
        sender_inbox_id: InboxId::new([sender; 32]),
        sent_at_ns: sent_hour * HOUR,
        type_id: type_id.into(),
        ..suite::message_row(1, number)
    }
}

fn removal(number: u8, target: u8, sender: u8, role: Role, rule: RemovalRule, sent_hour: i64) -> RemovalRow {
    RemovalRow {
        id: MessageId::new([100 + number; 32]),
        group_id: GroupId::new([1; 16]),
        target_id: MessageId::new([target; 32]),
        sender_inbox_id: InboxId::new([sender; 32]),
        sender_role: role,
        rule,
        sent_at_ns: sent_hour * HOUR,
        sequence_id: Some(u64::from(number)),
        failed: false,
    }
}

/// The rules once more, written by the table and not by the code.
fn expected(targets: &[MessageRow], removals: &[RemovalRow]) -> Vec<(MessageId, Option<RemovedBy>)> {
    let mut all = Vec::new();
    for row in targets {
        let mut remover = None;
        for removal in removals {
            let own = removal.sender_inbox_id == row.sender_inbox_id;
            let in_time = removal.sent_at_ns <= row.sent_at_ns + 24 * HOUR;
            let admin = removal.sender_role == Role::Admin || removal.sender_role == Role::SuperAdmin;
            let may = match removal.rule {
                RemovalRule::Xip45 => (own && in_time) || admin,
                RemovalRule::Libxmtp => own || removal.sender_role == Role::SuperAdmin,
            };
            let names = removal.target_id == row.id && removal.group_id == row.group_id;
            if remover.is_none() && names && may && row.type_id == "text" {
                remover = Some(if own {
                    RemovedBy::Sender
                } else {
                    RemovedBy::Admin(removal.sender_inbox_id)
                });
            }
        }
        all.push((row.id, remover));
    }
    all
}

fn any_role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::SuperAdmin)]
}

fn any_rule() -> impl Strategy<Value = RemovalRule> {
    prop_oneof![Just(RemovalRule::Xip45), Just(RemovalRule::Libxmtp)]
}

fn any_targets() -> impl Strategy<Value = Vec<MessageRow>> {
    proptest::collection::vec((1u8..4, 0i64..40, any::<bool>()), 1..4).prop_map(|list| {
        let numbered = list.into_iter().zip(1..);
        numbered
            .map(|((sender, hour, text), number)| {
                target(number, sender, hour, if text { "text" } else { "leave_request" })
            })
            .collect()
    })
}

fn any_removals() -> impl Strategy<Value = Vec<RemovalRow>> {
    let one = (1u8..5, 1u8..4, any_role(), any_rule(), 0i64..60, 0u8..10);
    proptest::collection::vec(one, 0..8).prop_map(|list| {
        let numbered = list.into_iter().zip(1..);
        numbered
            .map(|((target, sender, role, rule, hour, group), number)| RemovalRow {
                group_id: GroupId::new([if group == 0 { 2 } else { 1 }; 16]),
                ..removal(number, target, sender, role, rule, hour)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Targets, removals of all rules, admins of any time, duplicates: the order of arrival does not matter.
    #[test]
    fn xip_45_every_order_of_arrival_shows_the_same(
        targets in any_targets(),
        removals in any_removals(),
        order: u64,
    ) {
        let mut arrivals: Vec<_> = targets.iter().cloned().map(Arrival::Target).collect();
        arrivals.extend(removals.iter().cloned().map(Arrival::Removal));
        // everything comes twice, and shuffled
        arrivals.extend(arrivals.clone());
        let mut state = order | 1;
        for at in (1..arrivals.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            arrivals.swap(at, (state >> 33) as usize % (at + 1));
        }
        let key = InstallationKey::from_seed(&[7; 32]);
        let store = store();
        let context = context(&store, &key);
        let mut told = 0;
        for arrival in &arrivals {
            told += usize::from(arrive(&context, arrival));
        }
        let expected = expected(&targets, &removals);
        prop_assert_eq!(shown(&context), expected.clone());
        let removed = expected.iter().filter(|(_, by)| by.is_some()).count();
        prop_assert_eq!(told, removed, "each is told once");

        // the filter leaves out exactly the placeholders, and counts agree with lists
        let group = MessageQuery::group(GroupId::new([1; 16]));
        for (filter, number) in [(true, removed), (false, targets.len() - removed)] {
            let query = MessageQuery { removed: Some(filter), ..group.clone() };
            prop_assert_eq!(store.messages(&query, 0).expect("reads").len(), number);
            prop_assert_eq!(store.count_messages(&query, 0), Ok(number as u64));
        }
    }

    /// What somebody was in an epoch stays what it was, whatever happened since.
    #[test]
    fn xip_45_a_role_of_a_past_epoch_is_remembered(roles in proptest::collection::vec(any_role(), 2..12)) {
        let key = InstallationKey::from_seed(&[7; 32]);
        let store = store();
        let context = context(&store, &key);
        let (group, inbox) = (GroupId::new([1; 16]), InboxId::new([5; 32]));
        for (epoch, pair) in (1..).zip(roles.windows(2)) {
            if let [before, after] = pair && before != after {
                remember_role(&context, group, epoch, inbox, *before).expect("stored");
            }
        }
        let now = roles.last().copied().expect("two at least");
        for (epoch, role) in (0..).zip(&roles) {
            let remembered = store.past_role(&group, &inbox, epoch).expect("reads");
            prop_assert_eq!(remembered.unwrap_or(now), *role, "epoch {}", epoch);
        }
    }
}

#[test]
fn xip_45_ones_own_message_can_be_removed_within_24_hours_to_the_nanosecond() {
    let own = target(1, 1, 0, "text");
    let at = |ns| RemovalRow {
        sent_at_ns: ns,
        ..removal(1, 1, 1, Role::Member, RemovalRule::Xip45, 0)
    };
    assert!(is_valid(&at(MAX_AGE_NS), &own));
    assert!(!is_valid(&at(MAX_AGE_NS + 1), &own));
    assert!(is_valid(&at(-HOUR), &own), "a clock that is off");
    let libxmtp = RemovalRow {
        rule: RemovalRule::Libxmtp,
        ..at(MAX_AGE_NS + 1)
    };
    assert!(is_valid(&libxmtp, &own), "libxmtp knows no limit");
}

#[test]
fn xip_45_an_admin_removes_at_any_time_and_libxmtp_asks_for_a_super_admin() {
    let other = target(1, 2, 0, "text");
    let by = |role, rule| is_valid(&removal(1, 1, 1, role, rule, 1000), &other);
    assert!(by(Role::Admin, RemovalRule::Xip45));
    assert!(by(Role::SuperAdmin, RemovalRule::Xip45));
    assert!(!by(Role::Member, RemovalRule::Xip45));
    assert!(!by(Role::Admin, RemovalRule::Libxmtp));
    assert!(by(Role::SuperAdmin, RemovalRule::Libxmtp));
}

#[test]
fn xip_45_only_what_people_say_can_be_removed() {
    let removable = [
        "text",
        "markdown",
        "reply",
        "attachment",
        "remoteStaticAttachment",
        "multiRemoteStaticAttachment",
        "transactionReference",
        "walletSendCalls",
    ];
    let other = [
        "group_updated",
        "group_membership_change",
        "leave_request",
        "reaction",
        "readReceipt",
        "actions",
        "intent",
        "deleteMessage",
        "delete",
        "remove",
        "custom",
    ];
    for (names, expected) in [(&removable[..], true), (&other[..], false)] {
        for name in names {
            assert_eq!(is_removable(&target(1, 1, 0, name)), expected, "{name}");
        }
    }
    let transcript = MessageRow {
        kind: MessageKind::MembershipChange,
        ..target(1, 1, 0, "text")
    };
    assert!(!is_removable(&transcript));
}

#[test]
fn xip_45_a_removal_that_could_not_be_sent_removes_nothing() {
    let key = InstallationKey::from_seed(&[7; 32]);
    let store = store();
    let context = context(&store, &key);
    let row = target(1, 1, 0, "text");
    let own = removal(1, 1, 1, Role::Member, RemovalRule::Xip45, 0);
    arrive(&context, &Arrival::Target(row.clone()));
    assert!(arrive(&context, &Arrival::Removal(own.clone())));
    set_failed(&context, own.id, true).expect("stored");
    assert_eq!(shown(&context), [(row.id, None)]);
    set_failed(&context, own.id, false).expect("stored");
    assert_eq!(shown(&context), [(row.id, Some(RemovedBy::Sender))]);
    forget(&context, own.id).expect("stored");
    assert_eq!(shown(&context), [(row.id, None)]);
}

#[test]
fn xip_45_a_removal_of_a_message_that_disappeared_does_nothing() {
    let key = InstallationKey::from_seed(&[7; 32]);
    let store = store();
    let row = MessageRow {
        expire_at_ns: Some(5),
        ..target(1, 1, 0, "text")
    };
    arrive(&context(&store, &key), &Arrival::Target(row.clone()));
    let later = Context {
        now_ns: 5,
        ..context(&store, &key)
    };
    let own = removal(1, 1, 1, Role::Member, RemovalRule::Xip45, 0);
    assert!(!arrive(&later, &Arrival::Removal(own)));
    assert_eq!(store.delete_expired_messages(5).map(|gone| gone.len()), Ok(1));
    assert_eq!(store.removed_by(&row.id), Ok(None));
    assert_eq!(row.delivery_status, DeliveryStatus::Published);
}

//! Who leaves when somebody is revoked, in what order members are told, and how states differ.

use crate::support::{
    Installation, Log, PasskeyOf, Wallet, add, change_recovery, installation_id, revoke, signed, verified,
};
use xmtp_web::identity::{Action, AssociationState, IdentityUpdate, RevokeTarget, diff};

#[test]
fn a_wallet_takes_its_installations_along_and_nobody_else() {
    let mut log = Log::usual();
    log.push(vec![add(Wallet(2), Wallet(1))])
        .expect("a second wallet");
    log.push(vec![
        add(Installation(2), Wallet(2)),
        add(Wallet(3), Wallet(2)),
        add(PasskeyOf(3), Wallet(2)),
    ])
    .expect("which brings its own");
    log.push(vec![
        add(Installation(3), Wallet(3)),
        add(Wallet(4), Installation(2)),
    ])
    .expect("and theirs");
    log.push(vec![revoke(Wallet(2), Wallet(1))])
        .expect("recovery revokes it");
    for gone in [Wallet(2), Installation(2)] {
        assert!(!log.has(gone), "{gone:?}");
    }
    for stays in [
        Wallet(1),
        Installation(1),
        Wallet(3),
        PasskeyOf(3),
        Installation(3),
        Wallet(4),
    ] {
        assert!(log.has(stays), "{stays:?}");
    }
}

#[test]
fn an_installation_leaves_alone() {
    let mut log = Log::usual();
    log.push(vec![
        add(Wallet(2), Installation(1)),
        add(Installation(2), Wallet(1)),
    ])
    .expect("they join");
    log.push(vec![revoke(Installation(1), Wallet(1))])
        .expect("it goes");
    assert_eq!(log.state.installations(), vec![installation_id(2)]);
    assert!(log.has(Wallet(2)));
}

#[test]
fn revoking_nobody_is_allowed() {
    let mut log = Log::usual();
    let members = log.state.members().len();
    assert_eq!(
        log.push(vec![
            revoke(Wallet(9), Wallet(1)),
            revoke(Installation(9), Wallet(1))
        ]),
        Ok(())
    );
    assert_eq!(log.state.members().len(), members);
}

#[test]
fn a_key_of_the_wrong_length_is_revoked_without_effect() {
    let log = Log::usual();
    let target = RevokeTarget::MalformedInstallation(vec![1, 2, 3]);
    let action = Action::Revoke {
        target,
        signature: Wallet(1),
    };
    let update = signed(log.state.inbox_id(), 9, vec![action]);
    let decoded = IdentityUpdate::from_bytes(&update.to_bytes()).expect("peers take it");
    assert_eq!(decoded, update);
    let state = log.state.apply(&verified(&decoded)).expect("peers apply it");
    assert_eq!(diff(Some(&log.state), &state), diff(Some(&state), &state));
}

#[test]
fn the_installations_of_a_recovery_identifier_leave_with_it_though_it_is_no_member() {
    let mut log = Log::usual();
    log.push(vec![change_recovery(Wallet(2), Wallet(1))])
        .expect("handed over");
    log.push(vec![add(Installation(2), Wallet(2))])
        .expect("it may add");
    log.push(vec![revoke(Wallet(2), Wallet(2))])
        .expect("it may revoke itself");
    assert_eq!(log.state.installations(), vec![installation_id(1)]);
    assert_eq!(log.push(vec![add(Installation(2), Wallet(2))]), Ok(()));
}

#[test]
fn who_came_back_through_somebody_else_stays() {
    let mut log = Log::usual();
    log.push(vec![add(Wallet(2), Wallet(1)), add(Installation(2), Wallet(2))])
        .expect("they join");
    log.push(vec![
        revoke(Installation(9), Wallet(1)),
        add(Installation(2), Wallet(1)),
        add(Installation(3), Wallet(2)),
        revoke(Wallet(2), Wallet(1)),
    ])
    .expect("one update");
    assert!(log.has(Installation(2)));
    assert!(!log.has(Installation(3)));
    log.push(vec![add(Wallet(2), Wallet(1)), add(Installation(3), Wallet(2))])
        .expect("they come back");
    assert!(log.has(Installation(3)));
}

#[test]
fn members_are_told_oldest_first_and_the_creator_last() {
    let mut log = Log::usual();
    log.push(vec![add(Wallet(2), Wallet(1))]).expect("second");
    log.push(vec![add(Installation(3), Wallet(2))]).expect("third");
    let told: Vec<_> = log
        .state
        .members()
        .into_iter()
        .map(|(member, _)| member.clone())
        .collect();
    let expected = [Installation(1), Wallet(2), Installation(3), Wallet(1)].map(|signer| signer.member());
    assert_eq!(told, expected);
    assert_eq!(
        log.state.identifiers(),
        vec![Wallet(2).identifier(), Wallet(1).identifier()]
    );
    assert_eq!(
        log.state.installations(),
        vec![installation_id(1), installation_id(3)]
    );
    assert!(log.state.has_installation(installation_id(3)));
    assert!(!log.state.has_installation(installation_id(4)));
}

#[test]
fn a_diff_tells_who_came_and_went() {
    let mut log = Log::usual();
    let old = log.state.clone();
    let all = diff(None, &old);
    assert_eq!((all.new_members.len(), all.removed_members.len()), (2, 0));
    log.push(vec![add(Wallet(2), Wallet(1)), add(Installation(2), Wallet(1))])
        .expect("two join");
    log.push(vec![
        revoke(Installation(1), Wallet(1)),
        change_recovery(Wallet(2), Wallet(1)),
    ])
    .expect("one leaves");
    let changes = diff(Some(&old), &log.state);
    assert_eq!(
        changes.new_members,
        vec![Wallet(2).member(), Installation(2).member()]
    );
    assert_eq!(changes.removed_members, vec![Installation(1).member()]);
    assert_eq!(
        changes.new_installations().collect::<Vec<_>>(),
        vec![installation_id(2)]
    );
    assert_eq!(
        changes.removed_installations().collect::<Vec<_>>(),
        vec![installation_id(1)]
    );
}

#[test]
fn a_cached_state_goes_on_where_it_was() {
    let mut log = Log::usual();
    let used = verified(&signed(log.state.inbox_id(), 20, vec![add(Wallet(2), Wallet(1))]));
    log.state = log.state.apply(&used).expect("the first use");
    let cached = AssociationState::from_bytes(&log.state.to_bytes()).expect("our own bytes");
    assert_eq!(cached, log.state);
    assert_eq!(cached.apply(&used), log.state.apply(&used));
}

//! One test per rule of the log.

use crate::support::{
    Contract, Installation, Legacy, Log, PasskeyOf, Signer, Wallet, add, address, change_recovery, create,
    inbox_of, revoke, signed, verified,
};
use xmtp_web::identity::{
    AccountId, Action, Address, AssociationState, ContractSignature, Identifier, IdentityError,
    IdentityUpdate, Member, MemberKind, Signature, SignatureKind,
};
use xmtp_web::ids::InboxId;
use xmtp_web::proto::xmtp::identity::associations::identity_action::Kind;

fn first(owner: Signer, nonce: u64, actions: Vec<Action<Signer>>) -> Result<AssociationState, IdentityError> {
    AssociationState::replay([&verified(&signed(inbox_of(owner, nonce), 1, actions))])
}

#[test]
fn every_kind_of_identifier_creates_an_inbox_and_recovers_it() {
    for owner in [Wallet(1), Contract(1, 5), PasskeyOf(1), Legacy(1)] {
        let state = first(owner, 0, vec![create(owner, 0)]).expect("a creation");
        assert_eq!(state.recovery_identifier(), &owner.identifier());
        let details = state.details(&owner.member()).expect("the creator is a member");
        assert_eq!((&details.added_by, details.client_timestamp_ns), (&None, None));
        assert_eq!(
            details.added_on_chain_id,
            matches!(owner, Contract(..)).then_some(5)
        );
    }
}

#[test]
fn an_inbox_is_created_once() {
    let twice = first(Wallet(1), 1, vec![create(Wallet(1), 1), create(Wallet(1), 1)]);
    assert_eq!(twice, Err(IdentityError::MultipleCreate));
    assert_eq!(
        Log::usual().push(vec![create(Wallet(1), 1)]),
        Err(IdentityError::MultipleCreate)
    );
}

#[test]
fn nothing_comes_before_the_creation() {
    let actions = [
        add(Installation(1), Wallet(1)),
        revoke(Installation(1), Wallet(1)),
        change_recovery(Wallet(2), Wallet(1)),
    ];
    for action in actions {
        assert_eq!(first(Wallet(1), 1, vec![action]), Err(IdentityError::NotCreated));
    }
    assert_eq!(first(Wallet(1), 1, vec![]), Err(IdentityError::NotCreated));
    assert_eq!(AssociationState::replay([]), Err(IdentityError::NotCreated));
}

#[test]
fn an_update_without_actions_changes_nothing() {
    let mut log = Log::usual();
    let before = log.state.clone();
    assert_eq!(log.push(vec![]), Ok(()));
    assert_eq!(log.state, before);
}

#[test]
fn the_owner_signs_the_creation() {
    let by_another = Action::CreateInbox {
        identifier: Wallet(1).identifier(),
        nonce: 1,
        signature: Wallet(2),
    };
    assert_eq!(
        first(Wallet(1), 1, vec![by_another]),
        Err(IdentityError::MissingExistingMember)
    );
}

/// The update as a client would make it that writes addresses with capitals.
#[test]
fn an_address_with_capitals_on_the_wire_equals_no_signer() {
    let update = signed(inbox_of(Wallet(1), 1), 1, vec![create(Wallet(1), 1)]);
    let mut wire = update.to_proto();
    if let Some(Kind::CreateInbox(action)) = &mut wire.actions[0].kind {
        action.initial_identifier = format!("0x{}", address(1).as_str()[2..].to_uppercase());
    }
    let mut update = IdentityUpdate::from_proto(&wire).expect("the shape is right");
    let again = Wallet(1).sign(&update.signature_text());
    if let Action::CreateInbox { signature, .. } = &mut update.actions[0] {
        *signature = again;
    }
    let refused = AssociationState::replay([&verified(&update)]);
    assert_eq!(refused, Err(IdentityError::MissingExistingMember));
}

/// Only a contract account can be written without `0x` and still sign; no inbox id derives from that.
#[test]
fn an_address_without_its_prefix_creates_nothing() {
    let bare = address(1).as_str()[2..].to_owned();
    let account = AccountId::parse(&format!("eip155:1:{bare}")).expect("an account");
    let update = signed(InboxId::new([1; 32]), 1, vec![create(Wallet(1), 1)]);
    let mut wire = update.to_proto();
    if let Some(Kind::CreateInbox(action)) = &mut wire.actions[0].kind {
        action.initial_identifier = bare;
    }
    let mut update = IdentityUpdate::from_proto(&wire).expect("the shape is right");
    if let Action::CreateInbox { signature, .. } = &mut update.actions[0] {
        *signature = Signature::Contract(ContractSignature {
            account,
            block_number: 1,
            signature: vec![1],
        });
    }
    let refused = AssociationState::replay([&verified(&update)]);
    assert_eq!(refused, Err(IdentityError::InvalidAddress));
}

#[test]
fn a_legacy_key_creates_with_nonce_0_only() {
    assert_eq!(
        first(Legacy(1), 1, vec![create(Legacy(1), 1)]),
        Err(IdentityError::LegacySignatureReuse)
    );
    let both = vec![create(Legacy(1), 0), add(Installation(1), Legacy(1))];
    let state = first(Legacy(1), 0, both).expect("how V2 users migrated");
    assert!(state.is_member(&Installation(1).member()));
}

#[test]
fn a_legacy_key_adds_only_in_the_inbox_of_its_wallet_with_nonce_0() {
    let mut log = Log::of(Wallet(1), 1);
    let refused = log.push(vec![add(Installation(1), Legacy(1))]);
    assert_eq!(refused, Err(IdentityError::LegacySignatureReuse));
    assert_eq!(
        log.push(vec![add(Legacy(2), Wallet(1))]),
        Err(IdentityError::LegacySignatureReuse)
    );
    let mut log = Log::of(Wallet(1), 0);
    assert_eq!(log.push(vec![add(Installation(1), Legacy(1))]), Ok(()));
    // the delegation is the signature that counts, so it serves one update in the life of an inbox
    assert_eq!(
        log.push(vec![add(Installation(2), Legacy(1))]),
        Err(IdentityError::Replay)
    );
}

#[test]
fn a_legacy_key_cannot_act_for_a_recovery_identifier_that_left() {
    let mut log = Log::of(Wallet(1), 0);
    log.push(vec![revoke(Wallet(1), Wallet(1))])
        .expect("one may revoke oneself");
    let refused = log.push(vec![add(Installation(1), Legacy(1))]);
    assert_eq!(refused, Err(IdentityError::LegacySignatureReuse));
    assert_eq!(log.push(vec![add(Installation(1), Wallet(1))]), Ok(()));
}

#[test]
fn a_legacy_key_neither_revokes_nor_changes_recovery() {
    let mut log = Log::of(Wallet(1), 0);
    let (member, signature) = (MemberKind::Ethereum, SignatureKind::Legacy);
    for action in [
        revoke(Wallet(1), Legacy(1)),
        change_recovery(Wallet(2), Legacy(1)),
    ] {
        let refused = IdentityError::SignatureNotAllowed { member, signature };
        assert_eq!(log.push(vec![action]), Err(refused));
    }
}

#[test]
fn a_signature_serves_one_update_only() {
    let mut log = Log::usual();
    let inbox = log.state.inbox_id();
    let updates = [
        vec![add(Wallet(2), Installation(1))],
        vec![revoke(Wallet(2), Wallet(1))],
        vec![
            change_recovery(Wallet(3), Wallet(1)),
            change_recovery(Wallet(1), Wallet(3)),
        ],
    ];
    for (second, actions) in (10..).zip(updates) {
        let update = verified(&signed(inbox, second, actions));
        log.state = log.state.apply(&update).expect("the first use");
        assert_eq!(log.state.apply(&update), Err(IdentityError::Replay));
    }
}

/// The text does not say who lets the new member in, so its own signature fits a second update.
#[test]
fn a_new_members_signature_serves_one_update_only() {
    let log = Log::usual();
    let let_in_by = |existing| {
        let update = signed(log.state.inbox_id(), 9, vec![add(Wallet(2), existing)]);
        verified(&update)
    };
    let state = log
        .state
        .apply(&let_in_by(Installation(1)))
        .expect("the first use");
    assert_eq!(state.apply(&let_in_by(Wallet(1))), Err(IdentityError::Replay));
}

#[test]
fn one_signature_serves_several_actions_of_one_update() {
    let mut log = Log::usual();
    log.push(vec![
        add(Installation(2), Wallet(1)),
        add(Installation(3), Wallet(1)),
        revoke(Installation(1), Wallet(1)),
        change_recovery(Wallet(1), Wallet(1)),
    ])
    .expect("all by one signature of the wallet");
    assert_eq!(log.state.installations().len(), 2);
}

#[test]
fn the_new_member_signs_its_own_addition() {
    let action = Action::Add {
        new_member: Installation(2).member(),
        existing_signature: Wallet(1),
        new_signature: Installation(3),
    };
    assert_eq!(
        Log::usual().push(vec![action]),
        Err(IdentityError::NewMemberMismatch)
    );
}

#[test]
fn nobody_adds_oneself() {
    assert_eq!(
        Log::usual().push(vec![add(Wallet(1), Wallet(1))]),
        Err(IdentityError::AddedItself)
    );
}

#[test]
fn a_stranger_adds_nobody() {
    let mut log = Log::usual();
    for stranger in [Wallet(9), PasskeyOf(9), Contract(9, 1)] {
        let refused = log.push(vec![add(Installation(2), stranger)]);
        assert_eq!(refused, Err(IdentityError::MissingExistingMember));
    }
    let refused = log.push(vec![add(Wallet(2), Installation(9))]);
    assert_eq!(refused, Err(IdentityError::MissingExistingMember));
}

#[test]
fn everybody_adds_everybody_except_installations_installations() {
    for existing in [Wallet(1), PasskeyOf(2), Installation(1)] {
        for new in [Wallet(5), Contract(6, 1), PasskeyOf(5), Installation(5)] {
            let mut log = Log::usual();
            log.push(vec![add(PasskeyOf(2), Wallet(1))])
                .expect("a wallet adds a passkey");
            let outcome = log.push(vec![add(new, existing)]);
            let kinds = (existing.member().kind(), new.member().kind());
            if kinds == (MemberKind::Installation, MemberKind::Installation) {
                let refused = IdentityError::MemberNotAllowed {
                    existing: kinds.0,
                    new: kinds.1,
                };
                assert_eq!(outcome, Err(refused));
            } else {
                assert_eq!(outcome, Ok(()), "{kinds:?}");
                let details = log.state.details(&new.member()).expect("it is in");
                assert_eq!(details.added_by, Some(existing.member()));
                assert_eq!(details.client_timestamp_ns, Some(log.second * 1_000_000_000));
            }
        }
    }
}

#[test]
fn a_member_signs_from_the_chain_it_was_added_on() {
    let mut log = Log::usual();
    log.push(vec![add(Contract(2, 10), Wallet(1))])
        .expect("a contract wallet joins");
    let mismatch = |expected, found| Err(IdentityError::ChainMismatch { expected, found });
    assert_eq!(
        log.push(vec![add(Installation(2), Contract(2, 11))]),
        mismatch(Some(10), Some(11))
    );
    assert_eq!(
        log.push(vec![add(Installation(2), Wallet(2))]),
        mismatch(Some(10), None)
    );
    assert_eq!(
        log.push(vec![add(Installation(2), Contract(1, 1))]),
        mismatch(None, Some(1))
    );
    assert_eq!(
        log.push(vec![revoke(Wallet(2), Contract(1, 1))]),
        mismatch(None, Some(1))
    );
    assert_eq!(
        log.push(vec![change_recovery(Wallet(2), Contract(1, 1))]),
        mismatch(None, Some(1))
    );
    assert_eq!(log.push(vec![add(Installation(2), Contract(2, 10))]), Ok(()));
}

#[test]
fn a_recovery_identifier_that_is_no_member_signs_from_any_chain() {
    let mut log = Log::usual();
    log.push(vec![change_recovery(Wallet(4), Wallet(1))])
        .expect("handed over");
    assert_eq!(log.push(vec![add(Installation(2), Contract(4, 1))]), Ok(()));
    assert_eq!(log.push(vec![add(Installation(3), Contract(4, 2))]), Ok(()));
    assert_eq!(log.push(vec![revoke(Installation(3), Wallet(4))]), Ok(()));
    assert!(!log.has(Wallet(4)));
}

#[test]
fn only_the_recovery_identifier_revokes_and_hands_over() {
    let mut log = Log::usual();
    log.push(vec![add(Wallet(2), Wallet(1)), add(PasskeyOf(2), Wallet(1))])
        .expect("members join");
    for signer in [Wallet(2), PasskeyOf(2), Installation(1), Wallet(9)] {
        for action in [
            revoke(Installation(1), signer),
            change_recovery(Wallet(2), signer),
        ] {
            assert_eq!(log.push(vec![action]), Err(IdentityError::MissingExistingMember));
        }
    }
    log.push(vec![change_recovery(Wallet(2), Wallet(1))])
        .expect("handed over");
    assert_eq!(log.state.recovery_identifier(), &Wallet(2).identifier());
    let refused = log.push(vec![revoke(Installation(1), Wallet(1))]);
    assert_eq!(refused, Err(IdentityError::MissingExistingMember));
    assert_eq!(log.push(vec![revoke(Installation(1), Wallet(2))]), Ok(()));
}

#[test]
fn an_update_names_the_inbox_it_changes() {
    let log = Log::usual();
    let update = verified(&signed(InboxId::new([9; 32]), 9, vec![add(Wallet(2), Wallet(1))]));
    assert_eq!(log.state.apply(&update), Err(IdentityError::WrongInboxId));
    let other_nonce = first(Wallet(1), 2, vec![create(Wallet(1), 1)]);
    assert_eq!(other_nonce, Err(IdentityError::WrongInboxId));
}

#[test]
fn one_bad_action_discards_the_whole_update() {
    let mut log = Log::usual();
    let before = log.state.clone();
    let refused = log.push(vec![
        add(Wallet(2), Wallet(1)),
        revoke(Installation(1), Wallet(1)),
        create(Wallet(1), 1),
    ]);
    assert_eq!(refused, Err(IdentityError::MultipleCreate));
    assert_eq!(log.state, before);
}

/// Only what changes hands is checked: peers take it, and the inbox can then never be recovered.
#[test]
fn recovery_may_go_to_an_address_that_is_none() {
    let log = Log::usual();
    let update = signed(
        log.state.inbox_id(),
        9,
        vec![change_recovery(Wallet(2), Wallet(1))],
    );
    let mut wire = update.to_proto();
    if let Some(Kind::ChangeRecoveryAddress(action)) = &mut wire.actions[0].kind {
        action.new_recovery_identifier = "nobody".to_owned();
    }
    let mut update = IdentityUpdate::from_proto(&wire).expect("the shape is right");
    let again = Wallet(1).sign(&update.signature_text());
    if let Action::ChangeRecovery { signature, .. } = &mut update.actions[0] {
        *signature = again;
    }
    let state = log.state.apply(&verified(&update)).expect("as peers do");
    assert_eq!(state.recovery_identifier().to_string(), "nobody");
    assert_eq!(AssociationState::from_bytes(&state.to_bytes()), Ok(state.clone()));
    let lost = signed(state.inbox_id(), 10, vec![revoke(Installation(1), Wallet(2))]);
    assert_eq!(
        state.apply(&verified(&lost)),
        Err(IdentityError::MissingExistingMember)
    );
}

#[test]
fn a_wire_address_is_kept_as_written_but_parsed_ones_are_lower_case() {
    let text = "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266";
    let parsed = Address::parse(text).expect("an address");
    assert_eq!(
        Identifier::Ethereum(parsed.clone()).to_string(),
        text.to_lowercase()
    );
    assert_eq!(Member::Ethereum(parsed).kind(), MemberKind::Ethereum);
}

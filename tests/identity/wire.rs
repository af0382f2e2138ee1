//! What does not have the shape of an update is refused as a whole.

use crate::support::{
    Contract, Installation, Legacy, PasskeyOf, Wallet, add, change_recovery, create, inbox_of, revoke, signed,
};
use xmtp_web::identity::{IdentityError, IdentityUpdate};
use xmtp_web::proto::xmtp::identity::associations as wire;
use xmtp_web::proto::xmtp::identity::associations::identity_action::Kind;
use xmtp_web::proto::xmtp::identity::associations::member_identifier::Kind as Member;
use xmtp_web::proto::xmtp::identity::associations::signature::Signature as Arm;

/// Every kind of action and of signature.
fn full() -> IdentityUpdate {
    let actions = vec![
        create(PasskeyOf(1), 3),
        add(Installation(1), Contract(1, 5)),
        revoke(PasskeyOf(2), Legacy(1)),
        change_recovery(PasskeyOf(3), Wallet(1)),
    ];
    signed(inbox_of(PasskeyOf(1), 3), 1, actions)
}

/// The refusal of a full update after one change to its wire form.
fn refusal(change: impl FnOnce(&mut wire::IdentityUpdate)) -> IdentityError {
    let mut update = full().to_proto();
    change(&mut update);
    IdentityUpdate::from_proto(&update).expect_err("the shape is wrong")
}

fn create_of(update: &mut wire::IdentityUpdate) -> &mut wire::CreateInbox {
    let Some(Kind::CreateInbox(create)) = &mut update.actions[0].kind else {
        panic!("the first creates")
    };
    create
}

fn add_of(update: &mut wire::IdentityUpdate) -> &mut wire::AddAssociation {
    let Some(Kind::Add(add)) = &mut update.actions[1].kind else {
        panic!("the second adds")
    };
    add
}

fn revoke_of(update: &mut wire::IdentityUpdate) -> &mut wire::RevokeAssociation {
    let Some(Kind::Revoke(revoke)) = &mut update.actions[2].kind else {
        panic!("the third revokes")
    };
    revoke
}

fn change_of(update: &mut wire::IdentityUpdate) -> &mut wire::ChangeRecoveryAddress {
    let Some(Kind::ChangeRecoveryAddress(change)) = &mut update.actions[3].kind else {
        panic!("the fourth changes recovery")
    };
    change
}

fn arm(signature: &mut Option<wire::Signature>) -> &mut Arm {
    signature
        .as_mut()
        .and_then(|s| s.signature.as_mut())
        .expect("it is signed")
}

#[test]
fn every_kind_of_action_and_signature_round_trips() {
    assert_eq!(IdentityUpdate::from_bytes(&full().to_bytes()), Ok(full()));
}

#[test]
fn cut_bytes_never_decode_to_the_same_update() {
    let bytes = full().to_bytes();
    for end in 0..bytes.len() {
        assert_ne!(IdentityUpdate::from_bytes(&bytes[..end]), Ok(full()));
    }
    assert!(matches!(
        IdentityUpdate::from_bytes(&[0xff]),
        Err(IdentityError::Malformed(_))
    ));
}

#[test]
fn an_inbox_id_is_lower_case_hex_of_32_bytes() {
    let whole = full().to_proto().inbox_id;
    for wrong in [
        String::new(),
        whole[2..].to_owned(),
        whole.to_uppercase(),
        format!("{whole}00"),
    ] {
        assert_eq!(
            refusal(|update| update.inbox_id = wrong),
            IdentityError::InvalidInboxId
        );
    }
}

#[test]
fn every_action_has_a_kind_and_its_member() {
    assert_eq!(
        refusal(|update| update.actions[2].kind = None),
        IdentityError::MissingAction
    );
    let absent = refusal(|update| add_of(update).new_member_identifier = None);
    assert_eq!(absent, IdentityError::MissingMember);
    let unknown =
        refusal(|update| revoke_of(update).member_to_revoke = Some(wire::MemberIdentifier { kind: None }));
    assert_eq!(unknown, IdentityError::MissingMember);
}

#[test]
fn every_signature_is_there() {
    let missing = IdentityError::MissingSignature;
    assert_eq!(
        refusal(|u| create_of(u).initial_identifier_signature = None),
        missing
    );
    assert_eq!(refusal(|u| add_of(u).existing_member_signature = None), missing);
    assert_eq!(refusal(|u| add_of(u).new_member_signature = None), missing);
    assert_eq!(
        refusal(|u| revoke_of(u).recovery_identifier_signature = None),
        missing
    );
    assert_eq!(
        refusal(|u| change_of(u).existing_recovery_identifier_signature = None),
        missing
    );
    let no_arm = || Some(wire::Signature { signature: None });
    assert_eq!(refusal(|u| add_of(u).new_member_signature = no_arm()), missing);
    for part in ["key", "signature"] {
        let refused = refusal(|update| {
            let Arm::DelegatedErc191(legacy) = arm(&mut revoke_of(update).recovery_identifier_signature)
            else {
                panic!("a legacy key signs")
            };
            match part {
                "key" => legacy.delegated_key = None,
                _ => legacy.signature = None,
            }
        });
        assert_eq!(refused, missing);
    }
}

#[test]
fn an_installation_key_is_a_point_of_the_curve() {
    // y = 2 is on no point of edwards25519
    let no_point = [&[2u8][..], &[0; 31]].concat();
    for wrong in [vec![], vec![1; 31], vec![1; 33], no_point] {
        let refused = refusal(|update| {
            let Arm::InstallationKey(signature) = arm(&mut add_of(update).new_member_signature) else {
                panic!("an installation signs")
            };
            signature.public_key = wrong;
        });
        assert_eq!(refused, IdentityError::InvalidInstallationKey);
    }
    let refused = refusal(|update| {
        add_of(update).new_member_identifier = Some(wire::MemberIdentifier {
            kind: Some(Member::InstallationPublicKey(vec![1; 31])),
        });
    });
    assert_eq!(refused, IdentityError::InvalidInstallationKey);
}

#[test]
fn a_passkey_in_text_is_hex() {
    for wrong in ["0x02", "2", "zz"] {
        let created = refusal(|update| create_of(update).initial_identifier = wrong.to_owned());
        let changed = refusal(|update| change_of(update).new_recovery_identifier = wrong.to_owned());
        assert_eq!(
            (created, changed),
            (IdentityError::InvalidPasskey, IdentityError::InvalidPasskey)
        );
    }
}

#[test]
fn a_contract_account_is_caip_10() {
    let refused = refusal(|update| {
        let Arm::Erc6492(contract) = arm(&mut add_of(update).existing_member_signature) else {
            panic!("a contract signs")
        };
        contract.account_id = "eip155:one:0x12".to_owned();
    });
    assert_eq!(refused, IdentityError::InvalidAccountId);
}

#[test]
fn an_unset_or_unknown_kind_is_read_as_ethereum() {
    for kind in [0, 77] {
        let mut update = signed(inbox_of(Wallet(1), 1), 1, vec![create(Wallet(1), 1)]).to_proto();
        let expected = IdentityUpdate::from_proto(&update);
        create_of(&mut update).initial_identifier_kind = kind;
        assert_eq!(IdentityUpdate::from_proto(&update), expected);
    }
}

//! What holds for every update and every log.

use crate::support::{
    Installation, Log, PasskeyOf, Signer, Wallet, add, change_recovery, create, inbox_of, revoke, signed,
    verified,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use wire::identity_action::Kind;
use wire::member_identifier::Kind as MemberKind;
use wire::signature::Signature as Arm;
use xmtp_web::identity::{
    Action, AssociationState, ContractAnswers, IdentityUpdate, Member, VerifiedUpdate, diff, verify,
};
use xmtp_web::proto::xmtp::identity::associations as wire;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..80)
}

fn signature() -> impl Strategy<Value = Option<wire::Signature>> {
    let arm = prop_oneof![
        bytes().prop_map(|bytes| Arm::Erc191(wire::RecoverableEcdsaSignature { bytes })),
        (any::<u64>(), any::<u64>(), bytes()).prop_map(|(chain, block_number, signature)| {
            let account_id = format!("eip155:{chain}:0xF39FD6E51aad88f6f4ce6ab8827279cfffb92266");
            Arm::Erc6492(wire::SmartContractWalletSignature {
                account_id,
                block_number,
                signature,
            })
        }),
        (bytes(), 1u8..9).prop_map(|(bytes, n)| {
            let public_key = crate::support::installation_id(n).to_vec();
            Arm::InstallationKey(wire::RecoverableEd25519Signature { bytes, public_key })
        }),
        (bytes(), bytes()).prop_map(|(key_bytes, bytes)| {
            Arm::DelegatedErc191(wire::LegacyDelegatedSignature {
                delegated_key: Some(xmtp_web::proto::xmtp::message_contents::SignedPublicKey {
                    key_bytes,
                    signature: None,
                }),
                signature: Some(wire::RecoverableEcdsaSignature { bytes }),
            })
        }),
        (bytes(), bytes(), bytes()).prop_map(|(public_key, signature, client_data_json)| {
            Arm::Passkey(wire::RecoverablePasskeySignature {
                public_key,
                signature,
                authenticator_data: vec![1],
                client_data_json,
            })
        }),
    ];
    arm.prop_map(|arm| Some(wire::Signature { signature: Some(arm) }))
}

/// Text, kind and relying party of an identifier.
fn identifier() -> impl Strategy<Value = (String, i32, Option<String>)> {
    prop_oneof![
        any::<String>().prop_map(|text| (text, 1, None)),
        (bytes(), any::<Option<String>>()).prop_map(|(key, party)| (hex::encode(key), 2, party)),
    ]
}

fn member() -> impl Strategy<Value = MemberKind> {
    prop_oneof![
        any::<String>().prop_map(MemberKind::EthereumAddress),
        any::<[u8; 32]>().prop_map(|key| MemberKind::InstallationPublicKey(key.to_vec())),
        (bytes(), any::<Option<String>>())
            .prop_map(|(key, relying_party)| MemberKind::Passkey(wire::Passkey { key, relying_party })),
    ]
}

fn action() -> impl Strategy<Value = wire::IdentityAction> {
    let kind = prop_oneof![
        (identifier(), any::<u64>(), signature()).prop_map(|((text, kind, party), nonce, signature)| {
            Kind::CreateInbox(wire::CreateInbox {
                initial_identifier: text,
                nonce,
                initial_identifier_signature: signature,
                initial_identifier_kind: kind,
                relying_party: party,
            })
        }),
        (member(), signature(), signature()).prop_map(|(member, existing, new)| {
            let relying_party = match &member {
                MemberKind::Passkey(passkey) => passkey.relying_party.clone(),
                _ => None,
            };
            Kind::Add(wire::AddAssociation {
                new_member_identifier: Some(wire::MemberIdentifier { kind: Some(member) }),
                existing_member_signature: existing,
                new_member_signature: new,
                relying_party,
            })
        }),
        (
            prop_oneof![member(), bytes().prop_map(MemberKind::InstallationPublicKey)],
            signature()
        )
            .prop_map(|(member, signature)| {
                Kind::Revoke(wire::RevokeAssociation {
                    member_to_revoke: Some(wire::MemberIdentifier { kind: Some(member) }),
                    recovery_identifier_signature: signature,
                })
            }),
        (identifier(), signature()).prop_map(|((text, kind, party), signature)| {
            Kind::ChangeRecoveryAddress(wire::ChangeRecoveryAddress {
                new_recovery_identifier: text,
                existing_recovery_identifier_signature: signature,
                new_recovery_identifier_kind: kind,
                relying_party: party,
            })
        }),
    ];
    kind.prop_map(|kind| wire::IdentityAction { kind: Some(kind) })
}

fn update() -> impl Strategy<Value = wire::IdentityUpdate> {
    (
        prop::collection::vec(action(), 0..6),
        any::<u64>(),
        any::<[u8; 32]>(),
    )
        .prop_map(|(actions, client_timestamp_ns, inbox)| wire::IdentityUpdate {
            actions,
            client_timestamp_ns,
            inbox_id: hex::encode(inbox),
        })
}

/// Few people, so that they meet.
fn person() -> impl Strategy<Value = Signer> {
    prop_oneof![
        4 => (1u8..4).prop_map(Wallet),
        1 => (1u8..3).prop_map(PasskeyOf),
        5 => (1u8..5).prop_map(Installation),
    ]
}

fn owner() -> impl Strategy<Value = Signer> {
    prop_oneof![5 => Just(Wallet(1)), 1 => (1u8..4).prop_map(Wallet), 1 => Just(PasskeyOf(1))]
}

fn step() -> impl Strategy<Value = Action<Signer>> {
    prop_oneof![
        6 => (person(), prop_oneof![owner(), person()]).prop_map(|(new, existing)| add(new, existing)),
        4 => (person(), owner()).prop_map(|(member, recovery)| revoke(member, recovery)),
        1 => (owner(), owner()).prop_map(|(new, recovery)| change_recovery(new, recovery)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Vec<Action<Signer>>>> {
    prop::collection::vec(prop::collection::vec(step(), 1..4), 1..8)
}

/// The updates that were accepted and the state after each.
fn accepted(steps: Vec<Vec<Action<Signer>>>) -> (Vec<VerifiedUpdate>, Vec<AssociationState>) {
    let inbox = inbox_of(Wallet(1), 1);
    let first = verified(&signed(inbox, 1, vec![create(Wallet(1), 1)]));
    let mut states = vec![AssociationState::replay([&first]).expect("a creation")];
    let mut updates = vec![first];
    for (second, actions) in (2..).zip(steps) {
        let update = verified(&signed(inbox, second, actions));
        if let Some(state) = states.last().and_then(|state| state.apply(&update).ok()) {
            states.push(state);
            updates.push(update);
        }
    }
    (updates, states)
}

/// Membership by the plainest reading of the rules, without any check.
fn model(updates: &[VerifiedUpdate]) -> BTreeMap<Member, Option<Member>> {
    let mut members = BTreeMap::new();
    for action in updates.iter().flat_map(|update| &update.update().actions) {
        match action {
            Action::CreateInbox { signature, .. } => {
                members.insert(signature.signer().clone(), None);
            }
            Action::Add {
                new_member,
                existing_signature,
                ..
            } => {
                members.insert(new_member.clone(), Some(existing_signature.signer().clone()));
            }
            Action::Revoke {
                target: xmtp_web::identity::RevokeTarget::Member(gone),
                ..
            } => {
                members.remove(gone);
                members.retain(|member, by| member.installation().is_none() || by.as_ref() != Some(gone));
            }
            _ => {}
        }
    }
    members
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_update_keeps_its_bytes(update in update()) {
        let decoded = IdentityUpdate::from_proto(&update).expect("the shape is right");
        prop_assert_eq!(decoded.to_proto(), update);
        prop_assert_eq!(IdentityUpdate::from_bytes(&decoded.to_bytes()), Ok(decoded));
    }

    #[test]
    fn a_forged_update_is_refused_without_a_panic(update in update()) {
        let decoded = IdentityUpdate::from_proto(&update).expect("the shape is right");
        let unsigned = decoded.actions.is_empty();
        prop_assert_eq!(verify(&decoded, &ContractAnswers::none()).is_ok(), unsigned);
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = IdentityUpdate::from_bytes(&bytes);
        let _ = AssociationState::from_bytes(&bytes);
    }

    #[test]
    fn a_changed_byte_never_verifies_to_other_members(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let log = Log::of(Wallet(1), 1);
        let update = signed(log.state.inbox_id(), 5, vec![add(Installation(1), Wallet(1))]);
        let honest = log.state.apply(&verified(&update)).expect("honest");
        let mut bytes = update.to_bytes();
        bytes[at.index(update.to_bytes().len())] ^= 1 << bit;
        let outcome = IdentityUpdate::from_bytes(&bytes)
            .and_then(|update| verify(&update, &ContractAnswers::none()))
            .and_then(|update| log.state.apply(&update));
        if let Ok(state) = outcome {
            // A change of the outermost tag makes an action unknown, so that the update does nothing at all.
            let same_as = |other: &AssociationState| diff(Some(other), &state) == Default::default();
            prop_assert!(same_as(&honest) || same_as(&log.state));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_log_replays_to_the_same_state_from_every_prefix(steps in steps()) {
        let (updates, states) = accepted(steps);
        let last = states.last().expect("the creation at least");
        prop_assert_eq!(&AssociationState::replay(&updates), &Ok(last.clone()));
        for (cut, state) in states.iter().enumerate() {
            prop_assert_eq!(&AssociationState::replay(&updates[..=cut]), &Ok(state.clone()));
            let cached = AssociationState::from_bytes(&state.to_bytes()).expect("our own bytes");
            let end = updates[cut + 1..].iter().try_fold(cached, |state, update| state.apply(update));
            prop_assert_eq!(&end, &Ok(last.clone()));
        }
    }

    #[test]
    fn an_update_is_never_applied_twice(steps in steps()) {
        let (updates, states) = accepted(steps);
        let last = states.last().expect("the creation at least");
        for update in &updates {
            prop_assert!(last.apply(update).is_err());
        }
    }

    #[test]
    fn members_are_those_of_the_plainest_reading(steps in steps()) {
        let (updates, states) = accepted(steps);
        let last = states.last().expect("the creation at least");
        let members: BTreeMap<_, _> = last
            .members()
            .into_iter()
            .map(|(member, details)| (member.clone(), details.added_by.clone()))
            .collect();
        prop_assert_eq!(members, model(&updates));
    }

    #[test]
    fn a_diff_leads_from_one_state_to_the_other(steps in steps()) {
        let (_, states) = accepted(steps);
        for pair in states.windows(2) {
            let changes = diff(Some(&pair[0]), &pair[1]);
            for member in &changes.new_members {
                prop_assert!(!pair[0].is_member(member) && pair[1].is_member(member));
            }
            for member in &changes.removed_members {
                prop_assert!(pair[0].is_member(member) && !pair[1].is_member(member));
            }
            let grown = pair[0].members().len() + changes.new_members.len();
            prop_assert_eq!(grown, pair[1].members().len() + changes.removed_members.len());
        }
    }
}

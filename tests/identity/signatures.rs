//! Each kind of signature, genuine and forged.

use crate::support::{
    Contract, Installation, Legacy, PasskeyOf, Signer, Wallet, add, address, assertion, assertion_about,
    create, delegated, inbox_of, signed, wallet_key,
};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::identity::{
    Action, ContractAnswers, IdentityError, IdentityUpdate, LegacySignature, Member, PasskeySignature,
    Signature, VerifiedUpdate, eip191_hash, verify,
};
use xmtp_web::proto::xmtp::message_contents::signature::{EcdsaCompact, Union};

fn creation(signer: Signer) -> IdentityUpdate {
    signed(inbox_of(signer, 0), 1, vec![create(signer, 0)])
}

/// The creation with another signature in its place.
fn forged(signer: Signer, signature: Signature) -> Result<VerifiedUpdate, IdentityError> {
    let mut update = creation(signer);
    if let Action::CreateInbox { signature: place, .. } = &mut update.actions[0] {
        *place = signature;
    }
    verify(&update, &ContractAnswers::none())
}

fn text(signer: Signer) -> String {
    creation(signer).signature_text()
}

#[test]
fn a_wallet_signature_of_another_length_or_v_is_refused() {
    let Signature::Ecdsa(good) = Wallet(1).sign(&text(Wallet(1))) else {
        panic!("wallets sign so")
    };
    let mut odd_v = good.clone();
    odd_v[64] = 31;
    for wrong in [
        vec![],
        good[..64].to_vec(),
        [good.as_slice(), &[0]].concat(),
        odd_v,
    ] {
        let refused = forged(Wallet(1), Signature::Ecdsa(wrong)).expect_err("no signature");
        assert_eq!(refused, IdentityError::UnrecoverableSignature);
        assert_eq!(refused.code(), ErrorCode::InvalidSignature);
    }
}

#[test]
fn an_installation_signature_over_another_text_is_refused() {
    for (text, expected) in [
        ("other", Err(IdentityError::InvalidInstallationSignature)),
        ("", Ok(())),
    ] {
        let mut update = signed(
            inbox_of(Wallet(1), 0),
            1,
            vec![create(Wallet(1), 0), add(Installation(1), Wallet(1))],
        );
        if let (false, Action::Add { new_signature, .. }) = (text.is_empty(), &mut update.actions[1]) {
            *new_signature = Installation(1).sign(text);
        }
        assert_eq!(verify(&update, &ContractAnswers::none()).map(|_| ()), expected);
    }
}

#[test]
fn a_passkey_signs_as_its_key_with_its_origin() {
    let verified = verify(&creation(PasskeyOf(1)), &ContractAnswers::none()).expect("genuine");
    let Action::CreateInbox { signature, .. } = &verified.update().actions[0] else {
        panic!("a creation went in")
    };
    assert_eq!(signature.signer(), &PasskeyOf(1).member());
    assert_eq!(signature.replay_bytes().len(), 64);
    let Member::Passkey(passkey) = signature.signer() else {
        panic!("passkeys sign as passkeys")
    };
    assert_eq!(passkey.relying_party.as_deref(), Some("https://example.org"));
}

#[test]
fn a_passkey_assertion_about_something_else_is_refused() {
    let wrong: [&[u8]; 5] = [
        b"",
        b"{}",
        br#"{"origin":"https://example.org"}"#,
        br#"{"origin":1,"challenge":"eA"}"#,
        br#"{"origin":"https://example.org","challenge":"eA"}"#,
    ];
    for client_data in wrong {
        let signature = Signature::Passkey(assertion_about(1, client_data.to_vec()));
        assert_eq!(
            forged(PasskeyOf(1), signature),
            Err(IdentityError::InvalidPasskeyClientData)
        );
    }
}

#[test]
fn a_passkey_assertion_with_anything_changed_is_refused() {
    let good = || assertion(1, &text(PasskeyOf(1)));
    let mut longer_data = good();
    longer_data.authenticator_data.push(0);
    let mut other_client_data = good();
    other_client_data.client_data_json.push(b' ');
    let forgeries = [
        longer_data,
        other_client_data,
        PasskeySignature {
            public_key: assertion(2, "").public_key,
            ..good()
        },
        PasskeySignature {
            public_key: vec![],
            ..good()
        },
        PasskeySignature {
            signature: vec![0x30],
            ..good()
        },
    ];
    for forgery in forgeries {
        let outcome = forged(PasskeyOf(1), Signature::Passkey(forgery));
        assert_eq!(outcome, Err(IdentityError::InvalidPasskeySignature));
    }
}

#[test]
fn a_legacy_key_signs_for_the_wallet_that_delegated() {
    let verified = verify(&creation(Legacy(1)), &ContractAnswers::none()).expect("genuine");
    let Action::CreateInbox { signature, .. } = &verified.update().actions[0] else {
        panic!("a creation went in")
    };
    assert_eq!(signature.signer(), &Member::Ethereum(address(1)));
    // the wallet's signature over the key is what may not be used again
    assert!(matches!(signature.replay_bytes(), [_, .., 0 | 1]));
    assert_eq!(signature.replay_bytes().len(), 65);
    let mut compact = delegated(1, &text(Legacy(1)));
    if let Some(signature) = &mut compact.delegated_key.signature
        && let Some(Union::WalletEcdsaCompact(wallet)) = signature.union.take()
    {
        let (bytes, recovery) = (wallet.bytes, wallet.recovery);
        signature.union = Some(Union::EcdsaCompact(EcdsaCompact { bytes, recovery }));
    }
    assert!(forged(Legacy(1), Signature::Legacy(compact)).is_ok());
}

#[test]
fn a_legacy_delegation_that_does_not_fit_is_refused() {
    let good = || delegated(1, &text(Legacy(1)));
    let mut unsigned = good();
    unsigned.delegated_key.signature = None;
    let mut no_arm = good();
    no_arm.delegated_key.signature = Some(Default::default());
    // another key than the one that was delegated to
    let other_key = LegacySignature {
        signature: crate::support::personal_sign(&wallet_key(0x99), &text(Legacy(1))),
        ..good()
    };
    let mut no_key = good();
    no_key.delegated_key.key_bytes = vec![8, 1];
    let mut garbage = good();
    garbage.delegated_key.key_bytes = vec![0xff; 9];
    for forgery in [unsigned, no_arm, other_key, no_key, garbage] {
        let outcome = forged(Legacy(1), Signature::Legacy(forgery));
        assert_eq!(outcome, Err(IdentityError::InvalidLegacyDelegation));
    }
    let mut short = good();
    short.signature.pop();
    let outcome = forged(Legacy(1), Signature::Legacy(short));
    assert_eq!(outcome, Err(IdentityError::UnrecoverableSignature));
}

#[test]
fn a_contract_wallet_is_asked_once_at_its_block() {
    let owner = Contract(1, 8453);
    let update = signed(
        inbox_of(owner, 0),
        1,
        vec![create(owner, 0), add(Installation(1), owner)],
    );
    let questions = update.contract_questions();
    let [question] = questions.as_slice() else {
        panic!("one signature, one question: {questions:?}")
    };
    assert_eq!(question.account_id, format!("eip155:8453:{}", address(1)));
    assert_eq!((question.chain_id, question.block_number), (8453, 7));
    assert_eq!(question.address, address(1));
    assert_eq!(question.hash, eip191_hash(update.signature_text().as_bytes()));

    let unanswered = verify(&update, &ContractAnswers::none()).expect_err("nobody asked");
    assert_eq!(
        unanswered,
        IdentityError::ContractUnanswered(Box::new(question.clone()))
    );
    assert!(unanswered.is_retryable());

    let mut answers = ContractAnswers::none();
    answers.insert(question.clone(), false);
    let refused = verify(&update, &answers).expect_err("the chain says no");
    assert_eq!(refused, IdentityError::ContractRefused);
    assert!(!refused.is_retryable());
    answers.insert(question.clone(), true);
    let verified = verify(&update, &answers).expect("the chain says yes");
    let Action::CreateInbox { signature, .. } = &verified.update().actions[0] else {
        panic!("a creation went in")
    };
    assert_eq!(
        (signature.signer(), signature.chain_id()),
        (&owner.member(), Some(8453))
    );
}

#[test]
fn an_answer_for_another_block_does_not_count() {
    let update = creation(Contract(1, 1));
    let mut question = update.contract_questions().remove(0);
    question.block_number += 1;
    let answers = ContractAnswers::from_iter([(question, true)]);
    assert!(matches!(
        verify(&update, &answers),
        Err(IdentityError::ContractUnanswered(_))
    ));
}

//! Requests: who is asked, who is refused, and that what comes out is accepted.

use crate::support::{
    Contract, Installation, Log, PasskeyOf, Wallet, add, address, assertion, inbox_of, installation,
    installation_id, personal_sign, verified, wallet_key,
};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::identity::{
    AccountId, AssociationState, ContractAnswers, IdentityError, SignatureRequest, normalise_ecdsa, verify,
};

const NOW_NS: u64 = 1_735_689_600_000_000_000;

fn apply(log: &Log, request: &SignatureRequest) -> AssociationState {
    let update = request.build().expect("everybody has signed");
    log.state
        .apply(&verified(&update))
        .expect("what a request makes is accepted")
}

fn sign(request: &mut SignatureRequest, wallet: u8) -> Result<(), IdentityError> {
    let signature = personal_sign(&wallet_key(wallet), request.text());
    request.add_ecdsa(&signature)
}

#[test]
fn a_new_inbox_waits_for_owner_and_installation() {
    let mut request =
        SignatureRequest::new_inbox(Wallet(1).identifier(), 1, installation_id(1), NOW_NS).expect("an owner");
    assert_eq!(request.inbox_id(), inbox_of(Wallet(1), 1));
    assert_eq!(
        request.missing_signers(),
        vec![Wallet(1).member(), Installation(1).member()]
    );
    request.add_installation(&installation(1)).expect("asked for");
    assert_eq!(request.missing_signers(), vec![Wallet(1).member()]);
    let missing = request.build().expect_err("the owner has not signed");
    assert_eq!(missing, IdentityError::MissingSigners(vec![Wallet(1).member()]));
    sign(&mut request, 1).expect("the owner");
    assert_eq!(request.missing_signers(), vec![]);
    let update = verified(&request.build().expect("complete"));
    let state = AssociationState::replay([&update]).expect("a log");
    assert_eq!(state.installations(), vec![installation_id(1)]);
}

#[test]
fn somebody_elses_signature_is_refused_and_changes_nothing() {
    let mut request =
        SignatureRequest::new_inbox(Wallet(1).identifier(), 1, installation_id(1), NOW_NS).expect("an owner");
    let wrong = |signer: crate::support::Signer| {
        Err(IdentityError::WrongSigner {
            found: signer.member(),
        })
    };
    assert_eq!(sign(&mut request, 2), wrong(Wallet(2)));
    assert_eq!(request.add_installation(&installation(2)), wrong(Installation(2)));
    let text = request.text().to_owned();
    assert_eq!(request.add_passkey(assertion(1, &text)), wrong(PasskeyOf(1)));
    let account = AccountId::new(1, &address(2));
    assert_eq!(request.add_contract(account, 1, &[1]), wrong(Wallet(2)));
    let signature = installation(2).sign_identity_text(&text);
    assert_eq!(
        request.add_installation_signature(installation_id(2), &signature),
        wrong(Installation(2))
    );
    assert_eq!(
        request.add_installation_signature(installation_id(1), &signature),
        Err(IdentityError::InvalidInstallationSignature)
    );
    assert_eq!(
        request.add_ecdsa(&[0; 65]),
        Err(IdentityError::UnrecoverableSignature)
    );
    assert_eq!(request.missing_signers().len(), 2);
    let code = sign(&mut request, 2).expect_err("another wallet").code();
    assert_eq!(code, ErrorCode::WrongSigner);
}

#[test]
fn a_wallet_that_gives_high_s_is_understood() {
    let mut request =
        SignatureRequest::new_inbox(Wallet(1).identifier(), 1, installation_id(1), NOW_NS).expect("an owner");
    let low = personal_sign(&wallet_key(1), request.text());
    let mut high = low.clone();
    let s = -*k256::ecdsa::Signature::from_slice(&low[..64])
        .expect("a signature")
        .s();
    high[32..64].copy_from_slice(&s.to_bytes());
    high[64] = 55 - high[64];
    assert_eq!(normalise_ecdsa(&high).expect("a signature").to_vec(), low);
    request.add_ecdsa(&high).expect("it is the owner's");
    request.add_installation(&installation(1)).expect("asked for");
    verified(&request.build().expect("complete"));
}

#[test]
fn an_installation_joins_through_a_member_or_the_recovery_identifier() {
    let log = Log::usual();
    let mut request =
        SignatureRequest::new_installation(&log.state, Wallet(1).identifier(), installation_id(2), NOW_NS)
            .expect("a member");
    request
        .add_installation_signature(
            installation_id(2),
            &installation(2).sign_identity_text(request.text()),
        )
        .expect("made elsewhere");
    sign(&mut request, 1).expect("the member");
    assert!(apply(&log, &request).has_installation(installation_id(2)));

    let stranger =
        SignatureRequest::new_installation(&log.state, Wallet(9).identifier(), installation_id(2), NOW_NS);
    assert_eq!(
        stranger.expect_err("no member"),
        IdentityError::MissingExistingMember
    );
}

#[test]
fn the_eleventh_installation_is_refused_before_anybody_signs() {
    let mut log = Log::usual();
    log.push((2..=10).map(|n| add(Installation(n), Wallet(1))).collect())
        .expect("ten in all");
    let refused =
        SignatureRequest::new_installation(&log.state, Wallet(1).identifier(), installation_id(11), NOW_NS)
            .expect_err("there is no room");
    assert_eq!(refused.code(), ErrorCode::TooManyInstallations);
    let IdentityError::TooManyInstallations {
        inbox_id,
        installations,
    } = refused
    else {
        panic!("{refused}");
    };
    assert_eq!(inbox_id, log.state.inbox_id());
    assert_eq!(installations.len(), 10);
    for (id, details) in &installations {
        assert_eq!(log.state.details(&(*id).into()), Some(details));
    }
    // readers do not enforce it
    log.push(vec![add(Installation(11), Wallet(1))])
        .expect("a log may hold more");
}

#[test]
fn an_installation_links_wallets_and_passkeys() {
    let mut log = Log::usual();
    let inbox = log.state.inbox_id();
    let mut request =
        SignatureRequest::link_identifier(inbox, Wallet(2).identifier(), installation_id(1), NOW_NS)
            .expect("fixed");
    assert_eq!(
        request.missing_signers(),
        vec![Installation(1).member(), Wallet(2).member()]
    );
    request.add_installation(&installation(1)).expect("asked for");
    sign(&mut request, 2).expect("the new wallet");
    log.state = apply(&log, &request);
    assert!(log.has(Wallet(2)));

    let later = NOW_NS + 1_000_000_000;
    let mut request =
        SignatureRequest::link_identifier(inbox, PasskeyOf(1).identifier(), installation_id(1), later)
            .expect("fixed");
    request.add_installation(&installation(1)).expect("asked for");
    request
        .add_passkey(assertion(1, request.text()))
        .expect("the new passkey");
    assert!(apply(&log, &request).is_member(&PasskeyOf(1).member()));
}

#[test]
fn a_contract_wallet_signs_after_its_node_was_asked() {
    let owner = Contract(1, 10);
    let mut request =
        SignatureRequest::new_inbox(owner.identifier(), 1, installation_id(1), NOW_NS).expect("an owner");
    let account = AccountId::new(10, &address(1));
    let question = request.contract_question(account.clone(), 99, &[1, 2]);
    request.add_contract(account, 99, &[1, 2]).expect("the owner");
    request.add_installation(&installation(1)).expect("asked for");
    let update = request.build().expect("complete");
    assert_eq!(update.contract_questions(), vec![question.clone()]);
    assert!(verify(&update, &ContractAnswers::from_iter([(question, true)])).is_ok());
}

#[test]
fn recovery_revokes_with_one_signature_and_hands_over() {
    let mut log = Log::usual();
    log.push(vec![add(Installation(2), Wallet(1)), add(Wallet(2), Wallet(1))])
        .expect("more members");
    let inbox = log.state.inbox_id();
    let recovery = || Wallet(1).identifier();
    let both = [installation_id(1), installation_id(2)];
    let mut request =
        SignatureRequest::revoke_installations(inbox, recovery(), &both, NOW_NS).expect("two to revoke");
    assert_eq!(request.missing_signers(), vec![Wallet(1).member()]);
    sign(&mut request, 1).expect("recovery");
    assert_eq!(apply(&log, &request).installations(), vec![]);

    let mut request =
        SignatureRequest::revoke_identifiers(inbox, recovery(), &[Wallet(2).identifier()], NOW_NS)
            .expect("one to revoke");
    sign(&mut request, 1).expect("recovery");
    assert!(!apply(&log, &request).is_member(&Wallet(2).member()));

    let mut request =
        SignatureRequest::change_recovery(inbox, recovery(), Wallet(3).identifier(), NOW_NS).expect("fixed");
    sign(&mut request, 1).expect("recovery");
    assert_eq!(
        apply(&log, &request).recovery_identifier(),
        &Wallet(3).identifier()
    );
}

#[test]
fn a_request_without_actions_is_none() {
    let recovery = || Wallet(1).identifier();
    let inbox = inbox_of(Wallet(1), 1);
    let nobody = SignatureRequest::revoke_installations(inbox, recovery(), &[], NOW_NS);
    assert_eq!(
        nobody.expect_err("nobody to revoke"),
        IdentityError::NothingToSign
    );
    let nobody = SignatureRequest::revoke_identifiers(inbox, recovery(), &[], NOW_NS);
    assert_eq!(
        nobody.expect_err("nobody to revoke"),
        IdentityError::NothingToSign
    );
}

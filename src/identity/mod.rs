//! Who people are: inbox ids, the association log as a pure fold, signature texts and signatures.
//!
//! Nothing in here waits for a network, reads a clock or keeps state of its own; [`resolve`] reads stored logs. The way of an identity update:
//!
//! | step | type | made by |
//! |---|---|---|
//! | wanted, signers known | [`SignatureRequest`] | its constructors |
//! | complete, or read off the wire | [`IdentityUpdate`] | [`SignatureRequest::build`], [`IdentityUpdate::from_bytes`] |
//! | every signature holds | [`VerifiedUpdate`] | [`verify`] alone |
//! | every rule of the log holds | [`AssociationState`] | [`AssociationState::replay`], [`AssociationState::apply`] |
//!
//! A smart-contract wallet's signature can only be judged on its chain. [`IdentityUpdate::contract_questions`]
//! says what to ask, the caller asks a node and hands the [`ContractAnswers`] to [`verify`].
//!
//! # Source
//! libxmtp 1.9 to 1.12 (`xmtp_id`), XIP-46; checked against what `@xmtp/node-sdk` 5.5.0, 6.0.0 and
//! 6.1.0-nightly.20260726 publish (`tests/vectors/identity.json`).

mod association;
mod error;
mod identifier;
mod inbox_id;
mod log;
mod request;
mod signature;

pub use association::{
    Action, AssociationState, IdentityUpdate, MemberDetails, RevokeTarget, StateDiff, VerifiedSignature,
    VerifiedUpdate, diff, verify,
};
pub use error::IdentityError;
pub use identifier::{Address, Identifier, Member, MemberKind, Passkey};
pub use inbox_id::derive_inbox_id;
pub use log::{LogPosition, Resolved, resolve, resolve_all, store_answer};
pub use request::SignatureRequest;
pub use signature::{
    AccountId, ContractAnswers, ContractQuestion, ContractSignature, InstallationKey, LegacySignature,
    PasskeySignature, Signature, SignatureKind, WalletKey, eip191_hash, normalise_ecdsa, recover_address,
    verify_identity_text, verify_public_context,
};

/// How many installations one inbox may have: every installation is a leaf in every group of the inbox.
///
/// Only the registering client enforces it, before it asks for a signature; neither nodes nor verifiers do,
/// so a log that exceeds it is still valid.
///
/// # Source
/// libxmtp, `TooManyInstallations`.
pub const MAX_INSTALLATIONS_PER_INBOX: usize = 10;

/// How many updates the log of one inbox may have; a node refuses the next one. Readers do not check it.
///
/// # Source
/// xmtp-node-go, `inbox log is full`.
pub const MAX_UPDATES_PER_INBOX: usize = 256;

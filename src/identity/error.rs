//! What can be wrong with an identity.

use super::association::MemberDetails;
use super::identifier::{Member, MemberKind};
use super::signature::{ContractQuestion, SignatureKind};
use crate::error::{Coded, ErrorCode};
use crate::ids::{InboxId, InstallationId};

/// Why an identity update, a signature or an identifier is refused.
///
/// None of them leaves anything changed: an update is applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Text is not `0x` and 40 hex digits.
    #[error("a wallet address is `0x` and 40 hex digits")]
    InvalidAddress,
    /// A passkey given as text is not hex.
    #[error("a passkey in text form is hex")]
    InvalidPasskey,
    /// An inbox id is not 64 lower-case hex characters.
    #[error("an inbox id is 64 lower-case hex characters")]
    InvalidInboxId,
    /// Bytes are not a protobuf message of the expected shape.
    #[error("the identity update does not decode: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// An action of no known kind.
    #[error("an identity action has no kind")]
    MissingAction,
    /// An action without one of its signatures, or a signature of no known kind.
    #[error("an identity action lacks a signature")]
    MissingSignature,
    /// An action without the member it is about.
    #[error("an identity action lacks its member")]
    MissingMember,
    /// An installation key is not 32 bytes that are an Ed25519 point.
    #[error("an installation key is a 32-byte Ed25519 public key")]
    InvalidInstallationKey,
    /// An account is not `eip155:<chain>:<address>` (CAIP-10).
    #[error("a contract account is written `eip155:<chain>:<address>`")]
    InvalidAccountId,
    /// A wallet signature is not 65 bytes r, s, v from which an address can be recovered.
    #[error("a wallet signature is 65 bytes (r, s, v) of a secp256k1 signature")]
    UnrecoverableSignature,
    /// An installation's signature does not verify.
    #[error("an installation signature does not verify")]
    InvalidInstallationSignature,
    /// A legacy key is malformed, or it is not the key that signed.
    #[error("a legacy key delegation does not verify")]
    InvalidLegacyDelegation,
    /// A passkey's client data is not JSON with `origin` and `challenge`, or the challenge is another text's.
    #[error("a passkey assertion is about something else")]
    InvalidPasskeyClientData,
    /// A passkey's assertion does not verify.
    #[error("a passkey signature does not verify")]
    InvalidPasskeySignature,
    /// The contract wallet says that this is not its signature.
    #[error("the contract wallet does not recognise the signature")]
    ContractRefused,
    /// Nobody has asked the contract wallet yet: ask a node this question and verify again with the answer.
    #[error("the contract wallet has not been asked about its signature")]
    ContractUnanswered(Box<ContractQuestion>),
    /// A second inbox creation in one log.
    #[error("the inbox was created before")]
    MultipleCreate,
    /// Something other than a creation at the start of a log, or a log without one.
    #[error("the inbox has not been created")]
    NotCreated,
    /// The signer is not who must sign: no member, or not the recovery identifier.
    #[error("the signer is not a member that may do this")]
    MissingExistingMember,
    /// A signature of this kind does not count for a member of that kind.
    #[error("a {signature} signature does not count for {member}")]
    SignatureNotAllowed {
        /// What the signer is.
        member: MemberKind,
        /// How it signed.
        signature: SignatureKind,
    },
    /// A legacy key outside the inbox derived from its wallet with nonce 0.
    #[error("a legacy signature counts only in the inbox of its wallet with nonce 0")]
    LegacySignatureReuse,
    /// A signature that an earlier update of the log already used.
    #[error("the signature was used in an earlier update")]
    Replay,
    /// The new member's signature is by somebody else.
    #[error("the new member did not sign its own addition")]
    NewMemberMismatch,
    /// A member adds itself.
    #[error("a member cannot add itself")]
    AddedItself,
    /// A member signs from another chain than the one it was added on (`None`: with a plain key).
    #[error("the member was added on another chain than it signs from")]
    ChainMismatch {
        /// Chain id at the time it was added.
        expected: Option<u64>,
        /// Chain id of this signature.
        found: Option<u64>,
    },
    /// Members of this kind cannot add members of that kind.
    #[error("{existing} cannot add {new}")]
    MemberNotAllowed {
        /// What the adding member is.
        existing: MemberKind,
        /// What it adds.
        new: MemberKind,
    },
    /// The update names another inbox than the one its actions lead to.
    #[error("the update names another inbox")]
    WrongInboxId,
    /// The inbox has as many installations as it may have ([`super::MAX_INSTALLATIONS_PER_INBOX`]).
    #[error(
        "inbox {inbox_id} has {} installations, as many as it may: revoke one first, which needs no installation",
        .installations.len()
    )]
    TooManyInstallations {
        /// The inbox.
        inbox_id: InboxId,
        /// Those there are, the oldest first by their claimed time, with how each came in.
        installations: Vec<(InstallationId, MemberDetails)>,
    },
    /// A signature for a request by somebody the request does not wait for.
    #[error("the signature is by somebody else than the one asked to sign")]
    WrongSigner {
        /// Who signed.
        found: Member,
    },
    /// A request is built while these have not signed.
    #[error("{} signature(s) are missing", .0.len())]
    MissingSigners(Vec<Member>),
    /// A request that would change nothing, for example a revocation of nobody.
    #[error("the request contains no action")]
    NothingToSign,
    /// A stored association state does not decode.
    #[error("a stored association state does not decode")]
    CorruptState,
    /// The system gives no random numbers.
    #[error("no source of randomness")]
    NoRandomness,
}

impl Coded for IdentityError {
    fn code(&self) -> ErrorCode {
        use IdentityError as E;
        match self {
            E::InvalidAddress => ErrorCode::InvalidAddress,
            E::InvalidInboxId => ErrorCode::InvalidInboxId,
            E::UnrecoverableSignature
            | E::InvalidInstallationSignature
            | E::InvalidLegacyDelegation
            | E::InvalidPasskeyClientData
            | E::InvalidPasskeySignature
            | E::ContractRefused => ErrorCode::InvalidSignature,
            E::ContractUnanswered(_) => ErrorCode::NetworkUnavailable,
            E::InvalidPasskey
            | E::Malformed(_)
            | E::MissingAction
            | E::MissingSignature
            | E::MissingMember
            | E::InvalidInstallationKey
            | E::InvalidAccountId
            | E::MultipleCreate
            | E::NotCreated
            | E::MissingExistingMember
            | E::SignatureNotAllowed { .. }
            | E::LegacySignatureReuse
            | E::Replay
            | E::NewMemberMismatch
            | E::AddedItself
            | E::ChainMismatch { .. }
            | E::MemberNotAllowed { .. }
            | E::WrongInboxId => ErrorCode::InvalidIdentityUpdate,
            E::TooManyInstallations { .. } => ErrorCode::TooManyInstallations,
            E::WrongSigner { .. } => ErrorCode::WrongSigner,
            E::MissingSigners(_) => ErrorCode::SignerRefused,
            E::NothingToSign => ErrorCode::InvalidArgument,
            E::CorruptState => ErrorCode::CorruptDatabase,
            E::NoRandomness => ErrorCode::Internal,
        }
    }
}

//! What may be stored: the checks of the public node's validation service, by the library's own code.

mod header;

pub(crate) use header::Header;

use crate::contracts::{ContractError, Contracts};
use crate::store::MemberChanges;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use xmtp_web::error::Coded;
use xmtp_web::identity::{
    self, AssociationState, ContractAnswers, IdentityError, IdentityUpdate, Member, VerifiedUpdate,
};
use xmtp_web::ids::InstallationId;
use xmtp_web::mls::{MlsError, key_package};
use xmtp_web::proto::xmtp::identity::associations as wire;

/// The validation service of the public node takes requests of at most 4 MiB, so larger batches of group
/// messages fail there.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;

/// Refuses group messages that together are larger than the validation service takes.
pub(crate) fn batch_size(lengths: impl Iterator<Item = usize>) -> Result<(), Status> {
    if lengths.fold(0, usize::saturating_add) > LARGEST_BATCH {
        let text = format!("invalid group message: more than {LARGEST_BATCH} bytes in one request");
        return Err(Status::invalid_argument(text));
    }
    Ok(())
}

/// Why an identity update is not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    /// It, or an older one of its log, breaks a rule.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A contract wallet cannot be asked; that may change.
    #[error(transparent)]
    Contract(#[from] ContractError),
}

/// INVALID_ARGUMENT for broken rules, UNAVAILABLE where nobody could be asked; metadata `error-code` is the
/// library's code.
impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        let (code, label) = match &rejection {
            Rejection::Identity(error) => (Code::InvalidArgument, error.code().as_str()),
            Rejection::Contract(_) => (
                Code::Unavailable,
                xmtp_web::error::ErrorCode::NetworkUnavailable.as_str(),
            ),
        };
        let mut status = Status::new(code, rejection.to_string());
        status
            .metadata_mut()
            .insert("error-code", MetadataValue::from_static(label));
        status
    }
}

/// Verifies every signature of a log and one more update, replays them, and says whom the update brings in and
/// takes out.
pub(crate) fn identity_update(
    old: &[wire::IdentityUpdate],
    update: &wire::IdentityUpdate,
    contracts: &Contracts,
) -> Result<MemberChanges, Rejection> {
    let old = old
        .iter()
        .map(|update| verify(update, contracts))
        .collect::<Result<Vec<_>, _>>()?;
    let update = verify(update, contracts)?;
    let (before, after) = if old.is_empty() {
        (None, AssociationState::replay([&update])?)
    } else {
        let before = AssociationState::replay(&old)?;
        let after = before.apply(&update)?;
        (Some(before), after)
    };
    let diff = identity::diff(before.as_ref(), &after);
    Ok(MemberChanges {
        added: addresses(&diff.new_members),
        removed: addresses(&diff.removed_members),
    })
}

fn verify(update: &wire::IdentityUpdate, contracts: &Contracts) -> Result<VerifiedUpdate, Rejection> {
    let update = IdentityUpdate::from_proto(update)?;
    let mut answers = ContractAnswers::none();
    for question in update.contract_questions() {
        let block = Some(question.block_number);
        let verdict = contracts.verify(&question.account_id, block, &question.signature, &question.hash)?;
        answers.insert(question, verdict.valid);
    }
    Ok(identity::verify(&update, &answers)?)
}

fn addresses(members: &[Member]) -> Vec<String> {
    let address = |member: &Member| match member {
        Member::Ethereum(address) => Some(address.as_str().to_owned()),
        Member::Passkey(_) | Member::Installation(_) => None,
    };
    members.iter().filter_map(address).collect()
}

/// Checks a key package and returns the installation that signed it. Its lifetime is compared with the machine's
/// clock. Whether the installation belongs to the inbox it names is not looked at, as on the public node.
pub(crate) fn key_package(bytes: &[u8]) -> Result<InstallationId, MlsError> {
    Ok(key_package::verify_standalone(bytes)?.installation_id())
}

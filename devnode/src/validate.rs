//! What may be stored: the checks of the public node's validation service, by the library's own code.

mod header;

pub(crate) use header::Header;

use crate::contracts::Contracts;
use crate::store::MemberChanges;
use tonic::Status;
use xmtp_web::proto::xmtp::identity::associations::IdentityUpdate;

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

#[derive(Debug)]
pub(crate) enum Rejection {}

impl From<Rejection> for Status {
    fn from(r: Rejection) -> Self {
        match r {}
    }
}

pub(crate) fn key_package(bytes: &[u8], _now_ns: u64) -> Result<Vec<u8>, &'static str> {
    Ok(bytes.to_vec())
}

pub(crate) fn identity_update(
    _old: &[IdentityUpdate],
    _update: &IdentityUpdate,
    _contracts: &Contracts,
) -> Result<MemberChanges, Rejection> {
    Ok(MemberChanges::default())
}

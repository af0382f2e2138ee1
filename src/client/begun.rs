//! A registration that waits for its signature.
//!
//! Its key and its time are stored with it. A wallet may take minutes, and whoever has the database by then, the app
//! opened again or the next tab, must go on with the text that the wallet was shown.

use crate::identity::{IdentityUpdate, Signature};
use crate::ids::InboxId;
use crate::storage::{IdentityRow, RegistrationState};

/// How long a text may wait for its signature, nanoseconds: nobody should be shown the date of last week.
const WAITS_NS: u64 = 24 * 60 * 60 * 1_000_000_000;

/// What an identity row says of its update. One without actions stands for what nobody has signed: the actions follow
/// from the row, and only their time has to be kept.
pub(super) enum Pending {
    /// There is nothing to publish, or what was refused is to be signed anew.
    Nothing,
    /// The wallet has been shown a text of this time (nanoseconds since the Unix epoch).
    Begun(u64),
    /// It has signed.
    Signed(Vec<u8>),
}

impl Pending {
    pub(super) fn of(row: &IdentityRow) -> Self {
        let Some(bytes) = &row.pending_update else {
            return Self::Nothing;
        };
        match IdentityUpdate::<Signature>::from_bytes(bytes) {
            Ok(update) if update.actions.is_empty() => Self::Begun(update.client_timestamp_ns),
            _ => Self::Signed(bytes.clone()),
        }
    }

    /// When the text was made that is to be signed now: the earlier time as long as it may wait.
    pub(super) fn time(&self, now_ns: u64) -> u64 {
        match self {
            Self::Begun(at) if now_ns.checked_sub(*at).is_some_and(|waited| waited < WAITS_NS) => *at,
            _ => now_ns,
        }
    }
}

/// Whether nobody knows the installation of a row yet, and nobody has signed for it.
pub(super) fn is_only_begun(row: &IdentityRow) -> bool {
    row.registration == RegistrationState::Created && !matches!(Pending::of(row), Pending::Signed(_))
}

/// What is stored of an update that waits for its signature.
pub(super) fn begun(inbox_id: InboxId, client_timestamp_ns: u64) -> Vec<u8> {
    let update = IdentityUpdate::<Signature> {
        inbox_id,
        client_timestamp_ns,
        actions: Vec::new(),
    };
    update.to_bytes()
}

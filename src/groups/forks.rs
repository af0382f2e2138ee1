//! Whether a group has forked: our account of its commits beside the one that members publish.
//!
//! Super admins, and both people of a direct message, publish what came of each commit, signed by a key that the group's
//! metadata hold. Any member could sign something wrong, so this is for people who look for a fault: nothing follows from
//! it.
//!
//! # Source
//! libxmtp 1.9 to 1.12-dev (`commit_log.rs`): what of a published log counts, and what is compared.

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use prost::Message as _;

use crate::groups::metadata::{MutableMetadata, field};
use crate::ids::GroupId;
use crate::proto::xmtp::mls::message_contents as wire;
use crate::storage::CommitLogRow;

/// A commit that a member says was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedCommit {
    /// The network's number of the commit.
    pub sequence_id: u64,
    /// The epoch after.
    pub epoch: u64,
    /// The epoch authenticator after.
    pub authenticator: Vec<u8>,
}

/// What counts of a group's published log.
#[derive(Debug, Clone)]
pub struct PublishedLog {
    group_id: GroupId,
    /// Who signs: named by the metadata, else whoever signed first.
    signer: Option<VerifyingKey>,
    /// The commit that was taken last, applied or not.
    last: u64,
    commits: Vec<PublishedCommit>,
}

impl PublishedLog {
    /// Nothing yet.
    #[must_use]
    pub fn new(group_id: GroupId, metadata: &MutableMetadata) -> Self {
        let mut secret = [0u8; 32];
        let named = metadata
            .get(field::COMMIT_LOG_SIGNER)
            .is_some_and(|text| hex::decode_to_slice(text, &mut secret).is_ok());
        Self {
            group_id,
            signer: named.then(|| SigningKey::from_bytes(&secret).verifying_key()),
            last: 0,
            commits: Vec::new(),
        }
    }

    /// Takes an entry, in the order of the network, if it counts: of this group, behind the last one, signed, and
    /// going on from where that led.
    pub fn take(&mut self, entry: &[u8], signature: &[u8], public_key: &[u8]) {
        let Ok(said) = wire::PlaintextCommitLogEntry::decode(entry) else {
            return;
        };
        let Some(signer) = self.verified(entry, signature, public_key) else {
            return;
        };
        let follows = self
            .commits
            .last()
            .is_none_or(|last| last.authenticator == said.last_epoch_authenticator);
        if said.group_id != self.group_id.as_bytes() || said.commit_sequence_id <= self.last || !follows {
            return;
        }
        let is_applied = said.commit_result == wire::CommitResult::Applied as i32;
        if is_applied {
            let is_next =
                |last: &PublishedCommit| last.epoch.checked_add(1) == Some(said.applied_epoch_number);
            if !self.commits.last().is_none_or(is_next) {
                return;
            }
            self.commits.push(PublishedCommit {
                sequence_id: said.commit_sequence_id,
                epoch: said.applied_epoch_number,
                authenticator: said.applied_epoch_authenticator,
            });
        }
        self.signer = Some(signer);
        self.last = said.commit_sequence_id;
    }

    fn verified(&self, entry: &[u8], signature: &[u8], public_key: &[u8]) -> Option<VerifyingKey> {
        let signer = VerifyingKey::try_from(public_key).ok()?;
        let signature = Signature::from_slice(signature).ok()?;
        let is_expected = self.signer.is_none_or(|expected| expected == signer);
        (is_expected && signer.verify_strict(entry, &signature).is_ok()).then_some(signer)
    }

    /// The commits that count, oldest first.
    #[must_use]
    pub fn commits(&self) -> &[PublishedCommit] {
        &self.commits
    }

    /// Whether the newest commit that both know led us elsewhere. `None`: there is none.
    #[must_use]
    pub fn is_forked(&self, ours: &[CommitLogRow]) -> Option<bool> {
        self.commits.iter().rev().find_map(|published| {
            let row = ours
                .iter()
                .rev()
                .find(|row| row.sequence_id == published.sequence_id)?;
            let reached = row.applied_epoch_authenticator.as_ref();
            Some(reached.unwrap_or(&row.last_epoch_authenticator) != &published.authenticator)
        })
    }
}

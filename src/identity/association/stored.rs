//! A state as bytes, for a cache: replaying a log means verifying every signature in it.

use super::state::{AssociationState, MemberDetails};
use crate::identity::error::IdentityError;
use crate::identity::identifier::{Address, Member, Passkey};
use crate::ids::{InboxId, InstallationId};
use serde::{Deserialize, Serialize};

/// First byte of the stored form. Change it with the form; what does not carry it is replayed from the log.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct StoredState {
    inbox_id: [u8; 32],
    recovery: StoredMember,
    members: Vec<(StoredMember, StoredDetails)>,
    seen_signatures: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
enum StoredMember {
    Ethereum(String),
    Passkey(Vec<u8>, Option<String>),
    Installation([u8; 32]),
}

#[derive(Serialize, Deserialize)]
struct StoredDetails {
    added_by: Option<StoredMember>,
    client_timestamp_ns: Option<u64>,
    added_on_chain_id: Option<u64>,
}

impl AssociationState {
    /// The state as bytes for [`AssociationState::from_bytes`]; equal states give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = StoredState {
            inbox_id: *self.inbox_id.as_bytes(),
            recovery: store(&self.recovery.clone().into()),
            members: self
                .members
                .iter()
                .map(|(member, details)| {
                    let details = StoredDetails {
                        added_by: details.added_by.as_ref().map(store),
                        client_timestamp_ns: details.client_timestamp_ns,
                        added_on_chain_id: details.added_on_chain_id,
                    };
                    (store(member), details)
                })
                .collect(),
            seen_signatures: self.seen_signatures.iter().cloned().collect(),
        };
        postcard::to_extend(&stored, vec![VERSION])
            .expect("a growing vector takes everything, and the types hold nothing unserialisable")
    }

    /// Reads a state back. Only for bytes from our own database: nothing in them proves that they were
    /// resolved from a log.
    ///
    /// # Errors
    /// [`IdentityError::CorruptState`] for anything else than [`AssociationState::to_bytes`] of this version
    /// of the form wrote; the log can be replayed instead.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        let corrupt = IdentityError::CorruptState;
        let Some((&VERSION, rest)) = bytes.split_first() else {
            return Err(corrupt);
        };
        let (stored, rest) = postcard::take_from_bytes::<StoredState>(rest).map_err(|_| corrupt.clone())?;
        let recovery = load(stored.recovery).identifier().ok_or(corrupt.clone())?;
        if !rest.is_empty() {
            return Err(corrupt);
        }
        let members = stored.members.into_iter().map(|(member, details)| {
            let details = MemberDetails {
                added_by: details.added_by.map(load),
                client_timestamp_ns: details.client_timestamp_ns,
                added_on_chain_id: details.added_on_chain_id,
            };
            (load(member), details)
        });
        Ok(Self {
            inbox_id: InboxId::new(stored.inbox_id),
            members: members.collect(),
            recovery,
            seen_signatures: stored.seen_signatures.into_iter().collect(),
        })
    }
}

fn store(member: &Member) -> StoredMember {
    match member {
        Member::Ethereum(address) => StoredMember::Ethereum(address.to_string()),
        Member::Passkey(passkey) => StoredMember::Passkey(passkey.key.clone(), passkey.relying_party.clone()),
        Member::Installation(id) => StoredMember::Installation(*id.as_bytes()),
    }
}

fn load(member: StoredMember) -> Member {
    match member {
        StoredMember::Ethereum(text) => Member::Ethereum(Address::verbatim(text)),
        StoredMember::Passkey(key, relying_party) => Member::Passkey(Passkey { key, relying_party }),
        StoredMember::Installation(id) => Member::Installation(InstallationId::new(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::identifier::Identifier;
    use std::collections::{BTreeMap, BTreeSet};

    fn state() -> AssociationState {
        let wallet = Member::Ethereum(Address::verbatim("0x12".into()));
        let details = |added_by, client_timestamp_ns, added_on_chain_id| MemberDetails {
            added_by,
            client_timestamp_ns,
            added_on_chain_id,
        };
        let passkey = Passkey {
            key: vec![1, 2],
            relying_party: Some("site".into()),
        };
        AssociationState {
            inbox_id: InboxId::new([3; 32]),
            recovery: Identifier::Passkey(passkey.clone()),
            members: BTreeMap::from([
                (wallet.clone(), details(None, None, Some(1))),
                (
                    Member::Passkey(passkey),
                    details(Some(wallet.clone()), Some(u64::MAX), None),
                ),
                (
                    Member::Installation(InstallationId::new([4; 32])),
                    details(Some(wallet), Some(1), None),
                ),
            ]),
            seen_signatures: BTreeSet::from([vec![], vec![5; 65]]),
        }
    }

    #[test]
    fn a_state_comes_back_from_its_bytes() {
        assert_eq!(AssociationState::from_bytes(&state().to_bytes()), Ok(state()));
    }

    #[test]
    fn anything_else_is_corrupt() {
        let bytes = state().to_bytes();
        let mut other_version = bytes.clone();
        other_version[0] = 2;
        let longer = [bytes.as_slice(), &[0]].concat();
        for end in 0..bytes.len() {
            assert_eq!(
                AssociationState::from_bytes(&bytes[..end]),
                Err(IdentityError::CorruptState)
            );
        }
        for wrong in [other_version, longer] {
            assert_eq!(
                AssociationState::from_bytes(&wrong),
                Err(IdentityError::CorruptState)
            );
        }
    }
}

//! The stored details of intents. Local to this installation, so in a format of our own (postcard).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::groups::{GroupError, Permission, PolicyOption};
use crate::ids::{InboxId, InstallationId};
use crate::storage::IntentKind;

/// What an intent is to do. The order of the variants is part of the stored format: append only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntentData {
    /// Send an encoded plaintext envelope.
    SendMessage {
        /// The envelope.
        plaintext: Vec<u8>,
    },
    /// Renew the own leaf's keys.
    KeyUpdate,
    /// Bring the tree up to date with the members' identities.
    UpdateMembership {
        /// Inboxes to move to a newer identity update, if they are members when the commit is built, and
        /// those of `add`.
        members: BTreeMap<InboxId, u64>,
        /// Inboxes to remove.
        remove: BTreeSet<InboxId>,
        /// The inboxes among `members` that become members if they are none. Where somebody is asked for, at
        /// least one installation must come in.
        add: BTreeSet<InboxId>,
    },
    /// Set an attribute of the mutable metadata.
    UpdateMetadata {
        /// Its name.
        field: String,
        /// Its value.
        value: String,
    },
    /// Change the admin lists.
    UpdateAdmins {
        /// How.
        change: AdminChange,
        /// Whom.
        inbox_id: InboxId,
    },
    /// Replace one policy of the permissions.
    UpdatePermission {
        /// Which.
        permission: Permission,
        /// By which.
        option: PolicyOption,
    },
}

/// A change of the admin lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminChange {
    /// Add to the admin list.
    AddAdmin,
    /// Remove from the admin list.
    RemoveAdmin,
    /// Add to the super admin list.
    AddSuperAdmin,
    /// Remove from the super admin list.
    RemoveSuperAdmin,
}

impl IntentData {
    /// The kind under which it is stored.
    #[must_use]
    pub fn kind(&self) -> IntentKind {
        match self {
            IntentData::SendMessage { .. } => IntentKind::SendMessage,
            IntentData::KeyUpdate => IntentKind::KeyUpdate,
            IntentData::UpdateMembership { .. } => IntentKind::UpdateGroupMembership,
            IntentData::UpdateMetadata { .. } => IntentKind::MetadataUpdate,
            IntentData::UpdateAdmins { .. } => IntentKind::UpdateAdminList,
            IntentData::UpdatePermission { .. } => IntentKind::UpdatePermission,
        }
    }

    /// The stored form.
    ///
    /// # Errors
    /// [`GroupError::Corrupt`], which only a defect can cause.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        postcard::to_stdvec(self).map_err(|_| GroupError::Corrupt("intent"))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`GroupError::Corrupt`].
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        postcard::from_bytes(bytes).map_err(|_| GroupError::Corrupt("intent"))
    }
}

/// Welcomes to send once a commit has been accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostCommit {
    /// TLS `MLSMessage` with the welcome of all added installations.
    pub welcome: Vec<u8>,
    /// Who gets it.
    pub recipients: Vec<Recipient>,
}

/// An installation a welcome is wrapped for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Its id, which is its welcome topic.
    pub installation_id: InstallationId,
    /// The X25519 key of its key package.
    pub init_key: Vec<u8>,
}

impl PostCommit {
    /// The stored form.
    ///
    /// # Errors
    /// [`GroupError::Corrupt`], which only a defect can cause.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        postcard::to_stdvec(self).map_err(|_| GroupError::Corrupt("post-commit action"))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`GroupError::Corrupt`].
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        postcard::from_bytes(bytes).map_err(|_| GroupError::Corrupt("post-commit action"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_intents_of_this_version_stay_readable() {
        // A change of these bytes makes intents in existing databases unreadable.
        let cases = [
            (
                IntentData::SendMessage {
                    plaintext: vec![1, 2],
                },
                "00020102",
            ),
            (IntentData::KeyUpdate, "01"),
            (
                IntentData::UpdateMetadata {
                    field: "a".into(),
                    value: "b".into(),
                },
                "0301610162",
            ),
            (
                IntentData::UpdatePermission {
                    permission: Permission::Metadata("a".into()),
                    option: PolicyOption::SuperAdmin,
                },
                "0504016103",
            ),
        ];
        for (data, hex) in cases {
            assert_eq!(hex::encode(data.encode().expect("encodes")), hex);
            assert_eq!(IntentData::decode(&hex::decode(hex).expect("hex")), Ok(data));
        }
        let update = IntentData::UpdateMembership {
            members: [(InboxId::new([1; 32]), 7)].into(),
            remove: [InboxId::new([2; 32])].into(),
            add: [InboxId::new([1; 32])].into(),
        };
        assert_eq!(IntentData::decode(&update.encode().expect("encodes")), Ok(update));
        let admins = IntentData::UpdateAdmins {
            change: AdminChange::AddSuperAdmin,
            inbox_id: InboxId::new([3; 32]),
        };
        assert_eq!(IntentData::decode(&admins.encode().expect("encodes")), Ok(admins));
    }

    #[test]
    fn garbage_is_an_error() {
        assert_eq!(IntentData::decode(&[9]), Err(GroupError::Corrupt("intent")));
        assert_eq!(
            PostCommit::decode(&[0xff]),
            Err(GroupError::Corrupt("post-commit action"))
        );
    }
}

//! What can go wrong in a group.

use super::removal::RemovalError;
use crate::error::{Coded, ErrorCode};
use crate::ids::{GroupId, InboxId};
use crate::mls::MlsError;
use crate::storage::StorageError;

/// Failures of the groups room.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum GroupError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An MLS object failed.
    #[error(transparent)]
    Mls(MlsError),
    /// A commit breaks a rule.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A welcome breaks a rule.
    #[error(transparent)]
    Welcome(#[from] WelcomeError),
    /// A message cannot be removed.
    #[error(transparent)]
    Removal(#[from] RemovalError),
    /// The group is not in the database.
    #[error("group {group_id} is not in the local database: sync the conversations first")]
    NotFound {
        /// The group asked for.
        group_id: GroupId,
    },
    /// The local inbox is no longer a member.
    #[error("you are no longer a member of this group")]
    Inactive,
    /// The group waits for a newer version.
    #[error("this group is paused until version {required} or later is installed")]
    Paused {
        /// The version the group demands.
        required: String,
    },
    /// More members than a group may have.
    #[error("a group has at most {limit} members")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A text is longer than its field takes.
    #[error("{field} takes at most {limit} bytes")]
    TooLong {
        /// The field's name.
        field: String,
        /// Its limit in bytes.
        limit: usize,
    },
    /// The group's rules forbid it.
    #[error("the permissions of this group do not let you {0}")]
    NotPermitted(&'static str),
    /// A policy that the network has no value for.
    #[error("changing admins cannot be allowed to everybody: choose nobody, admins or super admins")]
    PolicyUnavailable,
    /// A minimum version in a form that not every release reads.
    #[error("{asked:?} cannot be a minimum version: write three numbers, such as 1.10.0")]
    InvalidVersion {
        /// What was asked for.
        asked: String,
    },
    /// A minimum version that would pause ourselves.
    #[error("the minimum version {asked} lies above this client's own, {own}")]
    VersionAboveOwn {
        /// What was asked for.
        asked: String,
        /// The own version.
        own: String,
    },
    /// A minimum version below the one the group has.
    #[error("the minimum version of this group is {current} and cannot be lowered to {asked}")]
    VersionLowered {
        /// What was asked for.
        asked: String,
        /// What the group has.
        current: String,
    },
    /// A time before the Unix epoch, or a span below nothing.
    #[error("the times of disappearing messages cannot be negative")]
    NegativeTime,
    /// Not possible in this kind of conversation.
    #[error("this is not possible in a direct message: {0}")]
    NotInDm(&'static str),
    /// The own inbox cannot leave.
    #[error("you cannot leave: {0}")]
    CannotLeave(LeaveRefusal),
    /// Not possible in a group.
    #[error("this is a group: only a direct message has one other person")]
    NotDm,
    /// No installation of those to be added can be added.
    #[error("none of the new members has an installation that can be added; ask them to open their app")]
    NoUsableKeyPackage,
    /// No update of an inbox's log is known.
    #[error("no identity is known for inbox {inbox}")]
    UnknownInbox {
        /// The inbox.
        inbox: InboxId,
    },
    /// A change could not be published.
    #[error("the change could not be published in {attempts} attempts; sync and try again")]
    PublishFailed {
        /// Attempts made.
        attempts: u32,
    },
    /// Stored data does not decode.
    #[error("stored group data does not decode: {0}")]
    Corrupt(&'static str),
}

/// Why an inbox cannot leave a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaveRefusal {
    /// Nobody leaves a direct message.
    #[error("this is a direct message; deny it instead")]
    DirectMessage,
    /// Super admins cannot be removed.
    #[error("a super admin must hand that role back first")]
    SuperAdmin,
    /// Nobody else is there who could remove it.
    #[error("nobody else is in the group")]
    Alone,
}

/// The rule a commit breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// An extension is missing or does not decode.
    #[error("the commit's {0} does not decode")]
    Extension(&'static str),
    /// The group uses the app-data dictionary, which this client does not process.
    #[error("the group was migrated to a form that this version does not support")]
    Migrated,
    /// A field is longer than it may be.
    #[error("the commit makes {field} longer than {limit} bytes")]
    TooLong {
        /// The field.
        field: String,
        /// Its limit in bytes.
        limit: usize,
    },
    /// Committer or proposer is not a member.
    #[error("the commit was made by somebody who is not a member")]
    ActorNotMember,
    /// A pre-shared key is injected.
    #[error("the commit uses a pre-shared key")]
    PreSharedKey,
    /// A kind of proposal that is not allowed.
    #[error("the proposal is of a kind that is not allowed")]
    ProposalNotAllowed,
    /// The leaf acted on is no member's.
    #[error("the commit acts on somebody who is not a member")]
    SubjectUnknown,
    /// A leaf would change to another inbox.
    #[error("the commit gives a leaf to another inbox")]
    InboxChanged,
    /// An inbox's position in its log goes back.
    #[error("the commit takes inbox {inbox} back to an earlier state")]
    SequenceIdDecreased {
        /// The inbox.
        inbox: InboxId,
    },
    /// An inbox is at an update that does not exist.
    #[error("the commit refers to an identity update of inbox {inbox} that does not exist")]
    UnknownUpdate {
        /// The inbox.
        inbox: InboxId,
    },
    /// An inbox's state is not known yet. A question to the caller, never a verdict.
    #[error("the identity of inbox {inbox} must be loaded first")]
    UnknownIdentity {
        /// The inbox.
        inbox: InboxId,
    },
    /// An installation is added that no member has.
    #[error("the commit adds an installation that belongs to no member")]
    UnexpectedInstallationAdded,
    /// Other installations are removed than must be.
    #[error("the commit does not remove exactly the installations that have to go")]
    UnexpectedInstallationsRemoved,
    /// A leaf's key is no installation of the inbox it claims.
    #[error("the commit was made by a key that is not an installation of inbox {inbox}")]
    NotAnInstallation {
        /// The inbox claimed.
        inbox: InboxId,
    },
    /// A policy forbids it.
    #[error("the permissions of the group do not let the committer {0}")]
    NotPermitted(&'static str),
    /// The minimum version is no version.
    #[error("the commit's minimum version is not a version")]
    InvalidVersion,
    /// The group demands a newer version: pause it.
    #[error("the group needs version {required} or later")]
    VersionTooLow {
        /// The version demanded.
        required: String,
    },
}

/// The rule a welcome breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WelcomeError {
    /// Its context does not decode.
    #[error("the welcome's {0} does not decode")]
    Extension(&'static str),
    /// It is for a migrated group.
    #[error("the welcome is for a group of a form that this version does not support")]
    Migrated,
    /// The tree and the membership do not fit together.
    #[error("the welcome's members do not match their identities")]
    Membership,
    /// A direct message not between the two people it names.
    #[error("the welcome's direct message is not between its sender and us")]
    DirectMessage,
    /// It would replace a known group by another, or is of somebody who may not.
    #[error("the welcome is not of the group that is known under its id")]
    OtherGroup,
    /// The group is known and at least as new.
    #[error("the group has been joined already")]
    AlreadyJoined,
}

impl From<MlsError> for GroupError {
    fn from(error: MlsError) -> Self {
        match error {
            MlsError::Storage(error) => GroupError::Storage(error),
            MlsError::Inactive => GroupError::Inactive,
            error => GroupError::Mls(error),
        }
    }
}

impl Coded for GroupError {
    fn code(&self) -> ErrorCode {
        match self {
            GroupError::Storage(error) => error.code(),
            GroupError::Mls(error) => error.code(),
            GroupError::Commit(error) => error.code(),
            GroupError::Welcome(_) => ErrorCode::WelcomeRejected,
            GroupError::Removal(error) => error.code(),
            GroupError::NotFound { .. } => ErrorCode::GroupNotFound,
            GroupError::Inactive => ErrorCode::GroupInactive,
            GroupError::Paused { .. } => ErrorCode::GroupPaused,
            GroupError::TooLarge { .. } => ErrorCode::GroupTooLarge,
            GroupError::TooLong { .. } | GroupError::InvalidVersion { .. } | GroupError::NegativeTime => {
                ErrorCode::InvalidArgument
            }
            GroupError::VersionAboveOwn { .. } | GroupError::VersionLowered { .. } => {
                ErrorCode::MinimumVersion
            }
            GroupError::PolicyUnavailable => ErrorCode::UnsupportedOption,
            GroupError::NotPermitted(_) | GroupError::NotInDm(_) => ErrorCode::NotPermitted,
            GroupError::CannotLeave(_) => ErrorCode::CannotLeave,
            GroupError::NotDm => ErrorCode::InvalidArgument,
            GroupError::NoUsableKeyPackage => ErrorCode::NoUsableKeyPackage,
            GroupError::UnknownInbox { .. } => ErrorCode::UnknownInbox,
            GroupError::PublishFailed { .. } => ErrorCode::PublishFailed,
            GroupError::Corrupt(_) => ErrorCode::CorruptDatabase,
        }
    }
}

impl Coded for CommitError {
    fn code(&self) -> ErrorCode {
        match self {
            CommitError::NotPermitted(_) => ErrorCode::NotPermitted,
            CommitError::VersionTooLow { .. } => ErrorCode::GroupPaused,
            CommitError::UnknownIdentity { .. } => ErrorCode::UnknownInbox,
            _ => ErrorCode::CommitRejected,
        }
    }
}

impl Coded for WelcomeError {
    fn code(&self) -> ErrorCode {
        ErrorCode::WelcomeRejected
    }
}

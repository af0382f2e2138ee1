//! The one table of error codes.
//!
//! Every room has an error enum of its own; each of its variants names one of these codes. Codes are what
//! an app matches on, so they never change with the name of a Rust type. `docs/ERRORS.md` explains each.

/// Declares [`ErrorCode`] with the text of every code.
macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// A stable code, as apps see it. Lower-case, `room.reason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ErrorCode {
            /// Every code there is, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)+];

            /// The text of the code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(ErrorCode::$name => $code,)+
                }
            }
        }
    };
}

error_codes! {
    /// An argument or option has the wrong form.
    InvalidArgument = "argument.invalid",
    /// An option was given that this build cannot honour.
    UnsupportedOption = "argument.unsupported",
    /// A wallet address is not `0x` and 40 hex digits.
    InvalidAddress = "identity.invalid_address",
    /// An inbox id is not 64 hex characters.
    InvalidInboxId = "identity.invalid_inbox_id",
    /// No inbox is known for an address.
    UnknownAddress = "identity.unknown_address",
    /// No identity log is known for an inbox id.
    UnknownInbox = "identity.unknown_inbox",
    /// The client has not published its identity yet.
    NotRegistered = "identity.not_registered",
    /// The inbox already has ten installations.
    TooManyInstallations = "identity.too_many_installations",
    /// This installation was revoked by its inbox.
    InstallationRevoked = "identity.installation_revoked",
    /// A wallet or passkey belongs to an inbox already.
    AccountAlreadyAssociated = "identity.account_already_associated",
    /// Linking a wallet may take it away from its inbox, and the caller did not allow that.
    InboxReassign = "identity.inbox_reassign",
    /// The database belongs to another inbox than the one asked for.
    InboxMismatch = "identity.inbox_mismatch",
    /// The wallet refused to sign, or signing failed.
    SignerRefused = "identity.signer_refused",
    /// A signature was made by someone else than the one asked.
    WrongSigner = "identity.wrong_signer",
    /// A signature does not verify.
    InvalidSignature = "identity.invalid_signature",
    /// An identity update breaks a rule of the association log.
    InvalidIdentityUpdate = "identity.invalid_update",
    /// A key package does not hold what it must.
    InvalidKeyPackage = "identity.invalid_key_package",
    /// A group is not in the local database.
    GroupNotFound = "group.not_found",
    /// The caller is no longer a member of the group.
    GroupInactive = "group.inactive",
    /// The group waits for a newer version of this library.
    GroupPaused = "group.paused",
    /// A minimum version above this client's own, or below the one the group has.
    MinimumVersion = "group.minimum_version",
    /// More members than a group may have.
    GroupTooLarge = "group.too_large",
    /// The group's rules do not let the caller do this.
    NotPermitted = "group.not_permitted",
    /// The caller cannot leave the conversation.
    CannotLeave = "group.cannot_leave",
    /// Nobody could be added: no installation has a usable key package.
    NoUsableKeyPackage = "group.no_usable_key_package",
    /// A change could not be published in the given number of attempts.
    PublishFailed = "group.publish_failed",
    /// A commit breaks a rule and was not applied.
    CommitRejected = "group.commit_rejected",
    /// A message cannot be decrypted or parsed.
    UnreadableMessage = "group.unreadable_message",
    /// A welcome cannot be opened or breaks a rule.
    WelcomeRejected = "group.welcome_rejected",
    /// A message is not in the local database.
    MessageNotFound = "message.not_found",
    /// A message belongs to another conversation.
    MessageOfOtherConversation = "message.other_conversation",
    /// A message of this kind cannot be removed for everybody.
    MessageNotRemovable = "message.not_removable",
    /// A message was removed for everybody already.
    MessageAlreadyRemoved = "message.already_removed",
    /// A message is too old for its sender to remove it.
    RemovalTooLate = "message.removal_too_late",
    /// Content does not decode as its type says.
    InvalidContent = "message.invalid_content",
    /// A downloaded attachment is not the one that was sent, or does not decrypt.
    AttachmentRejected = "message.attachment_rejected",
    /// The node takes no entries of the list of XIP-42 any more.
    ListClosed = "preferences.list_closed",
    /// The node cannot be reached.
    NetworkUnavailable = "network.unavailable",
    /// The node took too long.
    NetworkTimeout = "network.timeout",
    /// The node answers something that is not the protocol.
    InvalidResponse = "network.invalid_response",
    /// The node refuses the request.
    RequestRejected = "network.rejected",
    /// The node wants fewer requests.
    RateLimited = "network.rate_limited",
    /// The node failed while it did what was asked.
    NodeFailed = "network.node_failed",
    /// The node does not offer this call.
    NotImplemented = "network.not_implemented",
    /// The caller gave the call up.
    Cancelled = "network.cancelled",
    /// The database cannot be opened with this key.
    WrongDatabaseKey = "storage.wrong_key",
    /// The key that was kept for the database is gone or damaged.
    DatabaseKeyLost = "storage.key_lost",
    /// An installation was made here, and its database is gone.
    DatabaseEvicted = "storage.evicted",
    /// The database was deleted, in another tab perhaps.
    DatabaseDeleted = "storage.deleted",
    /// Another tab or worker owns the database.
    LockedByOtherTab = "storage.locked_by_other_tab",
    /// This browser or context has no persistent storage for us.
    StorageUnavailable = "storage.unavailable",
    /// No space is left.
    StorageFull = "storage.full",
    /// The database was written by a newer version of this library.
    NewerSchema = "storage.newer_schema",
    /// What the database holds does not decode.
    CorruptDatabase = "storage.corrupt",
    /// The database failed otherwise.
    StorageFailed = "storage.failed",
    /// No tab had the database open for as long as a call waits.
    NoLeader = "tabs.no_leader",
    /// The tab that carried a call out is gone, and the call may have happened.
    OutcomeUnknown = "tabs.outcome_unknown",
    /// A tab with a newer version of the app took the database.
    NewerVersion = "tabs.newer_version",
    /// An archive was encrypted with another key, or changed.
    WrongArchiveKey = "archive.wrong_key",
    /// A file is no archive, or not a whole one.
    InvalidArchive = "archive.invalid",
    /// An archive is of a version that this build does not read.
    UnsupportedArchive = "archive.unsupported_version",
    /// No archive was told of by other installations.
    UnknownArchive = "archive.not_found",
    /// The inbox has no other installation to hand history over.
    NoOtherInstallation = "archive.no_other_installation",
    /// The client was closed.
    ClientClosed = "client.closed",
    /// The page side cannot start the worker.
    NoWorker = "client.no_worker",
    /// The caller's `AbortSignal` has fired.
    Aborted = "call.aborted",
    /// A defect in this library.
    Internal = "internal",
}

/// What every error of this crate can say about itself.
pub trait Coded: std::error::Error {
    /// The stable code.
    fn code(&self) -> ErrorCode;

    /// Whether the same call may succeed later without the caller changing anything.
    fn is_retryable(&self) -> bool {
        matches!(
            self.code(),
            ErrorCode::NetworkUnavailable
                | ErrorCode::NetworkTimeout
                | ErrorCode::RateLimited
                | ErrorCode::NodeFailed
                | ErrorCode::PublishFailed
                | ErrorCode::LockedByOtherTab
                | ErrorCode::StorageFull
        )
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_lower_case() {
        let codes: HashSet<_> = ErrorCode::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for code in codes {
            assert!(
                code.chars()
                    .all(|c| c.is_ascii_lowercase() || c == '.' || c == '_'),
                "{code}"
            );
        }
    }

    #[test]
    fn every_code_is_documented() {
        let text = include_str!("../docs/ERRORS.md");
        for code in ErrorCode::ALL {
            assert!(
                text.contains(&format!("`{}`", code.as_str())),
                "{} is not in docs/ERRORS.md",
                code.as_str()
            );
        }
    }
}

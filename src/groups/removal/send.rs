//! May we remove this? Asked before anything is sent, with the answer every receiver will give.

use super::role_at;
use super::rules::{MAX_AGE_NS, is_removable};
use crate::error::{Coded, ErrorCode};
use crate::groups::context::Context;
use crate::groups::error::GroupError;
use crate::ids::MessageId;
use crate::messages::content::removal::{Removal, RemovalForm};
use crate::storage::{DeliveryStatus, MessageRow, Role};

/// Why a message cannot be removed for everybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemovalError {
    /// It was sent in another conversation.
    #[error("the message belongs to another conversation: call removeMessage on that one")]
    OtherConversation,
    /// Its type cannot be removed, or it never left this client.
    #[error("a message of this kind cannot be removed for everybody")]
    NotRemovable,
    /// Somebody has removed it.
    #[error("the message was removed already")]
    AlreadyRemoved,
    /// It is older than 24 hours.
    #[error("the message was sent more than 24 hours ago: only an admin can remove it now")]
    TooLate,
    /// It is somebody else's and we are no admin.
    #[error("only its sender and admins of the group can remove this message")]
    NotAllowed,
}

impl Coded for RemovalError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::OtherConversation => ErrorCode::MessageOfOtherConversation,
            Self::NotRemovable => ErrorCode::MessageNotRemovable,
            Self::AlreadyRemoved => ErrorCode::MessageAlreadyRemoved,
            Self::TooLate => ErrorCode::RemovalTooLate,
            Self::NotAllowed => ErrorCode::NotPermitted,
        }
    }
}

/// The contents to send for a message to be removed: in the form asked for, or else in that of XIP-45 and, where we
/// may by libxmtp's rules, in libxmtp's too, for the apps that know no other.
///
/// # Errors
/// [`RemovalError`] when a receiver would not accept it.
pub fn check(
    context: &Context<'_>,
    target: &MessageRow,
    form: Option<RemovalForm>,
) -> Result<Vec<Vec<u8>>, GroupError> {
    if !is_removable(target) || target.delivery_status == DeliveryStatus::Failed {
        return Err(RemovalError::NotRemovable.into());
    }
    if context.db.removed_by(&target.id)?.is_some() {
        return Err(RemovalError::AlreadyRemoved.into());
    }
    let group = context.load(target.group_id)?;
    let role = role_at(context, &group, context.inbox_id, group.epoch())?;
    let own = target.sender_inbox_id == context.inbox_id;
    let by_libxmtp = own || role == Role::SuperAdmin;
    let forms = match form {
        Some(RemovalForm::DeleteMessage) if by_libxmtp => vec![RemovalForm::DeleteMessage],
        Some(RemovalForm::DeleteMessage) => return Err(RemovalError::NotAllowed.into()),
        other => {
            let age = context.now_ns.saturating_sub(target.sent_at_ns);
            match (own, role) {
                (_, Role::Admin | Role::SuperAdmin) => {}
                (true, Role::Member) if age <= MAX_AGE_NS => {}
                (true, Role::Member) => return Err(RemovalError::TooLate.into()),
                (false, Role::Member) => return Err(RemovalError::NotAllowed.into()),
            }
            match other {
                Some(form) => vec![form],
                None if by_libxmtp => vec![RemovalForm::Delete, RemovalForm::DeleteMessage],
                None => vec![RemovalForm::Delete],
            }
        }
    };
    Ok(forms.into_iter().map(|form| encoded(form, target.id)).collect())
}

fn encoded(form: RemovalForm, target: MessageId) -> Vec<u8> {
    Removal { form, target }.encode().encode()
}

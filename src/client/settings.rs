//! The settings of a conversation, as an app changes them.

use super::{ClientError, GroupHandle};
use crate::groups::intent::IntentData;
use crate::groups::{GroupError, Permission, PolicyOption};
use crate::storage::ConversationType;

impl GroupHandle {
    /// Replaces one policy of the group. Only super admins can. A policy that is so already costs no commit.
    ///
    /// # Errors
    /// [`GroupError::NotPermitted`], [`GroupError::NotInDm`], [`GroupError::PolicyUnavailable`]: nothing was
    /// changed; [`ClientError::Transport`].
    pub async fn update_permission(
        &self,
        permission: Permission,
        option: PolicyOption,
    ) -> Result<(), ClientError> {
        if self.conversation_type() == ConversationType::Dm {
            return Err(GroupError::NotInDm("its permissions never change").into());
        }
        if option == PolicyOption::Allow && permission.is_of_admins() {
            return Err(GroupError::PolicyUnavailable.into());
        }
        self.commit(IntentData::UpdatePermission { permission, option })
            .await
    }
}

//! The settings of a conversation, as an app changes them.

use super::{ClientError, GroupHandle};
use crate::groups::intent::IntentData;
use crate::groups::{GroupError, Permission, PolicyOption, check_minimum_version, field};
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

    /// Lets messages disappear: those stored from now on, `in_ns` nanoseconds after they were stored. Where one of
    /// both is 0, messages stay; those that were to disappear still do.
    ///
    /// Two commits, as the network has it: the first may succeed alone.
    ///
    /// # Errors
    /// [`GroupError::NotPermitted`], [`GroupError::NegativeTime`]: nothing was changed; [`ClientError::Transport`].
    pub async fn update_disappearing(&self, from_ns: i64, in_ns: i64) -> Result<(), ClientError> {
        if from_ns < 0 || in_ns < 0 {
            return Err(GroupError::NegativeTime.into());
        }
        self.update_field(field::DISAPPEAR_FROM_NS, &from_ns.to_string())
            .await?;
        self.update_field(field::DISAPPEAR_IN_NS, &in_ns.to_string())
            .await
    }

    /// Since when messages disappear and after how long, in nanoseconds; `None`: it was never set.
    ///
    /// # Errors
    /// [`ClientError::Group`], [`ClientError::Storage`].
    pub fn disappearing(&self) -> Result<Option<(i64, i64)>, ClientError> {
        let inner = self.client().open()?;
        let row = inner.context().row(self.acting(inner)?)?;
        Ok(row.message_disappear_from_ns.zip(row.message_disappear_in_ns))
    }

    /// Pauses the conversation for everybody below a version (XIP-72), `None`: below ours. In groups only super
    /// admins can, unless the permissions say otherwise.
    ///
    /// # Errors
    /// [`GroupError::InvalidVersion`], [`GroupError::VersionAboveOwn`], [`GroupError::VersionLowered`],
    /// [`GroupError::NotPermitted`]: nothing was changed; [`ClientError::Transport`].
    pub async fn set_minimum_version(&self, version: Option<&str>) -> Result<(), ClientError> {
        let own = self.client().protocol_version();
        let version = version.unwrap_or(own);
        check_minimum_version(version, None, own)?;
        self.update_field(field::MINIMUM_VERSION, version).await
    }

    /// The version this conversation waits for, if it is paused.
    ///
    /// # Errors
    /// [`ClientError::Group`], [`ClientError::Storage`].
    pub fn paused_for_version(&self) -> Result<Option<String>, ClientError> {
        let inner = self.client().open()?;
        Ok(inner.context().row(self.acting(inner)?)?.paused_for_version)
    }
}

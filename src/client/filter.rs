//! Which of the things that happen a stream of an app is about.

use super::{Client, ClientError, GroupHandle};
use crate::ids::{GroupId, MessageId};
use crate::storage::{ConsentState, ConversationType, MessageRow};

/// What a stream of all conversations or of all messages is about. What the own installations say among themselves
/// never is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamFilter {
    /// Only groups, or only direct messages.
    pub conversation_type: Option<ConversationType>,
    /// Only conversations with one of these consent states, as they are when something happens. Empty: every
    /// conversation that appears, and messages of all but the denied.
    pub consent_states: Vec<ConsentState>,
}

impl StreamFilter {
    /// The conversation that has appeared with a group; `None` for one that is not asked for, and for another
    /// group of a direct message that is known.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn conversation(
        &self,
        client: &Client,
        group_id: GroupId,
    ) -> Result<Option<GroupHandle>, ClientError> {
        let Some(handle) = client.conversations().by_id(group_id)? else {
            return Ok(None);
        };
        let is_wanted = self.consent_states.is_empty() || self.allows(&handle)?;
        let appears = self.is_of_type(&handle) && is_wanted && !handle.is_later_duplicate()?;
        Ok(appears.then_some(handle))
    }

    /// A message of a group, if it is asked for and still there.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn message(
        &self,
        client: &Client,
        group_id: GroupId,
        id: MessageId,
    ) -> Result<Option<MessageRow>, ClientError> {
        match client.conversations().by_id(group_id)? {
            Some(handle) if self.is_of_type(&handle) && self.allows(&handle)? => {
                client.conversations().message(id)
            }
            _ => Ok(None),
        }
    }

    fn is_of_type(&self, handle: &GroupHandle) -> bool {
        self.conversation_type
            .is_none_or(|only| only == handle.conversation_type())
    }

    fn allows(&self, handle: &GroupHandle) -> Result<bool, ClientError> {
        let state = handle.consent_state()?;
        Ok(match self.consent_states.as_slice() {
            [] => state != ConsentState::Denied,
            only => only.contains(&state),
        })
    }
}

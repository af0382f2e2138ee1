//! A message that arrived by another way than a stream, such as a push notification.

use super::{ClientError, GroupHandle};
use crate::storage::MessageRow;
use crate::transport::calls::decode_group_message;

impl GroupHandle {
    /// Processes a message envelope as a node or push server hands it out, and gives what was stored of it: the
    /// message, the line of the transcript, or nothing for what shows nothing.
    ///
    /// An envelope alone is not processed out of order: what came before it is read first, from the node, and the
    /// envelope with it. So nothing is missed and no key is used twice; what is stored already is given at once.
    ///
    /// # Errors
    /// [`ClientError::NotOfConversation`] for bytes that are no message of this conversation: nothing was changed.
    /// [`ClientError::Transport`].
    pub async fn process_streamed_message(&self, bytes: &[u8]) -> Result<Vec<MessageRow>, ClientError> {
        let inner = self.client().ready()?;
        let envelope = decode_group_message(bytes).ok().flatten();
        // No node gives a number that does not fit into 63 bits.
        let Some(envelope) = envelope.filter(|envelope| i64::try_from(envelope.id).is_ok()) else {
            return Err(ClientError::NotOfConversation);
        };
        if !self.includes(envelope.group_id)? {
            return Err(ClientError::NotOfConversation);
        }
        let stored = || {
            inner
                .store
                .messages_at(&envelope.group_id, envelope.id, inner.now_ns())
        };
        let is_unconfirmed = inner.live.unconfirmed.has(envelope.group_id);
        if is_unconfirmed || envelope.id > inner.cursor(envelope.group_id)? {
            inner.sync_group(envelope.group_id).await?;
        }
        Ok(stored()?)
    }
}

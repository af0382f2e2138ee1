//! Messages as people see them, and removing them for everybody.

use super::{ClientError, Conversations, Event, GroupHandle, MessageOptions, SendOptions};
use crate::groups::intent;
use crate::groups::removal::{self, RemovalError};
use crate::groups::timeline::{self, MessageView};
use crate::groups::{Context, GroupError};
use crate::ids::MessageId;
use crate::messages::content::removal::RemovalForm;
use crate::messages::content::{self, Content};

/// How content of a known type is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypedSendOptions {
    /// As in [`SendOptions`].
    pub optimistic: bool,
    /// As in [`SendOptions`].
    pub idempotency_key: Option<String>,
}

/// How a message is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemoveOptions {
    /// In which form; if not given, in that of XIP-45 and, where libxmtp's rules allow it, in libxmtp's too.
    pub form: Option<RemovalForm>,
    /// Store only, and leave publishing to the next sync.
    pub optimistic: bool,
}

impl GroupHandle {
    /// Sends content of any type. Whether it notifies receivers is the type's own affair.
    ///
    /// # Errors
    /// [`ClientError::Content`] when it cannot be encoded, and as [`send`](Self::send).
    pub async fn send_content(
        &self,
        content: &Content,
        options: TypedSendOptions,
    ) -> Result<MessageId, ClientError> {
        let encoded = content.encode()?;
        let options = SendOptions {
            should_push: content::should_push(&encoded),
            optimistic: options.optimistic,
            idempotency_key: options.idempotency_key,
        };
        self.send(encoded.encode(), options).await
    }

    /// Messages of the conversation with what belongs to them.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn message_views(&self, options: &MessageOptions) -> Result<Vec<MessageView>, ClientError> {
        let inner = self.client().open()?;
        Ok(timeline::list(&inner.context(), &self.query(inner, options)?)?)
    }

    /// Removes a message for everybody. It is gone here at once.
    ///
    /// # Errors
    /// [`RemovalError`], [`ClientError::MessageNotFound`]: nothing was sent; and as [`send`](Self::send).
    pub async fn remove_message(&self, id: MessageId, options: RemoveOptions) -> Result<(), ClientError> {
        let inner = self.client().ready()?;
        let target = inner.store.message(&id, inner.now_ns())?;
        let target = target.ok_or(ClientError::MessageNotFound { id })?;
        if !self.includes(target.group_id)? {
            return Err(GroupError::from(RemovalError::OtherConversation).into());
        }
        let context = inner.context();
        inner.store.transaction(|tx| {
            let context = context.with(tx);
            for content in removal::check(&context, &target, options.form)? {
                let context = Context {
                    now_ns: inner.unique_now_ns(),
                    ..context
                };
                intent::queue_message(&context, target.group_id, content, None, false)?;
            }
            Ok::<_, GroupError>(())
        })?;
        inner.events.tell(&Event::MessageRemoved {
            group_id: target.group_id,
            id,
        });
        if options.optimistic {
            return Ok(());
        }
        self.publish_messages().await
    }
}

impl Conversations {
    /// A message with what belongs to it.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn message_view(&self, id: MessageId) -> Result<Option<MessageView>, ClientError> {
        let Some(row) = self.message(id)? else {
            return Ok(None);
        };
        let inner = self.client().open()?;
        let groups = match self.by_id(row.group_id)? {
            Some(group) => group.stitched(inner)?,
            None => vec![row.group_id],
        };
        Ok(timeline::views(&inner.context(), &groups, vec![row])?.pop())
    }
}

//! How one installation asks the others for what was said before it came, and they answer: with an archive that a
//! server keeps, whose address and key they tell it in their sync group.
//!
//! Only what own installations say counts, and of the answers only those to what was asked here. The archive itself is
//! checked as any other.

use super::archive::{ArchiveKey, ArchiveMetadata, ArchiveOptions};
use super::error::PreferenceError;
use super::wire::{self, SyncMessage};
use crate::groups::{Context, intent};
use crate::ids::{GroupId, InstallationId, MessageId};
use crate::storage::{MessageRow, StorageError};

/// How often it is tried to answer, or to fetch an answer (libxmtp).
const ATTEMPTS: u32 = 3;

/// Asks the other installations for an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    /// What answers name.
    pub pin: String,
    /// Where the archive is to be put.
    pub server_url: String,
    /// What is to be in it.
    pub options: ArchiveOptions,
}

/// Says where an archive lies and how to open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncReply {
    /// The request's, or one of its sender's own making.
    pub pin: String,
    /// Where it lies.
    pub url: String,
    /// What it is encrypted with.
    pub key: ArchiveKey,
    /// What it says of itself.
    pub metadata: Option<ArchiveMetadata>,
}

/// An archive that an own installation has put on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailableArchive {
    /// Where, and what.
    pub reply: SyncReply,
    /// Who made it.
    pub sent_by: InstallationId,
    /// When it was told, nanoseconds.
    pub sent_at_ns: i64,
}

/// What a message asks of this installation.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// To make an archive and tell where it is.
    Answer(SyncRequest),
    /// To fetch what was asked for.
    Fetch(SyncReply),
}

/// Queues a request in the group of the own installations.
///
/// # Errors
/// [`PreferenceError::Group`], [`PreferenceError::Storage`].
pub fn queue_request(
    context: &Context<'_>,
    group_id: GroupId,
    request: &SyncRequest,
) -> Result<MessageId, PreferenceError> {
    let content = wire::encode_request(request);
    let id = intent::queue_message(context, group_id, content, None, false)?;
    // An answer may be read before the request comes back.
    context.db.note_history_message(&id, 0)?;
    Ok(id)
}

/// Queues an answer there.
///
/// # Errors
/// [`PreferenceError::Group`].
pub fn queue_reply(
    context: &Context<'_>,
    group_id: GroupId,
    reply: &SyncReply,
) -> Result<MessageId, PreferenceError> {
    let content = wire::encode_reply(reply);
    Ok(intent::queue_message(context, group_id, content, None, false)?)
}

/// Notes a message of an own installation, this one's too. Answers whether something is to be done about it.
///
/// # Errors
/// [`StorageError`].
pub(super) fn note(
    context: &Context<'_>,
    message: &MessageRow,
    said: &SyncMessage,
) -> Result<bool, StorageError> {
    let is_own = message.sender_installation_id == context.key.id();
    let is_for_us = match said {
        SyncMessage::Request(_) => !is_own,
        SyncMessage::Reply(reply) => !is_own && is_asked_for(context, &reply.pin)?,
        SyncMessage::Updates(_) | SyncMessage::Other => return Ok(false),
    };
    let attempts = if is_for_us { ATTEMPTS } else { 0 };
    context.db.note_history_message(&message.id, attempts)?;
    Ok(is_for_us)
}

/// Whether this installation has sent a request with this pin.
fn is_asked_for(context: &Context<'_>, pin: &str) -> Result<bool, StorageError> {
    let known = context.db.history_messages()?;
    let own = known
        .iter()
        .filter(|row| row.sender_installation_id == context.key.id());
    Ok(own
        .map(|row| wire::decode(&row.content))
        .any(|said| matches!(said, Ok(SyncMessage::Request(request)) if request.pin == pin)))
}

/// The archives that own installations told of, the newest first.
///
/// # Errors
/// [`StorageError`].
pub fn available(context: &Context<'_>) -> Result<Vec<AvailableArchive>, StorageError> {
    let known = context.db.history_messages()?;
    Ok(known
        .into_iter()
        .filter_map(|row| match wire::decode(&row.content) {
            Ok(SyncMessage::Reply(reply)) => Some(AvailableArchive {
                reply,
                sent_by: row.sender_installation_id,
                sent_at_ns: row.sent_at_ns,
            }),
            _ => None,
        })
        .collect())
}

/// What is to be done, the oldest first, with the message that asks for it and how often it may be tried.
///
/// # Errors
/// [`StorageError`].
pub fn tasks(context: &Context<'_>) -> Result<Vec<(MessageId, u32, Task)>, StorageError> {
    let open = context.db.history_tasks()?;
    Ok(open
        .into_iter()
        .filter_map(|(attempts, row)| match wire::decode(&row.content) {
            Ok(SyncMessage::Request(request)) => Some((row.id, attempts, Task::Answer(request))),
            Ok(SyncMessage::Reply(reply)) => Some((row.id, attempts, Task::Fetch(reply))),
            _ => None,
        })
        .collect())
}

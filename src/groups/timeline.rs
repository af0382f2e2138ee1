//! The messages of a conversation as people see them: each with its reactions, the number of its replies, the message
//! it answers, or that it was removed.
//!
//! A list costs five statements, however long it is.

use std::collections::{BTreeMap, HashMap};

use super::context::Context;
use super::error::GroupError;
use crate::ids::{GroupId, InboxId, MessageId};
use crate::messages::EncodedContent;
use crate::messages::content::reaction::{Reaction, ReactionAction, ReactionSchema};
use crate::storage::{MessageQuery, MessageRow, RemovalRow};

/// Who removed a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedBy {
    /// Whoever sent it.
    Sender,
    /// An admin, by inbox.
    Admin(InboxId),
}

/// A message as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// The message. Of a removed one, show nothing but sender and times.
    pub row: MessageRow,
    /// Who removed it for everybody.
    pub removed: Option<RemovedBy>,
    /// The reactions to it that were not taken back, one for each sender, schema and content, oldest first.
    pub reactions: Vec<MessageRow>,
    /// How many messages answer it.
    pub num_replies: u64,
    /// The message that it answers, if that is here; without what belongs to that one.
    pub in_reply_to: Option<Box<MessageView>>,
}

/// The messages a query asks for.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn list(context: &Context<'_>, query: &MessageQuery) -> Result<Vec<MessageView>, GroupError> {
    let rows = context.db.messages(query, context.now_ns)?;
    views(context, &query.groups, rows)
}

/// Messages with what belongs to them; reactions, replies and answered messages are looked for in `groups`.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn views(
    context: &Context<'_>,
    groups: &[GroupId],
    rows: Vec<MessageRow>,
) -> Result<Vec<MessageView>, GroupError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (db, now_ns) = (context.db, context.now_ns);
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let answered: Vec<_> = rows.iter().filter_map(answered).collect();
    let mut parents: HashMap<MessageId, MessageRow> = HashMap::new();
    for row in db.messages_by_id(groups, &answered, now_ns)? {
        parents.insert(row.id, row);
    }
    let with_parents: Vec<_> = ids.iter().chain(&answered).copied().collect();
    let removals: HashMap<_, _> = db
        .removals_of(&with_parents)?
        .into_iter()
        .map(|removal| (removal.target_id, removal))
        .collect();
    let mut reactions = fold(db.reactions_to(groups, &ids, now_ns)?);
    let counts: HashMap<_, _> = db
        .reply_counts(groups, &ids, now_ns)?
        .into_iter()
        .map(|count| (count.id, count.replies))
        .collect();
    let plain = |row: MessageRow| MessageView {
        removed: removals.get(&row.id).map(|removal| removed_by(removal, &row)),
        row,
        reactions: Vec::new(),
        num_replies: 0,
        in_reply_to: None,
    };
    let views = rows.into_iter().map(|row| {
        let parent = answered_row(&row, &parents).cloned();
        let view = plain(row);
        if view.removed.is_some() {
            return view;
        }
        MessageView {
            reactions: reactions.remove(&view.row.id).unwrap_or_default(),
            num_replies: counts.get(&view.row.id).copied().unwrap_or(0),
            in_reply_to: parent.map(|parent| Box::new(plain(parent))),
            ..view
        }
    });
    Ok(views.collect())
}

fn removed_by(removal: &RemovalRow, target: &MessageRow) -> RemovedBy {
    if removal.sender_inbox_id == target.sender_inbox_id {
        RemovedBy::Sender
    } else {
        RemovedBy::Admin(removal.sender_inbox_id)
    }
}

/// The message that a reply answers.
fn answered(row: &MessageRow) -> Option<MessageId> {
    let is_reply = (row.authority_id.as_str(), row.type_id.as_str()) == ("xmtp.org", "reply");
    row.reference_id.filter(|_| is_reply)
}

fn answered_row<'a>(row: &MessageRow, parents: &'a HashMap<MessageId, MessageRow>) -> Option<&'a MessageRow> {
    parents.get(&answered(row)?)
}

/// What makes two reactions the same one.
type Same = (InboxId, i32, String);

/// Of each sender, schema and content the newest counts, and what it takes back is gone. `rows` are in the order of
/// the network.
fn fold(rows: Vec<MessageRow>) -> HashMap<MessageId, Vec<MessageRow>> {
    let mut kept: HashMap<MessageId, BTreeMap<usize, MessageRow>> = HashMap::new();
    let mut places: HashMap<(MessageId, Same), usize> = HashMap::new();
    for (place, row) in rows.into_iter().enumerate() {
        let Some(target) = row.reference_id else { continue };
        let decoded = EncodedContent::decode(&row.content).and_then(|content| Reaction::decode(&content));
        let Ok(reaction) = decoded else { continue };
        let schema: ReactionSchema = reaction.schema;
        let same = (target, (row.sender_inbox_id, i32::from(schema), reaction.content));
        let of_target = kept.entry(target).or_default();
        match reaction.action {
            ReactionAction::Added => {
                // added twice it keeps the place of the first
                let place = *places.entry(same).or_insert(place);
                of_target.insert(place, row);
            }
            ReactionAction::Removed => {
                if let Some(place) = places.remove(&same) {
                    of_target.remove(&place);
                }
            }
            ReactionAction::Unknown => {}
        }
    }
    kept.into_iter()
        .map(|(target, rows)| (target, rows.into_values().collect()))
        .collect()
}

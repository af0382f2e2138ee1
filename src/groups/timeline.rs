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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::InstallationKey;
    use crate::messages::content::reply::Reply;
    use crate::messages::content::text;
    use crate::storage::{RemovalRow, RemovalRule, Role, Store, StoreOptions, suite};

    const GROUP: GroupId = GroupId::new([1; 16]);

    fn id(number: u8) -> MessageId {
        MessageId::new([number; 32])
    }

    fn row(number: u8, sender: u8, content: &EncodedContent) -> MessageRow {
        let kind = content.content_type.clone().unwrap_or_default();
        MessageRow {
            sender_inbox_id: InboxId::new([sender; 32]),
            type_id: kind.type_id,
            version_major: kind.version_major,
            reference_id: crate::messages::content::reference(content),
            content: content.encode(),
            ..suite::message_row(1, number)
        }
    }

    fn said(number: u8) -> MessageRow {
        row(number, 1, &text::encode("hi"))
    }

    fn reply(number: u8, to: u8) -> MessageRow {
        let reply = Reply {
            reference: id(to).to_string(),
            reference_inbox_id: None,
            content: text::encode("yes"),
        };
        row(number, 1, &reply.encode().expect("encodes"))
    }

    fn reaction(number: u8, sender: u8, to: u8, content: &str, action: ReactionAction) -> MessageRow {
        let reaction = Reaction {
            reference: id(to).to_string(),
            reference_inbox_id: String::new(),
            action,
            content: content.into(),
            schema: ReactionSchema::Unicode,
        };
        row(number, sender, &reaction.encode())
    }

    /// Runs `look` on the messages given.
    fn with<T>(rows: &[MessageRow], look: impl FnOnce(&Store, &Context<'_>) -> T) -> T {
        let key = InstallationKey::from_seed(&[7; 32]);
        let store = Store::open(StoreOptions::memory()).expect("memory");
        for group in [1, 2] {
            store.put_group(&suite::group_row(group)).expect("stored");
        }
        for row in rows {
            assert_eq!(store.insert_message(row), Ok(true));
        }
        let context = Context {
            db: &store,
            key: &key,
            inbox_id: InboxId::new([1; 32]),
            now_ns: 0,
            own_version: "1.10.0",
        };
        look(&store, &context)
    }

    fn listed() -> MessageQuery {
        MessageQuery {
            listed_only: true,
            ..MessageQuery::group(GROUP)
        }
    }

    #[test]
    fn reactions_are_folded_into_their_message_and_are_no_lines() {
        use ReactionAction::{Added, Removed};
        let elsewhere = MessageRow {
            group_id: GroupId::new([2; 16]),
            ..reaction(9, 4, 1, "👎", Added)
        };
        let rows = [
            // before its target, and of a target that is not here
            reaction(2, 1, 1, "👍", Added),
            said(1),
            reaction(3, 2, 1, "👍", Added),
            reaction(4, 2, 1, "🎉", Added),
            reaction(5, 1, 1, "👍", Removed),
            reaction(6, 2, 1, "🎉", Added),
            reaction(7, 3, 1, "👀", Removed),
            reaction(8, 3, 77, "👀", Added),
            elsewhere,
        ];
        with(&rows, |store, context| {
            let views = list(context, &listed()).expect("reads");
            let [view] = views.as_slice() else {
                panic!("{} lines", views.len())
            };
            let kept: Vec<_> = view.reactions.iter().map(|row| row.id).collect();
            assert_eq!(kept, [id(3), id(6)]);
            assert_eq!(store.count_messages(&listed(), 0), Ok(1));
            let last = store.latest_message(&[GROUP], 0).expect("reads");
            assert_eq!(last.map(|row| row.id), Some(id(1)));
        });
    }

    #[test]
    fn replies_are_counted_and_carry_what_they_answer_one_level_deep() {
        let rows = [said(1), reply(2, 1), reply(3, 2), reply(4, 1), reply(5, 99)];
        with(&rows, |_, context| {
            let views = list(context, &listed()).expect("reads");
            let counts: Vec<_> = views.iter().map(|view| view.num_replies).collect();
            assert_eq!(counts, [2, 1, 0, 0, 0]);
            let parents: Vec<_> = views
                .iter()
                .map(|view| view.in_reply_to.as_ref().map(|parent| parent.row.id))
                .collect();
            assert_eq!(parents, [None, Some(id(1)), Some(id(2)), Some(id(1)), None]);
            let inner = views[2].in_reply_to.as_ref().expect("there");
            assert!(inner.in_reply_to.is_none());
        });
    }

    #[test]
    fn xip_45_a_removed_message_is_a_placeholder_in_lists_and_in_replies_without_reactions() {
        let rows = [
            said(1),
            reply(2, 1),
            reaction(3, 2, 1, "👍", ReactionAction::Added),
            reply(4, 2),
        ];
        with(&rows, |store, context| {
            for (removal, target) in [(50, 1), (51, 4)] {
                let row = RemovalRow {
                    id: id(removal),
                    group_id: GROUP,
                    target_id: id(target),
                    sender_inbox_id: InboxId::new([9; 32]),
                    sender_role: Role::Admin,
                    rule: RemovalRule::Xip45,
                    sent_at_ns: 0,
                    sequence_id: None,
                    failed: false,
                };
                store.put_removal(&row).expect("stored");
                store
                    .set_removed_by(&id(target), Some(&id(removal)))
                    .expect("stored");
            }
            let by = Some(RemovedBy::Admin(InboxId::new([9; 32])));
            let views = list(context, &listed()).expect("reads");
            let [first, second, third] = views.as_slice() else {
                panic!("{}", views.len())
            };
            assert_eq!((first.removed, third.removed), (by, by));
            assert_eq!((first.num_replies, first.reactions.len()), (0, 0));
            assert_eq!(second.removed, None);
            assert_eq!(second.num_replies, 0, "its only reply was removed");
            let parent = second.in_reply_to.as_ref().expect("the reply stays");
            assert_eq!(parent.removed, by);
        });
    }

    #[test]
    fn a_page_costs_the_same_number_of_statements_however_long_it_is() {
        let mut costs = Vec::new();
        for count in [2u8, 200] {
            let mut rows: Vec<_> = (1..=count).map(said).collect();
            rows.extend((1..=40).map(|number| reply(200 + number, 1)));
            with(&rows, |store, context| {
                let before = store.statements.get();
                let views = list(context, &listed()).expect("reads");
                assert_eq!(views.len(), usize::from(count) + 40);
                costs.push(store.statements.get() - before);
            });
        }
        assert_eq!(costs, [5, 5]);
    }
}

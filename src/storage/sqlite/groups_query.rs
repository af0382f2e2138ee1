//! Lists of conversations.

use super::Conditions;
use super::consent::ConsentState;
use super::groups::{COLUMNS, ConversationType, GroupRow, MembershipState, read};
use super::messages::{self, MessageRow};
use crate::storage::Db;
use crate::storage::StorageError;
use rusqlite::types::Value;

/// How a list of conversations is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupOrder {
    /// By creation, newest first.
    #[default]
    CreatedAt,
    /// By the newest message, or creation where there is none; newest first.
    LastActivity,
}

/// Which conversations are listed. The default lists every one of them, a DM's duplicates as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupQuery {
    /// Only those created later than this.
    pub created_after_ns: Option<i64>,
    /// Only those created earlier than this.
    pub created_before_ns: Option<i64>,
    /// Only those whose newest message (or creation) is later than this.
    pub active_after_ns: Option<i64>,
    /// Only these types; empty for all.
    pub conversation_types: Vec<ConversationType>,
    /// Only these states; empty for all.
    pub membership_states: Vec<MembershipState>,
    /// Only those the user decided so about (no decision is [`ConsentState::Unknown`]); empty for all.
    pub consent_states: Vec<ConsentState>,
    /// Every group of a DM instead of the one with the newest message.
    pub include_duplicate_dms: bool,
    /// How they are sorted.
    pub order: GroupOrder,
    /// At most so many.
    pub limit: Option<u32>,
}

impl Db {
    /// The conversations a query asks for.
    ///
    /// # Errors
    /// Those of reading.
    pub fn groups(&self, query: &GroupQuery) -> Result<Vec<GroupRow>, StorageError> {
        let (sql, params) = query.tail();
        self.all(
            &format!("SELECT {COLUMNS} FROM groups g{sql}"),
            rusqlite::params_from_iter(params),
            read,
        )
    }

    /// The same, each with its newest message that has not disappeared by `now_ns`, of any group of a DM: one
    /// query, one search of an index for each conversation.
    ///
    /// # Errors
    /// Those of reading.
    pub fn groups_with_last_message(
        &self,
        query: &GroupQuery,
        now_ns: i64,
    ) -> Result<Vec<(GroupRow, Option<MessageRow>)>, StorageError> {
        let (sql, mut params) = query.tail();
        params.insert(0, now_ns.into());
        self.all(
            &with_last_message(&sql),
            rusqlite::params_from_iter(params),
            |c| {
                let group = read(c)?;
                let is_there = c.peek_is_some()?;
                Ok((group, is_there.then(|| messages::read(c)).transpose()?))
            },
        )
    }
}

/// The statement behind [`Db::groups_with_last_message`]; takes the time first.
fn with_last_message(tail: &str) -> String {
    let messages = messages::COLUMNS;
    format!(
        "SELECT {COLUMNS}, {messages} FROM groups g LEFT JOIN messages m ON m.local_id =
            (SELECT n.local_id FROM groups d JOIN messages n ON n.local_id =
                (SELECT o.local_id FROM messages o
                 WHERE o.group_id = d.id AND (o.expire_at_ns IS NULL OR o.expire_at_ns > ?)
                 ORDER BY o.sent_at_ns DESC, o.local_id DESC LIMIT 1)
             WHERE d.id = g.id OR d.dm_id = g.dm_id
             ORDER BY n.sent_at_ns DESC, n.local_id DESC LIMIT 1){tail}"
    )
}

impl GroupQuery {
    /// Everything behind the tables, and its parameters.
    fn tail(&self) -> (String, Vec<Value>) {
        let query = self;
        let mut conditions = Conditions::default();
        if let Some(ns) = query.created_after_ns {
            conditions.and("g.created_at_ns > ?", [ns.into()]);
        }
        if let Some(ns) = query.created_before_ns {
            conditions.and("g.created_at_ns < ?", [ns.into()]);
        }
        if let Some(ns) = query.active_after_ns {
            conditions.and("coalesce(g.last_message_ns, g.created_at_ns) > ?", [ns.into()]);
        }
        if !query.conversation_types.is_empty() {
            let values = query
                .conversation_types
                .iter()
                .map(|kind| Value::from(kind.value()));
            conditions.and_list("g.conversation_type IN", values);
        }
        if !query.membership_states.is_empty() {
            let values = query
                .membership_states
                .iter()
                .map(|state| Value::from(state.value()));
            conditions.and_list("g.membership_state IN", values);
        }
        if !query.consent_states.is_empty() {
            let values = query
                .consent_states
                .iter()
                .map(|state| Value::from(state.value()));
            conditions.and_list(
                "coalesce((SELECT c.state FROM consent c
                    WHERE c.entity_type = 1 AND c.entity = lower(hex(g.id))), 0) IN",
                values,
            );
        }
        if !query.include_duplicate_dms {
            // A group is left out when another one of the same DM comes before it; what is known from an archive
            // alone (4) comes last.
            conditions.and(
                "g.dm_id IS NULL OR NOT EXISTS (SELECT 1 FROM groups d WHERE d.dm_id = g.dm_id
                    AND (d.membership_state <> 4, coalesce(d.last_message_ns, 0), d.created_at_ns, d.id)
                      > (g.membership_state <> 4, coalesce(g.last_message_ns, 0), g.created_at_ns, g.id))",
                [],
            );
        }
        let order = match query.order {
            GroupOrder::CreatedAt => "g.created_at_ns DESC, g.id",
            GroupOrder::LastActivity => "coalesce(g.last_message_ns, g.created_at_ns) DESC, g.id",
        };
        let Conditions { sql, mut params } = conditions;
        params.push(query.limit.map_or(-1, i64::from).into());
        (format!("{sql} ORDER BY {order} LIMIT ?"), params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MessageQuery, Store, StoreOptions};

    /// How SQLite goes about a statement.
    fn plan(store: &Store, sql: &str) -> Vec<String> {
        let mut statement = store
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .expect("valid SQL");
        let count = statement.parameter_count();
        let rows = statement.query_map(rusqlite::params_from_iter(vec![0i64; count]), |row| row.get(3));
        rows.expect("runs").collect::<Result<_, _>>().expect("texts")
    }

    #[test]
    fn the_newest_messages_of_a_list_are_searched_for_by_index() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let (tail, _) = GroupQuery::default().tail();
        let plan = plan(&store, &with_last_message(&tail));
        let scanned: Vec<_> = plan.iter().filter(|step| step.starts_with("SCAN")).collect();
        assert!(scanned.iter().all(|step| step.starts_with("SCAN g")), "{plan:#?}");
        let by_index = plan.iter().any(|step| step.contains("messages_by_sending"));
        assert!(by_index, "{plan:#?}");
    }

    #[test]
    fn a_page_of_messages_is_read_in_the_order_of_an_index() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let query = MessageQuery {
            sent_before_ns: Some(1),
            limit: Some(100),
            ..MessageQuery::group(crate::ids::GroupId::new([1; 16]))
        };
        let plan = plan(&store, &query.sql(0).0);
        assert_eq!(plan.len(), 1, "no sorting: {plan:#?}");
        assert!(plan[0].contains("messages_by_sending"), "{plan:#?}");
    }
}

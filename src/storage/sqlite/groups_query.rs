//! Lists of conversations.

use super::Conditions;
use super::consent::ConsentState;
use super::groups::{COLUMNS, ConversationType, GroupRow, MembershipState, read};
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
            // A group is left out when another one of the same DM comes before it.
            conditions.and(
                "g.dm_id IS NULL OR NOT EXISTS (SELECT 1 FROM groups d WHERE d.dm_id = g.dm_id
                    AND (coalesce(d.last_message_ns, 0), d.created_at_ns, d.id)
                      > (coalesce(g.last_message_ns, 0), g.created_at_ns, g.id))",
                [],
            );
        }
        let order = match query.order {
            GroupOrder::CreatedAt => "g.created_at_ns DESC, g.id",
            GroupOrder::LastActivity => "coalesce(g.last_message_ns, g.created_at_ns) DESC, g.id",
        };
        let Conditions { sql, mut params } = conditions;
        params.push(query.limit.map_or(-1, i64::from).into());
        self.all(
            &format!("SELECT {COLUMNS} FROM groups g{sql} ORDER BY {order} LIMIT ?"),
            rusqlite::params_from_iter(params),
            read,
        )
    }
}

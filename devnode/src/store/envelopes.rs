//! V2 envelopes: XIP-42 preferences live there.

use super::{Store, StoreError, digest, signed, unsigned};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};
use xmtp_web::proto::xmtp::message_api::v1::{Envelope, IndexCursor};

/// Which envelopes are asked for.
#[derive(Debug, Clone)]
pub(crate) struct EnvelopeQuery {
    /// At least one.
    pub(crate) topics: Vec<String>,
    /// Inclusive bounds of the sender's time, unix ns; 0 for none.
    pub(crate) start_ns: u64,
    /// As `start_ns`.
    pub(crate) end_ns: u64,
    /// Rows beyond this one in the direction of reading.
    pub(crate) cursor: Option<IndexCursor>,
    /// Oldest first.
    pub(crate) ascending: bool,
    /// How many at most.
    pub(crate) limit: u32,
}

/// Envelopes and where the next page begins.
#[derive(Debug, Clone)]
pub(crate) struct EnvelopePage {
    /// In the order asked for.
    pub(crate) envelopes: Vec<Envelope>,
    /// The last row, if the page is full.
    pub(crate) next: Option<IndexCursor>,
}

impl Store {
    /// Stores an envelope and hands it to streams. Equal bytes on the same topic are stored once.
    pub(crate) fn insert_envelope(&self, envelope: &Envelope) -> Result<(), StoreError> {
        let connection = self.connection();
        let id: Option<i64> = connection
            .prepare_cached(
                "INSERT INTO envelopes (id, content_topic, sender_timestamp, message)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING arrival",
            )?
            .query_row(
                (
                    digest(envelope.content_topic.as_bytes(), &envelope.message),
                    &envelope.content_topic,
                    signed(envelope.timestamp_ns),
                    &envelope.message,
                ),
                |row| row.get(0),
            )
            .optional()?;
        if let Some(id) = id {
            self.envelopes
                .publish(envelope.content_topic.as_bytes(), unsigned(id), envelope);
        }
        drop(connection);
        Ok(())
    }

    /// Envelopes by the sender's time, then by id.
    pub(crate) fn envelopes(&self, query: &EnvelopeQuery) -> Result<EnvelopePage, StoreError> {
        let (beyond, order) = if query.ascending {
            (">", "ASC")
        } else {
            ("<", "DESC")
        };
        let places = vec!["?"; query.topics.len()].join(", ");
        let mut sql = format!(
            "SELECT id, content_topic, sender_timestamp, message FROM envelopes WHERE content_topic IN ({places})"
        );
        let mut values: Vec<Value> = query.topics.iter().cloned().map(Value::from).collect();
        if query.start_ns != 0 {
            sql.push_str(" AND sender_timestamp >= ?");
            values.push(signed(query.start_ns).into());
        }
        if query.end_ns != 0 {
            sql.push_str(" AND sender_timestamp <= ?");
            values.push(signed(query.end_ns).into());
        }
        if let Some(cursor) = &query.cursor {
            sql.push_str(&format!(" AND (sender_timestamp, id) {beyond} (?, ?)"));
            values.push(signed(cursor.sender_time_ns).into());
            values.push(cursor.digest.clone().into());
        }
        sql.push_str(&format!(" ORDER BY sender_timestamp {order}, id {order} LIMIT ?"));
        values.push(i64::from(query.limit).into());
        let connection = self.connection();
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            let envelope = Envelope {
                content_topic: row.get(1)?,
                timestamp_ns: unsigned(row.get(2)?),
                message: row.get(3)?,
            };
            Ok((row.get::<_, Vec<u8>>(0)?, envelope))
        })?;
        let rows: Vec<(Vec<u8>, Envelope)> = rows.collect::<Result<_, _>>()?;
        let full = u32::try_from(rows.len()).is_ok_and(|count| count >= query.limit);
        let next = rows.last().filter(|_| full).map(|(id, envelope)| IndexCursor {
            digest: id.clone(),
            sender_time_ns: envelope.timestamp_ns,
        });
        Ok(EnvelopePage {
            envelopes: rows.into_iter().map(|(_, envelope)| envelope).collect(),
            next,
        })
    }
}

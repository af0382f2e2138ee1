//! The SQL, one file per family of tables.

pub(super) mod archive;
pub(super) mod commit_log;
pub(super) mod consent;
pub(super) mod consent_list;
pub(super) mod cursors;
pub(super) mod device_sync;
pub(super) mod groups;
mod groups_query;
pub(super) mod history;
pub(super) mod identity;
pub(super) mod intents;
pub(super) mod key_packages;
pub(super) mod messages;
mod messages_query;
pub(super) mod mls;
pub(super) mod preferences;
pub(super) mod relations;
pub(super) mod removals;
mod unconfirmed;
pub(super) mod waits;

use super::error::StorageError;
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Params, Row};
use std::fmt::Display;

/// Ids are stored as their bytes and validated when read.
macro_rules! id_column {
    ($($name:ident),+) => {
        $(
            impl ToSql for $name {
                fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                    Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
                }
            }

            impl FromSql for $name {
                fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                    Self::try_from(value.as_blob()?).map_err(FromSqlError::other)
                }
            }
        )+
    };
}

id_column!(GroupId, InboxId, InstallationId, MessageId);

/// Whether a column holds one of some ids that travel as one JSON text, a [`list`]: so the statement is always the same,
/// and prepared once.
const IN_LIST: &str = "IN (SELECT unhex(value) FROM json_each(?))";

/// Ids as a list in JSON.
fn list<'a, T: Display + 'a>(ids: impl IntoIterator<Item = &'a T>) -> String {
    let quoted: Vec<_> = ids.into_iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", quoted.join(","))
}

/// An enum stored as a number; any other number is refused when read.
macro_rules! stored_enum {
    (
        $(#[doc = $doc:literal])+
        $name:ident, $kind:literal, { $($(#[doc = $variant_doc:literal])+ $variant:ident = $value:literal,)+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant = $value,)+
        }

        impl $name {
            /// The number stored, which is also the one peers and apps know.
            #[must_use]
            pub const fn value(self) -> i64 {
                self as i64
            }
        }

        impl TryFrom<i64> for $name {
            type Error = $crate::storage::UnknownValue;
            fn try_from(value: i64) -> Result<Self, $crate::storage::UnknownValue> {
                match value {
                    $($value => Ok(Self::$variant),)+
                    _ => Err($crate::storage::UnknownValue { kind: $kind, value }),
                }
            }
        }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.value().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                Self::try_from(value.as_i64()?).map_err(rusqlite::types::FromSqlError::other)
            }
        }
    };
}
pub(crate) use stored_enum;

/// Reads the columns of a row from left to right.
struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    const fn new(row: &'a Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.get(index)
    }

    /// Whether the next column is not NULL.
    fn peek_is_some(&self) -> rusqlite::Result<bool> {
        Ok(self.row.get_ref(self.next)? != ValueRef::Null)
    }

    /// A number that is never negative.
    fn take_u64(&mut self) -> rusqlite::Result<u64> {
        let index = self.next;
        let value: i64 = self.take()?;
        u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, value))
    }

    /// A number that is never negative, or NULL.
    fn take_optional_u64(&mut self) -> rusqlite::Result<Option<u64>> {
        let index = self.next;
        let value: Option<i64> = self.take()?;
        value
            .map(|value| {
                u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, value))
            })
            .transpose()
    }
}

/// A number as a column holds it.
fn to_stored(value: u64, what: &'static str) -> Result<i64, StorageError> {
    i64::try_from(value).map_err(|_| StorageError::NumberTooLarge { what })
}

/// As [`to_stored`], or NULL.
fn to_stored_optional(value: Option<u64>, what: &'static str) -> Result<Option<i64>, StorageError> {
    value.map(|value| to_stored(value, what)).transpose()
}

impl super::Db {
    /// Runs one statement; how many rows it changed.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StorageError> {
        Ok(self.statement(sql)?.execute(params)?)
    }

    /// The first row, if any.
    fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&mut Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StorageError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params)?;
        Ok(rows.next()?.map(|row| read(&mut Columns::new(row))).transpose()?)
    }

    /// All rows.
    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&mut Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StorageError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(&mut Columns::new(row))?);
        }
        Ok(all)
    }

    /// Runs one statement that must change a row.
    fn change(&self, missing: super::Missing, sql: &str, params: impl Params) -> Result<(), StorageError> {
        match self.execute(sql, params)? {
            0 => Err(StorageError::NotFound(missing)),
            _ => Ok(()),
        }
    }
}

/// The conditions of a query and their parameters, in order.
#[derive(Default)]
struct Conditions {
    sql: String,
    params: Vec<Value>,
}

impl Conditions {
    /// Adds `AND (sql)`; `sql` holds as many `?` as there are `params`.
    fn and(&mut self, sql: &str, params: impl IntoIterator<Item = Value>) {
        self.sql
            .push_str(if self.sql.is_empty() { " WHERE (" } else { " AND (" });
        self.sql.push_str(sql);
        self.sql.push(')');
        self.params.extend(params);
    }

    /// Adds `AND sql (?, …)` for a list; `sql` ends in `IN` or `NOT IN`.
    fn and_list(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let values: Vec<Value> = values.into_iter().collect();
        let marks = vec!["?"; values.len()].join(",");
        self.and(&format!("{sql} ({marks})"), values);
    }
}

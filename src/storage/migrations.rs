//! The schema, step by step.
//!
//! A step is never changed once released; a change of the schema is a new file. `schema.sql` is what all
//! steps together result in.

use super::error::StorageError;
use rusqlite::Connection;

/// The steps; step `n` (from 1) brings `PRAGMA user_version` to `n`.
const STEPS: &[&str] = &[
    include_str!("schema/V001__initial.sql"),
    include_str!("schema/V002__removals.sql"),
    include_str!("schema/V003__preferences.sql"),
    include_str!("schema/V004__consent_list.sql"),
    include_str!("schema/V005__history.sql"),
    include_str!("schema/V006__identity_waits.sql"),
    include_str!("schema/V007__unconfirmed.sql"),
];

/// Brings the database up to date, each step in a transaction of its own.
///
/// # Errors
/// [`StorageError::NewerSchema`] when a newer version wrote it, [`StorageError::Corrupt`] when it is the
/// database of something else; neither is touched.
pub(super) fn migrate(connection: &Connection) -> Result<(), StorageError> {
    let found = version(connection)?;
    let supported =
        i64::try_from(STEPS.len()).map_err(|_| StorageError::NumberTooLarge { what: "the schema" })?;
    let done = usize::try_from(found).map_err(|_| StorageError::Corrupt {
        what: "a schema version",
    })?;
    let Some(open) = STEPS.get(done..) else {
        return Err(StorageError::NewerSchema { found, supported });
    };
    if done == 0 {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(StorageError::Corrupt {
                what: "a foreign schema",
            });
        }
    }
    for (sql, version) in open.iter().zip(found + 1..) {
        let step = connection.unchecked_transaction()?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", version)?;
        step.commit()?;
    }
    Ok(())
}

/// The schema version in the file.
fn version(connection: &Connection) -> Result<i64, StorageError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every object of the schema as SQLite remembers it.
    fn objects(connection: &Connection) -> Vec<(String, Option<String>)> {
        connection
            .prepare("SELECT name, sql FROM sqlite_schema ORDER BY type, name")
            .expect("valid SQL")
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("no parameters")
            .collect::<Result<_, _>>()
            .expect("names and texts")
    }

    #[test]
    fn all_steps_together_are_the_schema_in_one_file() {
        let stepwise = Connection::open_in_memory().expect("memory");
        migrate(&stepwise).expect("migrates");
        let at_once = Connection::open_in_memory().expect("memory");
        at_once
            .execute_batch(include_str!("schema/schema.sql"))
            .expect("valid SQL");
        assert_eq!(objects(&stepwise), objects(&at_once));
        assert_eq!(version(&stepwise), Ok(STEPS.len() as i64));
    }

    /// What another tab is told, and what a file is called, is the number of the step.
    #[test]
    fn the_number_of_a_step_is_that_of_its_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/schema");
        let mut steps: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of the schema")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .filter(|name| name != "schema.sql")
            .collect();
        steps.sort();
        assert_eq!(steps.len(), STEPS.len());
        for (number, name) in (1..).zip(&steps) {
            assert!(
                name.starts_with(&format!("V{number:03}__")),
                "{name} is step {number}"
            );
        }
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let connection = Connection::open_in_memory().expect("memory");
        migrate(&connection).expect("migrates");
        let before = objects(&connection);
        migrate(&connection).expect("nothing to do");
        assert_eq!(objects(&connection), before);
    }

    #[test]
    fn a_newer_schema_is_refused_untouched() {
        let connection = Connection::open_in_memory().expect("memory");
        connection.pragma_update(None, "user_version", 99).expect("set");
        assert_eq!(
            migrate(&connection),
            Err(StorageError::NewerSchema {
                found: 99,
                supported: STEPS.len() as i64
            })
        );
        assert!(objects(&connection).is_empty());
    }

    #[test]
    fn a_negative_version_is_refused() {
        let connection = Connection::open_in_memory().expect("memory");
        connection.pragma_update(None, "user_version", -1).expect("set");
        assert_eq!(
            migrate(&connection),
            Err(StorageError::Corrupt {
                what: "a schema version"
            })
        );
    }

    #[test]
    fn the_database_of_something_else_is_refused_untouched() {
        let connection = Connection::open_in_memory().expect("memory");
        connection
            .execute_batch("CREATE TABLE diary (page TEXT)")
            .expect("valid SQL");
        assert_eq!(
            migrate(&connection),
            Err(StorageError::Corrupt {
                what: "a foreign schema"
            })
        );
        assert_eq!(objects(&connection).len(), 1);
    }
}

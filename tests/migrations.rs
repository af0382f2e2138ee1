//! Databases that earlier versions wrote, opened by this one.
#![cfg(not(target_arch = "wasm32"))]

#[path = "support/earlier.rs"]
mod earlier;

use std::collections::BTreeMap;
use std::path::Path;

use earlier::{SCHEMAS, database_of};
use rusqlite::Connection;
use rusqlite::types::Value;
use xmtp_web::storage::{Store, StoreOptions};

/// Each table with its rows, each row by the names of its columns.
type Contents = BTreeMap<String, Vec<BTreeMap<String, Value>>>;

fn contents(file: &Path) -> Contents {
    let connection = Connection::open(file).expect("opens");
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .expect("valid SQL");
    let names = tables.query_map([], |row| row.get::<_, String>(0)).expect("runs");
    names
        .map(|name| {
            let name = name.expect("a name");
            let rows = rows_of(&connection, &name);
            (name, rows)
        })
        .collect()
}

fn rows_of(connection: &Connection, table: &str) -> Vec<BTreeMap<String, Value>> {
    let mut all = connection
        .prepare(&format!("SELECT * FROM {table}"))
        .expect("valid SQL");
    let columns: Vec<String> = all.column_names().map(str::to_owned).collect();
    all.query_map([], |row| {
        columns
            .iter()
            .map(|column| Ok((column.clone(), row.get(column.as_str())?)))
            .collect()
    })
    .expect("runs")
    .collect::<Result<_, _>>()
    .expect("rows")
}

#[test]
fn every_earlier_database_opens_with_all_it_held() {
    let folder = tempfile::tempdir().expect("a folder");
    for schema in 1..=SCHEMAS {
        let file = folder.path().join(format!("{schema}.db"));
        database_of(schema, &file);
        let before = contents(&file);
        for (table, rows) in &before {
            assert!(
                !rows.is_empty(),
                "there is no row for the table {table} of schema {schema}"
            );
        }
        Store::open(StoreOptions::file(&file))
            .expect("opens")
            .close()
            .expect("closes");
        let after = contents(&file);
        for (table, rows) in before {
            let kept = after.get(&table).map_or(&[][..], Vec::as_slice);
            assert_eq!(kept.len(), rows.len(), "{table} of schema {schema}");
            for (row, kept) in rows.iter().zip(kept) {
                for (column, value) in row {
                    assert_eq!(
                        kept.get(column),
                        Some(value),
                        "{table}.{column} of schema {schema}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_database_of_each_schema_is_at_hand() {
    let newest = tempfile::tempdir().expect("a folder");
    let file = newest.path().join("newest.db");
    let store = Store::open(StoreOptions::file(&file)).expect("opens");
    store.close().expect("closes");
    let version: i64 = Connection::open(&file)
        .expect("opens")
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("a number");
    assert_eq!(
        Ok(SCHEMAS),
        usize::try_from(version),
        "add the new step and its rows to tests/support/earlier.rs"
    );
}

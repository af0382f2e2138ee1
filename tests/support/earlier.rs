//! Databases as earlier versions left them.

use std::path::Path;

use rusqlite::Connection;

/// Each step of the schema, and a row for each table that it adds.
const STEPS: &[(&str, &str)] = &[
    (
        include_str!("../../src/storage/schema/V001__initial.sql"),
        include_str!("../fixtures/rows/V001.sql"),
    ),
    (
        include_str!("../../src/storage/schema/V002__removals.sql"),
        include_str!("../fixtures/rows/V002.sql"),
    ),
    (
        include_str!("../../src/storage/schema/V003__preferences.sql"),
        include_str!("../fixtures/rows/V003.sql"),
    ),
    (
        include_str!("../../src/storage/schema/V004__consent_list.sql"),
        include_str!("../fixtures/rows/V004.sql"),
    ),
    (
        include_str!("../../src/storage/schema/V005__history.sql"),
        include_str!("../fixtures/rows/V005.sql"),
    ),
    (
        include_str!("../../src/storage/schema/V006__identity_waits.sql"),
        include_str!("../fixtures/rows/V006.sql"),
    ),
    (
        include_str!("../../src/storage/schema/V007__unconfirmed.sql"),
        include_str!("../fixtures/rows/V007.sql"),
    ),
];

/// How many schemas there have been.
pub(crate) const SCHEMAS: usize = STEPS.len();

/// Makes the database of the `schema`-th version, from 1, with a row in each of its tables.
pub(crate) fn database_of(schema: usize, file: &Path) {
    let connection = Connection::open(file).expect("opens");
    for (step, rows) in &STEPS[..schema] {
        connection.execute_batch(step).expect("the schema of then");
        connection.execute_batch(rows).expect("rows of then");
    }
    let version = i64::try_from(schema).expect("a small number");
    connection
        .pragma_update(None, "user_version", version)
        .expect("set");
    connection.close().expect("closes");
}

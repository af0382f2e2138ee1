//! What page size, journal, locking and synchronous level cost in a browser, encrypted: `npm run bench:storage` prints
//! a table of ratios (docs/STORAGE.md). Three things that clients do, on a bare connection to the same files.

#![cfg(target_arch = "wasm32")]
#![allow(missing_docs)]

use std::fmt::Write as _;

use rusqlite::{Connection, OpenFlags, params};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use xmtp_web::storage::{DatabaseKey, OpfsPool};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Each setting is measured so often, all of them in turn; the median counts.
const ROUNDS: usize = 7;
const SENDS: i64 = 60;
const BATCHES: i64 = 6;
const PER_BATCH: i64 = 100;
const GROUPS: i64 = 20;
const LISTS: i64 = 60;
/// About what a ratchet tree and its secrets of a group of twenty take.
const STATE: [u8; 6_000] = [0x5a; 6_000];
const TEXT: [u8; 300] = [0x61; 300];

const DIRECTORY: &str = "bench-storage";
const FILE: &str = "/bench";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

#[derive(Debug, Clone, Copy)]
struct Setting {
    name: &'static str,
    page_size: u32,
    journal: &'static str,
    locking: &'static str,
    synchronous: &'static str,
    is_encrypted: bool,
}

/// What clients use: `Store::prepare`.
const CHOSEN: Setting = Setting {
    name: "**4,096, WAL, FULL, exclusive locking**",
    page_size: 4_096,
    journal: "WAL",
    locking: "EXCLUSIVE",
    synchronous: "FULL",
    is_encrypted: true,
};

const SETTINGS: &[Setting] = &[
    CHOSEN,
    Setting {
        name: "page size 1,024",
        page_size: 1_024,
        ..CHOSEN
    },
    Setting {
        name: "page size 8,192",
        page_size: 8_192,
        ..CHOSEN
    },
    Setting {
        name: "page size 16,384",
        page_size: 16_384,
        ..CHOSEN
    },
    Setting {
        name: "page size 32,768",
        page_size: 32_768,
        ..CHOSEN
    },
    Setting {
        name: "WAL, NORMAL (not safe: the last transactions are not synced)",
        synchronous: "NORMAL",
        ..CHOSEN
    },
    Setting {
        name: "WAL, OFF (not safe: what syncing costs)",
        synchronous: "OFF",
        ..CHOSEN
    },
    Setting {
        name: "TRUNCATE, FULL",
        journal: "TRUNCATE",
        ..CHOSEN
    },
    Setting {
        name: "TRUNCATE, FULL, normal locking",
        journal: "TRUNCATE",
        locking: "NORMAL",
        ..CHOSEN
    },
    Setting {
        name: "TRUNCATE, EXTRA",
        journal: "TRUNCATE",
        synchronous: "EXTRA",
        ..CHOSEN
    },
    Setting {
        name: "TRUNCATE, NORMAL (not safe: an emptied journal may come back)",
        journal: "TRUNCATE",
        synchronous: "NORMAL",
        ..CHOSEN
    },
    Setting {
        name: "TRUNCATE, FULL, 8,192",
        journal: "TRUNCATE",
        page_size: 8_192,
        ..CHOSEN
    },
    Setting {
        name: "PERSIST, FULL",
        journal: "PERSIST",
        ..CHOSEN
    },
    Setting {
        name: "DELETE, FULL",
        journal: "DELETE",
        ..CHOSEN
    },
    Setting {
        name: "MEMORY, FULL (not safe: what the journal costs)",
        journal: "MEMORY",
        ..CHOSEN
    },
    Setting {
        name: "not encrypted (what encrypting costs)",
        is_encrypted: false,
        ..CHOSEN
    },
];

fn connect(setting: &Setting) -> rusqlite::Result<Connection> {
    let plain = format!("gathering-xmtp-{DIRECTORY}");
    let vfs = if setting.is_encrypted {
        format!("multipleciphers-{plain}")
    } else {
        plain
    };
    let connection = Connection::open_with_flags_and_vfs(FILE, OpenFlags::default(), vfs.as_str())?;
    if setting.is_encrypted {
        connection.pragma_update(None, "key", DatabaseKey::new([7; 32]).pragma_value().as_str())?;
    }
    let Setting {
        page_size,
        journal,
        locking,
        synchronous,
        ..
    } = setting;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {page_size}; PRAGMA locking_mode = {locking}; PRAGMA temp_store = MEMORY;
         PRAGMA journal_mode = {journal}; PRAGMA synchronous = {synchronous};
         PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;"
    ))?;
    // What was asked for is what is measured.
    let text = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
    assert_eq!(text("journal_mode")?, journal.to_lowercase(), "{}", setting.name);
    assert_eq!(text("locking_mode")?, locking.to_lowercase(), "{}", setting.name);
    Ok(connection)
}

fn create(connection: &Connection, setting: &Setting) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
         CREATE TABLE messages (id BLOB PRIMARY KEY, group_id BLOB NOT NULL, sent_at INTEGER NOT NULL, content BLOB NOT NULL)
           WITHOUT ROWID;
         CREATE INDEX by_time ON messages (group_id, sent_at);
         CREATE TABLE cursors (group_id BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;",
    )?;
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    assert_eq!(size, setting.page_size, "{}", setting.name);
    Ok(())
}

/// One number as 32 bytes that lie anywhere, as ids do.
fn id(number: i64) -> [u8; 32] {
    let mut state = u64::try_from(number)
        .unwrap_or_default()
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 32];
    for part in bytes.chunks_mut(8) {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        part.copy_from_slice(&state.to_le_bytes());
    }
    bytes
}

/// So many messages of one group, its state and its cursor, in one transaction.
fn write(connection: &Connection, first: i64, count: i64, group: i64) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut insert = connection.prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3, ?4)")?;
    for number in first..first + count {
        insert.execute(params![id(number), id(group), number, TEXT])?;
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO state VALUES (?1, ?2)")?
        .execute(params![id(group), STATE])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO cursors VALUES (?1, ?2)")?
        .execute(params![id(group), first + count])?;
    connection.execute_batch("COMMIT")
}

/// Milliseconds of sending one by one, of reading a backlog, and of opening and listing.
fn measure(pool: &OpfsPool, setting: &Setting) -> rusqlite::Result<[f64; 3]> {
    let connection = connect(setting)?;
    create(&connection, setting)?;
    for group in 0..GROUPS {
        write(&connection, group * PER_BATCH, PER_BATCH, group)?;
    }
    let first = GROUPS * PER_BATCH;
    let begun = now();
    for number in 0..SENDS {
        write(&connection, first + number, 1, number % GROUPS)?;
    }
    let sent = now();
    for batch in 0..BATCHES {
        write(&connection, first + SENDS + batch * PER_BATCH, PER_BATCH, batch)?;
    }
    let read = now();
    connection.close().map_err(|(_, error)| error)?;

    let reopened = now();
    let connection = connect(setting)?;
    for list in 0..LISTS {
        let mut statement = connection.prepare_cached(
            "SELECT content FROM messages WHERE group_id = ?1 ORDER BY sent_at DESC LIMIT 50",
        )?;
        let rows = statement.query_map([id(list % GROUPS)], |row| row.get::<_, Vec<u8>>(0))?;
        assert_eq!(rows.count(), 50);
    }
    let listed = now();
    connection.close().map_err(|(_, error)| error)?;
    pool.delete(FILE).expect("closed");
    Ok([sent - begun, read - sent, listed - reopened])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[wasm_bindgen_test]
async fn settings_of_the_database_compared() {
    let pool = OpfsPool::install(DIRECTORY).await.expect("a private file system");
    let mut taken = vec![[const { Vec::new() }; 3]; SETTINGS.len()];
    for round in 0..=ROUNDS {
        for (setting, taken) in SETTINGS.iter().zip(&mut taken) {
            let times = measure(&pool, setting).unwrap_or_else(|error| panic!("{}: {error}", setting.name));
            // The first round warms up.
            if round > 0 {
                for (all, time) in taken.iter_mut().zip(times) {
                    all.push(time);
                }
            }
        }
    }
    let medians: Vec<_> = taken.into_iter().map(|of| of.map(median)).collect();
    let mut table =
        String::from("| setting | sending | reading a backlog | opening and listing |\n|---|---|---|---|\n");
    for (setting, times) in SETTINGS.iter().zip(&medians) {
        let [send, read, list] = std::array::from_fn(|at| times[at] / medians[0][at]);
        writeln!(table, "| {} | {send:.2} | {read:.2} | {list:.2} |", setting.name).expect("text");
    }
    let [send, read, list] = medians[0];
    let (sends, reads) = (send / SENDS as f64, read / (BATCHES * PER_BATCH) as f64);
    console_log!(
        "\n{table}\nThe first row took {sends:.2} ms for a message sent, {reads:.3} ms for one of a backlog, {list:.1} ms to open and list.\n"
    );
}

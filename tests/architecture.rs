//! The arrows of `docs/ARCHITECTURE.md`, enforced: what each room may import, and who alone may name OpenMLS,
//! SQLite and the browser.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms that every other may import.
const EVERYWHERE: &[&str] = &["ids", "error"];

/// Each room with those it may import besides [`EVERYWHERE`].
const ARROWS: &[(&str, &[&str])] = &[
    ("platform", &[]),
    ("proto", &[]),
    ("version", &[]),
    ("storage", &["platform"]),
    ("transport", &["platform", "proto", "version"]),
    ("identity", &["storage", "proto"]),
    ("messages", &["proto"]),
    ("mls", &["identity", "platform", "storage", "proto"]),
    (
        "groups",
        &["identity", "messages", "mls", "platform", "storage", "proto"],
    ),
    (
        "preferences",
        &["groups", "identity", "messages", "storage", "proto"],
    ),
    (
        "client",
        &[
            "groups",
            "identity",
            "messages",
            "mls",
            "platform",
            "preferences",
            "storage",
            "transport",
            "version",
        ],
    ),
    (
        "bindings",
        &[
            "client",
            "groups",
            "identity",
            "messages",
            "platform",
            "preferences",
            "storage",
            "transport",
            "version",
        ],
    ),
];

/// Files that turn wire messages into domain types, beside the rooms `transport` and `mls`.
const DECODERS: &[&str] = &[
    "identity/association/",
    "identity/signature/",
    "messages/",
    "groups/forks.rs",
    "groups/metadata.rs",
    "groups/membership.rs",
    "groups/permissions.rs",
    "preferences/list/",
    "preferences/wire.rs",
    "preferences/archive/wire.rs",
];

/// Crates with the only places that may name them.
const OWNERS: &[(&[&str], &[&str])] = &[
    (
        &["openmls", "openmls_traits", "openmls_rust_crypto", "hpke_rs"],
        &["mls/"],
    ),
    (&["rusqlite", "sqlite_wasm_rs", "sqlite_wasm_vfs"], &["storage/"]),
    (&["tonic"], &["transport/http.rs"]),
    (
        &[
            "web_sys",
            "js_sys",
            "wasm_bindgen",
            "wasm_bindgen_futures",
            "serde_wasm_bindgen",
        ],
        &[
            "bindings/",
            "platform/web.rs",
            "transport/fetch.rs",
            "transport/fetch_files.rs",
            "storage/opfs.rs",
        ],
    ),
];

struct Source {
    /// Below `src`, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }
}

fn sources() -> Vec<Source> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<Source>) {
        let mut entries: Vec<PathBuf> = fs::read_dir(dir)
            .expect("readable")
            .map(|entry| entry.expect("entry").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(root).expect("below src");
                let path_text = below.to_string_lossy().replace('\\', "/");
                found.push(Source {
                    path: path_text,
                    text: code(&fs::read_to_string(&path).expect("text")),
                });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// The text without comments and without the tests at the end of a file.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms named behind `crate::`, also inside of braces.
fn imports(text: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (start, _) in text.match_indices("crate::") {
        if text[..start].ends_with('$') {
            continue;
        }
        let rest = &text[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split(';').next().unwrap_or_default();
                let mut depth = 0;
                for part in list.split_inclusive([',', '{', '}']) {
                    if depth == 0 {
                        found.insert(name(part));
                    }
                    depth += match part.chars().last() {
                        Some('{') => 1,
                        Some('}') => -1,
                        _ => 0,
                    };
                }
            }
            None => {
                found.insert(name(rest));
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn rooms_import_only_along_the_arrows() {
    let mut wrong = Vec::new();
    for source in sources() {
        let room = source.room();
        if source.path == "lib.rs" || EVERYWHERE.contains(&room) {
            continue;
        }
        let allowed = ARROWS
            .iter()
            .find(|(name, _)| *name == room)
            .map(|(_, rooms)| *rooms);
        let Some(allowed) = allowed else {
            wrong.push(format!("{}: the room {room} has no arrows", source.path));
            continue;
        };
        for import in imports(&source.text) {
            let is_room = ARROWS.iter().any(|(name, _)| *name == import);
            if is_room && import != room && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "against the arrows:\n{}", wrong.join("\n"));
}

#[test]
fn rooms_at_the_bottom_import_nothing() {
    for source in sources()
        .iter()
        .filter(|source| EVERYWHERE.contains(&source.room()))
    {
        let imported: Vec<_> = imports(&source.text)
            .into_iter()
            .filter(|import| !EVERYWHERE.contains(&import.as_str()))
            .collect();
        assert!(imported.is_empty(), "{} imports {imported:?}", source.path);
    }
}

#[test]
fn wire_messages_stop_where_they_are_decoded() {
    let mut wrong = Vec::new();
    for source in sources() {
        let decodes = ["transport", "mls", "proto"].contains(&source.room())
            || DECODERS.iter().any(|place| source.path.starts_with(place));
        if !decodes && source.path != "lib.rs" && imports(&source.text).contains("proto") {
            wrong.push(source.path);
        }
    }
    assert!(wrong.is_empty(), "these name wire messages: {wrong:?}");
}

#[test]
fn libraries_stay_in_the_rooms_that_own_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (crates, places) in OWNERS {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for name in *crates {
                if source.text.contains(&format!("{name}::")) {
                    wrong.push(format!("{} names {name}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_below_eight_hundred_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in sources() {
        let text = fs::read_to_string(root.join("src").join(&source.path)).expect("text");
        assert!(
            text.lines().count() <= 800,
            "{} has {} lines",
            source.path,
            text.lines().count()
        );
    }
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let text = "use crate::ids::GroupId;\nuse crate::{error::Coded, mls::{Group, Leaf}, storage};\nlet x = crate::groups::MAX;";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["error", "groups", "ids", "mls", "storage"]);
}

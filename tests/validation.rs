//! `docs/VALIDATION.md` names tests that exist, one at least for each rule, and types that exist.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every Rust source below a folder, as one text.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += &fs::read_to_string(&path).expect("text");
        }
    }
    all
}

/// What stands between backticks.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn is_test_name(text: &str) -> bool {
    !text.ends_with('_')
        && text.matches('_').count() >= 2
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn the_tests_that_the_tables_of_rules_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/VALIDATION.md")).expect("the document");
    let code = sources(&root.join("src")) + &sources(&root.join("tests"));
    let mut named = BTreeSet::new();
    let mut rules = 0;
    for line in document.lines() {
        let number = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next());
        let is_rule = number.is_some_and(|number| number.parse::<u32>().is_ok());
        let tests: Vec<_> = quoted(line)
            .into_iter()
            .filter(|text| is_test_name(text))
            .collect();
        assert!(!is_rule || !tests.is_empty(), "no test in: {line}");
        rules += usize::from(is_rule);
        named.extend(tests);
    }
    assert!(rules >= 13 + 11 + 2, "{rules} rules");
    // attributes and fields are written the same way
    let others = ["update_permissions", "failed_installations"];
    for name in named.into_iter().filter(|name| !others.contains(name)) {
        assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
    }
}

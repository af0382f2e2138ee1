//! Clients that leave a rule out, one rule at a time: the model must notice, or it proves nothing of that rule.
//! `npm run test:model -- --rules` prints in which story it noticed, and what.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;

use xmtp_web::groups::inbound::{Rule, leave_out};

use crate::dishonest::NO_ADMINS;
use crate::support::story_within;
use crate::{PATIENCE, stage};

/// Steps of a story: short ones, in which dishonest ones do what the rule forbids.
const STEPS: usize = 40;
/// Rules at once.
const THREADS: usize = 2;
/// How many stories a rule may take to be noticed.
const STORIES: u64 = 10;

/// Rules that members without much power can break, and the commits that break them (`dishonest.rs`). The others are
/// proven on the wire (`docs/VALIDATION.md`): it takes a super admin, or what OpenMLS does not make.
const RULES: [(Rule, &[usize]); 13] = [
    (Rule::Extensions, &[12, 13, 14]),
    (Rule::Lengths, &[4]),
    (Rule::SequenceIds, &[10]),
    (Rule::InstallationsAdded, &[7]),
    (Rule::InstallationsRemoved, &[6, 19, 20]),
    (Rule::AddMembers, &[8, 9]),
    (Rule::RemoveMembers, &[5]),
    (Rule::Fields, &[0, 1]),
    (Rule::AddAdmins, &[3]),
    (Rule::RemoveAdmins, &[NO_ADMINS]),
    (Rule::SuperAdmins, &[2]),
    (Rule::SuperAdminsStay, &[5]),
    (Rule::Permissions, &[11]),
];

/// The first story in which something is wrong, and what.
fn noticed(rule: Rule, favourites: &'static [usize]) -> Option<(u64, String)> {
    (1..=STORIES).find_map(|seed| {
        let told = panic::catch_unwind(AssertUnwindSafe(|| {
            leave_out(Some(rule));
            story_within(PATIENCE, stage::happens_with(seed, STEPS, favourites))
        }));
        leave_out(None);
        let cause = told.err()?;
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("?");
        Some((seed, text.lines().next().unwrap_or_default().to_owned()))
    })
}

#[test]
fn the_model_notices_every_rule_that_clients_leave_out() {
    // What is expected is no news.
    panic::set_hook(Box::new(|_| {}));
    let rest = Mutex::new(RULES.to_vec());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = rest.lock().expect("nobody panics with it").pop();
                    let Some((rule, favourites)) = next else { return };
                    let noticed = noticed(rule, favourites);
                    println!("{rule:?}: {noticed:?}");
                    found
                        .lock()
                        .expect("nobody panics with it")
                        .push((rule, noticed.is_some()));
                }
            });
        }
    });
    drop(panic::take_hook());
    let found = found.into_inner().expect("nobody panics with it");
    let unnoticed: Vec<_> = found.iter().filter(|(_, noticed)| !noticed).collect();
    assert_eq!(found.len(), RULES.len());
    assert!(unnoticed.is_empty(), "nobody noticed: {unnoticed:?}");
}

//! Key packages and time: commits read after a key package in them has expired, and clocks that are wrong.
//!
//! All clients of a test share the browser's clock, which the test sets before each step.

use crate::page::{Opening, Place, Wallet, create_group, only_group, register, say, settle, strings, texts};
use js_sys::{Date, Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{Client, Group};
use xmtp_web::platform::{TIME_CAN_BE_SET, at_time};

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
/// How long a key package may be used.
const LIFETIME: f64 = 84.0 * DAY;

/// The clock of this browser, put back when the test ends.
struct Clock {
    real: JsValue,
    _now: Option<Closure<dyn Fn() -> f64>>,
}

impl Clock {
    fn new() -> Self {
        Self {
            real: Reflect::get(&date(), &"now".into()).expect("a function"),
            _now: None,
        }
    }

    /// Sets the clock this many milliseconds from the real time.
    fn set(&mut self, ahead: f64) {
        let real: Function = self.real.clone().unchecked_into();
        let now = Closure::new(move || {
            real.call0(&date())
                .ok()
                .and_then(|now| now.as_f64())
                .expect("a number")
                + ahead
        });
        Reflect::set(&date(), &"now".into(), now.as_ref()).expect("can be set");
        self._now = Some(now);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        Reflect::set(&date(), &"now".into(), &self.real).expect("can be set");
    }
}

fn date() -> JsValue {
    Reflect::get(&js_sys::global(), &"Date".into()).expect("there is one")
}

async fn somebody() -> (Client, Wallet) {
    let wallet = Wallet::new();
    let client = register(&Opening::of(&wallet, Place::Memory), &wallet).await;
    (client, wallet)
}

async fn add(group: &Group, address: &str) {
    settle(group.add_members_by_address(strings(&[address])))
        .await
        .expect("is added");
}

fn epoch(group: &Group) -> u64 {
    let state = group.state().expect("state");
    u64::try_from(crate::page::get(&state, "epoch")).expect("a number")
}

/// Everybody says something that everybody reads: nobody is on a fork.
async fn talk(groups: &[&Group]) {
    let mut said = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        settle(group.sync()).await.expect("syncs");
        let text = format!("hello from {number} in {}", epoch(group));
        say(group, &text).await;
        said.push(text);
    }
    for group in groups {
        settle(group.sync()).await.expect("syncs");
        let read = texts(group);
        for text in &said {
            assert!(read.contains(text), "{text} is not in {read:?}");
        }
    }
    let epochs: Vec<_> = groups.iter().map(|group| epoch(group)).collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
}

#[wasm_bindgen_test]
async fn a_commit_read_after_its_key_package_expired_is_followed() {
    let mut clock = Clock::new();
    let (alice, _) = somebody().await;
    let (carol, carols) = somebody().await;
    let made = create_group(&alice, &[&carols.address()], "").await;
    let hers = only_group(&carol).await;

    // Bob's package is good for another five minutes when he is added
    clock.set(5.0 * MINUTE - LIFETIME);
    let (bob, bobs) = somebody().await;
    clock.set(0.0);
    add(&made, &bobs.address()).await;

    // Carol reads the commit an hour later
    clock.set(HOUR);
    settle(hers.sync()).await.expect("syncs");
    assert_eq!(epoch(&hers), epoch(&made));
    let his = only_group(&bob).await;
    talk(&[&made, &hers, &his]).await;

    // she commits in the tree with the expired leaf, and so does he
    let (_dave, daves) = somebody().await;
    add(&hers, &daves.address()).await;
    talk(&[&made, &his, &hers]).await;
    let (_erin, erins) = somebody().await;
    add(&his, &erins.address()).await;
    talk(&[&hers, &made, &his]).await;
}

#[wasm_bindgen_test]
async fn a_joiner_does_not_mind_expired_leaves_nor_its_own() {
    let mut clock = Clock::new();
    let (alice, _) = somebody().await;
    clock.set(5.0 * MINUTE - LIFETIME);
    let (bob, bobs) = somebody().await;
    clock.set(0.0);
    let made = create_group(&alice, &[&bobs.address()], "").await;
    clock.set(HOUR);
    // Bob's own package, and the one in the tree that Carol joins, have expired
    let his = only_group(&bob).await;
    let (carol, carols) = somebody().await;
    add(&made, &carols.address()).await;
    let hers = only_group(&carol).await;
    talk(&[&made, &his, &hers]).await;
}

#[wasm_bindgen_test]
async fn clocks_that_are_behind_or_ahead_follow_all_the_same() {
    for ahead in [-400.0 * DAY, -2.0 * HOUR, 100.0 * DAY] {
        let mut clock = Clock::new();
        let (alice, _) = somebody().await;
        let (carol, carols) = somebody().await;
        let made = create_group(&alice, &[&carols.address()], "").await;
        let hers = only_group(&carol).await;
        let (bob, bobs) = somebody().await;
        add(&made, &bobs.address()).await;
        let his = only_group(&bob).await;
        clock.set(ahead);
        settle(hers.sync()).await.expect("syncs");
        assert_eq!(epoch(&hers), epoch(&made), "{ahead}");
        clock.set(0.0);
        talk(&[&made, &hers, &his]).await;
    }
}

#[wasm_bindgen_test]
async fn a_package_that_has_expired_is_not_added() {
    let mut clock = Clock::new();
    let (alice, _) = somebody().await;
    let (carol, carols) = somebody().await;
    let made = create_group(&alice, &[&carols.address()], "").await;
    clock.set(5.0 * MINUTE - LIFETIME);
    let (bob, bobs) = somebody().await;
    clock.set(HOUR);
    let statuses = settle(alice.key_package_statuses(strings(&[&bob.installation_id()])))
        .await
        .expect("asked");
    let status = js_sys::Map::from(statuses).get(&bob.installation_id().into());
    assert!(crate::page::text(&status, "validationError").contains("expired"));
    let lifetime = crate::page::get(&status, "lifetime");
    let not_after = u64::try_from(crate::page::get(&lifetime, "notAfter")).expect("a number");
    assert!((not_after as f64) * 1_000.0 < Date::now());
    let refused = crate::page::code_of(made.add_members_by_address(strings(&[&bobs.address()]))).await;
    assert_eq!(refused, "group.no_usable_key_package");

    // beside somebody who can be added it is left out
    let (dave, daves) = somebody().await;
    let both = strings(&[&bobs.address(), &daves.address()]);
    settle(made.add_members_by_address(both))
        .await
        .expect("one of them");
    let his = only_group(&dave).await;
    let hers = only_group(&carol).await;
    talk(&[&made, &his, &hers]).await;
    settle(bob.conversations().sync()).await.expect("syncs");
    assert!(
        bob.conversations()
            .list(JsValue::UNDEFINED)
            .expect("lists")
            .is_empty()
    );

    // his client was away for long: the next sync makes him reachable
    add(&made, &bobs.address()).await;
    let bobs_group = only_group(&bob).await;
    talk(&[&bobs_group, &made, &his]).await;
}

#[wasm_bindgen_test]
fn the_clock_is_put_back_however_a_call_ends() {
    const { assert!(TIME_CAN_BE_SET) };
    let before = Reflect::get(&date(), &"now".into()).expect("a function");
    let seen = at_time(1_000, || (Date::now(), 7));
    assert_eq!(seen, (1_000_000.0, 7));
    assert_eq!(Reflect::get(&date(), &"now".into()).expect("a function"), before);

    // an exception that passes through, as a trap does
    let throwing = Function::new_no_args("throw new WebAssembly.RuntimeError('unreachable')");
    let through = Closure::<dyn FnMut()>::new(move || {
        at_time(1_000, || {
            throw(&throwing);
        });
    });
    let caught = through.as_ref().unchecked_ref::<Function>().call0(&JsValue::NULL);
    assert!(
        caught
            .expect_err("it is thrown on")
            .is_instance_of::<js_sys::WebAssembly::RuntimeError>()
    );
    assert_eq!(Reflect::get(&date(), &"now".into()).expect("a function"), before);
    // the closure's borrow was never given back
    std::mem::forget(through);
}

#[wasm_bindgen(inline_js = "export function throwFrom(f) { f(); }")]
extern "C" {
    /// Calls a function and lets what it throws pass through this instance.
    #[wasm_bindgen(js_name = throwFrom)]
    fn throw(function: &Function);
}

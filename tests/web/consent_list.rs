//! The list of XIP-42 as a page's worker uses it, in a browser, against a running node.

use crate::page::{FakeFetch, Watcher, code, code_of, get, object, person, settle, text, uint8array, until};
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::Client;
use xmtp_web::platform::Platform as _;
use xmtp_web::platform::web::WebPlatform;

const GROUP: i32 = 0;
const INBOX: i32 = 1;
const ADDRESS: i32 = 2;
const ALLOWED: i32 = 1;
const DENIED: i32 = 2;

fn records(records: &[(i32, &str, i32)]) -> JsValue {
    records
        .iter()
        .map(|(kind, entity, state)| {
            object(&[
                ("entityType", (*kind).into()),
                ("entity", (*entity).into()),
                ("state", (*state).into()),
            ])
        })
        .collect::<Array>()
        .into()
}

/// What is decided, as `kind:entity:state`.
fn list(client: &Client) -> Vec<String> {
    let list: Array = client
        .preferences()
        .consent_list()
        .expect("a list")
        .unchecked_into();
    list.iter()
        .map(|record| {
            let number = |name| get(&record, name).as_f64().expect("a number");
            format!(
                "{}:{}:{}",
                number("entityType"),
                text(&record, "entity"),
                number("state")
            )
        })
        .collect()
}

/// A fresh key, so that tests do not read each other's lists.
fn key() -> JsValue {
    let mut bytes = [0u8; 32];
    WebPlatform.random(&mut bytes);
    uint8array(&bytes)
}

async fn publish(client: &Client) -> f64 {
    let written = settle(client.preferences().publish_consent_list()).await;
    written.expect("is published").as_f64().expect("a number")
}

async fn refresh(client: &Client) {
    settle(client.preferences().refresh_consent_list())
        .await
        .expect("is read");
}

#[wasm_bindgen_test]
async fn xip_42_two_apps_with_one_key_share_a_list() {
    let ((one, _), (other, _), (bob, bobs)) = (person().await, person().await, person().await);
    let key = key();
    for app in [&one, &other] {
        app.preferences().set_identity_key(key.clone()).expect("a key");
    }
    let own: Uint8Array = other.preferences().identity_key().expect("a key");
    assert_eq!(own.to_vec(), key.unchecked_into::<Uint8Array>().to_vec());
    let group = "ab".repeat(16);
    let decided = records(&[(GROUP, &group, ALLOWED), (ADDRESS, &bobs.address(), DENIED)]);
    one.preferences().set_consent_states(decided).expect("decides");
    assert_eq!(publish(&one).await, 2.0);
    assert_eq!(publish(&one).await, 0.0);
    refresh(&other).await;
    assert_eq!(
        list(&other),
        [format!("0:{group}:1"), format!("1:{}:2", bob.inbox_id())]
    );
    let state = other
        .preferences()
        .address_state(bobs.address().into())
        .expect("an address");
    assert_eq!(settle(state).await.expect("asked").as_f64(), Some(2.0));
}

#[wasm_bindgen_test]
async fn xip_42_what_the_app_knew_before_counts_where_nothing_is_known() {
    let (app, _) = person().await;
    let (known, new) = ("1a".repeat(32), "1b".repeat(32));
    app.preferences()
        .set_consent_states(records(&[(INBOX, &known, DENIED)]))
        .expect("decides");
    let before = records(&[(INBOX, &known, ALLOWED), (INBOX, &new, ALLOWED)]);
    app.preferences().import_consent(before).expect("is taken");
    assert_eq!(list(&app), [format!("1:{known}:2"), format!("1:{new}:1")]);
}

#[wasm_bindgen_test]
async fn xip_42_who_follows_the_list_hears_what_another_app_writes() {
    let ((one, _), (other, _)) = (person().await, person().await);
    let key = key();
    for app in [&one, &other] {
        app.preferences().set_identity_key(key.clone()).expect("a key");
    }
    let heard = Watcher::new();
    let stream = other
        .preferences()
        .stream_consent_list(
            heard.on_item.clone(),
            heard.on_error.clone(),
            heard.on_end.clone(),
        )
        .expect("streams");
    let inbox = "1c".repeat(32);
    one.preferences()
        .set_consent_states(records(&[(INBOX, &inbox, DENIED)]))
        .expect("decides");
    assert_eq!(publish(&one).await, 1.0);
    until("the entry is told", || !heard.items.borrow().is_empty()).await;
    let told: Array = heard.items.borrow()[0].clone().unchecked_into();
    assert_eq!(text(&told.get(0), "entity"), inbox);
    stream.end();
    assert!(heard.errors.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn xip_42_a_list_that_takes_no_entries_any_more_is_a_typed_error_and_decisions_hold() {
    let (app, _) = person().await;
    let inbox = "1d".repeat(32);
    app.preferences()
        .set_consent_states(records(&[(INBOX, &inbox, DENIED)]))
        .expect("decides");
    let global = js_sys::global();
    Reflect::set(&global, &"realFetch".into(), &get(&global, "fetch")).expect("the global takes it");
    let closed = FakeFetch::new(
        "const [request] = arguments;
         if (!(request.url ?? request).endsWith('MessageApi/Publish')) return self.realFetch(...arguments);
         const message = 'publishing to XMTP V2 is no longer available. Please upgrade your client to XMTP V3.';
         const headers = { 'content-type': 'application/grpc-web+proto', 'grpc-status': '14', 'grpc-message': message };
         return Promise.resolve(new Response('', { headers }));",
    );
    let refused = code_of(app.preferences().publish_consent_list()).await;
    drop(closed);
    assert_eq!(refused, "preferences.list_closed");
    assert_eq!(list(&app), [format!("1:{inbox}:2")]);
    // Where it is open the decision is written still.
    assert_eq!(publish(&app).await, 1.0);
}

#[wasm_bindgen_test]
async fn xip_42_what_is_no_key_no_address_and_no_list_is_refused() {
    let (app, _) = person().await;
    let preferences = app.preferences();
    for wrong in [
        uint8array(&[0; 32]),
        uint8array(&[1; 31]),
        JsValue::NULL,
        "key".into(),
    ] {
        let refused = preferences.set_identity_key(wrong).expect_err("no key");
        assert_eq!(code(&refused.into()), "argument.invalid");
    }
    let refused = preferences.address_state("0x12".into()).expect_err("no address");
    assert_eq!(code(&refused.into()), "identity.invalid_address");
    let refused = preferences.import_consent(JsValue::NULL).expect_err("no list");
    assert_eq!(code(&refused.into()), "argument.invalid");
    let own = |client: &Client| client.preferences().identity_key().expect("a key").to_vec();
    assert_eq!(own(&app).len(), 32);
    assert_eq!(own(&app), own(&app));
}

//! Settings of groups in a browser, against a running node: permissions, disappearing messages, minimum versions.

use crate::page::{
    Opening, Place, Wallet, Watcher, code, code_of, create_group, get, object, only_group, person, register,
    say, settle, strings, text, texts, until,
};
use js_sys::BigInt;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{Client, Group};

const OLD: &str = "1.8.0";
const MIDDLE: &str = "1.9.0";
const NEW: &str = "1.10.0";

fn bigint(value: u64) -> JsValue {
    BigInt::from(value).into()
}

fn policy(group: &Group, name: &str) -> Option<f64> {
    let state = group.state().expect("state");
    get(&get(&get(&state, "permissions"), "policySet"), name).as_f64()
}

fn paused(group: &Group) -> Option<String> {
    get(&group.state().expect("state"), "pausedForVersion").as_string()
}

async fn sync(group: &Group) {
    settle(group.sync()).await.expect("syncs");
}

/// Somebody whose client is of a version, in a database that outlives it.
async fn person_of_version(place: &'static str, version: &str) -> (Client, Wallet) {
    let wallet = Wallet::new();
    let opening = Opening::of(&wallet, Place::Named(place)).with("protocolVersion", version);
    let client = register(&opening, &wallet).await;
    assert_eq!(client.protocol_version(), version);
    (client, wallet)
}

async fn reopened(client: Client, wallet: &Wallet, place: &'static str, version: &str) -> Client {
    settle(client.close()).await.expect("closes");
    Opening::of(wallet, Place::Named(place))
        .with("protocolVersion", version)
        .open()
        .await
}

fn found(client: &Client, id: &str) -> Group {
    client
        .conversations()
        .by_id(id.into())
        .expect("reads")
        .expect("is known")
}

#[wasm_bindgen_test]
async fn permissions_are_changed_by_super_admins_one_at_a_time() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "Rules").await;
    assert_eq!(policy(&group, "updateGroupNamePolicy"), Some(0.0));
    let change = |group: &Group, kind: u32, policy: u32, field: JsValue| {
        group.update_permission(kind.into(), policy.into(), field)
    };
    settle(change(&group, 4, 2, 2.into())).await.expect("alice may");
    settle(change(&group, 0, 1, JsValue::UNDEFINED))
        .await
        .expect("alice may");
    let his = only_group(&bob).await;
    sync(&his).await;
    for side in [&group, &his] {
        assert_eq!(policy(side, "updateGroupNamePolicy"), Some(2.0));
        assert_eq!(policy(side, "addMemberPolicy"), Some(1.0));
        assert_eq!(policy(side, "updateGroupDescriptionPolicy"), Some(0.0));
    }
    assert_eq!(
        code_of(his.update_name("Bob's".into())).await,
        "group.not_permitted"
    );
    assert_eq!(
        code_of(change(&his, 0, 0, JsValue::UNDEFINED)).await,
        "group.not_permitted"
    );
    assert_eq!(
        code_of(change(&group, 2, 0, JsValue::UNDEFINED)).await,
        "argument.unsupported"
    );
    assert_eq!(
        code_of(change(&group, 4, 0, JsValue::UNDEFINED)).await,
        "argument.invalid"
    );
    assert_eq!(
        code_of(change(&group, 0, 4, JsValue::UNDEFINED)).await,
        "argument.unsupported"
    );
}

#[wasm_bindgen_test]
async fn a_group_is_made_with_a_policy_set_of_its_own_or_not_at_all() {
    let (alice, _) = person().await;
    let names = [
        "addMemberPolicy",
        "removeMemberPolicy",
        "addAdminPolicy",
        "removeAdminPolicy",
        "updateGroupNamePolicy",
        "updateGroupDescriptionPolicy",
        "updateGroupImageUrlSquarePolicy",
        "updateMessageDisappearingPolicy",
        "updateAppDataPolicy",
    ];
    let set = |value: u32| object(&names.map(|name| (name, JsValue::from(value))));
    let make = |options: &[(&str, JsValue)]| alice.conversations().create_group_optimistic(object(options));
    let made = make(&[("permissions", 2.into()), ("customPermissionPolicySet", set(2))]).expect("makes it");
    assert!(names.iter().all(|name| policy(&made, name) == Some(2.0)));
    let refused = |options: &[(&str, JsValue)]| code(&JsValue::from(make(options).expect_err("refused")));
    assert_eq!(refused(&[("permissions", 2.into())]), "argument.invalid");
    assert_eq!(
        refused(&[("customPermissionPolicySet", set(2))]),
        "argument.invalid"
    );
    let everybody = [("permissions", 2.into()), ("customPermissionPolicySet", set(0))];
    assert_eq!(
        refused(&everybody),
        "argument.unsupported",
        "admins named by everybody"
    );
}

#[wasm_bindgen_test]
async fn messages_disappear_when_their_time_is_over_and_a_stream_tells() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let settings = object(&[("fromNs", bigint(1)), ("inNs", bigint(3_000_000_000))]);
    let options = object(&[("messageDisappearingSettings", settings)]);
    let made = alice
        .conversations()
        .create_group_with_addresses(strings(&[&bobs.address()]), options);
    let group = crate::page::group(settle(made).await.expect("makes it"));
    let his = only_group(&bob).await;
    let shown = get(&his.state().expect("state"), "messageDisappearingSettings");
    assert_eq!(get(&shown, "inNs"), bigint(3_000_000_000));
    let watcher = Watcher::new();
    let Watcher {
        on_item,
        on_error,
        on_end,
        ..
    } = &watcher;
    let stream = bob
        .conversations()
        .stream_message_deletions(on_item.clone(), on_error.clone(), on_end.clone())
        .expect("opens");
    let id = say(&group, "soon gone").await;
    sync(&his).await;
    assert_eq!(texts(&his), ["soon gone"]);
    until("it is deleted", || !watcher.items.borrow().is_empty()).await;
    assert_eq!(text(&watcher.items.borrow()[0], "messageId"), id);
    assert!(texts(&his).is_empty());
    stream.end();

    settle(group.update_message_disappearing_settings(bigint(0), bigint(0)))
        .await
        .expect("alice may");
    let kept = say(&group, "stays").await;
    let list: js_sys::Array = group
        .messages(object(&[("kind", 0.into())]))
        .expect("lists")
        .unchecked_into();
    let message = list
        .iter()
        .find(|message| text(message, "id") == kept)
        .expect("is there");
    assert!(get(&message, "expiresAtNs").is_undefined());
    let negative = group.update_message_disappearing_settings(BigInt::from(-1).into(), bigint(0));
    assert_eq!(code_of(negative).await, "argument.invalid");
    let refused = his.update_message_disappearing_settings(bigint(1), bigint(1));
    assert_eq!(code_of(refused).await, "group.not_permitted");
}

#[wasm_bindgen_test]
async fn xip_72_case_1_an_older_client_is_paused_and_an_update_lets_it_go_on() {
    let (alice, _) = person().await;
    let (bob, bobs) = person_of_version("xip-72-case-1.db3", MIDDLE).await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let his = only_group(&bob).await;
    let watcher = Watcher::new();
    let Watcher {
        on_item,
        on_error,
        on_end,
        ..
    } = &watcher;
    bob.conversations()
        .stream_pauses(on_item.clone(), on_error.clone(), on_end.clone())
        .expect("opens");
    settle(group.set_minimum_supported_protocol_version(JsValue::UNDEFINED))
        .await
        .expect("alice may");
    say(&group, "one").await;
    say(&group, "two").await;
    until("the pause is told", || !watcher.items.borrow().is_empty()).await;
    let told = watcher.items.borrow()[0].clone();
    assert_eq!(text(&told, "pausedForVersion"), NEW);
    assert_eq!(text(&told, "conversationId"), group.id());
    assert_eq!(paused(&his).as_deref(), Some(NEW));
    assert!(texts(&his).is_empty());

    let bob = reopened(bob, &bobs, "xip-72-case-1.db3", NEW).await;
    let his = found(&bob, &group.id());
    sync(&his).await;
    assert_eq!(paused(&his), None);
    assert_eq!(texts(&his), ["one", "two"]);
    settle(bob.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn xip_72_case_2_who_joins_with_too_old_a_client_is_paused() {
    let (alice, _) = person().await;
    let (bob, bobs) = person_of_version("xip-72-case-2.db3", MIDDLE).await;
    let group = create_group(&alice, &[], "").await;
    settle(group.set_minimum_supported_protocol_version(NEW.into()))
        .await
        .expect("alice may");
    settle(group.add_members_by_address(strings(&[&bobs.address()])))
        .await
        .expect("alice may");
    say(&group, "hello").await;
    let his = only_group(&bob).await;
    sync(&his).await;
    assert_eq!(paused(&his).as_deref(), Some(NEW));
    assert!(texts(&his).is_empty());
    let bob = reopened(bob, &bobs, "xip-72-case-2.db3", NEW).await;
    let his = found(&bob, &group.id());
    sync(&his).await;
    assert_eq!(texts(&his), ["hello"]);
    settle(bob.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn xip_72_case_3_sending_in_a_paused_group_fails_and_says_which_version_is_needed() {
    let (alice, _) = person().await;
    let (bob, bobs) = person_of_version("xip-72-case-3.db3", MIDDLE).await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let his = only_group(&bob).await;
    settle(group.set_minimum_supported_protocol_version(JsValue::UNDEFINED))
        .await
        .expect("alice may");
    sync(&his).await;
    let options = object(&[("shouldPush", true.into())]);
    let error = settle(his.send_text("hello".into(), options))
        .await
        .expect_err("is paused");
    assert_eq!(code(&error), "group.paused");
    assert_eq!(text(&get(&error, "details"), "required"), NEW);
    assert_eq!(code_of(his.update_name("no".into())).await, "group.paused");
    let bob = reopened(bob, &bobs, "xip-72-case-3.db3", NEW).await;
    let his = found(&bob, &group.id());
    sync(&his).await;
    say(&his, "at last").await;
    sync(&group).await;
    assert_eq!(texts(&group), ["at last"]);
    settle(bob.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn xip_72_case_4_versions_mix_until_somebody_sets_a_minimum() {
    let (alice, _) = person().await;
    let (bob, bobs) = person_of_version("xip-72-case-4b.db3", MIDDLE).await;
    let (carol, carols) = person_of_version("xip-72-case-4c.db3", OLD).await;
    let group = create_group(&alice, &[&bobs.address(), &carols.address()], "").await;
    let (bobs, carols) = (only_group(&bob).await, only_group(&carol).await);
    for side in [&bobs, &carols] {
        say(side, "hi").await;
    }
    for side in [&group, &bobs, &carols] {
        sync(side).await;
        assert_eq!((texts(side).len(), paused(side)), (2, None));
    }
    let above = bobs.set_minimum_supported_protocol_version(NEW.into());
    assert_eq!(code_of(above).await, "group.minimum_version");
    settle(group.set_minimum_supported_protocol_version(MIDDLE.into()))
        .await
        .expect("alice may");
    for side in [&bobs, &carols] {
        sync(side).await;
    }
    assert_eq!(paused(&bobs), None);
    assert_eq!(paused(&carols).as_deref(), Some(MIDDLE));
    for client in [bob, carol] {
        settle(client.close()).await.expect("closes");
    }
}

#[wasm_bindgen_test]
async fn debug_info_shows_where_a_group_stands() {
    let (alice, _) = person().await;
    let (_bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let info = settle(group.debug_info()).await.expect("reads");
    assert_eq!(get(&info, "epoch"), bigint(1));
    assert_eq!(get(&info, "maybeForked").as_bool(), Some(false));
    // Nobody has published anything yet.
    assert!(get(&info, "isCommitLogForked").is_undefined());
    assert_eq!(text(&info, "remoteCommitLog"), "[]");
    let log: js_sys::Array = js_sys::JSON::parse(&text(&info, "localCommitLog"))
        .expect("JSON")
        .unchecked_into();
    assert_eq!(log.length(), 2, "the creation and the first commit");
    assert_eq!(js_sys::Array::from(&get(&info, "cursor")).length(), 2);
}

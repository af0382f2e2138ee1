//! Every method of the conversations and group protocols, and direct messages, in a browser against a running node.

use crate::page::{
    Wallet, Watcher, code, code_of, create_group, get, group, object, only_group, person, say, settle,
    strings, text, texts, until,
};
use js_sys::{Array, BigInt};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{Client, Group};

async fn sync_all(client: &Client) {
    settle(client.conversations().sync_all(JsValue::UNDEFINED))
        .await
        .expect("syncs");
}

/// The direct message with an inbox, found or made.
async fn dm(client: &Client, inbox_id: &str) -> Group {
    let made = client
        .conversations()
        .create_dm(inbox_id.into(), JsValue::UNDEFINED);
    group(settle(made).await.expect("a direct message"))
}

fn listed(client: &Client, options: JsValue) -> Vec<String> {
    let found = client.conversations().list(options).expect("lists");
    found.iter().map(Group::id).collect()
}

fn by_id(client: &Client, id: &str) -> Group {
    let found = client.conversations().by_id(id.into()).expect("reads");
    found.expect("the conversation is known")
}

/// Inbox ids of the members, in the order of the answer.
fn members(group: &Group) -> Vec<String> {
    let members: Array = group.members().expect("members").unchecked_into();
    members.iter().map(|member| text(&member, "inboxId")).collect()
}

fn sorted(clients: &[&Client]) -> Vec<String> {
    let mut inboxes: Vec<_> = clients.iter().map(|client| client.inbox_id()).collect();
    inboxes.sort();
    inboxes
}

#[wasm_bindgen_test]
async fn create_group_takes_addresses_and_inbox_ids_and_refuses_strangers() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let by_address = create_group(&alice, &[&bobs.address()], "by address").await;
    let made = alice.conversations().create_group(
        strings(&[&bob.inbox_id()]),
        object(&[("groupName", "by inbox".into())]),
    );
    let by_inbox = group(settle(made).await.expect("makes the group"));
    for made in [&by_address, &by_inbox] {
        assert_eq!(members(made), sorted(&[&alice, &bob]));
    }
    let stranger = Wallet::new().address();
    let refused = alice
        .conversations()
        .create_group_with_addresses(strings(&[&stranger]), object(&[]));
    assert_eq!(code_of(refused).await, "identity.unknown_address");
    assert_eq!(
        listed(&alice, JsValue::UNDEFINED).len(),
        2,
        "nothing was made for a stranger"
    );
}

#[wasm_bindgen_test]
async fn sync_joins_and_list_filters_and_sorts() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let first = create_group(&alice, &[&bobs.address()], "first").await;
    let second = create_group(&alice, &[&bobs.address()], "second").await;
    let talk = dm(&alice, &bob.inbox_id()).await;
    assert!(listed(&bob, JsValue::UNDEFINED).is_empty());
    let joined = settle(bob.conversations().sync()).await.expect("syncs");
    assert_eq!(joined.as_f64(), Some(3.0));
    assert_eq!(listed(&bob, JsValue::UNDEFINED).len(), 3);

    let with = |name: &str, value: JsValue| listed(&alice, object(&[(name, value)]));
    assert_eq!(
        listed(&alice, JsValue::UNDEFINED),
        [talk.id(), second.id(), first.id()]
    );
    assert_eq!(with("limit", BigInt::from(1u64).into()), [talk.id()]);
    let time = |group: &Group| -> JsValue { BigInt::from(group.created_at_ns()).into() };
    assert_eq!(with("createdAfterNs", time(&second)), [talk.id()]);
    assert_eq!(with("createdBeforeNs", time(&second)), [first.id()]);
    assert_eq!(with("conversationType", 0.into()), [talk.id()]);
    assert_eq!(with("conversationType", 1.into()), [second.id(), first.id()]);
    say(&first, "news").await;
    assert_eq!(with("orderBy", 1.into())[0], first.id());
    second.update_consent_state(2.into()).expect("stored");
    assert_eq!(listed(&alice, JsValue::UNDEFINED), [talk.id(), first.id()]);
    let denied: JsValue = Array::of1(&2.into()).into();
    assert_eq!(with("consentStates", denied), [second.id()]);
    for (name, value) in [("conversationType", 2), ("orderBy", 9)] {
        let refused = alice.conversations().list(object(&[(name, value.into())]));
        assert_eq!(
            code(&refused.expect_err("refused").into()),
            "argument.unsupported"
        );
    }
}

/// As text, with 64-bit numbers as strings and null for what is absent.
fn json(value: &JsValue) -> String {
    let plain = js_sys::Function::new_with_args(
        "key, value",
        "return typeof value === 'bigint' ? String(value) : value === undefined ? null : value",
    );
    let text = js_sys::JSON::stringify_with_replacer(value, &plain).expect("a plain object");
    text.into()
}

#[wasm_bindgen_test]
async fn a_list_in_one_text_says_of_each_group_what_the_group_says() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    create_group(&alice, &[&bobs.address()], "\"quoted\" \u{2028} \\ \u{1f600}").await;
    dm(&alice, &bob.inbox_id()).await;
    // More than a JavaScript number holds exactly.
    let in_ns = BigInt::from(9_007_199_254_740_993_u64);
    let settings = object(&[("fromNs", BigInt::from(1u64).into()), ("inNs", in_ns.into())]);
    let vanishing = alice.conversations().create_group(
        strings(&[&bob.inbox_id()]),
        object(&[("messageDisappearingSettings", settings)]),
    );
    group(settle(vanishing).await.expect("makes the group"));

    let groups = alice.conversations().list(JsValue::UNDEFINED).expect("lists");
    let text_of_all = alice.conversations().listed(JsValue::UNDEFINED).expect("lists");
    assert!(text_of_all.contains("\"9007199254740993\""), "{text_of_all}");
    let listed: Array = js_sys::JSON::parse(&text_of_all).expect("JSON").unchecked_into();
    assert_eq!((listed.length(), groups.len()), (3, 3));
    for (listed, group) in listed.iter().zip(&groups) {
        assert_eq!(text(&listed, "id"), group.id());
        assert_eq!(text(&listed, "createdAtNs"), group.created_at_ns().to_string());
        assert_eq!(text(&listed, "addedByInboxId"), group.added_by_inbox_id());
        assert_eq!(
            get(&listed, "isActive").as_bool(),
            Some(group.is_active().expect("reads"))
        );
        assert_eq!(json(&get(&listed, "state")), json(&group.state().expect("reads")));
    }
    let one = object(&[("limit", BigInt::from(1u64).into())]);
    let first: Array = js_sys::JSON::parse(&alice.conversations().listed(one).expect("lists"))
        .expect("JSON")
        .unchecked_into();
    assert_eq!((first.length(), text(&first.get(0), "id")), (1, groups[0].id()));
}

#[wasm_bindgen_test]
async fn add_and_remove_members_by_address_and_by_inbox_id() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let (carol, _) = person().await;
    let group = create_group(&alice, &[], "").await;
    settle(group.add_members_by_address(strings(&[&bobs.address()])))
        .await
        .expect("adds");
    settle(group.add_members(strings(&[&carol.inbox_id()])))
        .await
        .expect("adds");
    assert_eq!(members(&group), sorted(&[&alice, &bob, &carol]));
    sync_all(&bob).await;
    assert_eq!(by_id(&bob, &group.id()).is_active().ok(), Some(true));
    settle(group.remove_members_by_address(strings(&[&bobs.address()])))
        .await
        .expect("removes");
    settle(group.remove_members(strings(&[&carol.inbox_id()])))
        .await
        .expect("removes");
    assert_eq!(members(&group), [alice.inbox_id()]);
    sync_all(&bob).await;
    let his = by_id(&bob, &group.id());
    assert_eq!(his.is_active().ok(), Some(false));
    let options = object(&[("shouldPush", true.into())]);
    assert_eq!(
        code_of(his.send_text("still here?".into(), options)).await,
        "group.inactive"
    );
}

#[wasm_bindgen_test]
async fn send_sync_and_find_messages_with_their_filters() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    for words in ["one", "two", "three"] {
        say(&group, words).await;
    }
    let his = only_group(&bob).await;
    assert!(texts(&his).is_empty());
    settle(his.sync()).await.expect("syncs");
    assert_eq!(texts(&his), ["one", "two", "three"]);
    let newest = object(&[
        ("direction", 1.into()),
        ("limit", BigInt::from(2u64).into()),
        ("kind", 0.into()),
    ]);
    let newest: Array = his.messages(newest).expect("lists").unchecked_into();
    let newest: Vec<_> = newest.iter().map(|message| text(&message, "text")).collect();
    assert_eq!(newest, ["three", "two"]);
    let all: Array = his
        .messages(object(&[("kind", 0.into())]))
        .expect("lists")
        .unchecked_into();
    let after = object(&[("sentAfterNs", get(&all.get(0), "sentAtNs")), ("kind", 0.into())]);
    assert_eq!(his.count_messages(after).ok(), Some(2));
    let others = object(&[("excludeSenderInboxIds", strings(&[&alice.inbox_id()]))]);
    assert_eq!(his.count_messages(others).ok(), Some(0));
}

#[wasm_bindgen_test]
async fn a_group_says_who_made_it_who_added_us_and_when() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let before = js_sys::Date::now() as i64 - 60_000;
    let made = create_group(&alice, &[&bobs.address()], "Lunch").await;
    let his = only_group(&bob).await;
    assert_eq!(his.added_by_inbox_id(), alice.inbox_id());
    assert_eq!(made.added_by_inbox_id(), alice.inbox_id());
    for group in [&made, &his] {
        assert!(group.created_at_ns() / 1_000_000 > before);
        let state = group.state().expect("state");
        assert_eq!(text(&state, "creatorInboxId"), alice.inbox_id());
        assert_eq!(get(&state, "conversationType").as_f64(), Some(1.0));
        assert_eq!(text(&state, "name"), "Lunch");
    }
    assert_eq!(members(&his), sorted(&[&alice, &bob]));
    assert_eq!(
        code(&his.peer_inbox_id().expect_err("a group").into()),
        "argument.invalid"
    );
}

#[wasm_bindgen_test]
async fn a_direct_message_is_made_once_and_found_from_both_sides() {
    let (alice, alices) = person().await;
    let (bob, _) = person().await;
    let talk = dm(&alice, &bob.inbox_id()).await;
    assert_eq!(talk.peer_inbox_id().ok(), Some(bob.inbox_id()));
    assert_eq!(dm(&alice, &bob.inbox_id()).await.id(), talk.id());
    say(&talk, "psst").await;
    sync_all(&bob).await;
    let all = bob.conversations();
    let his = all
        .dm_by_inbox_id(alice.inbox_id().into())
        .expect("reads")
        .expect("there is one");
    assert_eq!(his.id(), talk.id());
    assert_eq!(texts(&his), ["psst"]);
    let fetched = settle(all.dm_by_address(alices.address().into()))
        .await
        .expect("asks");
    assert_eq!(group(fetched).id(), talk.id());
    let made = all.create_dm_with_address(alices.address().into(), object(&[]));
    assert_eq!(group(settle(made).await.expect("finds it")).id(), talk.id());
    let state = his.state().expect("state");
    assert_eq!(get(&state, "conversationType").as_f64(), Some(0.0));
    assert_eq!(
        code_of(his.update_name("ours".into())).await,
        "group.not_permitted"
    );
    let stranger = all.dm_by_address(Wallet::new().address().into());
    assert_eq!(code_of(stranger).await, "identity.unknown_address");
    let option = object(&[("groupName", "x".into())]);
    let refused = all.create_dm(alice.inbox_id().into(), option);
    assert_eq!(code_of(refused).await, "argument.unsupported");
}

#[wasm_bindgen_test]
async fn two_direct_messages_made_at_once_are_one_conversation() {
    let (alice, _) = person().await;
    let (bob, _) = person().await;
    let at_alice = dm(&alice, &bob.inbox_id()).await;
    let at_bob = dm(&bob, &alice.inbox_id()).await;
    assert_ne!(at_alice.id(), at_bob.id());
    for client in [&alice, &bob] {
        sync_all(client).await;
        assert_eq!(listed(client, JsValue::UNDEFINED).len(), 1);
        let each = object(&[("includeDuplicateDms", true.into())]);
        assert_eq!(listed(client, each).len(), 2);
    }
    say(&at_alice, "from alice").await;
    settle(at_bob.sync()).await.expect("syncs");
    say(&at_bob, "from bob").await;
    settle(at_alice.sync()).await.expect("syncs");
    for talk in [&at_alice, &at_bob] {
        assert_eq!(texts(talk), ["from alice", "from bob"]);
        let others = talk.duplicate_dms().expect("reads");
        assert_eq!(others.len(), 1);
        assert_ne!(others[0].id(), talk.id());
    }
}

#[wasm_bindgen_test]
async fn stream_tells_of_conversations_by_kind_and_of_a_direct_message_once() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let (all, groups, direct) = (Watcher::new(), Watcher::new(), Watcher::new());
    let kind = |value: i32| object(&[("conversationType", value.into())]);
    for (watcher, filter) in [(&all, JsValue::UNDEFINED), (&groups, kind(1)), (&direct, kind(0))] {
        let (item, error, end) = (
            watcher.on_item.clone(),
            watcher.on_error.clone(),
            watcher.on_end.clone(),
        );
        bob.conversations()
            .stream(item, error, end, filter)
            .expect("streams");
    }
    until("connected", || bob.connection_state() == "connected").await;
    let talk = dm(&alice, &bob.inbox_id()).await;
    until("the direct message arrives", || direct.items.borrow().len() == 1).await;
    let made = create_group(&alice, &[&bobs.address()], "Lunch").await;
    until("the group arrives", || all.items.borrow().len() == 2).await;
    let ids = |watcher: &Watcher| -> Vec<String> {
        let items = watcher.items.take();
        items.into_iter().map(|item| group(item).id()).collect()
    };
    assert_eq!(ids(&all), [talk.id(), made.id()]);
    assert_eq!(ids(&groups), [made.id()]);
    assert_eq!(ids(&direct), [talk.id()]);
    let (item, error, end) = (all.on_item.clone(), all.on_error.clone(), all.on_end.clone());
    let refused = bob.conversations().stream(item, error, end, kind(2));
    assert_eq!(
        code(&refused.expect_err("refused").into()),
        "argument.unsupported"
    );
}

#[wasm_bindgen_test]
async fn stream_all_messages_takes_kinds_and_consent_and_a_group_streams_its_own() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let made = create_group(&alice, &[&bobs.address()], "").await;
    let talk = dm(&alice, &bob.inbox_id()).await;
    sync_all(&bob).await;
    let (all, groups, direct, allowed, own) = (
        Watcher::new(),
        Watcher::new(),
        Watcher::new(),
        Watcher::new(),
        Watcher::new(),
    );
    let states: JsValue = Array::of1(&1.into()).into();
    for (watcher, filter) in [
        (&all, JsValue::UNDEFINED),
        (&groups, object(&[("conversationType", 1.into())])),
        (&direct, object(&[("conversationType", 0.into())])),
        (&allowed, object(&[("consentStates", states)])),
    ] {
        let (item, error, end) = (
            watcher.on_item.clone(),
            watcher.on_error.clone(),
            watcher.on_end.clone(),
        );
        bob.conversations()
            .stream_all_messages(item, error, end, filter)
            .expect("streams");
    }
    let (item, error, end) = (own.on_item.clone(), own.on_error.clone(), own.on_end.clone());
    by_id(&bob, &made.id()).stream(item, error, end).expect("streams");
    until("connected", || bob.connection_state() == "connected").await;
    say(&made, "to all").await;
    say(&talk, "psst").await;
    until("both arrive", || all.texts().len() == 2).await;
    assert_eq!(groups.texts(), ["to all"]);
    assert_eq!(direct.texts(), ["psst"]);
    assert_eq!(own.texts(), ["to all"]);
    assert!(allowed.texts().is_empty(), "nothing was decided");
    by_id(&bob, &talk.id())
        .update_consent_state(1.into())
        .expect("stored");
    by_id(&bob, &made.id())
        .update_consent_state(2.into())
        .expect("stored");
    say(&made, "unwanted").await;
    say(&talk, "wanted").await;
    until("the wanted one arrives", || direct.texts().len() == 2).await;
    until("also for those who ask for it", || allowed.texts() == ["wanted"]).await;
    assert_eq!(all.texts(), ["to all", "psst", "wanted"]);
}

#[wasm_bindgen_test]
async fn messages_are_filtered_by_numbered_content_types_and_sorted_by_either_time() {
    let (alice, _) = person().await;
    let group = create_group(&alice, &[], "").await;
    say(&group, "hello").await;
    for (authority, name) in [("xmtp.org", "readReceipt"), ("example.org", "poke")] {
        let kind = object(&[
            ("authorityId", authority.into()),
            ("typeId", name.into()),
            ("versionMajor", 1.into()),
            ("versionMinor", 0.into()),
        ]);
        let content = object(&[
            ("type", kind),
            ("parameters", object(&[])),
            ("content", crate::page::uint8array(&[])),
        ]);
        let encoded = xmtp_web::bindings::encode_content(content).expect("encodes");
        let options = object(&[("shouldPush", false.into())]);
        settle(group.send(crate::page::uint8array(&encoded), options))
            .await
            .expect("sends");
    }
    let types = |entries: &[(&str, JsValue)]| -> Vec<String> {
        let found: Array = group.messages(object(entries)).expect("lists").unchecked_into();
        let type_of = |message: JsValue| text(&get(&message, "contentType"), "typeId");
        found.iter().map(type_of).collect()
    };
    let numbers = |values: &[i32]| -> JsValue {
        values
            .iter()
            .map(|value| JsValue::from(*value))
            .collect::<Array>()
            .into()
    };
    const CUSTOM: i32 = 2;
    const RECEIPT: i32 = 10;
    const TEXT: i32 = 13;
    let application = || ("kind", JsValue::from(0));
    // Lists are of what is shown: a receipt is no message of its own.
    assert_eq!(types(&[application()]), ["text", "poke"]);
    assert_eq!(types(&[("contentTypes", numbers(&[TEXT]))]), ["text"]);
    assert_eq!(types(&[("contentTypes", numbers(&[CUSTOM]))]), ["poke"]);
    assert_eq!(
        types(&[("contentTypes", numbers(&[CUSTOM, TEXT]))]),
        ["text", "poke"]
    );
    assert_eq!(
        types(&[application(), ("excludeContentTypes", numbers(&[RECEIPT]))]),
        ["text", "poke"]
    );
    assert_eq!(
        types(&[application(), ("excludeContentTypes", numbers(&[CUSTOM]))]),
        ["text", "readReceipt"],
        "who filters by type sees what is otherwise left out"
    );
    let both = [
        ("contentTypes", numbers(&[TEXT])),
        ("excludeContentTypes", numbers(&[TEXT])),
    ];
    assert!(types(&both).is_empty());
    let sorted = [application(), ("sortBy", 1.into()), ("direction", 1.into())];
    assert_eq!(types(&sorted), ["poke", "text"]);
    for (name, value) in [("contentTypes", numbers(&[16])), ("sortBy", 2.into())] {
        let refused = group.messages(object(&[(name, value)]));
        assert_eq!(
            code(&refused.expect_err("refused").into()),
            "argument.unsupported"
        );
    }
    let times: js_sys::Map = group.last_read_times().expect("reads").unchecked_into();
    assert_eq!(times.size(), 1);
    assert!(times.get(&alice.inbox_id().into()).is_bigint());
}

#[wasm_bindgen_test]
async fn keys_for_push_servers_and_lookups_by_message() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let id = say(&group, "hello").await;
    let keys: js_sys::Map = group.hmac_keys().expect("reads").unchecked_into();
    assert_eq!(keys.size(), 1);
    let keys: Array = keys.get(&group.id().into()).unchecked_into();
    assert_eq!(keys.length(), 3);
    for key in keys.iter() {
        assert!(get(&key, "epoch").is_bigint());
        let bytes: js_sys::Uint8Array = get(&key, "key").unchecked_into();
        assert_eq!(bytes.length(), 42);
    }
    let all = alice.conversations();
    let every: js_sys::Map = all.hmac_keys().expect("reads").unchecked_into();
    assert_eq!(every.size(), 1);
    let found = all.message_by_id(id.as_str().into()).expect("reads");
    assert_eq!(text(&found, "text"), "hello");
    let conversation = all.by_message_id(id.as_str().into()).expect("reads");
    assert_eq!(conversation.expect("known").id(), group.id());
    let nowhere = bob
        .conversations()
        .message_by_id(id.as_str().into())
        .expect("reads");
    assert!(nowhere.is_undefined());
    let garbage = group.process_streamed_message(crate::page::uint8array(&[1, 2, 3]));
    assert_eq!(code_of(garbage).await, "argument.invalid");
}

#[wasm_bindgen_test]
async fn who_asks_to_leave_is_taken_out_by_a_super_admin_that_watches() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let made = create_group(&alice, &[&bobs.address()], "").await;
    let refused = settle(made.request_removal())
        .await
        .expect_err("a super admin stays");
    assert_eq!(code(&refused), "group.cannot_leave");
    assert_eq!(text(&get(&refused, "details"), "reason"), "super_admin");
    let watcher = Watcher::new();
    let (item, error, end) = (
        watcher.on_item.clone(),
        watcher.on_error.clone(),
        watcher.on_end.clone(),
    );
    made.stream(item, error, end).expect("streams");
    until("connected", || alice.connection_state() == "connected").await;
    let his = only_group(&bob).await;
    assert_eq!(his.is_pending_removal().ok(), Some(false));
    settle(his.request_removal()).await.expect("asks");
    assert_eq!(his.is_pending_removal().ok(), Some(true));
    until("he is out", || members(&made) == [alice.inbox_id()]).await;
    until("the transcript says so", || {
        let items = watcher.items.borrow();
        items.iter().any(|item| {
            let updated = get(item, "groupUpdated");
            !updated.is_undefined() && Array::from(&get(&updated, "leftInboxes")).length() == 1
        })
    })
    .await;
    settle(his.sync()).await.expect("syncs");
    assert_eq!(his.is_active().ok(), Some(false));
}

//! The classes a page's worker calls, in a browser, against a running node.

use crate::page::{
    FakeFetch, Opening, Place, Wallet, Watcher, code, code_of, create_group, get, object, only_group, person,
    register, say, settle, strings, text, texts, uint8array, until,
};
use js_sys::{Array, BigInt};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{decode_content, encode_content};

/// An address on this machine at which nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

#[wasm_bindgen_test]
async fn two_people_talk_both_ways() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "Lunch").await;
    let id = say(&group, "Soup or noodles?").await;
    assert_eq!(id.len(), 64);

    let his = only_group(&bob).await;
    assert_eq!(his.id(), group.id());
    assert_eq!(his.added_by_inbox_id(), alice.inbox_id());
    settle(his.sync()).await.expect("syncs");
    assert_eq!(texts(&his), ["Soup or noodles?"]);
    say(&his, "Noodles").await;
    settle(group.sync()).await.expect("syncs");
    assert_eq!(texts(&group), ["Soup or noodles?", "Noodles"]);

    let state = his.state().expect("state");
    assert_eq!(text(&state, "name"), "Lunch");
    assert_eq!(text(&state, "creatorInboxId"), alice.inbox_id());
    assert_eq!(get(&state, "conversationType").as_f64(), Some(1.0));
    assert!(get(&state, "epoch").is_bigint());
    assert_eq!(get(&get(&state, "permissions"), "policyType").as_f64(), Some(0.0));
    let members: Array = his.members().expect("members").unchecked_into();
    assert_eq!(members.length(), 2);
    for member in members.iter() {
        let inbox = text(&member, "inboxId");
        let level = if inbox == alice.inbox_id() { 2.0 } else { 0.0 };
        assert_eq!(get(&member, "permissionLevel").as_f64(), Some(level));
        assert_eq!(Array::from(&get(&member, "installationIds")).length(), 1);
        assert_eq!(Array::from(&get(&member, "accountIdentifiers")).length(), 1);
    }
    assert_eq!(his.is_active().ok(), Some(true));
}

#[wasm_bindgen_test]
async fn a_message_shows_all_that_is_known_of_it() {
    let (alice, _) = person().await;
    let (_bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let id = say(&group, "hello").await;
    let all: Array = group.messages(object(&[])).expect("lists").unchecked_into();
    let shown: Vec<JsValue> = all.iter().collect();
    let [joined, hello] = shown.as_slice() else {
        panic!("a transcript line and a message, not {}", shown.len());
    };
    assert_eq!(text(hello, "id"), id);
    assert_eq!(text(hello, "conversationId"), group.id());
    assert_eq!(text(hello, "senderInboxId"), alice.inbox_id());
    assert_eq!(text(hello, "senderInstallationId"), alice.installation_id());
    assert_eq!(get(hello, "kind").as_f64(), Some(0.0));
    assert_eq!(get(hello, "deliveryStatus").as_f64(), Some(1.0));
    assert!(get(hello, "sentAtNs").is_bigint());
    assert_eq!(text(&get(hello, "contentType"), "typeId"), "text");
    assert!(get(hello, "groupUpdated").is_undefined());
    let content = decode_content(get(hello, "content")).expect("decodes");
    assert_eq!(text(&get(&content, "parameters"), "encoding"), "UTF-8");

    assert_eq!(get(joined, "kind").as_f64(), Some(1.0));
    assert!(get(joined, "text").is_undefined());
    let updated = get(joined, "groupUpdated");
    assert_eq!(text(&updated, "initiatedByInboxId"), alice.inbox_id());
    assert_eq!(Array::from(&get(&updated, "addedInboxes")).length(), 1);

    let counted = group
        .count_messages(object(&[("deliveryStatus", 1.into())]))
        .expect("counts");
    assert_eq!(counted, 2);
    let latest = object(&[("limit", BigInt::from(1u64).into()), ("direction", 1.into())]);
    let latest: Array = group.messages(latest).expect("lists").unchecked_into();
    assert_eq!(text(&latest.get(0), "text"), "hello");
}

#[wasm_bindgen_test]
async fn other_content_goes_through_as_it_is() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let kind = object(&[
        ("authorityId", "example.org".into()),
        ("typeId", "poke".into()),
        ("versionMajor", 1.into()),
        ("versionMinor", 2.into()),
    ]);
    let content = object(&[
        ("type", kind),
        ("parameters", object(&[("a", "b".into())])),
        ("fallback", "poked you".into()),
        ("content", uint8array(&[1, 2, 3])),
    ]);
    let encoded = encode_content(content).expect("encodes");
    let options = object(&[("shouldPush", false.into()), ("idempotencyKey", "once".into())]);
    let first = settle(group.send(uint8array(&encoded), options.clone()))
        .await
        .expect("sends");
    let second = settle(group.send(uint8array(&encoded), options))
        .await
        .expect("sends");
    assert_eq!(first, second, "one key, one message");
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    let got: Array = his
        .messages(object(&[("kind", 0.into())]))
        .expect("lists")
        .unchecked_into();
    assert_eq!(got.length(), 1);
    let got = got.get(0);
    assert_eq!(text(&got, "fallback"), "poked you");
    assert!(get(&got, "text").is_undefined());
    let decoded = decode_content(get(&got, "content")).expect("decodes");
    assert_eq!(
        js_sys::Uint8Array::from(get(&decoded, "content")).to_vec(),
        [1, 2, 3]
    );
    assert_eq!(text(&get(&decoded, "parameters"), "a"), "b");
    assert_eq!(get(&get(&decoded, "type"), "versionMinor").as_f64(), Some(2.0));
    let garbage = decode_content(uint8array(&[0xff; 5])).expect_err("is no content");
    assert_eq!(code(&garbage.into()), "message.invalid_content");
}

#[wasm_bindgen_test]
async fn streams_tell_what_happens_and_end_as_asked() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let groups = Watcher::new();
    let all = Watcher::new();
    let conversations = bob.conversations();
    let (item, error, end) = (
        groups.on_item.clone(),
        groups.on_error.clone(),
        groups.on_end.clone(),
    );
    let group_stream = conversations
        .stream(item, error, end, JsValue::UNDEFINED)
        .expect("streams");
    let (item, error, end) = (all.on_item.clone(), all.on_error.clone(), all.on_end.clone());
    conversations
        .stream_all_messages(item, error, end, JsValue::UNDEFINED)
        .expect("streams");
    // A stream does not depend on the object it came from.
    drop(conversations);
    until("connected", || bob.connection_state() == "connected").await;

    let group = create_group(&alice, &[&bobs.address()], "Lunch").await;
    until("the group arrives", || groups.items.borrow().len() == 1).await;
    say(&group, "one").await;
    until("the message arrives", || all.texts() == ["one"]).await;

    let one = Watcher::new();
    let his = only_group(&bob).await;
    let (item, error, end) = (one.on_item.clone(), one.on_error.clone(), one.on_end.clone());
    let handle = his.stream(item, error, end).expect("streams");
    drop(his);
    say(&group, "two").await;
    until("the message arrives twice", || {
        one.texts() == ["two"] && all.texts() == ["one", "two"]
    })
    .await;
    handle.end();
    say(&group, "three").await;
    until("the other goes on", || all.texts() == ["one", "two", "three"]).await;
    assert_eq!(one.texts(), ["two"]);
    group_stream.end();

    settle(bob.close()).await.expect("closes");
    until("the open stream ends", || *all.ended.borrow() == 1).await;
    assert_eq!(
        *one.ended.borrow(),
        0,
        "an ended stream does not say that it ended"
    );
    assert_eq!(*groups.ended.borrow(), 0);
    for watcher in [&groups, &all, &one] {
        assert!(watcher.errors.borrow().is_empty());
    }
    assert_eq!(bob.connection_state(), "idle");
}

#[wasm_bindgen_test]
async fn an_installation_survives_closing() {
    let wallet = Wallet::new();
    let opening = Opening::of(&wallet, Place::Default).key(7);
    let alice = register(&opening, &wallet).await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "Lunch").await;
    say(&group, "before").await;
    let (installation, inbox) = (alice.installation_id(), alice.inbox_id());
    settle(alice.close()).await.expect("closes");
    settle(alice.close()).await.expect("closing again does nothing");
    assert_eq!(code(&group.state().expect_err("closed").into()), "client.closed");
    assert_eq!(code_of(group.sync()).await, "client.closed");
    assert!(!alice.is_registered());

    // While closed, something happens.
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    say(&his, "meanwhile").await;

    let again = opening.open().await;
    assert_eq!((again.installation_id(), again.inbox_id()), (installation, inbox));
    assert!(again.is_registered());
    assert_eq!(again.create_inbox_signature_text().ok(), Some(None));
    settle(again.conversations().sync_all(JsValue::UNDEFINED))
        .await
        .expect("syncs");
    let group = only_group(&again).await;
    assert_eq!(texts(&group), ["before", "meanwhile"]);
    settle(again.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn a_wrong_key_opens_nothing_and_breaks_nothing() {
    let wallet = Wallet::new();
    let place = Place::Named("wrong key, ümlaut/../and.slashes");
    let opening = Opening::of(&wallet, place.clone()).key(1);
    let client = register(&opening, &wallet).await;
    let installation = client.installation_id();
    settle(client.close()).await.expect("closes");
    let other = Opening::of(&wallet, place.clone()).key(2);
    assert_eq!(code_of(other.start()).await, "storage.wrong_key");
    let none = Opening::of(&wallet, place.clone());
    assert_eq!(code_of(none.start()).await, "storage.wrong_key");
    let mut short = Opening::of(&wallet, place);
    short.key = Some(uint8array(&[1; 31]));
    assert_eq!(code_of(short.start()).await, "argument.invalid");
    let client = opening.open().await;
    assert_eq!(client.installation_id(), installation);
    settle(client.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn a_database_is_open_once() {
    let wallet = Wallet::new();
    let opening = Opening::of(&wallet, Place::Named("open-once"));
    let client = register(&opening, &wallet).await;
    assert_eq!(code_of(opening.start()).await, "storage.locked_by_other_tab");
    // Another account is no obstacle.
    let other = Wallet::new();
    let second = Opening::of(&other, Place::Named("open-once-2")).open().await;
    settle(second.close()).await.expect("closes");
    settle(client.close()).await.expect("closes");
    settle(opening.open().await.close())
        .await
        .expect("opens and closes");
}

#[wasm_bindgen_test]
async fn a_database_belongs_to_its_wallet() {
    let (wallet, other) = (Wallet::new(), Wallet::new());
    let place = Place::Named("of-one-wallet");
    let client = register(&Opening::of(&wallet, place.clone()), &wallet).await;
    settle(client.close()).await.expect("closes");
    let wrong = Opening::of(&other, place);
    assert_eq!(code_of(wrong.start()).await, "identity.inbox_mismatch");
}

#[wasm_bindgen_test]
async fn an_account_opens_without_the_node() {
    let wallet = Wallet::new();
    let opening = Opening::of(&wallet, Place::Default);
    let client = register(&opening, &wallet).await;
    let installation = client.installation_id();
    settle(client.close()).await.expect("closes");

    let offline = opening.clone().url(NOBODY).open().await;
    assert_eq!(offline.installation_id(), installation);
    assert!(offline.is_registered());
    assert_eq!(
        code_of(offline.conversations().sync()).await,
        "network.unavailable"
    );
    let group = offline
        .conversations()
        .create_group_optimistic(object(&[]))
        .expect("makes");
    let send = group.send_text("later".into(), object(&[("shouldPush", true.into())]));
    assert_eq!(code_of(send).await, "network.unavailable");
    assert_eq!(texts(&group), ["later"]);
    let unpublished = object(&[("deliveryStatus", 0.into()), ("kind", 0.into())]);
    assert_eq!(group.count_messages(unpublished.clone()).ok(), Some(1));
    settle(offline.close()).await.expect("closes");

    let online = opening.open().await;
    settle(online.conversations().sync_all(JsValue::UNDEFINED))
        .await
        .expect("syncs");
    let group = only_group(&online).await;
    assert_eq!(group.count_messages(unpublished).ok(), Some(0));
    settle(online.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn no_node_and_no_node_of_ours_are_told_apart() {
    let wallet = Wallet::new();
    for place in [Place::Memory, Place::Default] {
        let unreachable = Opening::of(&wallet, place).url(NOBODY);
        let error = settle(unreachable.start()).await.expect_err("nobody listens");
        assert_eq!(code(&error), "network.unavailable");
        assert_eq!(get(&error, "retryable").as_bool(), Some(true));
    }
    {
        let _garbage = FakeFetch::new("return Promise.resolve(new Response('<p>Welcome</p>'))");
        let error = settle(Opening::of(&wallet, Place::Default).start())
            .await
            .expect_err("a web page is no node");
        assert_eq!(code(&error), "network.invalid_response");
        assert_eq!(get(&error, "retryable").as_bool(), Some(false));
    }
    let healthz = Opening::of(&wallet, Place::Memory).url(&format!("{}/healthz", crate::page::node_url()));
    assert_eq!(code_of(healthz.start()).await, "network.not_implemented");
    let no_address = Opening::of(&wallet, Place::Memory).url("node.example");
    assert!(code_of(no_address.start()).await.starts_with("argument."));
    // None of these failures keeps anything.
    settle(Opening::of(&wallet, Place::Default).open().await.close())
        .await
        .expect("opens and closes");
}

#[wasm_bindgen_test]
async fn closing_gives_up_calls_under_way() {
    let wallet = Wallet::new();
    let opening = Opening::of(&wallet, Place::Named("given-up"));
    let client = register(&opening, &wallet).await;
    let group = client
        .conversations()
        .create_group_optimistic(object(&[]))
        .expect("makes");
    let stream = Watcher::new();
    let (item, error, end) = (
        stream.on_item.clone(),
        stream.on_error.clone(),
        stream.on_end.clone(),
    );
    {
        let _silence = FakeFetch::new("return new Promise(() => {})");
        client
            .conversations()
            .stream(item, error, end, JsValue::UNDEFINED)
            .expect("streams");
        let (sync, send) = (
            client.conversations().sync_all(JsValue::UNDEFINED),
            group.send_text("x".into(), object(&[("shouldPush", true.into())])),
        );
        settle(client.close()).await.expect("closes");
        assert_eq!(code_of(sync).await, "client.closed");
        assert_eq!(code_of(send).await, "client.closed");
        assert_eq!(*stream.ended.borrow(), 1);
    }
    let again = opening.open().await;
    let group = only_group(&again).await;
    assert_eq!(texts(&group), ["x"]);
    settle(again.close()).await.expect("closes");
}

#[wasm_bindgen_test]
async fn signatures_of_others_do_not_count() {
    let wallet = Wallet::new();
    let client = Opening::of(&wallet, Place::Memory).open().await;
    let to_sign = client
        .create_inbox_signature_text()
        .expect("open")
        .expect("a text");
    let wrong = client.add_ecdsa_signature(Wallet::new().sign(&to_sign));
    assert_eq!(
        code(&wrong.expect_err("another signed").into()),
        "identity.wrong_signer"
    );
    let short = client.add_ecdsa_signature(uint8array(&[1; 64]));
    assert_eq!(
        code(&short.expect_err("is none").into()),
        "identity.invalid_signature"
    );
    assert_eq!(code_of(client.register()).await, "identity.signer_refused");
    assert_eq!(
        code_of(client.conversations().sync()).await,
        "identity.not_registered"
    );
    client
        .add_ecdsa_signature(wallet.sign(&to_sign))
        .expect("the right one counts");
    settle(client.register()).await.expect("registers");
}

#[wasm_bindgen_test]
async fn addresses_are_looked_up_and_checked() {
    let (alice, alices) = person().await;
    let unknown = Wallet::new().address();
    let identifier = |address: &str| object(&[("identifier", address.into()), ("identifierKind", 0.into())]);
    let asked = [
        alices.address().to_uppercase().replace("0X", "0x"),
        unknown.clone(),
    ];
    let asked: Array = asked.iter().map(|address| identifier(address)).collect();
    let found: Array = settle(alice.can_message(asked.into()))
        .await
        .expect("answers")
        .unchecked_into();
    let found: Vec<_> = found.iter().map(|value| value.as_bool()).collect();
    assert_eq!(found, [Some(true), Some(false)]);
    let inbox = settle(alice.inbox_id_for_identifier(identifier(&alices.address()))).await;
    assert_eq!(inbox.expect("answers").as_string(), Some(alice.inbox_id()));
    let nobody = settle(alice.inbox_id_for_identifier(identifier(&unknown))).await;
    assert!(nobody.expect("answers").is_undefined());

    let create = |address: &str| {
        alice
            .conversations()
            .create_group_with_addresses(strings(&[address]), object(&[]))
    };
    let error = settle(create(&unknown)).await.expect_err("unknown");
    assert_eq!(code(&error), "identity.unknown_address");
    assert_eq!(text(&get(&error, "details"), "address"), unknown);
    assert_eq!(code_of(create("0x123")).await, "identity.invalid_address");
    let inboxes = strings(&["nonsense"]);
    let error = code_of(alice.conversations().create_group(inboxes, object(&[]))).await;
    assert_eq!(error, "identity.invalid_inbox_id");
    assert!(
        alice
            .conversations()
            .list(JsValue::UNDEFINED)
            .expect("lists")
            .is_empty()
    );
}

#[wasm_bindgen_test]
async fn arguments_that_are_wrong_are_refused() {
    let (alice, wallet) = person().await;
    let unknown = Opening::of(&wallet, Place::Memory).with("color", "red");
    assert_eq!(code_of(unknown.start()).await, "argument.unsupported");
    let absent = Opening::of(&wallet, Place::Memory).with("color", JsValue::UNDEFINED);
    settle(absent.start()).await.expect("undefined is not given");
    for (name, value, expected) in [
        ("env", "moon".into(), "argument.unsupported"),
        ("nonce", JsValue::from_str("1"), "argument.invalid"),
        ("identifierKind", 7.into(), "argument.invalid"),
        ("identifier", 7.into(), "argument.invalid"),
        ("dbPath", 7.into(), "argument.invalid"),
        ("dbPath", "".into(), "argument.invalid"),
        ("inboxId", "12".into(), "identity.invalid_inbox_id"),
    ] {
        let opening = Opening::of(&wallet, Place::Memory).with(name, value);
        assert_eq!(code_of(opening.start()).await, expected, "{name}");
    }
    assert_eq!(
        code_of(xmtp_web::bindings::Client::create(JsValue::NULL)).await,
        "argument.invalid"
    );

    let group = alice
        .conversations()
        .create_group_optimistic(object(&[]))
        .expect("makes");
    let refused =
        |options: &[(&str, JsValue)]| code(&group.messages(object(options)).expect_err("is refused").into());
    assert_eq!(refused(&[("limit", "many".into())]), "argument.invalid");
    assert_eq!(refused(&[("kind", 9.into())]), "argument.unsupported");
    assert_eq!(refused(&[("colour", 9.into())]), "argument.unsupported");
    assert_eq!(
        code_of(group.send_text(7.into(), object(&[("shouldPush", true.into())]))).await,
        "argument.invalid"
    );
    assert_eq!(
        code_of(group.send_text("a".into(), object(&[]))).await,
        "argument.invalid"
    );
    assert_eq!(code_of(group.add_members("a".into())).await, "argument.invalid");
    let long = "x".repeat(101);
    let error = settle(group.update_name(long.as_str().into()))
        .await
        .expect_err("too long");
    assert_eq!(code(&error), "argument.invalid");
    assert_eq!(get(&get(&error, "details"), "limit").as_f64(), Some(100.0));
    assert!(
        alice
            .conversations()
            .by_id("00112233445566778899aabbccddeeff".into())
            .expect("asks")
            .is_none()
    );
    // What is no id is the id of nothing.
    let all = alice.conversations();
    assert!(all.by_id("x".into()).expect("asks").is_none());
    assert!(all.dm_by_inbox_id("x".into()).expect("asks").is_none());
    assert!(all.message_by_id("x".into()).expect("asks").is_undefined());
    assert_eq!(
        code(&all.by_id(7.into()).expect_err("no text").into()),
        "argument.invalid"
    );
    let no_function = group.stream(JsValue::NULL, JsValue::NULL, JsValue::NULL);
    assert_eq!(
        code(&no_function.expect_err("no function").into()),
        "argument.invalid"
    );
    assert_eq!(group.consent_state().ok(), Some(1));
    group.update_consent_state(2.into()).expect("decides");
    assert_eq!(group.consent_state().ok(), Some(2));
    assert_eq!(
        code(&group.update_consent_state(3.into()).expect_err("none").into()),
        "argument.invalid"
    );
}

#[wasm_bindgen_test]
async fn groups_change_as_their_admins_say() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let (carol, carols) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "Old").await;
    settle(group.update_name("New".into())).await.expect("renames");
    settle(group.update_description("about".into()))
        .await
        .expect("describes");
    settle(group.add_members_by_address(strings(&[&carols.address()])))
        .await
        .expect("adds");
    settle(group.add_admin(bob.inbox_id().into()))
        .await
        .expect("promotes");
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    let state = his.state().expect("state");
    assert_eq!(
        (text(&state, "name"), text(&state, "description")),
        ("New".into(), "about".into())
    );
    assert_eq!(
        Array::from(&get(&state, "admins")).get(0).as_string(),
        Some(bob.inbox_id())
    );
    let hers = only_group(&carol).await;
    assert_eq!(
        code_of(hers.add_admin(carol.inbox_id().into())).await,
        "group.not_permitted"
    );
    settle(his.remove_members(strings(&[&carol.inbox_id()])))
        .await
        .expect("an admin may");
    settle(hers.sync()).await.expect("syncs");
    assert_eq!(hers.is_active().ok(), Some(false));
    let send = hers.send_text("x".into(), object(&[("shouldPush", true.into())]));
    assert_eq!(code_of(send).await, "group.inactive");
}

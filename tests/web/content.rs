//! Content of every type as a page's worker sends and sees it, encrypted files, and removing messages, in a browser.

use crate::page::{
    Watcher, code, code_of, create_group, get, object, only_group, person, say, settle, text, uint8array,
    until,
};
use js_sys::{Array, BigInt, JSON, Object, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{Group, decrypt_attachment, encode_typed, encrypt_attachment};

async fn send(group: &Group, kind: &str, content: JsValue) -> String {
    let sent = settle(group.send_content(kind.into(), content, object(&[]))).await;
    sent.expect("sends").as_string().expect("an id")
}

/// What is listed of what people said, oldest first.
fn listed(group: &Group) -> Vec<JsValue> {
    let list: Array = group
        .messages(object(&[("kind", 0.into())]))
        .expect("lists")
        .unchecked_into();
    list.iter().collect()
}

fn kind_of(message: &JsValue) -> String {
    text(&get(message, "body"), "type")
}

fn content_of(message: &JsValue) -> JsValue {
    get(&get(message, "body"), "content")
}

/// A value as text to compare, bigints as their digits.
fn plain(value: &JsValue) -> String {
    let replace = js_sys::Function::new_with_args(
        "key, value",
        "if (typeof value === 'bigint') return `${value}n`;
         if (value instanceof Uint8Array) return `bytes ${[...value]}`;
         if (value && typeof value === 'object' && !Array.isArray(value))
           return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined).sort());
         return value;",
    );
    let text = JSON::stringify_with_replacer(value, &replace).expect("a plain value");
    text.as_string().expect("text")
}

fn remote() -> JsValue {
    object(&[
        ("url", "https://example.com/blob".into()),
        ("contentDigest", "00".repeat(32).into()),
        ("secret", uint8array(&[1; 32])),
        ("salt", uint8array(&[2; 32])),
        ("nonce", uint8array(&[3; 12])),
        ("scheme", "https://".into()),
        ("contentLength", 1234.into()),
        ("filename", "a.png".into()),
    ])
}

fn reaction(to: &str, action: u32) -> JsValue {
    object(&[
        ("reference", to.into()),
        ("referenceInboxId", "".into()),
        ("action", action.into()),
        ("content", "👍".into()),
        ("schema", 1.into()),
    ])
}

fn from_json(json: &str) -> JsValue {
    JSON::parse(json).expect("JSON")
}

#[wasm_bindgen_test]
async fn every_type_arrives_as_it_was_sent() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let attachment = object(&[
        ("filename", "a.txt".into()),
        ("mimeType", "text/plain".into()),
        ("content", uint8array(b"hello")),
    ]);
    let action = object(&[("id", "y".into()), ("label", "Yes".into()), ("style", 2.into())]);
    let actions = object(&[
        ("id", "q".into()),
        ("description", "Well?".into()),
        ("actions", Array::of1(&action).into()),
        ("expiresAtNs", BigInt::from(1_767_225_600_000_000_000u64).into()),
    ]);
    let all = [
        ("text", JsValue::from("hi")),
        ("markdown", "**hi**".into()),
        ("attachment", attachment),
        ("remoteAttachment", remote()),
        (
            "multiRemoteAttachment",
            object(&[("attachments", Array::of2(&remote(), &remote()).into())]),
        ),
        (
            "transactionReference",
            from_json(
                r#"{"networkId":"8453","reference":"0xab","metadata":{"transactionType":"transfer","currency":"USDC","amount":1337,"decimals":6,"fromAddress":"0x1","toAddress":"0x2"}}"#,
            ),
        ),
        (
            "walletSendCalls",
            from_json(
                r#"{"version":"1.0","chainId":"0x1","from":"0x1","calls":[{"to":"0x2","value":"0x5","metadata":{"description":"d","transactionType":"transfer"}}]}"#,
            ),
        ),
        ("actions", actions),
        (
            "intent",
            from_json(r#"{"id":"q","actionId":"y","metadata":{"a":"b","n":1,"f":1.5,"t":true,"z":null}}"#),
        ),
    ];
    for (kind, content) in &all {
        send(&group, kind, content.clone()).await;
    }
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    let seen = listed(&his);
    assert_eq!(seen.len(), all.len());
    for (message, (kind, content)) in seen.iter().zip(&all) {
        assert_eq!(kind_of(message), *kind);
        assert_eq!(plain(&content_of(message)), plain(content), "{kind}");
        assert!(get(message, "contentType").is_object());
        assert_eq!(get(message, "numReplies"), JsValue::from(BigInt::from(0u64)));
    }
    let wrong = group.send_content("reaction".into(), "text".into(), object(&[]));
    assert_eq!(code_of(wrong).await, "argument.invalid");
    let unknown = group.send_content("groupUpdated".into(), object(&[]), object(&[]));
    assert_eq!(code_of(unknown).await, "argument.invalid");
    let option = object(&[("shouldPush", true.into())]);
    let refused = group.send_content("text".into(), "hi".into(), option);
    assert_eq!(code_of(refused).await, "argument.unsupported");
}

#[wasm_bindgen_test]
async fn reactions_and_replies_are_joined_into_the_list_and_told_in_streams() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let his = only_group(&bob).await;
    let watcher = Watcher::new();
    let _stream = bob
        .conversations()
        .stream_all_messages(
            watcher.on_item.clone(),
            watcher.on_error.clone(),
            watcher.on_end.clone(),
            JsValue::UNDEFINED,
        )
        .expect("opens");
    until("connected", || bob.connection_state() == "connected").await;
    let id = say(&group, "Soup?").await;
    let nested = encode_typed("text".into(), "Yes".into()).expect("encodes");
    send(
        &group,
        "reply",
        object(&[("reference", id.as_str().into()), ("content", nested)]),
    )
    .await;
    send(&group, "reaction", reaction(&id, 1)).await;
    send(&group, "readReceipt", Object::new().into()).await;
    until("all four arrived", || watcher.items.borrow().len() == 4).await;
    let told: Vec<_> = watcher.items.borrow().iter().map(kind_of).collect();
    assert_eq!(told, ["text", "reply", "reaction", "readReceipt"]);

    let seen = listed(&his);
    let [soup, reply] = seen.as_slice() else {
        panic!("{} lines", seen.len())
    };
    assert_eq!(get(soup, "numReplies"), JsValue::from(BigInt::from(1u64)));
    let reactions: Array = get(soup, "reactions").unchecked_into();
    assert_eq!(reactions.length(), 1);
    assert_eq!(text(&content_of(&reactions.get(0)), "content"), "👍");
    assert_eq!(text(&content_of(reply), "referenceId"), id);
    assert_eq!(text(&get(&content_of(reply), "content"), "content"), "Yes");
    assert_eq!(text(&get(reply, "inReplyTo"), "id"), id);
    assert_eq!(his.count_messages(object(&[("kind", 0.into())])).ok(), Some(2));
    let everything = object(&[("kind", 0.into()), ("everything", true.into())]);
    assert_eq!(his.count_messages(everything).ok(), Some(4));

    send(&group, "reaction", reaction(&id, 2)).await;
    settle(his.sync()).await.expect("syncs");
    let reactions: Array = get(&listed(&his)[0], "reactions").unchecked_into();
    assert_eq!(reactions.length(), 0, "taken back");
}

#[wasm_bindgen_test]
async fn xip_45_a_message_is_removed_for_everybody_and_told() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "").await;
    let his = only_group(&bob).await;
    let kept = say(&group, "keep").await;
    let id = say(&group, "oops").await;
    settle(his.sync()).await.expect("syncs");
    let watcher = Watcher::new();
    let _stream = bob
        .conversations()
        .stream_deleted_messages(
            watcher.on_item.clone(),
            watcher.on_error.clone(),
            watcher.on_end.clone(),
        )
        .expect("opens");
    let gone = Watcher::new();
    let _ids = bob
        .conversations()
        .stream_message_deletions(gone.on_item.clone(), gone.on_error.clone(), gone.on_end.clone())
        .expect("opens");
    until("connected", || bob.connection_state() == "connected").await;

    let not_mine = his.remove_message(kept.as_str().into(), object(&[]));
    assert_eq!(code_of(not_mine).await, "group.not_permitted");
    let odd = group.remove_message(id.as_str().into(), object(&[("form", "burn".into())]));
    assert_eq!(code_of(odd).await, "argument.unsupported");
    settle(group.remove_message(id.as_str().into(), object(&[])))
        .await
        .expect("allowed");
    let again = group.remove_message(id.as_str().into(), object(&[]));
    assert_eq!(code_of(again).await, "message.already_removed");

    until("told", || watcher.items.borrow().len() == 1).await;
    assert_eq!(text(&watcher.items.borrow()[0], "id"), id);
    assert_eq!(text(&watcher.items.borrow()[0], "text"), "oops", "as it was sent");
    assert_eq!(text(&gone.items.borrow()[0], "messageId"), id);
    for each in [&group, &his] {
        settle(each.sync()).await.expect("syncs");
        let seen = listed(each);
        let [first, second] = seen.as_slice() else {
            panic!("{} lines", seen.len())
        };
        assert_eq!(kind_of(first), "text");
        assert_eq!(kind_of(second), "deletedMessage");
        assert_eq!(get(&content_of(second), "deletedBy").as_f64(), Some(0.0));
        assert_eq!(text(&get(second, "contentType"), "typeId"), "deletedMessage");
        assert!(get(second, "text").is_undefined());
        assert_eq!(
            Uint8Array::new(&get(second, "content")).length(),
            0,
            "nothing of it is left"
        );
        let count = |removed: bool| {
            each.count_messages(object(&[("kind", 0.into()), ("removed", removed.into())]))
                .ok()
        };
        assert_eq!((count(true), count(false)), (Some(1), Some(1)));
    }
}

#[wasm_bindgen_test]
async fn files_are_encrypted_for_elsewhere_and_opened_again() {
    let file = object(&[
        ("filename", "a.txt".into()),
        ("mimeType", "text/plain".into()),
        ("content", uint8array(b"hello world")),
    ]);
    let encrypted = encrypt_attachment(file.clone()).expect("encrypts");
    let payload = get(&encrypted, "payload");
    let named = object(&[
        ("url", "https://example.com/blob".into()),
        ("contentDigest", get(&encrypted, "contentDigest")),
        ("secret", get(&encrypted, "secret")),
        ("salt", get(&encrypted, "salt")),
        ("nonce", get(&encrypted, "nonce")),
        ("scheme", "https://".into()),
    ]);
    let length = Uint8Array::new(&payload).length();
    assert_eq!(get(&encrypted, "contentLength").as_f64(), Some(f64::from(length)));
    let opened = decrypt_attachment(payload.clone(), named.clone()).expect("opens");
    assert_eq!(plain(&opened), plain(&file));
    let again = encrypt_attachment(file).expect("encrypts");
    assert_ne!(
        text(&again, "contentDigest"),
        text(&encrypted, "contentDigest"),
        "fresh keys"
    );
    let changed: Uint8Array = payload.unchecked_into();
    changed.set_index(0, changed.get_index(0) ^ 1);
    let refused = decrypt_attachment(changed.into(), named).expect_err("is refused");
    assert_eq!(code(&refused.into()), "message.attachment_rejected");
}

//! What a page does with inboxes, installations and keys, in a browser, against a running node.

use crate::page::{
    Opening, Place, Wallet, Watcher, code, code_of, create_group, get, node_url, object, only_group, person,
    register, say, settle, strings, text, texts, uint8array, until,
};
use js_sys::{Array, Map, Promise, Uint8Array};
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{Client, Directory, SignatureRequest, verify_signed_with_public_key};

fn identifier(address: &str) -> JsValue {
    object(&[("identifier", address.into()), ("identifierKind", 0.into())])
}

fn list(entries: &[JsValue]) -> JsValue {
    entries.iter().collect::<Array>().into()
}

/// Installation ids as bytes.
fn ids(clients: &[&Client]) -> JsValue {
    clients
        .iter()
        .map(|client| JsValue::from(client.installation_id_bytes()))
        .collect::<Array>()
        .into()
}

async fn request(promise: Promise) -> SignatureRequest {
    let value = settle(promise).await.expect("a request");
    SignatureRequest::try_from_js_value(value).expect("of the class")
}

/// Signs a request and publishes it.
async fn apply(client: &Client, wallet: &Wallet, request: &SignatureRequest) {
    request
        .add_ecdsa_signature(wallet.sign(&request.signature_text()))
        .expect("the signature counts");
    settle(client.apply_signature_request(request))
        .await
        .expect("accepted");
}

async fn installation(wallet: &Wallet) -> Client {
    register(&Opening::of(wallet, Place::Memory), wallet).await
}

/// The one state of an inbox, from the node.
async fn state(client: &Client, inbox_id: &str) -> JsValue {
    let states = settle(client.inbox_states(strings(&[inbox_id]), true))
        .await
        .expect("states");
    Array::from(&states).get(0)
}

fn names(values: &JsValue, name: &str) -> Vec<String> {
    Array::from(values)
        .iter()
        .map(|value| text(&value, name))
        .collect()
}

fn directory() -> Directory {
    Directory::new(node_url().into(), None).expect("an address")
}

#[wasm_bindgen_test]
async fn states_have_the_shape_of_the_original() {
    let (alice, wallet) = person().await;
    let (bob, _) = person().await;
    let state = state(&alice, &alice.inbox_id()).await;
    assert_eq!(text(&state, "inboxId"), alice.inbox_id());
    let recovery = get(&state, "recoveryIdentifier");
    assert_eq!(text(&recovery, "identifier"), wallet.address());
    assert_eq!(get(&recovery, "identifierKind").as_f64(), Some(0.0));
    assert_eq!(
        names(&get(&state, "accountIdentifiers"), "identifier"),
        [wallet.address()]
    );
    let installations = Array::from(&get(&state, "installations"));
    let first = installations.get(0);
    assert_eq!(installations.length(), 1);
    assert_eq!(text(&first, "id"), alice.installation_id());
    let bytes: Uint8Array = get(&first, "bytes").unchecked_into();
    assert_eq!(bytes.to_vec(), alice.installation_id_bytes().to_vec());
    assert!(get(&first, "clientTimestampNs").is_bigint());

    let bobs = strings(&[&bob.inbox_id()]);
    assert_eq!(
        code_of(alice.inbox_states(bobs.clone(), false)).await,
        "identity.unknown_inbox"
    );
    settle(alice.inbox_states(bobs.clone(), true))
        .await
        .expect("from the node");
    settle(alice.inbox_states(bobs, false))
        .await
        .expect("stored by now");
    let wrong = code_of(alice.inbox_states(strings(&["x"]), true)).await;
    assert_eq!(wrong, "identity.invalid_inbox_id");
}

#[wasm_bindgen_test]
async fn installations_are_revoked_one_by_one_and_all_at_once() {
    let (phone, wallet) = person().await;
    let laptop = installation(&wallet).await;
    let tablet = installation(&wallet).await;
    let revoke = request(phone.revoke_installations(ids(&[&laptop]))).await;
    assert!(revoke.signature_text().contains(&laptop.installation_id()));
    assert_eq!(revoke.missing_signers(), [wallet.address()]);
    let stranger = revoke.add_ecdsa_signature(Wallet::new().sign(&revoke.signature_text()));
    let refused = JsValue::from(stranger.expect_err("another wallet"));
    assert_eq!(code(&refused), "identity.wrong_signer");
    apply(&phone, &wallet, &revoke).await;
    let left = get(&state(&phone, &phone.inbox_id()).await, "installations");
    assert_eq!(
        names(&left, "id"),
        [phone.installation_id(), tablet.installation_id()]
    );

    let revoke = request(phone.revoke_all_other_installations()).await;
    apply(&phone, &wallet, &revoke).await;
    let left = get(&state(&phone, &phone.inbox_id()).await, "installations");
    assert_eq!(names(&left, "id"), [phone.installation_id()]);
    let nobody = settle(phone.revoke_all_other_installations())
        .await
        .expect("asked");
    assert!(nobody.is_undefined());
    let wrong = list(&[uint8array(&[1; 31])]);
    assert_eq!(
        code_of(phone.revoke_installations(wrong)).await,
        "argument.invalid"
    );
}

#[wasm_bindgen_test]
async fn a_revoked_installation_is_told_so_by_its_streams_and_calls() {
    let (alice, _) = person().await;
    let (phone, wallet) = person().await;
    let lost = installation(&wallet).await;
    let group = create_group(&alice, &[&wallet.address()], "").await;
    let his = only_group(&lost).await;
    let watcher = Watcher::new();
    let stream = lost.conversations().stream_all_messages(
        watcher.on_item.clone(),
        watcher.on_error.clone(),
        watcher.on_end.clone(),
        JsValue::UNDEFINED,
    );
    let _stream = stream.expect("opens");
    until("connected", || lost.connection_state() == "connected").await;
    let revoke = request(phone.revoke_installations(ids(&[&lost]))).await;
    apply(&phone, &wallet, &revoke).await;
    // longer than the last look at the members' logs is new enough
    crate::page::sleep(5_500).await;
    say(&group, "not for everybody").await;
    until("the stream ends", || *watcher.ended.borrow() == 1).await;
    assert_eq!(code(&watcher.errors.borrow()[0]), "identity.installation_revoked");
    assert!(!lost.is_registered());
    let refused = settle(his.sync()).await.expect_err("revoked");
    assert_eq!(code(&refused), "identity.installation_revoked");
    assert_eq!(
        text(&get(&refused, "details"), "installationId"),
        lost.installation_id()
    );
    assert_eq!(texts(&his), Vec::<String>::new());
}

#[wasm_bindgen_test]
async fn a_full_inbox_names_its_installations_and_is_helped_from_outside() {
    let (first, wallet) = person().await;
    let mut all = vec![first.installation_id()];
    for _ in 1..10 {
        all.push(installation(&wallet).await.installation_id());
    }
    let refused = settle(Opening::of(&wallet, Place::Memory).start()).await;
    let refused = refused.expect_err("there is no room");
    assert_eq!(code(&refused), "identity.too_many_installations");
    let details = get(&refused, "details");
    assert_eq!(text(&details, "inboxId"), first.inbox_id());
    assert_eq!(get(&details, "limit").as_f64(), Some(10.0));
    let known = get(&details, "installations");
    assert_eq!(names(&known, "id"), all);
    assert_eq!(names(&known, "addedBy")[3], wallet.address());
    let third: JsValue = get(&Array::from(&known).get(2), "bytes");

    let directory = directory();
    let inbox_id: JsValue = first.inbox_id().into();
    let revoke = directory
        .revoke_installations(identifier(&wallet.address()), inbox_id, list(&[third]))
        .expect("a request");
    revoke
        .add_ecdsa_signature(wallet.sign(&revoke.signature_text()))
        .expect("the signature counts");
    settle(directory.apply_signature_request(&revoke))
        .await
        .expect("accepted");
    let newcomer = installation(&wallet).await;
    assert_eq!(newcomer.inbox_id(), first.inbox_id());
}

#[wasm_bindgen_test]
async fn wallets_are_linked_unlinked_and_handed_recovery() {
    let (alice, wallet) = person().await;
    let second = Wallet::new();
    let link = alice
        .add_identifier(identifier(&second.address()))
        .expect("a request");
    assert_eq!(link.missing_signers(), [second.address()]);
    apply(&alice, &second, &link).await;
    let found = settle(alice.inbox_id_for_identifier(identifier(&second.address()))).await;
    assert_eq!(found.expect("asked").as_string(), Some(alice.inbox_id()));

    let change = request(alice.change_recovery_identifier(identifier(&second.address()))).await;
    apply(&alice, &wallet, &change).await;
    let recovery = get(&state(&alice, &alice.inbox_id()).await, "recoveryIdentifier");
    assert_eq!(text(&recovery, "identifier"), second.address());

    let unlink = request(alice.remove_identifier(identifier(&second.address()))).await;
    apply(&alice, &second, &unlink).await;
    let left = get(&state(&alice, &alice.inbox_id()).await, "accountIdentifiers");
    assert_eq!(names(&left, "identifier"), [wallet.address()]);
    let wrong = alice.add_identifier(identifier("0x12"));
    let wrong = JsValue::from(wrong.expect_err("no address"));
    assert_eq!(code(&wrong), "identity.invalid_address");
    // three changes, and the two of the registration in one
    let counts = settle(alice.updates_counts(strings(&[&alice.inbox_id()]))).await;
    let count = Map::from(counts.expect("counted")).get(&alice.inbox_id().into());
    assert_eq!(count.as_f64(), Some(4.0));
}

#[wasm_bindgen_test]
async fn a_directory_looks_up_without_a_client() {
    let (alice, wallet) = person().await;
    let directory = directory();
    let nobody = Wallet::new().address();
    let asked = list(&[identifier(&wallet.address()), identifier(&nobody)]);
    let found = Array::from(&settle(directory.inbox_ids(asked)).await.expect("asked"));
    assert_eq!(found.get(0).as_string(), Some(alice.inbox_id()));
    assert!(found.get(1).is_undefined());
    let states = settle(directory.inbox_states(strings(&[&alice.inbox_id()]))).await;
    assert_eq!(names(&states.expect("known"), "inboxId"), [alice.inbox_id()]);
    let unknown = "0".repeat(64);
    let counts = settle(directory.updates_counts(strings(&[&alice.inbox_id(), &unknown]))).await;
    let counts = Map::from(counts.expect("counted"));
    assert_eq!(counts.get(&alice.inbox_id().into()).as_f64(), Some(1.0));
    assert_eq!(counts.get(&unknown.as_str().into()).as_f64(), Some(0.0));
    let missing = code_of(directory.inbox_states(strings(&[&unknown]))).await;
    assert_eq!(missing, "identity.unknown_inbox");
}

#[wasm_bindgen_test]
async fn the_installation_key_signs_for_the_app() {
    let (alice, _) = person().await;
    let (bob, _) = person().await;
    let signature = alice
        .sign_with_installation_key("I am Alice".into())
        .expect("open");
    assert_eq!(signature.length(), 64);
    let verify = |said: &str, by: &Client| {
        verify_signed_with_public_key(
            said.into(),
            signature.clone().into(),
            by.installation_id_bytes().into(),
        )
        .expect("asked properly")
    };
    assert!(verify("I am Alice", &alice));
    assert!(!verify("I am Bob", &alice));
    assert!(!verify("I am Alice", &bob));
    let short = verify_signed_with_public_key("x".into(), uint8array(&[1; 64]), uint8array(&[1; 31]));
    assert_eq!(
        code(&JsValue::from(short.expect_err("no key"))),
        "argument.invalid"
    );
}

#[wasm_bindgen_test]
async fn key_package_statuses_say_until_when_and_what_is_wrong() {
    let (alice, _) = person().await;
    let nobody = "7".repeat(64);
    let asked = strings(&[&alice.installation_id(), &nobody]);
    let statuses = Map::from(settle(alice.key_package_statuses(asked)).await.expect("asked"));
    assert_eq!(statuses.size(), 2);
    let own = statuses.get(&alice.installation_id().into());
    assert!(get(&own, "validationError").is_undefined());
    let lifetime = get(&own, "lifetime");
    let number = |name: &str| u64::try_from(get(&lifetime, name)).expect("a bigint");
    assert_eq!(
        number("notAfter") - number("notBefore"),
        84 * 24 * 60 * 60 + 60 * 60
    );
    let none = statuses.get(&nobody.as_str().into());
    assert!(get(&none, "lifetime").is_undefined());
    assert!(text(&none, "validationError").contains("none"));
}

//! Backup files as a page's worker makes and reads them, in a browser, against a running node.

use crate::page::{
    Opening, Place, code, create_group, get, object, person, register, say, texts, uint8array,
};
use js_sys::{BigInt, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::Client;

fn key(byte: u8) -> JsValue {
    uint8array(&[byte; 32])
}

fn everything(client: &Client) -> Uint8Array {
    let file = client.create_archive(key(7), 3.into(), JsValue::UNDEFINED, JsValue::UNDEFINED, false);
    file.expect("an archive")
}

#[wasm_bindgen_test]
async fn a_backup_of_one_installation_is_read_by_a_fresh_one() {
    let (old, wallet) = person().await;
    let (_bob, bobs) = person().await;
    let group = create_group(&old, &[&bobs.address()], "Lunch").await;
    say(&group, "Soup or noodles?").await;
    let file = everything(&old);

    let fresh = register(&Opening::of(&wallet, Place::Named("fresh.db3")), &wallet).await;
    fresh
        .import_archive(file.clone().into(), key(7))
        .expect("imports");
    let groups = fresh.conversations().list(object(&[])).expect("lists");
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].id(), group.id());
    assert_eq!(texts(&groups[0]), ["Soup or noodles?"]);
    assert_eq!(groups[0].is_active().ok(), Some(false));
    fresh.import_archive(file.into(), key(7)).expect("imports again");
    assert_eq!(texts(&groups[0]), ["Soup or noodles?"]);
}

#[wasm_bindgen_test]
async fn a_backup_says_what_is_in_it_to_who_has_the_key() {
    let (alice, _) = person().await;
    let made = alice.create_archive(
        key(7),
        2.into(),
        BigInt::from(5u64).into(),
        JsValue::UNDEFINED,
        true,
    );
    let file: JsValue = made.expect("an archive").into();
    let metadata = alice.archive_metadata(file.clone(), key(7)).expect("reads");
    assert_eq!(get(&metadata, "version").as_f64(), Some(0.0));
    assert_eq!(get(&metadata, "elements").as_f64(), Some(2.0));
    assert!(get(&metadata, "exportedAtNs").is_bigint());
    assert_eq!(get(&metadata, "startNs"), JsValue::from(BigInt::from(5u64)));
    assert!(get(&metadata, "endNs").is_undefined());

    let refused = |data: JsValue, key: JsValue| match alice.import_archive(data, key) {
        Ok(()) => panic!("it must be refused"),
        Err(error) => code(&error.into()),
    };
    assert_eq!(refused(file.clone(), key(8)), "archive.wrong_key");
    assert_eq!(refused(file.clone(), uint8array(&[7; 31])), "argument.invalid");
    assert_eq!(refused("text".into(), key(7)), "argument.invalid");
    let bytes: Uint8Array = file.unchecked_into();
    let cut = bytes.slice(0, bytes.length() - 1);
    assert_eq!(refused(cut.into(), key(7)), "archive.invalid");
}

//! What a page does with the classes, in a worker of a browser against a running node.

#![allow(dead_code, reason = "each suite uses its part")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use k256::ecdsa::SigningKey;
use sha3::{Digest as _, Keccak256};
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use xmtp_web::bindings::{Client, Group};
use xmtp_web::identity::eip191_hash;
use xmtp_web::platform::Platform as _;
use xmtp_web::platform::web::WebPlatform;

/// How long something may take to arrive.
const PATIENCE_MS: u64 = 30_000;

/// The node's address, compiled in since a browser test has no environment.
pub(crate) fn node_url() -> &'static str {
    match option_env!("XMTP_NODE_URL") {
        Some(url) => url,
        None => panic!("XMTP_NODE_URL must name a running node: use scripts/test-browser"),
    }
}

/// A key made for one test.
#[derive(Debug)]
pub(crate) struct Wallet(SigningKey);

impl Wallet {
    pub(crate) fn new() -> Self {
        let mut bytes = [0u8; 32];
        WebPlatform.random(&mut bytes);
        Self(SigningKey::from_slice(&bytes).expect("nearly all 32 bytes are a key"))
    }

    pub(crate) fn address(&self) -> String {
        let point = self.0.verifying_key().to_encoded_point(false);
        format!(
            "0x{}",
            hex::encode(&Keccak256::digest(&point.as_bytes()[1..])[12..])
        )
    }

    /// `personal_sign`.
    pub(crate) fn sign(&self, text: &str) -> JsValue {
        let (signature, recovery) = self
            .0
            .sign_prehash_recoverable(&eip191_hash(text.as_bytes()))
            .expect("signs");
        let mut bytes = signature.to_bytes().to_vec();
        bytes.push(27 + recovery.to_byte());
        uint8array(&bytes)
    }
}

pub(crate) fn uint8array(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// An object literal.
pub(crate) fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        Reflect::set(&object, &(*name).into(), value).expect("a plain object takes it");
    }
    object.into()
}

/// A property.
pub(crate) fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).expect("an object")
}

/// A property that is a string.
pub(crate) fn text(value: &JsValue, name: &str) -> String {
    get(value, name)
        .as_string()
        .unwrap_or_else(|| panic!("{name} of {value:?} is a string"))
}

pub(crate) fn strings(texts: &[&str]) -> JsValue {
    texts
        .iter()
        .map(|text| JsValue::from_str(text))
        .collect::<Array>()
        .into()
}

/// What a promise resolves to.
pub(crate) async fn settle(promise: Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise).await
}

/// The code of the error a promise rejects with; checks that it has the shape of one.
pub(crate) async fn code_of(promise: Promise) -> String {
    code(&settle(promise).await.expect_err("it must fail"))
}

/// The code of an error that was thrown.
pub(crate) fn code(error: &JsValue) -> String {
    assert!(error.is_instance_of::<js_sys::Error>(), "{error:?}");
    assert!(get(error, "retryable").as_bool().is_some(), "{error:?}");
    assert!(!text(error, "message").is_empty());
    text(error, "code")
}

pub(crate) async fn sleep(ms: u64) {
    WebPlatform.sleep(Duration::from_millis(ms)).await;
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..PATIENCE_MS / 50 {
        if holds() {
            return;
        }
        sleep(50).await;
    }
    panic!("not within {PATIENCE_MS} ms: {what}");
}

/// Where a client's rows lie.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Memory,
    Default,
    Named(&'static str),
}

/// How a client is opened.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) url: String,
    pub(crate) address: String,
    pub(crate) place: Place,
    pub(crate) key: Option<JsValue>,
    pub(crate) more: Vec<(&'static str, JsValue)>,
}

impl Opening {
    pub(crate) fn of(wallet: &Wallet, place: Place) -> Self {
        Self {
            url: node_url().to_owned(),
            address: wallet.address(),
            place,
            key: None,
            more: Vec::new(),
        }
    }

    pub(crate) fn key(mut self, byte: u8) -> Self {
        self.key = Some(uint8array(&[byte; 32]));
        self
    }

    pub(crate) fn url(mut self, url: &str) -> Self {
        self.url = url.to_owned();
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<JsValue>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    pub(crate) fn start(&self) -> Promise {
        let mut entries = vec![
            ("apiUrl", self.url.as_str().into()),
            ("env", "local".into()),
            ("identifier", self.address.as_str().into()),
            ("identifierKind", 0.into()),
            ("nonce", js_sys::BigInt::from(1u64).into()),
        ];
        match self.place {
            Place::Memory => entries.push(("dbPath", JsValue::NULL)),
            Place::Default => {}
            Place::Named(name) => entries.push(("dbPath", name.into())),
        }
        if let Some(key) = &self.key {
            entries.push(("dbEncryptionKey", key.clone()));
        }
        entries.extend(self.more.iter().cloned());
        Client::create(object(&entries))
    }

    pub(crate) async fn open(&self) -> Client {
        let value = settle(self.start()).await.expect("opens");
        Client::try_from_js_value(value).expect("a client")
    }
}

/// Opens and registers.
pub(crate) async fn register(opening: &Opening, wallet: &Wallet) -> Client {
    let client = opening.open().await;
    assert!(!client.is_registered());
    let to_sign = client
        .create_inbox_signature_text()
        .expect("open")
        .expect("something to sign");
    client
        .add_ecdsa_signature(wallet.sign(&to_sign))
        .expect("the signature counts");
    settle(client.register()).await.expect("registers");
    assert!(client.is_registered());
    client
}

/// A registered client in memory.
pub(crate) async fn person() -> (Client, Wallet) {
    let wallet = Wallet::new();
    let client = register(&Opening::of(&wallet, Place::Memory), &wallet).await;
    (client, wallet)
}

pub(crate) fn group(value: JsValue) -> Group {
    Group::try_from_js_value(value).expect("a group")
}

/// Makes a group with addresses.
pub(crate) async fn create_group(client: &Client, addresses: &[&str], name: &str) -> Group {
    let options = object(&[("groupName", name.into())]);
    let made = client
        .conversations()
        .create_group_with_addresses(strings(addresses), options);
    group(settle(made).await.expect("makes the group"))
}

/// The only group of a client, after a sync.
pub(crate) async fn only_group(client: &Client) -> Group {
    settle(client.conversations().sync()).await.expect("syncs");
    let mut groups = client.conversations().list(JsValue::UNDEFINED).expect("lists");
    assert_eq!(groups.len(), 1);
    groups.remove(0)
}

/// Sends a text.
pub(crate) async fn say(group: &Group, text: &str) -> String {
    let options = object(&[("shouldPush", true.into())]);
    let sent = settle(group.send_text(text.into(), options))
        .await
        .expect("sends");
    sent.as_string().expect("an id")
}

/// The texts in a group, oldest first.
pub(crate) fn texts(group: &Group) -> Vec<String> {
    let list: Array = group
        .messages(object(&[("kind", 0.into())]))
        .expect("lists")
        .unchecked_into();
    list.iter().map(|message| text(&message, "text")).collect()
}

/// Callbacks that note what they get.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) items: Rc<RefCell<Vec<JsValue>>>,
    pub(crate) errors: Rc<RefCell<Vec<JsValue>>>,
    pub(crate) ended: Rc<RefCell<u32>>,
    pub(crate) on_item: JsValue,
    pub(crate) on_error: JsValue,
    pub(crate) on_end: JsValue,
}

impl Watcher {
    pub(crate) fn new() -> Self {
        let (items, errors, ended) =
            <(Rc<RefCell<Vec<_>>>, Rc<RefCell<Vec<_>>>, Rc<RefCell<u32>>)>::default();
        let (items_in, errors_in, ended_in) = (Rc::clone(&items), Rc::clone(&errors), Rc::clone(&ended));
        let keep = |list: Rc<RefCell<Vec<JsValue>>>| {
            Closure::<dyn FnMut(JsValue)>::new(move |value| list.borrow_mut().push(value)).into_js_value()
        };
        let on_end = Closure::<dyn FnMut()>::new(move || *ended_in.borrow_mut() += 1).into_js_value();
        Self {
            on_item: keep(items_in),
            on_error: keep(errors_in),
            on_end,
            items,
            errors,
            ended,
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.items
            .borrow()
            .iter()
            .filter_map(|item| get(item, "text").as_string())
            .collect()
    }
}

/// Puts another `fetch` in place until dropped.
#[derive(Debug)]
pub(crate) struct FakeFetch(JsValue);

impl FakeFetch {
    pub(crate) fn new(body: &str) -> Self {
        let global = js_sys::global();
        let real = get(&global, "fetch");
        let fake = Function::new_no_args(body);
        Reflect::set(&global, &"fetch".into(), &fake).expect("the global takes it");
        Self(real)
    }
}

impl Drop for FakeFetch {
    fn drop(&mut self) {
        let _ = Reflect::set(&js_sys::global(), &"fetch".into(), &self.0);
    }
}

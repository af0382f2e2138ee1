//! History that one installation asks another for, as a page's worker does it, against the history server of the local
//! node.

use crate::page::{
    Opening, Place, code, code_of, create_group, get, node_url, person, register, say, settle, text, texts,
};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::Client;
use xmtp_web::transport::files::{Files as _, from_http_status};
use xmtp_web::transport::{FetchFiles, InvalidResponse, TransportError};

/// What a call to the node's history server brings, which may be so long.
async fn call(path: &str, body: Option<Vec<u8>>, limit: usize) -> Result<Vec<u8>, TransportError> {
    FetchFiles
        .call(format!("{}{path}", node_url()), body, limit)
        .await
}

#[wasm_bindgen_test]
async fn a_file_is_read_no_further_than_wanted_and_from_nowhere_else() {
    let id = call("/upload", Some(vec![7; 200_000]), 100)
        .await
        .expect("is kept");
    let path = format!("/files/{}", String::from_utf8(id).expect("a text"));
    assert_eq!(call(&path, None, 200_000).await, Ok(vec![7; 200_000]));
    let cut = call(&path, None, 199_999).await;
    assert_eq!(cut, Err(InvalidResponse::TooLong.into()));
    let gone = call("/files/other", None, 100).await;
    assert_eq!(gone, Err(from_http_status(404)));
    let refused = FetchFiles.call("http://".into(), None, 100).await;
    assert!(
        matches!(refused, Err(TransportError::InvalidEndpoint(_))),
        "{refused:?}"
    );

    js_sys::eval("const real = self.fetch; self.fetch = (it) => { self.fetch = real; self.asked = it; return real(it); };")
        .expect("watches");
    call(&path, None, 200_000).await.expect("is there");
    let asked = get(&js_sys::global(), "asked");
    let how = ["redirect", "credentials", "cache"].map(|field| text(&asked, field));
    assert_eq!(how, ["error", "omit", "no-store"]);
}

async fn request(client: &Client, server: &str) -> Result<JsValue, JsValue> {
    let nothing = || JsValue::UNDEFINED;
    settle(client.send_sync_request(3.into(), nothing(), nothing(), false, server.into())).await
}

async fn everybody_syncs(clients: [&Client; 2]) {
    for _ in 0..3 {
        for client in clients {
            settle(client.conversations().sync_all(JsValue::UNDEFINED))
                .await
                .expect("syncs");
            settle(client.preferences().sync()).await.expect("syncs");
        }
    }
}

#[wasm_bindgen_test]
async fn history_comes_to_a_new_installation_over_the_history_server() {
    let (old, wallet) = person().await;
    let (_bob, bobs) = person().await;
    let group = create_group(&old, &[&bobs.address()], "Lunch").await;
    say(&group, "Soup or noodles?").await;
    let refused = request(&old, node_url()).await.expect_err("nobody else is there");
    assert_eq!(code(&refused), "archive.no_other_installation");

    let fresh = register(
        &Opening::of(&wallet, Place::Named("asks-for-history.db3")),
        &wallet,
    )
    .await;
    everybody_syncs([&fresh, &old]).await;
    let groups = fresh.conversations().list(JsValue::UNDEFINED).expect("lists");
    assert_eq!(groups.len(), 1, "the old one let it in");
    assert_eq!(texts(&groups[0]), Vec::<String>::new());
    request(&fresh, node_url()).await.expect("asks");
    everybody_syncs([&old, &fresh]).await;
    assert_eq!(texts(&groups[0]), ["Soup or noodles?"]);

    let found: Array = fresh.available_archives(1.into()).expect("lists");
    assert_eq!(found.length(), 1);
    let archive = found.get(0);
    assert_eq!(get(&get(&archive, "metadata"), "elements").as_f64(), Some(3.0));
    let maker: Uint8Array = get(&archive, "sentByInstallation").unchecked_into();
    assert_eq!(maker.to_vec(), old.installation_id_bytes().to_vec());
    let pin = text(&archive, "pin");
    settle(fresh.process_sync_archive(pin.into()))
        .await
        .expect("once more");
    assert_eq!(texts(&groups[0]), ["Soup or noodles?"]);
    assert_eq!(
        code_of(fresh.process_sync_archive("other".into())).await,
        "archive.not_found"
    );

    let nothing = || JsValue::UNDEFINED;
    let sent = old.send_sync_archive(
        "mine".into(),
        2.into(),
        nothing(),
        nothing(),
        true,
        node_url().into(),
    );
    settle(sent).await.expect("puts one there");
    settle(fresh.preferences().sync()).await.expect("syncs");
    let found: Array = fresh.available_archives(1.into()).expect("lists");
    assert_eq!(text(&found.get(0), "pin"), "mine");
    settle(fresh.process_sync_archive(nothing()))
        .await
        .expect("the newest");
    let nobody = old.send_sync_archive(
        "x".into(),
        3.into(),
        nothing(),
        nothing(),
        false,
        "http://localhost:9".into(),
    );
    assert_eq!(code_of(nobody).await, "network.unavailable");
}

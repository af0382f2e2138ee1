//! What a page's worker does with groups that no other suite does, in a browser, against a running node.

use crate::page::{code, code_of, create_group, get, object, only_group, person, settle, text, texts};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::Group;

/// The inboxes of a list in a group's state.
fn listed(group: &Group, name: &str) -> Vec<String> {
    let list: Array = get(&group.state().expect("state"), name).unchecked_into();
    list.iter().filter_map(|inbox| inbox.as_string()).collect()
}

#[wasm_bindgen_test]
async fn super_admins_and_admins_are_named_and_taken_back() {
    let ((alice, _), (bob, bobs)) = (person().await, person().await);
    let group = create_group(&alice, &[&bobs.address()], "Roles").await;
    let inbox = || JsValue::from(bob.inbox_id());
    settle(group.add_super_admin(inbox())).await.expect("promotes");
    assert!(listed(&group, "superAdmins").contains(&bob.inbox_id()));
    settle(group.remove_super_admin(inbox())).await.expect("demotes");
    assert_eq!(listed(&group, "superAdmins"), [alice.inbox_id()]);
    settle(group.add_admin(inbox())).await.expect("promotes");
    assert_eq!(listed(&group, "admins"), [bob.inbox_id()]);
    settle(group.remove_admin(inbox())).await.expect("demotes");
    assert!(listed(&group, "admins").is_empty());
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    assert_eq!(
        code_of(his.remove_super_admin(alice.inbox_id().into())).await,
        "group.not_permitted"
    );
}

#[wasm_bindgen_test]
async fn the_picture_and_the_text_of_the_app_reach_the_others() {
    let ((alice, _), (bob, bobs)) = (person().await, person().await);
    let group = create_group(&alice, &[&bobs.address()], "Look").await;
    settle(group.update_image_url("https://example.com/a.png".into()))
        .await
        .expect("changes");
    settle(group.update_app_data("{\"colour\":1}".into()))
        .await
        .expect("changes");
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    let state = his.state().expect("state");
    assert_eq!(text(&state, "imageUrl"), "https://example.com/a.png");
    assert_eq!(text(&state, "appData"), "{\"colour\":1}");
    let refused = settle(group.update_app_data("x".repeat(8_193).into())).await;
    let error = refused.expect_err("too long");
    assert_eq!(code(&error), "argument.invalid");
    assert_eq!(get(&get(&error, "details"), "limit").as_f64(), Some(8_192.0));
}

#[wasm_bindgen_test]
async fn what_was_written_before_is_published_and_only_what_failed_is_resent_or_discarded() {
    let ((alice, _), (bob, bobs)) = (person().await, person().await);
    let group = create_group(&alice, &[&bobs.address()], "Later").await;
    let options = object(&[("shouldPush", true.into()), ("optimistic", true.into())]);
    let id = settle(group.send_text("later".into(), options))
        .await
        .expect("is stored");
    let his = only_group(&bob).await;
    settle(his.sync()).await.expect("syncs");
    assert!(texts(&his).is_empty());
    settle(group.publish_messages()).await.expect("sends");
    settle(his.sync()).await.expect("syncs");
    assert_eq!(texts(&his), ["later"]);
    // It has not failed.
    settle(group.resend(id.clone())).await.expect_err("is refused");
    code(&group.discard(id).expect_err("is refused").into());
    let unknown = JsValue::from("ab".repeat(32));
    assert_eq!(code_of(group.resend(unknown.clone())).await, "message.not_found");
    let refused = group.discard(unknown).expect_err("is refused");
    assert_eq!(code(&refused.into()), "message.not_found");
    assert_eq!(code_of(group.resend("x".into())).await, "argument.invalid");
}

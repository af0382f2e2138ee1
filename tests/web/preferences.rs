//! Preferences as a page's worker calls them, in a browser, against a running node.

use crate::page::{
    Opening, Place, Watcher, code, code_of, create_group, get, object, only_group, person, register, settle,
    text, until,
};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

fn consent(entity_type: i32, state: i32, entity: &str) -> JsValue {
    object(&[
        ("entityType", entity_type.into()),
        ("state", state.into()),
        ("entity", entity.into()),
    ])
}

#[wasm_bindgen_test]
async fn decisions_are_stored_and_told() {
    let (alice, _) = person().await;
    let (bob, bobs) = person().await;
    let group = create_group(&alice, &[&bobs.address()], "Lunch").await;
    let his = only_group(&bob).await;
    let preferences = bob.preferences();
    let all = Watcher::new();
    let decided = Watcher::new();
    let streams = [
        preferences
            .stream_preferences(all.on_item.clone(), all.on_error.clone(), all.on_end.clone())
            .expect("streams"),
        preferences
            .stream_consent(
                decided.on_item.clone(),
                decided.on_error.clone(),
                decided.on_end.clone(),
            )
            .expect("streams"),
    ];
    let records = [consent(1, 2, &alice.inbox_id()), consent(0, 1, &group.id())];
    preferences
        .set_consent_states(records.iter().collect::<Array>().into())
        .expect("decides");
    let state = |kind: i32, entity: String| preferences.consent_state(kind.into(), entity.into());
    assert_eq!(state(1, alice.inbox_id()).ok(), Some(2));
    assert_eq!(state(1, bob.inbox_id()).ok(), Some(0));
    assert_eq!(state(0, group.id()).ok(), Some(1));
    assert_eq!(his.consent_state().ok(), Some(1));

    until("both decisions are told", || {
        !decided.items.borrow().is_empty() && !all.items.borrow().is_empty()
    })
    .await;
    let told: Array = decided.items.borrow()[0].clone().unchecked_into();
    assert_eq!(told.length(), 2);
    assert_eq!(text(&told.get(0), "entity"), alice.inbox_id());
    assert_eq!(get(&told.get(0), "entityType").as_f64(), Some(1.0));
    assert_eq!(get(&told.get(0), "state").as_f64(), Some(2.0));
    let told: Array = all.items.borrow()[0].clone().unchecked_into();
    assert_eq!(text(&told.get(1), "type"), "ConsentUpdate");
    assert_eq!(text(&get(&told.get(1), "consent"), "entity"), group.id());
    for stream in streams {
        stream.end();
    }
}

#[wasm_bindgen_test]
async fn what_is_no_decision_is_refused() {
    let (alice, _) = person().await;
    let preferences = alice.preferences();
    for record in [
        consent(2, 1, &alice.inbox_id()),
        consent(1, 3, &alice.inbox_id()),
        consent(0, 1, &alice.inbox_id()),
        consent(1, 1, "alice"),
        JsValue::NULL,
    ] {
        let refused = preferences.set_consent_states([&record].into_iter().collect::<Array>().into());
        assert_eq!(
            code(&refused.expect_err("no decision").into()),
            "argument.invalid",
            "{record:?}"
        );
    }
    assert_eq!(
        code(
            &preferences
                .set_consent_states(JsValue::NULL)
                .expect_err("no list")
                .into()
        ),
        "argument.invalid"
    );
    let unknown = preferences.consent_state(7.into(), alice.inbox_id().into());
    assert_eq!(code(&unknown.expect_err("no kind").into()), "argument.invalid");
}

#[wasm_bindgen_test]
async fn two_installations_of_one_wallet_agree() {
    let (laptop, wallet) = person().await;
    let phone = register(&Opening::of(&wallet, Place::Memory), &wallet).await;
    let (bob, _) = person().await;
    laptop
        .preferences()
        .set_consent_states([consent(1, 2, &bob.inbox_id())].iter().collect::<Array>().into())
        .expect("decides");
    for _ in 0..3 {
        for device in [&phone, &laptop] {
            let summary = settle(device.preferences().sync()).await.expect("syncs");
            assert!(get(&summary, "numSynced").as_f64() <= get(&summary, "numEligible").as_f64());
        }
    }
    let state = phone.preferences().consent_state(1.into(), bob.inbox_id().into());
    assert_eq!(state.ok(), Some(2));
    assert!(
        phone
            .conversations()
            .list(JsValue::UNDEFINED)
            .expect("lists")
            .is_empty()
    );

    let alone = Opening::of(&wallet, Place::Memory).with("disableDeviceSync", "yes");
    assert_eq!(code_of(alone.start()).await, "argument.invalid");
}

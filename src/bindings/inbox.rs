//! Inboxes, installations and key packages as plain objects.

use js_sys::{Array, BigInt, Object, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::JsValue;

use super::convert;
use super::error::EdgeError;
use crate::client::KeyPackageStatus;
use crate::identity::{AssociationState, Identifier, MemberDetails};
use crate::ids::InstallationId;

/// A wallet or passkey.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawIdentifier {
    identifier: String,
    identifier_kind: u8,
}

impl RawIdentifier {
    pub(super) fn of(identifier: &Identifier) -> Self {
        Self {
            identifier: identifier.to_string(),
            identifier_kind: match identifier {
                Identifier::Ethereum(_) => 0,
                Identifier::Passkey(_) => 1,
            },
        }
    }
}

/// States of inboxes.
pub(super) fn states(states: &[AssociationState]) -> Result<JsValue, EdgeError> {
    let list = Array::new();
    for one in states {
        list.push(&state(one)?);
    }
    Ok(list.into())
}

/// The state of an inbox.
fn state(state: &AssociationState) -> Result<JsValue, EdgeError> {
    let installed: Vec<_> = state
        .members()
        .into_iter()
        .filter_map(|(member, details)| Some((member.installation()?, details.clone())))
        .collect();
    let identifiers: Vec<_> = state.identifiers().iter().map(RawIdentifier::of).collect();
    let recovery = RawIdentifier::of(state.recovery_identifier());
    Ok(object(&[
        ("inboxId", state.inbox_id().to_string().into()),
        ("recoveryIdentifier", convert::object(&recovery)?),
        ("installations", installations(&installed)),
        ("accountIdentifiers", convert::object(&identifiers)?),
    ]))
}

/// Installations with what is known of them.
pub(super) fn installations(installations: &[(InstallationId, MemberDetails)]) -> JsValue {
    let one = |(id, details): &(InstallationId, MemberDetails)| {
        let added_by = details.added_by.as_ref().map(ToString::to_string);
        object(&[
            ("bytes", Uint8Array::from(id.as_bytes().as_slice()).into()),
            ("id", id.to_string().into()),
            (
                "clientTimestampNs",
                details.client_timestamp_ns.map_or(JsValue::UNDEFINED, bigint),
            ),
            ("addedBy", added_by.map_or(JsValue::UNDEFINED, JsValue::from)),
        ])
    };
    installations.iter().map(one).collect::<Array>().into()
}

/// What can be said of an installation's key package.
pub(super) fn key_package_status(status: &KeyPackageStatus) -> JsValue {
    let lifetime = status.lifetime.map(|(not_before, not_after)| {
        object(&[("notBefore", bigint(not_before)), ("notAfter", bigint(not_after))])
    });
    let error = status.error.as_ref().map(ToString::to_string);
    object(&[
        ("lifetime", lifetime.unwrap_or(JsValue::UNDEFINED)),
        ("validationError", error.map_or(JsValue::UNDEFINED, JsValue::from)),
    ])
}

fn bigint(number: u64) -> JsValue {
    BigInt::from(number).into()
}

/// An object literal: a set on an object that was just made cannot fail.
fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

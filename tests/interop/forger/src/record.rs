//! What others put on the wire, raw, and the keys to read it again: for `tests/vectors/interop.json`.

use openmls::prelude::{KeyPackageBundle, MlsGroup, OpenMlsProvider as _};
use openmls_traits::storage::StorageProvider as _;
use serde_json::{Value, json};
use xmtp_web::groups::GroupMembership;
use xmtp_web::ids::GroupId;
use xmtp_web::mls::Provider;
use xmtp_web::transport::calls::WelcomeBody;

use crate::Failure;
use crate::person::Person;

const EXTENSIONS: [u16; 4] = [0xF000, 0xFF00, 0xFF01, 0xFF02];

impl Person {
    /// The installation's key and the private halves of its key packages.
    pub(crate) fn keys(&self) -> Result<Value, Failure> {
        let provider = Provider::new(&self.store);
        let mut packages = Vec::new();
        for row in self.store.key_packages()? {
            let reference = reference(&row.hash_ref)?;
            let bundle: Option<KeyPackageBundle> = provider
                .storage()
                .key_package(&reference)
                .map_err(|error| Failure::OpenMls(error.to_string()))?;
            let bundle = bundle.ok_or(Failure::Said("a key package has no private keys"))?;
            packages.push(json!({
                "hash_ref": hex::encode(&row.hash_ref),
                "init_key": hex::encode(&row.init_key),
                "openmls_0_9_2_key_package_bundle": serde_json::to_string(&bundle)?,
            }));
        }
        Ok(json!({
            "installation_seed": hex::encode(self.key.seed()),
            "installation_id": self.key.id().to_string(),
            "inbox_id": self.client.inbox_id().to_string(),
            "key_packages": packages,
        }))
    }

    /// Everything of a group that the node has for this installation, and the logs of its members.
    pub(crate) async fn wire(&self, group: GroupId) -> Result<Value, Failure> {
        let welcomes = self.api.query_welcome_messages(self.key.id(), 0).await?.items;
        let welcomes: Vec<Value> = welcomes
            .iter()
            .filter_map(|welcome| match &welcome.body {
                WelcomeBody::V1 {
                    data,
                    wrapper_algorithm,
                    welcome_metadata,
                } => Some(json!({
                    "id": welcome.id,
                    "created_ns": welcome.created_ns.to_string(),
                    "data": hex::encode(data),
                    "hpke_public_key": hex::encode(&welcome.hpke_public_key),
                    "wrapper_algorithm": wrapper_algorithm,
                    "welcome_metadata": hex::encode(welcome_metadata),
                })),
                WelcomeBody::Pointer { .. } => None,
            })
            .collect();
        let messages = self.api.query_group_messages(group, 0).await?.items;
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| {
                json!({
                    "id": message.id,
                    "created_ns": message.created_ns.to_string(),
                    "data": hex::encode(&message.data),
                    "sender_hmac": hex::encode(&message.sender_hmac),
                    "should_push": message.should_push,
                })
            })
            .collect();
        let provider = Provider::new(&self.store);
        let mls = MlsGroup::load(
            provider.storage(),
            &openmls::group::GroupId::from_slice(group.as_bytes()),
        )
        .map_err(|error| Failure::OpenMls(error.to_string()))?
        .ok_or(Failure::Said("there is no such group here"))?;
        let body = |id: u16| mls.extensions().unknown(id).map(|extension| extension.0.clone());
        let context: serde_json::Map<String, Value> = EXTENSIONS
            .into_iter()
            .filter_map(|id| Some((format!("0x{id:04X}"), json!(hex::encode(body(id)?)))))
            .collect();
        let members = GroupMembership::decode(body(0xFF01).as_deref())?.members;
        let asked: Vec<_> = members.into_keys().map(|inbox| (inbox, 0)).collect();
        let logs: Vec<Value> = self
            .api
            .identity_updates(&asked)
            .await?
            .iter()
            .map(|row| {
                json!({
                    "inbox_id": row.inbox_id.to_string(),
                    "sequence_id": row.sequence_id,
                    "server_timestamp_ns": row.server_timestamp_ns.to_string(),
                    "payload": hex::encode(&row.payload),
                })
            })
            .collect();
        Ok(json!({
            "welcomes": welcomes,
            "messages": messages,
            "context": context,
            "epoch": mls.epoch().as_u64(),
            "epoch_authenticator": hex::encode(mls.epoch_authenticator().as_slice()),
            "identity_updates": logs,
        }))
    }
}

/// A stored reference as OpenMLS knows it: its bytes behind their length.
fn reference(hash_ref: &[u8]) -> Result<openmls::prelude::KeyPackageRef, Failure> {
    use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _, VLBytes};
    let bytes = VLBytes::from(hash_ref.to_vec()).tls_serialize_detached();
    bytes
        .and_then(openmls::prelude::KeyPackageRef::tls_deserialize_exact)
        .map_err(|error| Failure::OpenMls(error.to_string()))
}

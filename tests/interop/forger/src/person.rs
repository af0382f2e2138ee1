//! The honest half: a client with a file, and a second look at that file for the other half.

use std::path::Path;
use std::rc::Rc;

use serde_json::{Value, json};
use sha3::{Digest as _, Keccak256};
use xmtp_web::client::{Client, ClientOptions, GroupHandle, MessageOptions, SendOptions};
use xmtp_web::groups::{GroupMembership, NewGroup};
use xmtp_web::identity::{Address, Identifier, InstallationKey, eip191_hash};
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::messages::EncodedContent;
use xmtp_web::messages::content::text;
use xmtp_web::mls::Provider;
use xmtp_web::platform::native::NativePlatform;
use xmtp_web::storage::{MessageKind, MessageRow, Store, StoreOptions};
use xmtp_web::transport::calls::NodeApi;
use xmtp_web::transport::{Endpoint, HttpTransport};

use crate::Failure;

/// Somebody with a wallet, a client, and the means to go past it.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) client: Client,
    /// The client's database once more, for what the client does not do.
    pub(crate) store: Store,
    pub(crate) api: NodeApi,
    pub(crate) key: InstallationKey,
}

impl Person {
    /// Opens the client and registers it if it is new.
    pub(crate) async fn open(secret: &str, url: &str, file: &Path) -> Result<Self, Failure> {
        let wallet = Wallet::new(secret)?;
        let endpoint = Endpoint::new(url, Some("forger/1.0.0"))?;
        let platform = Rc::new(NativePlatform);
        let api = || -> Result<NodeApi, Failure> {
            Ok(NodeApi::new(
                Rc::new(HttpTransport::new(&endpoint)?),
                platform.clone(),
            ))
        };
        let options = ClientOptions::new(Identifier::Ethereum(wallet.address()?));
        let store = Store::open(StoreOptions::file(file))?;
        let client = Client::open_or_create(options, store, api()?, platform.clone()).await?;
        if let Some(text) = client.signature_text() {
            client.add_ecdsa_signature(&wallet.sign(&text)?)?;
        }
        client.register().await?;
        let store = Store::open(StoreOptions::file(file))?;
        let row = store
            .identity()?
            .ok_or(Failure::Said("the client stored no identity"))?;
        Ok(Self {
            client,
            store,
            api: api()?,
            key: InstallationKey::from_seed(row.installation_seed.as_bytes()),
        })
    }

    pub(crate) fn introduction(&self) -> Value {
        json!({
            "inboxId": self.client.inbox_id().to_string(),
            "installationId": self.client.installation_id().to_string(),
            "version": xmtp_web::version::PROTOCOL_VERSION,
        })
    }

    pub(crate) async fn sync(&self) -> Result<(), Failure> {
        self.client.conversations().sync().await?;
        Ok(())
    }

    pub(crate) async fn sync_all(&self) -> Result<(), Failure> {
        self.client.sync_all().await?;
        Ok(())
    }

    pub(crate) async fn sync_group(&self, group: GroupId) -> Result<(), Failure> {
        Ok(self.find(group)?.sync().await?)
    }

    pub(crate) fn find(&self, group: GroupId) -> Result<GroupHandle, Failure> {
        let found = self.client.conversations().by_id(group)?;
        found.ok_or(Failure::Said("there is no such conversation here"))
    }

    pub(crate) fn groups(&self) -> Result<Value, Failure> {
        let mut ids: Vec<String> = self
            .client
            .conversations()
            .list(&Default::default())?
            .iter()
            .map(|group| group.id().to_string())
            .collect();
        ids.sort();
        Ok(json!(ids))
    }

    /// What people said, in the form in which the other people tell it.
    pub(crate) fn messages(&self, group: GroupId) -> Result<Value, Failure> {
        let options = MessageOptions {
            kind: Some(MessageKind::Application),
            ..Default::default()
        };
        let rows = self.find(group)?.messages(&options)?;
        Ok(rows.iter().map(told).collect())
    }

    pub(crate) fn epoch(&self, group: GroupId) -> Result<Value, Failure> {
        Ok(json!(self.find(group)?.view()?.epoch))
    }

    /// The newest update of an inbox's log.
    pub(crate) async fn sequence_of(&self, inbox: InboxId) -> Result<Value, Failure> {
        self.client.inbox_state(inbox).await?;
        Ok(json!(self.store.latest_identity_sequence(&inbox)?))
    }

    /// The installations that the group lists as failed.
    pub(crate) fn failed(&self, group: GroupId) -> Result<Value, Failure> {
        let context = xmtp_web::mls::Group::load(&Provider::new(&self.store), group)
            .map_err(|error| Failure::OpenMls(error.to_string()))?
            .context();
        let membership = GroupMembership::decode(context.membership.as_deref())?;
        let failed = membership.failed_installations.iter();
        Ok(failed.map(ToString::to_string).collect())
    }

    pub(crate) async fn say(&self, group: GroupId, words: &str) -> Result<Value, Failure> {
        let group = self.find(group)?;
        let id = group.send_text(words, SendOptions::default()).await?;
        Ok(json!(id.to_string()))
    }

    pub(crate) async fn create_group(&self, members: Vec<String>) -> Result<Value, Failure> {
        let members = inboxes(&members)?;
        let conversations = self.client.conversations();
        let group = conversations.create_group(&members, &NewGroup::default()).await?;
        Ok(json!(group.id().to_string()))
    }

    pub(crate) async fn add_members(&self, group: GroupId, members: Vec<String>) -> Result<(), Failure> {
        Ok(self.find(group)?.add_members(&inboxes(&members)?).await?)
    }
}

fn inboxes(ids: &[String]) -> Result<Vec<InboxId>, Failure> {
    ids.iter().map(|id| Ok(id.parse()?)).collect()
}

fn told(row: &MessageRow) -> Value {
    let content = EncodedContent::decode(&row.content).ok();
    let kind = content
        .as_ref()
        .and_then(|content| content.content_type.as_ref())
        .map(ToString::to_string);
    json!({
        "id": row.id.to_string(),
        "sender": row.sender_inbox_id.to_string(),
        "sentAt": row.sent_at_ns.to_string(),
        "kind": "said",
        "type": kind,
        "text": content.and_then(|content| text::decode(&content).ok()),
    })
}

/// An Ethereum wallet.
struct Wallet(k256::ecdsa::SigningKey);

impl Wallet {
    fn new(secret: &str) -> Result<Self, Failure> {
        let secret = hex::decode(secret).map_err(|_| Failure::Said("the secret is no hex"))?;
        let key = k256::ecdsa::SigningKey::from_slice(&secret);
        Ok(Self(key.map_err(|_| Failure::Said("the secret is no key"))?))
    }

    fn address(&self) -> Result<Address, Failure> {
        let point = self.0.verifying_key().to_encoded_point(false);
        let hash = Keccak256::digest(&point.as_bytes()[1..]);
        Address::parse(&format!("0x{}", hex::encode(&hash[12..]))).map_err(|_| Failure::Said("no address"))
    }

    /// `personal_sign`: r, s, v.
    fn sign(&self, text: &str) -> Result<Vec<u8>, Failure> {
        let (signature, recovery) = self
            .0
            .sign_prehash_recoverable(&eip191_hash(text.as_bytes()))
            .map_err(|_| Failure::Said("the wallet does not sign"))?;
        Ok([signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat())
    }
}

//! Somebody with a wallet and a client.

use std::path::PathBuf;
use std::rc::Rc;

use sha3::{Digest as _, Keccak256};
use xmtp_web::client::{Client, ClientError, ClientOptions, GroupHandle, MessageOptions, SendOptions};
use xmtp_web::groups::{NewGroup, field};
use xmtp_web::identity::{Address, Identifier, eip191_hash};
use xmtp_web::ids::{GroupId, InboxId, MessageId};
use xmtp_web::messages::EncodedContent;
use xmtp_web::messages::content::text;
use xmtp_web::storage::{DeliveryStatus, MessageKind, MessageRow, Store, StoreOptions};

use super::world::api;
use super::{TestMachine, Watch};

/// An Ethereum wallet with a fixed key.
#[derive(Clone)]
pub(crate) struct Wallet(k256::ecdsa::SigningKey);

impl Wallet {
    pub(crate) fn new(number: u8) -> Self {
        Self(k256::ecdsa::SigningKey::from_slice(&[number; 32]).expect("a scalar below the order"))
    }

    /// One of many, whose key no [`Wallet::new`] has.
    pub(crate) fn of_crowd(number: u16) -> Self {
        let [high, low] = number.to_be_bytes();
        let key = std::array::from_fn::<u8, 32, _>(|index| [0x5a, high, low][index % 3]);
        Self(k256::ecdsa::SigningKey::from_slice(&key).expect("a scalar below the order"))
    }

    pub(crate) fn address(&self) -> Address {
        let point = self.0.verifying_key().to_encoded_point(false);
        let hash = Keccak256::digest(&point.as_bytes()[1..]);
        Address::parse(&format!("0x{}", hex::encode(&hash[12..]))).expect("an address")
    }

    pub(crate) fn identifier(&self) -> Identifier {
        Identifier::Ethereum(self.address())
    }

    /// `personal_sign`: r, s, v.
    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        let (signature, recovery) = self
            .0
            .sign_prehash_recoverable(&eip191_hash(text.as_bytes()))
            .expect("the hash is long enough");
        [signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat()
    }
}

/// One installation of somebody.
pub(crate) struct Person {
    pub(crate) wallet: Wallet,
    pub(crate) client: Client,
    file: Option<PathBuf>,
    url: String,
    machine: TestMachine,
}

/// Closes a client. Its tasks, which hold it while they work, see that when they are next run: only then is its file free,
/// and a disk in memory must not be opened twice, since each connection has the index of the WAL to itself.
async fn let_go(client: Client) {
    client.close();
    drop(client);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

impl Person {
    pub(crate) async fn open(
        wallet: &Wallet,
        file: Option<PathBuf>,
        url: &str,
        machine: &TestMachine,
    ) -> Result<Self, ClientError> {
        Self::open_with(
            ClientOptions {
                // Stories that are not about it count on being alone with the node.
                device_sync: false,
                ..ClientOptions::new(wallet.identifier())
            },
            wallet,
            file,
            url,
            machine,
        )
        .await
    }

    /// Closes the app and opens it again on the same file, as another version.
    pub(crate) async fn reopened_as(self, version: &str) -> Self {
        let Self {
            wallet,
            client,
            file,
            url,
            machine,
        } = self;
        assert!(file.is_some(), "only a file can be opened again");
        let_go(client).await;
        let options = ClientOptions {
            protocol_version: version.into(),
            ..ClientOptions::new(wallet.identifier())
        };
        Self::open_with(options, &wallet, file, &url, &machine)
            .await
            .expect("the client opens")
    }

    pub(crate) async fn open_with(
        options: ClientOptions,
        wallet: &Wallet,
        file: Option<PathBuf>,
        url: &str,
        machine: &TestMachine,
    ) -> Result<Self, ClientError> {
        let options_of_store = file.clone().map_or_else(StoreOptions::memory, StoreOptions::file);
        let store = Store::open(options_of_store)?;
        let platform = Rc::new(machine.clone());
        let client = Client::open_or_create(options, store, api(url, machine), platform).await?;
        Ok(Self {
            wallet: wallet.clone(),
            client,
            file,
            url: url.to_owned(),
            machine: machine.clone(),
        })
    }

    pub(crate) fn inbox_id(&self) -> InboxId {
        self.client.inbox_id()
    }

    pub(crate) async fn sign_and_register(&self) -> Result<(), ClientError> {
        if let Some(text) = self.client.signature_text() {
            self.client.add_ecdsa_signature(&self.wallet.sign(&text))?;
        }
        self.client.register().await
    }

    /// Closes the app and opens it again on the same file.
    pub(crate) async fn reopened(self) -> Self {
        let url = self.url.clone();
        self.reopened_at(&url).await.expect("the client opens")
    }

    /// The same, with another node.
    pub(crate) async fn reopened_at(self, url: &str) -> Result<Self, ClientError> {
        let Self {
            wallet,
            client,
            file,
            machine,
            ..
        } = self;
        assert!(file.is_some(), "only a file can be opened again");
        let_go(client).await;
        Self::open(&wallet, file, url, &machine).await
    }

    pub(crate) async fn sync(&self) {
        self.client.sync_all().await.expect("syncs");
    }

    /// Makes a group of which the others do not know yet.
    pub(crate) async fn create_group(
        &self,
        others: &[&Person],
        new: &NewGroup,
    ) -> Result<GroupHandle, ClientError> {
        let members: Vec<_> = others.iter().map(|other| other.inbox_id()).collect();
        self.client.conversations().create_group(&members, new).await
    }

    /// Makes a group; the others join it.
    pub(crate) async fn group_with(&self, others: &[&Person]) -> GroupHandle {
        let made = self.create_group(others, &NewGroup::default()).await;
        let group = made.expect("a group");
        for other in others {
            other.sync().await;
        }
        group
    }

    /// A conversation that is known here.
    pub(crate) fn group(&self, id: GroupId) -> GroupHandle {
        self.find(id).expect("the conversation is known")
    }

    pub(crate) fn find(&self, id: GroupId) -> Option<GroupHandle> {
        self.client
            .conversations()
            .by_id(id)
            .expect("the database answers")
    }

    /// Sends a text in a conversation.
    pub(crate) async fn say(&self, id: GroupId, text: &str) -> MessageId {
        self.group(id)
            .send_text(text, SendOptions::default())
            .await
            .expect("is sent")
    }

    /// Queues a text.
    pub(crate) async fn jot(&self, id: GroupId, text: &str) -> MessageId {
        let options = SendOptions {
            optimistic: true,
            ..Default::default()
        };
        self.group(id).send_text(text, options).await.expect("is queued")
    }

    /// What people said in a conversation, oldest first.
    pub(crate) fn messages(&self, id: GroupId) -> Vec<MessageRow> {
        let options = MessageOptions {
            kind: Some(MessageKind::Application),
            ..Default::default()
        };
        self.group(id).messages(&options).expect("the database answers")
    }

    /// How many messages of people the database holds, those included whose time is over: for them the clock must
    /// have been set forward.
    pub(crate) fn stored_messages(&self, id: GroupId) -> usize {
        self.machine.as_at_first(|| self.messages(id).len())
    }

    pub(crate) fn texts(&self, id: GroupId) -> Vec<String> {
        self.messages(id).iter().map(text_of).collect()
    }

    pub(crate) fn ids(&self, id: GroupId) -> Vec<MessageId> {
        self.messages(id).iter().map(|message| message.id).collect()
    }

    pub(crate) fn status(&self, id: MessageId) -> DeliveryStatus {
        self.message(id).expect("the message is known").delivery_status
    }

    pub(crate) fn message(&self, id: MessageId) -> Option<MessageRow> {
        self.client
            .conversations()
            .message(id)
            .expect("the database answers")
    }

    pub(crate) fn name_of(&self, id: GroupId) -> String {
        let view = self.group(id).view().expect("the group is readable");
        view.metadata.get(field::NAME).unwrap_or_default().to_owned()
    }

    pub(crate) fn epoch_of(&self, id: GroupId) -> u64 {
        self.group(id).view().expect("the group is readable").epoch
    }

    pub(crate) fn is_member_of(&self, id: GroupId) -> bool {
        self.group(id).view().expect("the group is readable").is_active
    }

    /// Inboxes of the members, sorted.
    pub(crate) fn members_of(&self, id: GroupId) -> Vec<InboxId> {
        let members = self.group(id).members().expect("the group is readable");
        members.into_iter().map(|member| member.inbox_id).collect()
    }

    /// How many leaves an inbox has in a group.
    pub(crate) fn devices_in(&self, id: GroupId, inbox: InboxId) -> usize {
        let members = self.group(id).members().expect("the group is readable");
        let member = members.into_iter().find(|member| member.inbox_id == inbox);
        member.map_or(0, |member| member.installations.len())
    }

    /// Watches, from a made connection on.
    pub(crate) async fn watch(&self) -> Watch {
        let mut watch = Watch::new(self.client.events().expect("the client is open"));
        watch.connected(&self.client).await;
        watch
    }
}

pub(crate) fn text_of(message: &MessageRow) -> String {
    let content = EncodedContent::decode(&message.content).expect("encoded content");
    text::decode(&content).expect("a text")
}

/// Inboxes of people, sorted.
pub(crate) fn inboxes(people: &[&Person]) -> Vec<InboxId> {
    let mut inboxes: Vec<_> = people.iter().map(|person| person.inbox_id()).collect();
    inboxes.sort();
    inboxes
}

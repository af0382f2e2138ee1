//! The list of XIP-42 on the network: read, written and followed.
//!
//! What is decided counts at once and is noted for the list. Reading takes the list over into the records of consent;
//! writing is asked for, since public nodes take no entries any more.

use std::pin::pin;

use futures::StreamExt as _;
use futures::future::{Either, select};

use super::preferences::Preferences;
use super::{ClientError, Inner};
use crate::groups::Context;
use crate::identity::{Address, Identifier};
use crate::preferences::list::{Action, IdentityKey, List, ecies, records, seal};
use crate::preferences::{Consent, Entity, PreferenceUpdate, consent};
use crate::storage::{ConsentRow, ConsentState};
use crate::transport::TransportError;
use crate::transport::calls::{LegacyEnvelope, LegacyQuery};

/// How many entries a page has: the most that a node gives for one topic of preferences.
const PAGE: u32 = 500;

/// How many envelopes are published at once.
const ENVELOPES_PER_CALL: usize = 50;

/// How many addresses are asked for at once.
const ADDRESSES_PER_CALL: usize = 100;

impl Preferences {
    /// Takes the identity key of the person's V2 key bundle: 32 bytes. It is kept, and names the list from now on.
    ///
    /// # Errors
    /// [`ClientError::Preferences`] for what is no private key of secp256k1, [`ClientError::Storage`],
    /// [`ClientError::Closed`].
    pub fn set_identity_key(&self, bytes: &[u8]) -> Result<(), ClientError> {
        let key = IdentityKey::from_bytes(bytes)?;
        Ok(self.inner()?.store.put_identity_key(key.secret())?)
    }

    /// The key that names and encrypts the list: the one handed over, or else the one that this installation derives from
    /// its own. Other installations must be handed it to share the list.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn identity_key(&self) -> Result<IdentityKey, ClientError> {
        self.inner()?.list_key()
    }

    /// Everything that is decided, as it is known here.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn consent_list(&self) -> Result<Vec<Consent>, ClientError> {
        let rows = self.inner()?.store.consent_records()?;
        let decided = rows.into_iter().filter(|row| row.state != ConsentState::Unknown);
        Ok(decided
            .map(|row| {
                Ok(Consent {
                    entity: Entity::parse(row.entity_type, &row.entity)?,
                    state: row.state,
                })
            })
            .collect::<Result<_, crate::preferences::PreferenceError>>()?)
    }

    /// Stores what the app decided before it used these preferences. It counts where nothing is known.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn import_consent(&self, decisions: &[Consent]) -> Result<(), ClientError> {
        let inner = self.inner()?;
        inner.decide_with(|context| consent::import(context, decisions))
    }

    /// What was decided about a person by their wallet. The node is asked whose it is, once.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::Storage`], [`ClientError::Closed`].
    pub async fn address_state(&self, address: &Address) -> Result<ConsentState, ClientError> {
        let inner = self.inner()?;
        if consent::inbox_of(&inner.context(), address)?.is_none() {
            inner.learn_addresses(std::slice::from_ref(address)).await?;
        }
        self.consent_state(&Entity::Address(address.clone()))
    }

    /// Reads the whole list, and takes over what is newer than what is known here. What changed is told to those who watch
    /// and to the own other installations.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::Storage`], [`ClientError::Closed`].
    pub async fn refresh_consent_list(&self) -> Result<(), ClientError> {
        let inner = self.inner()?;
        let list = inner.read_list(&inner.list_key()?).await?;
        inner.apply_list(&list).await
    }

    /// Writes what was decided here to the list, by the four rules of XIP-42. Answers how many entries were written.
    ///
    /// # Errors
    /// [`TransportError::Ended`] from a node that takes no entries any more: what was decided holds, and stays noted.
    /// Others of [`ClientError::Transport`], [`ClientError::Storage`], [`ClientError::Closed`].
    pub async fn publish_consent_list(&self) -> Result<usize, ClientError> {
        let inner = self.inner()?;
        if inner.store.unpublished_consent()?.is_empty() {
            return Ok(0);
        }
        let key = inner.list_key()?;
        let list = inner.read_list(&key).await?;
        // The rules are about what the list says now, also where it was written elsewhere.
        inner.apply_list(&list).await?;
        let context = inner.context();
        let due = inner
            .store
            .transaction(|tx| records::due(&context.with(tx), &list))?;
        let mut written = 0;
        for publications in due.chunks(ENVELOPES_PER_CALL) {
            let envelopes = publications
                .iter()
                .map(|one| inner.seal(&key, &one.action, one.written_ns))
                .collect::<Result<_, _>>()?;
            inner.api.legacy_publish(envelopes).await?;
            let notes: Vec<&ConsentRow> = publications.iter().flat_map(|one| &one.notes).collect();
            inner
                .store
                .transaction(|tx| notes.iter().try_for_each(|note| tx.mark_listed(note)))?;
            written += notes.len();
        }
        Ok(written)
    }

    /// Reads the list and goes on with what is written to it, until the client is closed. What changes is an
    /// [`Event::Preferences`](super::Event::Preferences).
    ///
    /// # Errors
    /// [`ClientError::Transport`] once the connection breaks: call it again, nothing is missed.
    pub async fn follow_consent_list(&self) -> Result<(), ClientError> {
        let inner = self.inner()?;
        let followed = pin!(inner.follow_list());
        let closed = pin!(inner.closing.wait());
        match select(followed, closed).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => Ok(()),
        }
    }
}

impl Inner {
    fn list_key(&self) -> Result<IdentityKey, ClientError> {
        Ok(match self.store.identity_key()? {
            Some(bytes) => IdentityKey::from_bytes(bytes.as_slice())?,
            None => IdentityKey::of_installation(&self.key.seed())?,
        })
    }

    /// Both topics from their beginning, the older form first.
    async fn read_list(&self, key: &IdentityKey) -> Result<List, ClientError> {
        let mut list = List::default();
        for topic in [key.topic_of_2023(), key.topic()] {
            let mut query = LegacyQuery {
                content_topics: vec![topic],
                limit: PAGE,
                ascending: true,
                ..LegacyQuery::default()
            };
            loop {
                let page = self.api.legacy_query(&query).await?;
                for envelope in &page.envelopes {
                    replay(&mut list, key, envelope);
                }
                if page.next.is_none() {
                    break;
                }
                query.cursor = page.next;
            }
        }
        Ok(list)
    }

    async fn apply_list(&self, list: &List) -> Result<(), ClientError> {
        let unknown = records::unknown_addresses(&self.context(), list)?;
        self.learn_addresses(&unknown).await?;
        let context = self.context();
        let changed = self
            .store
            .transaction(|tx| records::apply(&context.with(tx), list))?;
        self.tell_preferences(changed.into_iter().map(PreferenceUpdate::Consent).collect());
        Ok(())
    }

    /// Asks the node whose addresses these are. What was decided about them is about their inboxes from now on.
    async fn learn_addresses(&self, addresses: &[Address]) -> Result<(), ClientError> {
        for addresses in addresses.chunks(ADDRESSES_PER_CALL) {
            let asked: Vec<_> = addresses.iter().cloned().map(Identifier::Ethereum).collect();
            let inboxes = self.inbox_ids(&asked).await?;
            let context = self.context();
            let changed = self.store.transaction(|tx| {
                let context = context.with(tx);
                let mut changed = Vec::new();
                for (address, inbox) in addresses.iter().zip(inboxes) {
                    if let Some(inbox_id) = inbox {
                        changed.extend(records::learn(&context, address, inbox_id)?);
                    }
                }
                Ok::<_, crate::preferences::PreferenceError>(changed)
            })?;
            self.tell_preferences(changed.into_iter().map(PreferenceUpdate::Consent).collect());
        }
        Ok(())
    }

    async fn follow_list(&self) -> Result<(), ClientError> {
        let key = self.list_key()?;
        // Subscribed before it is read: what is written in between comes twice instead of never.
        let mut envelopes = self.api.legacy_subscribe(vec![key.topic()]).await?;
        let list = self.read_list(&key).await?;
        self.apply_list(&list).await?;
        while let Some(envelope) = envelopes.next().await {
            let mut list = List::default();
            replay(&mut list, &key, &envelope?);
            self.apply_list(&list).await?;
        }
        let message = "the stream of the list ended".to_owned();
        Err(TransportError::Unavailable { message }.into())
    }

    fn seal(
        &self,
        key: &IdentityKey,
        action: &Action,
        written_ns: u64,
    ) -> Result<LegacyEnvelope, ClientError> {
        let mut fresh = seal::Freshness {
            salt: [0; seal::SALT_LEN],
            nonce: [0; seal::NONCE_LEN],
        };
        self.platform.random(&mut fresh.salt);
        self.platform.random(&mut fresh.nonce);
        let message = seal::encrypt(key.public(), key.secret().as_slice(), &action.encode(), &fresh)?;
        Ok(LegacyEnvelope {
            content_topic: key.topic(),
            timestamp_ns: written_ns,
            message,
        })
    }

    /// Decides in one transaction, and tells what it changed.
    pub(super) fn decide_with(
        &self,
        decide: impl FnOnce(&Context<'_>) -> Result<Vec<Consent>, crate::preferences::PreferenceError>,
    ) -> Result<(), ClientError> {
        let context = Context {
            // Decisions are told apart by their time.
            now_ns: self.unique_now_ns(),
            ..self.context()
        };
        let changed = self.store.transaction(|tx| decide(&context.with(tx)))?;
        self.tell_preferences(changed.into_iter().map(PreferenceUpdate::Consent).collect());
        self.wake_device_sync();
        Ok(())
    }
}

/// Takes one envelope into a list. What does not decrypt or decode is passed over: anybody can write to a topic.
fn replay(list: &mut List, key: &IdentityKey, envelope: &LegacyEnvelope) {
    let opened = if envelope.content_topic == key.topic() {
        seal::decrypt(key.public(), key.secret().as_slice(), &envelope.message).map(|plain| plain.to_vec())
    } else {
        ecies::decrypt(key, &envelope.message)
    };
    match opened.and_then(|plain| Action::decode_all(&plain)) {
        Ok(actions) => {
            for action in &actions {
                list.replay(envelope.timestamp_ns, action);
            }
        }
        Err(error) => tracing::info!(%error, "an entry of the list was passed over"),
    }
}

//! Opening a client and putting its installation into the identity log.
//!
//! Three flows: a new inbox, a new installation of an existing inbox, and both with a smart-contract wallet,
//! whose signature the node confirms. Each step is stored before the next request goes out or the wallet is asked, so
//! a crash in between continues with the same installation key instead of using up another installation.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::lock::Mutex;

use super::begun::{Pending, begun, is_only_begun};
use super::device_sync::DeviceSync;
use super::identities::RecentLooks;
use super::{Client, ClientError, ClientOptions, Inner, accounts, checkpoint, expiry, streams};
use crate::error::Coded as _;
use crate::identity::{
    AccountId, Address, Identifier, IdentityUpdate, InstallationKey, Passkey, PasskeySignature,
    SignatureRequest, derive_inbox_id,
};
use crate::ids::InboxId;
use crate::platform::Platform;
use crate::storage::{
    HmacKey, IdentifierKind, IdentityRow, InstallationSeed, PreferencesRow, RegistrationState, Store,
};
use crate::transport::calls::NodeApi;
use crate::transport::files::Files;

impl Client {
    /// The inbox an identifier has, or would get with this nonce.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::Identity`].
    pub async fn inbox_id_for(
        api: &NodeApi,
        identifier: &Identifier,
        nonce: u64,
    ) -> Result<InboxId, ClientError> {
        let asked = super::identities::wire(identifier);
        match api.inbox_ids(&[asked]).await?.into_iter().next().flatten() {
            Some(inbox_id) => Ok(inbox_id),
            None => Ok(derive_inbox_id(identifier, nonce)?),
        }
    }

    /// Opens a client on a database: one that was opened before continues, a fresh one gets an installation
    /// key and a registration that waits for signatures.
    ///
    /// # Errors
    /// - [`ClientError::InboxMismatch`]: the database, the options and the identifier do not belong together;
    /// - [`ClientError::Identity`] with too-many-installations before anything is signed;
    /// - [`ClientError::Transport`]: only where the database does not hold a registered installation.
    pub async fn open_or_create(
        options: ClientOptions,
        store: Store,
        api: NodeApi,
        platform: Rc<dyn Platform>,
    ) -> Result<Self, ClientError> {
        match store.identity()? {
            Some(row) if !is_only_begun(&row) => Self::reopen(&options, row, store, api, platform).await,
            begun => Self::create(options, begun, store, api, platform).await,
        }
    }

    async fn reopen(
        options: &ClientOptions,
        row: IdentityRow,
        store: Store,
        api: NodeApi,
        platform: Rc<dyn Platform>,
    ) -> Result<Self, ClientError> {
        if let Some(expected) = options.inbox_id
            && expected != row.inbox_id
        {
            return Err(ClientError::InboxMismatch {
                expected,
                found: row.inbox_id,
            });
        }
        if identifier_columns(&options.identifier) != (row.identifier.clone(), row.identifier_kind) {
            // Another wallet or passkey of the same inbox is welcome; whose it is, the node knows.
            let found = Self::inbox_id_for(&api, &options.identifier, options.nonce).await?;
            if found != row.inbox_id {
                return Err(ClientError::InboxMismatch {
                    expected: row.inbox_id,
                    found,
                });
            }
        }
        let key = InstallationKey::from_seed(row.installation_seed.as_bytes());
        let registered = row.registration == RegistrationState::Registered;
        let client = Self::assemble(
            (options.identifier.clone(), row.inbox_id, row.nonce),
            key,
            store,
            api,
            platform,
            options.protocol_version.clone(),
            (options.device_sync, options.files.clone()),
        )?;
        client.inner.registered.set(registered);
        if registered {
            client.inner.recall_revocation()?;
            client.inner.live.unconfirmed.recall(&client.inner.store)?;
            client.inner.wake_device_sync();
            // What is stored is enough to read and to write: the node need not be there.
            return Ok(client);
        }
        let inner = &client.inner;
        inner.load_identities(&[row.inbox_id]).await?;
        if inner.is_in_log().await? {
            inner.finish_registration()?;
        } else {
            match Pending::of(&row) {
                Pending::Signed(_) => {}
                waiting => client.start_registration(&waiting).await?,
            }
        }
        Ok(client)
    }

    /// A new installation, or the one that was begun if it is of the same inbox and wallet.
    async fn create(
        options: ClientOptions,
        begun: Option<IdentityRow>,
        store: Store,
        api: NodeApi,
        platform: Rc<dyn Platform>,
    ) -> Result<Self, ClientError> {
        let inbox_id = Self::inbox_id_for(&api, &options.identifier, options.nonce).await?;
        if let Some(expected) = options.inbox_id
            && expected != inbox_id
        {
            return Err(ClientError::InboxMismatch {
                expected,
                found: inbox_id,
            });
        }
        let names = identifier_columns(&options.identifier);
        let begun = begun.filter(|row| {
            (row.inbox_id, row.nonce) == (inbox_id, options.nonce)
                && names == (row.identifier.clone(), row.identifier_kind)
        });
        let (key, pending) = match &begun {
            Some(row) => {
                let key = InstallationKey::from_seed(row.installation_seed.as_bytes());
                (key, Pending::of(row))
            }
            None => (InstallationKey::generate()?, Pending::Nothing),
        };
        let client = Self::assemble(
            (options.identifier, inbox_id, options.nonce),
            key,
            store,
            api,
            platform,
            options.protocol_version,
            (options.device_sync, options.files),
        )?;
        client.start_registration(&pending).await?;
        Ok(client)
    }

    fn assemble(
        (identifier, inbox_id, nonce): (Identifier, InboxId, u64),
        key: InstallationKey,
        mut store: Store,
        api: NodeApi,
        platform: Rc<dyn Platform>,
        own_version: String,
        (device_sync, files): (bool, Option<Rc<dyn Files>>),
    ) -> Result<Self, ClientError> {
        let written = checkpoint::commits_of(&mut store)?;
        let (alarm, rung) = expiry::Alarm::new();
        let inner = Rc::new_cyclic(|myself| Inner {
            myself: myself.clone(),
            store,
            api,
            platform,
            key,
            inbox_id,
            identifier,
            nonce,
            own_version,
            request: RefCell::new(None),
            registered: Cell::new(false),
            revoked: Cell::new(false),
            judged_own_log: Cell::new(0),
            own_log_read_ns: Cell::new(i64::MIN),
            recent_looks: RecentLooks::default(),
            key_packages_kept: Cell::new(false),
            last_request_ns: Cell::new(0),
            closing: super::events::Closing::default(),
            events: Rc::default(),
            live: streams::Live::default(),
            views: RefCell::default(),
            alarm,
            groups: RefCell::new(HashMap::new()),
            welcomes: Mutex::new(()),
            identity: Mutex::new(()),
            direct_messages: Mutex::new(()),
            device_sync: DeviceSync::new(device_sync, files),
            last_unique_ns: Cell::new(0),
        });
        let cleaning = expiry::delete_when_due(Rc::downgrade(&inner), rung);
        inner.platform.spawn(cleaning.boxed_local());
        let emptying = checkpoint::when_quiet(Rc::downgrade(&inner), written);
        inner.platform.spawn(emptying.boxed_local());
        Ok(Self { inner })
    }

    /// Works out what must be signed, and stores that it waits.
    async fn start_registration(&self, pending: &Pending) -> Result<(), ClientError> {
        let inner = &self.inner;
        let (identifier, installation) = (inner.identifier.clone(), inner.key.id());
        inner.load_identities(&[inner.inbox_id]).await?;
        let now = pending.time(inner.platform.now_ns());
        let mut request = if inner.store.latest_identity_sequence(&inner.inbox_id)? == 0 {
            let request = SignatureRequest::new_inbox(identifier, inner.nonce, installation, now)?;
            if request.inbox_id() != inner.inbox_id {
                return Err(ClientError::InboxMismatch {
                    expected: inner.inbox_id,
                    found: request.inbox_id(),
                });
            }
            request
        } else {
            let state = inner.newest_state(inner.inbox_id).await?;
            SignatureRequest::new_installation(&state, identifier, installation, now)?
        };
        request.add_installation(&inner.key)?;
        let row = inner.identity_row(begun(inner.inbox_id, now));
        inner.store.transaction(|tx| match tx.identity()? {
            Some(own) if own.installation_seed == row.installation_seed => {
                tx.set_pending_identity_update(row.pending_update.as_deref())
            }
            _ => tx.replace_identity(&row),
        })?;
        inner.request.replace(Some(request));
        Ok(())
    }

    /// The text that the wallet must sign; `None` when nothing is left to sign.
    #[must_use]
    pub fn signature_text(&self) -> Option<String> {
        let request = self.inner.request.borrow();
        let request = request.as_ref()?;
        (!request.missing_signers().is_empty()).then(|| request.text().to_owned())
    }

    /// Adds the wallet's `personal_sign` signature (65 bytes) of [`signature_text`](Self::signature_text).
    ///
    /// # Errors
    /// [`ClientError::Identity`]: wrong-signer when another key signed; nothing is changed.
    pub fn add_ecdsa_signature(&self, signature: &[u8]) -> Result<(), ClientError> {
        self.open()?
            .sign_request(|request| Ok(request.add_ecdsa(signature)?))
    }

    /// Adds a passkey's assertion over [`signature_text`](Self::signature_text).
    ///
    /// # Errors
    /// [`ClientError::Identity`]: invalid-passkey-signature or wrong-signer.
    pub fn add_passkey_signature(&self, assertion: PasskeySignature) -> Result<(), ClientError> {
        self.open()?
            .sign_request(|request| Ok(request.add_passkey(assertion)?))
    }

    /// Adds a smart-contract wallet's signature, once the node has confirmed it.
    ///
    /// # Errors
    /// [`ClientError::Identity`]: contract-refused or wrong-signer; [`ClientError::Transport`].
    pub async fn add_contract_signature(
        &self,
        address: &Address,
        chain_id: u64,
        block_number: Option<u64>,
        signature: &[u8],
    ) -> Result<(), ClientError> {
        let inner = self.open()?;
        let Some(text) = self.signature_text() else {
            return Ok(());
        };
        let account = AccountId::new(chain_id, address);
        let block =
            super::pending::confirm_contract(&inner.api, &text, &account, block_number, signature).await?;
        inner.sign_request(|request| {
            let question = request.contract_question(account.clone(), block, signature);
            crate::identity::store_answer(&inner.store, &question, true)?;
            Ok(request.add_contract(account, block, signature)?)
        })
    }

    /// Publishes this installation: key package first, so that whoever sees the installation can add it.
    /// Does nothing when it is registered already.
    ///
    /// # Errors
    /// [`ClientError::InstallationRevoked`]; [`ClientError::Identity`] with missing signers;
    /// [`ClientError::Transport`]: call it again, with the
    /// same keys it goes on where it stopped. A node that refuses the update for good, such as a new inbox that
    /// another installation has made meanwhile, leaves a new [`signature_text`](Self::signature_text).
    pub async fn register(&self) -> Result<(), ClientError> {
        let inner = self.open()?;
        let _guard = inner.identity.lock().await;
        inner.check_not_revoked()?;
        if inner.registered.get() {
            return Ok(());
        }
        let update = inner.signed_update()?;
        if let Err(error) = inner.check(&update).await {
            return Err(self.sign_anew_unless_retryable(error).await?);
        }
        if inner
            .store
            .identity()?
            .is_none_or(|row| row.registration == RegistrationState::Created)
        {
            let package = inner.new_key_package()?;
            inner.api.upload_key_package(package.tls.clone()).await?;
            inner.key_package_uploaded(&package)?;
            inner
                .store
                .set_registration(RegistrationState::KeyPackageUploaded)?;
        }
        let published = inner.api.publish_identity_update(update).await;
        // An answer may have been lost on the way: only the log says what was accepted.
        inner.load_identities(&[inner.inbox_id]).await?;
        if !inner.is_in_log().await? {
            if let Err(error) = published {
                return Err(self.sign_anew_unless_retryable(error.into()).await?);
            }
            return Err(ClientError::RegistrationNotVisible);
        }
        inner.finish_registration()?;
        inner.wake_device_sync();
        Ok(())
    }

    /// An update that will not be accepted leaves another text to sign. Answers the error it failed with.
    async fn sign_anew_unless_retryable(&self, error: ClientError) -> Result<ClientError, ClientError> {
        if !error.is_retryable() {
            self.inner.store.set_pending_identity_update(None)?;
            self.start_registration(&Pending::Nothing).await?;
        }
        Ok(error)
    }
}

impl Inner {
    /// Adds a signature to what waits for one, if anything does. The last one is stored with the update: whoever opens
    /// the database next publishes it.
    fn sign_request(
        &self,
        add: impl FnOnce(&mut SignatureRequest) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut waiting = self.request.borrow_mut();
        let Some(request) = waiting.as_mut() else {
            return Ok(());
        };
        add(request)?;
        if request.missing_signers().is_empty() {
            let update = request.build()?.to_bytes();
            self.store.set_pending_identity_update(Some(&update))?;
        }
        Ok(())
    }

    /// The update to publish.
    fn signed_update(&self) -> Result<Vec<u8>, ClientError> {
        let row = self.store.identity()?.ok_or(ClientError::NotRegistered)?;
        match (Pending::of(&row), self.request.borrow().as_ref()) {
            (Pending::Signed(update), _) => Ok(update),
            // Nobody has signed: says who is missing.
            (_, Some(request)) => Ok(request.build()?.to_bytes()),
            (_, None) => Err(ClientError::NotRegistered),
        }
    }

    /// Verifies an own update as everybody else will.
    async fn check(&self, update: &[u8]) -> Result<(), ClientError> {
        let update = &IdentityUpdate::from_bytes(update)?;
        if self.store.latest_identity_sequence(&self.inbox_id)? == 0 {
            crate::identity::AssociationState::replay([&accounts::verified(update)?])?;
        } else {
            accounts::check(&self.newest_state(self.inbox_id).await?, update)?;
        }
        Ok(())
    }

    fn identity_row(&self, pending_update: Vec<u8>) -> IdentityRow {
        let (identifier, identifier_kind) = identifier_columns(&self.identifier);
        IdentityRow {
            inbox_id: self.inbox_id,
            installation_seed: InstallationSeed::new(*self.key.seed()),
            identifier,
            identifier_kind,
            nonce: self.nonce,
            registration: RegistrationState::Created,
            pending_update: Some(pending_update),
            next_key_package_rotation_ns: None,
        }
    }

    /// Whether the stored log of the own inbox has this installation.
    async fn is_in_log(&self) -> Result<bool, ClientError> {
        if self.store.latest_identity_sequence(&self.inbox_id)? == 0 {
            return Ok(false);
        }
        Ok(self
            .newest_state(self.inbox_id)
            .await?
            .has_installation(self.key.id()))
    }

    fn finish_registration(&self) -> Result<(), ClientError> {
        let mut root = [0u8; 42];
        self.platform.random(&mut root);
        self.store.transaction(|tx| {
            tx.set_registration(RegistrationState::Registered)?;
            tx.set_pending_identity_update(None)?;
            if tx.preferences()?.is_none() {
                tx.apply_hmac_key(&PreferencesRow {
                    hmac_key: HmacKey::new(root),
                    hmac_key_cycled_at_ns: self.now_ns(),
                })?;
            }
            Ok::<_, ClientError>(())
        })?;
        self.request.replace(None);
        self.registered.set(true);
        Ok(())
    }
}

/// An identifier as it is stored.
fn identifier_columns(identifier: &Identifier) -> (String, IdentifierKind) {
    match identifier {
        Identifier::Ethereum(address) => (address.as_str().to_owned(), IdentifierKind::Ethereum),
        Identifier::Passkey(Passkey { key, .. }) => (hex::encode(key), IdentifierKind::Passkey),
    }
}

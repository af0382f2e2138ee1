//! A running client: owns the database and the way to the node, and drives the rooms below.
//!
//! Everything that waits for the network is here; every decision is made below, between two waits, inside of
//! one transaction. A [`Client`] is a handle: clones share one client.
//!
//! | file | what |
//! |---|---|
//! | `register.rs`, `begun.rs` | opening, the three registration flows |
//! | `identities.rs` | identity logs of everybody, contract wallets |
//! | `sync.rs` | welcomes and messages in |
//! | `outbox.rs`, `echo.rs`, `welcoming.rs` | what we want out and how it comes back, and welcomes after our commits |
//! | `conversations.rs`, `group.rs`, `dm.rs`, `leaving.rs`, `settings.rs`, `preferences.rs` | what an app calls |
//! | `views.rs` | what a list has read of conversations |
//! | `removals.rs` | removing messages for everybody, messages as people see them |
//! | `consent_list.rs` | the list of XIP-42 |
//! | `archives.rs` | everything in one encrypted file |
//! | `history.rs` | asking other installations for what was said before, and answering them |
//! | `device_sync.rs` | what the own installations tell each other |
//! | `events.rs`, `streams.rs`, `filter.rs`, `network.rs` | what an app watches, and what its page knows of the network |
//! | `push.rs`, `received.rs` | what push notifications take |
//! | `expiry.rs` | messages whose time is over |
//! | `checkpoint.rs` | emptying the database's WAL when nothing happens |
//! | `debug.rs` | the inside of a conversation |
//! | `key_packages.rs` | rotation and deletion |
//! | `accounts.rs`, `pending.rs` | changes of the own inbox and their signatures |
//! | `installation.rs` | what the installation's key does for an app; key packages of others |
//! | `directory.rs` | looking at inboxes, and revoking, without an installation |
//! | `revocation.rs` | noticing that this installation was revoked |

mod accounts;
mod archives;
mod begun;
mod checkpoint;
mod consent_list;
mod conversations;
mod debug;
mod device_sync;
mod directory;
mod dm;
mod echo;
mod error;
mod events;
mod expiry;
mod filter;
mod group;
mod history;
mod identities;
mod installation;
mod joining;
mod key_packages;
mod leaving;
mod network;
mod options;
mod outbox;
mod pending;
mod preferences;
mod push;
mod received;
mod register;
mod removals;
mod revocation;
mod settings;
mod streams;
mod sync;
mod unconfirmed;
mod views;
mod welcoming;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use futures::lock::Mutex;

pub use conversations::{Conversations, ListOptions};
pub use debug::{DebugInfo, PublishedHistory};
pub use device_sync::SyncSummary;
pub use directory::Directory;
pub use error::ClientError;
pub use events::{ConnectionState, Event, EventStream};
pub use filter::StreamFilter;
pub use group::{GroupHandle, MessageOptions, SendOptions};
pub use installation::KeyPackageStatus;
pub use network::Network;
pub use options::ClientOptions;
pub use pending::PendingUpdate;
pub use preferences::Preferences;
pub use push::PushKey;
pub use removals::{RemoveOptions, TypedSendOptions};

use crate::groups::Context;
use crate::identity::{Identifier, InstallationKey, SignatureRequest};
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::platform::Platform;
use crate::storage::Store;
use crate::transport::calls::NodeApi;

/// A person's inbox on this installation. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Rc<Inner>,
}

struct Inner {
    /// For what goes on in the background.
    myself: Weak<Inner>,
    store: Store,
    api: NodeApi,
    platform: Rc<dyn Platform>,
    key: InstallationKey,
    inbox_id: InboxId,
    identifier: Identifier,
    /// What a new inbox is derived with.
    nonce: u64,
    /// What minimum versions are compared with.
    own_version: String,
    /// The registration that waits for signatures.
    request: RefCell<Option<SignatureRequest>>,
    registered: Cell<bool>,
    /// The identity log does not have this installation any more.
    revoked: Cell<bool>,
    /// Up to which update of the own log that is known.
    judged_own_log: Cell<u64>,
    /// When a sync last read the own log.
    own_log_read_ns: Cell<i64>,
    recent_looks: identities::RecentLooks,
    /// A task looks after the key packages.
    key_packages_kept: Cell<bool>,
    /// The time of the last change of the inbox that was asked for.
    last_request_ns: Cell<u64>,
    closing: events::Closing,
    events: Rc<events::Hub>,
    live: streams::Live,
    views: RefCell<views::Views>,
    alarm: expiry::Alarm,
    /// One sync, send or streamed message of a group at a time.
    groups: RefCell<HashMap<GroupId, Rc<Mutex<()>>>>,
    /// One sync of welcomes at a time.
    welcomes: Mutex<()>,
    /// One registration or key-package rotation at a time.
    identity: Mutex<()>,
    /// One direct message is looked for and made at a time: the next one finds it.
    direct_messages: Mutex<()>,
    device_sync: device_sync::DeviceSync,
    /// The last time that was given out as unique.
    last_unique_ns: Cell<i64>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("inbox_id", &self.inbox_id)
            .field("registered", &self.registered)
            .finish()
    }
}

impl Client {
    /// The person's inbox.
    #[must_use]
    pub fn inbox_id(&self) -> InboxId {
        self.inner.inbox_id
    }

    /// This installation.
    #[must_use]
    pub fn installation_id(&self) -> InstallationId {
        self.inner.key.id()
    }

    /// The wallet or passkey the client was opened with.
    #[must_use]
    pub fn identifier(&self) -> &Identifier {
        &self.inner.identifier
    }

    /// Whether this installation is in the inbox's identity log, as far as that was read.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.inner.registered.get() && !self.inner.revoked.get()
    }

    /// The protocol version that minimum versions of groups are compared with (XIP-72).
    #[must_use]
    pub fn protocol_version(&self) -> &str {
        &self.inner.own_version
    }

    /// Conversations.
    #[must_use]
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.clone())
    }

    /// How many statements the database has run: what a call costs, for tests.
    #[must_use]
    pub fn statements_run(&self) -> u64 {
        self.inner.store.statements_run()
    }

    /// The same of transactions.
    #[must_use]
    pub fn transactions_run(&self) -> u64 {
        self.inner.store.transactions_run()
    }

    /// Encrypts the database with another key.
    ///
    /// # Errors
    /// What [`Store::rekey`] answers.
    #[cfg(target_arch = "wasm32")]
    pub fn rekey(&self, key: &crate::storage::DatabaseKey) -> Result<(), ClientError> {
        Ok(self.inner.store.rekey(key)?)
    }

    /// Ends all streams and refuses everything from now on. The database is closed when the last clone goes.
    pub fn close(&self) {
        self.inner.closing.tell();
        self.inner.events.close();
    }

    /// Resolves once the client is closed. Whoever waits for a call can give it up then: everything is stored
    /// step by step, so a call may be dropped at any time.
    pub fn until_closed(&self) -> impl Future<Output = ()> + 'static {
        self.inner.closing.wait()
    }

    /// Fails once the client is closed.
    fn open(&self) -> Result<&Inner, ClientError> {
        if self.inner.closing.is_told() {
            Err(ClientError::Closed)
        } else {
            Ok(&self.inner)
        }
    }

    /// Fails unless open, registered and not revoked.
    fn ready(&self) -> Result<&Inner, ClientError> {
        let inner = self.open()?;
        inner.check_not_revoked()?;
        if inner.registered.get() {
            Ok(inner)
        } else {
            Err(ClientError::NotRegistered)
        }
    }
}

impl Inner {
    fn now_ns(&self) -> i64 {
        i64::try_from(self.platform.now_ns()).unwrap_or(i64::MAX)
    }

    /// The time, and never the same twice: some clocks stand still for milliseconds.
    fn unique_now_ns(&self) -> i64 {
        let now = self.now_ns().max(self.last_unique_ns.get().saturating_add(1));
        self.last_unique_ns.set(now);
        now
    }

    /// What operations on groups work with, outside of a transaction.
    fn context(&self) -> Context<'_> {
        Context {
            db: &self.store,
            key: &self.key,
            inbox_id: self.inbox_id,
            now_ns: self.now_ns(),
            own_version: &self.own_version,
        }
    }

    /// The lock of a group.
    fn lock_of(&self, group_id: GroupId) -> Rc<Mutex<()>> {
        Rc::clone(self.groups.borrow_mut().entry(group_id).or_default())
    }
}

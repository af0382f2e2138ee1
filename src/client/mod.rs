//! A running client: owns the database and the way to the node, and drives the rooms below.
//!
//! Everything that waits for the network is here; every decision is made below, between two waits, inside of
//! one transaction. A [`Client`] is a handle: clones share one client.
//!
//! | file | what |
//! |---|---|
//! | `register.rs` | opening, the three registration flows |
//! | `identities.rs` | identity logs of everybody, contract wallets |
//! | `sync.rs` | welcomes and messages in |
//! | `outbox.rs` | what we want out, and welcomes after our commits |
//! | `conversations.rs`, `group.rs`, `dm.rs`, `preferences.rs` | what an app calls |
//! | `archives.rs` | everything in one encrypted file |
//! | `device_sync.rs` | what the own installations tell each other |
//! | `events.rs`, `streams.rs` | what an app watches |
//! | `key_packages.rs` | rotation and deletion |

mod archives;
mod conversations;
mod device_sync;
mod dm;
mod error;
mod events;
mod group;
mod identities;
mod key_packages;
mod options;
mod outbox;
mod preferences;
mod register;
mod streams;
mod sync;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures::lock::Mutex;

pub use conversations::{Conversations, ListOptions};
pub use device_sync::SyncSummary;
pub use error::ClientError;
pub use events::{ConnectionState, Event, EventStream};
pub use group::{GroupHandle, MessageOptions, SendOptions};
pub use options::ClientOptions;
pub use preferences::Preferences;

use crate::groups::Context;
use crate::identity::{Identifier, InstallationKey, SignatureRequest};
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::platform::Platform;
use crate::storage::Store;
use crate::transport::calls::NodeApi;
use crate::version::PROTOCOL_VERSION;

/// A person's inbox on this installation. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Rc<Inner>,
}

struct Inner {
    store: Store,
    api: NodeApi,
    platform: Rc<dyn Platform>,
    key: InstallationKey,
    inbox_id: InboxId,
    identifier: Identifier,
    /// What a new inbox is derived with.
    nonce: u64,
    /// The registration that waits for signatures.
    request: RefCell<Option<SignatureRequest>>,
    registered: Cell<bool>,
    closing: events::Closing,
    events: Rc<events::Hub>,
    live: streams::Live,
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

    /// Whether this installation is in the inbox's identity log.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.inner.registered.get()
    }

    /// Conversations.
    #[must_use]
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.clone())
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

    /// Fails unless open and registered.
    fn ready(&self) -> Result<&Inner, ClientError> {
        let inner = self.open()?;
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
            own_version: PROTOCOL_VERSION,
        }
    }

    /// The lock of a group.
    fn lock_of(&self, group_id: GroupId) -> Rc<Mutex<()>> {
        Rc::clone(self.groups.borrow_mut().entry(group_id).or_default())
    }
}

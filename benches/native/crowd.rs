//! Many members, and states that can be started from again and again.

use std::path::{Path, PathBuf};

use xmtp_web::groups::{GroupMembership, view};
use xmtp_web::identity::{InstallationKey, LogPosition, resolve};
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::mls::{Provider, key_package};
use xmtp_web::storage::{Store, StoreOptions};

use crate::wallet::{Wallet, seed};
use crate::world::{Client, NOW, Node};

/// Members that never say anything: an inbox and a key package, no database.
pub(crate) fn crowd(node: &mut Node, count: usize) -> Vec<InboxId> {
    let scrap = Store::open(StoreOptions::memory()).expect("memory");
    (0..count)
        .map(|index| {
            let number = u16::try_from(1_000 + index).expect("small");
            let (wallet, key) = (Wallet(number), InstallationKey::from_seed(&seed(number)));
            let update = wallet.new_inbox(&key);
            let inbox_id = update.inbox_id;
            node.publish_update(inbox_id, update.to_bytes());
            let package = key_package::generate(&Provider::new(&scrap), &key, inbox_id).expect("made");
            node.packages.insert(key.id(), package.tls);
            inbox_id
        })
        .collect()
}

/// Somebody whose database was closed, to be opened again from a copy.
pub(crate) struct Asleep {
    file: PathBuf,
    number: u16,
    inbox_id: InboxId,
}

impl Asleep {
    /// Closes a client that lies in a file.
    pub(crate) fn new(client: Client, number: u16, file: &Path) -> Self {
        let inbox_id = client.inbox_id;
        client.store.close().expect("closes");
        Self::at(number, file, inbox_id)
    }

    /// A closed database and whose it is.
    pub(crate) fn at(number: u16, file: &Path, inbox_id: InboxId) -> Self {
        Self {
            file: file.to_owned(),
            number,
            inbox_id,
        }
    }

    /// The client as it was, in a file of its own within `directory`.
    pub(crate) fn copy(&self, directory: &Path) -> Client {
        let file = directory.join("copy.db");
        let _ = std::fs::remove_file(&file);
        std::fs::copy(&self.file, &file).expect("copied");
        Client {
            store: Store::open(StoreOptions::file(&file)).expect("opens"),
            key: InstallationKey::from_seed(&seed(self.number)),
            wallet: Wallet(self.number),
            inbox_id: self.inbox_id,
            now_ns: NOW,
            version: "1.10.0",
        }
    }
}

/// Verifies the logs of these inboxes and keeps what they say, as everything that meets them would.
pub(crate) fn get_to_know(client: &Client, inboxes: impl IntoIterator<Item = InboxId>) {
    for inbox_id in inboxes {
        resolve(&client.store, inbox_id, LogPosition::Newest).expect("readable");
    }
}

/// Who is in a group.
pub(crate) fn membership(client: &Client, group: GroupId) -> GroupMembership {
    view::membership(&client.context(), group).expect("decodes")
}

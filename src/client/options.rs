//! How a client is opened.

use std::rc::Rc;

use crate::identity::Identifier;
use crate::ids::InboxId;
use crate::transport::files::Files;
use crate::version::PROTOCOL_VERSION;

/// Who opens a client.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The wallet or passkey.
    pub identifier: Identifier,
    /// The nonce a new inbox is derived with. Ignored where the identifier has an inbox already.
    pub nonce: u64,
    /// The inbox the database must belong to, where the caller knows it.
    pub inbox_id: Option<InboxId>,
    /// The protocol version that minimum versions are compared with (XIP-72). Anything but the default is for
    /// tests: who claims more than is there breaks groups, who claims less is paused.
    pub protocol_version: String,
    /// Whether the installations of the inbox tell each other what was decided.
    pub device_sync: bool,
    /// The way to the servers over which they hand each other their history; `None`: they do not.
    pub files: Option<Rc<dyn Files>>,
}

impl ClientOptions {
    /// With the nonce that web and Node clients use for a new inbox, 1, and with device sync.
    ///
    /// # Source
    /// `@xmtp/browser-sdk` and `@xmtp/node-sdk`; mobile clients use 0.
    #[must_use]
    pub fn new(identifier: Identifier) -> Self {
        Self {
            identifier,
            nonce: 1,
            inbox_id: None,
            protocol_version: PROTOCOL_VERSION.to_owned(),
            device_sync: true,
            files: None,
        }
    }
}

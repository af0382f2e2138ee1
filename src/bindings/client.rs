//! The class `Client`.

use std::rc::Rc;

use js_sys::{Map, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::conversations::Conversations;
use super::convert;
use super::database::Database;
use super::error::EdgeError;
use super::options::{CreateOptions, DatabaseName, database_key};
use super::preferences::Preferences;
use super::session::Session;
use super::stream::{self, Callbacks, StreamHandle};
use crate::client::{self, ConnectionState, Event};
use crate::error::{Coded as _, ErrorCode};
use crate::identity::derive_inbox_id;
use crate::ids::{InboxId, InstallationId};
use crate::platform::Platform;
use crate::platform::web::WebPlatform;
use crate::transport::{CallCounts, CountingTransport, Endpoint, FetchTransport, NodeApi, RetryPolicy};

/// A person's inbox on this installation.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Client {
    pub(super) inner: Rc<Session>,
    inbox_id: InboxId,
    installation_id: InstallationId,
    protocol_version: String,
    counts: CallCounts,
}

#[wasm_bindgen]
impl Client {
    /// Opens a client on its database; a fresh one waits for a signature and [`register`](Self::register).
    #[wasm_bindgen(unchecked_return_type = "Promise<Client>")]
    pub fn create(#[wasm_bindgen(unchecked_param_type = "RawCreateOptions")] options: JsValue) -> Promise {
        future_to_promise(async move { Ok(open(CreateOptions::read(&options)?).await?.into()) })
    }

    /// Lower-case hex, 64 characters.
    #[wasm_bindgen(getter, js_name = inboxId)]
    pub fn inbox_id(&self) -> String {
        self.inbox_id.to_string()
    }

    /// Lower-case hex, 64 characters.
    #[wasm_bindgen(getter, js_name = installationId)]
    pub fn installation_id(&self) -> String {
        self.installation_id.to_string()
    }

    /// The same, 32 bytes.
    #[wasm_bindgen(getter, js_name = installationIdBytes)]
    pub fn installation_id_bytes(&self) -> Uint8Array {
        Uint8Array::from(self.installation_id.as_bytes().as_slice())
    }

    /// Whether this installation is in the inbox's identity log. False once closed.
    #[wasm_bindgen(getter, js_name = isRegistered)]
    pub fn is_registered(&self) -> bool {
        self.inner.client().is_ok_and(|client| client.is_registered())
    }

    /// The libxmtp version whose protocol is spoken. Still known once closed.
    #[wasm_bindgen(getter, js_name = protocolVersion)]
    pub fn protocol_version(&self) -> String {
        self.protocol_version.clone()
    }

    /// The text that the wallet must sign; undefined when nothing is left to sign.
    ///
    /// # Errors
    /// `client.closed`.
    #[wasm_bindgen(js_name = createInboxSignatureText)]
    pub fn create_inbox_signature_text(&self) -> Result<Option<String>, EdgeError> {
        Ok(self.inner.client()?.signature_text())
    }

    /// Adds a wallet's signature, 65 bytes.
    ///
    /// # Errors
    /// `identity.wrong_signer`, `identity.invalid_signature`, `client.closed`.
    #[wasm_bindgen(js_name = addEcdsaSignature)]
    pub fn add_ecdsa_signature(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: JsValue,
    ) -> Result<(), EdgeError> {
        let bytes = convert::bytes("the signature", &bytes)?;
        Ok(self.inner.client()?.add_ecdsa_signature(&bytes)?)
    }

    /// Adds a passkey's assertion over the text.
    ///
    /// # Errors
    /// `identity.wrong_signer`, `identity.invalid_signature`, `client.closed`.
    #[wasm_bindgen(js_name = addPasskeySignature)]
    pub fn add_passkey_signature(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawPasskeySignature")] assertion: JsValue,
    ) -> Result<(), EdgeError> {
        let assertion = convert::passkey_signature(&assertion)?;
        Ok(self.inner.client()?.add_passkey_signature(assertion)?)
    }

    /// Adds a contract wallet's signature, once the node has confirmed it.
    #[wasm_bindgen(js_name = addContractSignature, unchecked_return_type = "Promise<void>")]
    pub fn add_contract_signature(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] address: JsValue,
        #[wasm_bindgen(js_name = chainId, unchecked_param_type = "bigint")] chain_id: JsValue,
        #[wasm_bindgen(js_name = blockNumber, unchecked_param_type = "bigint | undefined")]
        block_number: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let address = convert::address(&convert::text("address", &address)?)?;
            let chain_id = convert::unsigned("chainId", &chain_id)?;
            let block_number = match block_number.is_undefined() {
                true => None,
                false => Some(convert::unsigned("blockNumber", &block_number)?),
            };
            let bytes = convert::bytes("the signature", &bytes)?;
            client
                .add_contract_signature(&address, chain_id, block_number, &bytes)
                .await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Publishes this installation. Does nothing when that is done.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn register(&self) -> Promise {
        self.inner.call(|client| async move {
            client.register().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Which identifiers have an inbox, in the order of the question.
    #[wasm_bindgen(js_name = canMessage, unchecked_return_type = "Promise<boolean[]>")]
    pub fn can_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier[]")] identifiers: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let asked = convert::values("identifiers", &identifiers, |one| {
                convert::identifier_object("an identifier", one)
            })?;
            let found = client.inbox_ids(&asked).await?;
            Ok(found
                .iter()
                .map(|inbox| JsValue::from_bool(inbox.is_some()))
                .collect::<js_sys::Array>()
                .into())
        })
    }

    /// The inbox of an identifier; undefined when there is none.
    #[wasm_bindgen(js_name = inboxIdForIdentifier, unchecked_return_type = "Promise<string | undefined>")]
    pub fn inbox_id_for_identifier(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier")] identifier: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let asked = convert::identifier_object("the identifier", &identifier)?;
            let found = client.inbox_ids(&[asked]).await?;
            let inbox = found.into_iter().next().flatten();
            Ok(inbox.map_or(JsValue::UNDEFINED, |inbox| inbox.to_string().into()))
        })
    }

    /// The conversations.
    pub fn conversations(&self) -> Conversations {
        Conversations::new(&self.inner)
    }

    /// Whom and what the person lets in.
    pub fn preferences(&self) -> Preferences {
        Preferences::new(&self.inner)
    }

    /// How streams are connected to the node. `idle` once closed.
    #[wasm_bindgen(js_name = connectionState, unchecked_return_type = "ConnectionState")]
    pub fn connection_state(&self) -> String {
        let state = self
            .inner
            .client()
            .map_or(ConnectionState::Idle, |client| client.connection_state());
        stream::connection(state).to_owned()
    }

    /// How often each call of the node was made since this was opened or the counts cleared, by its name: each attempt, as
    /// a node would count them.
    #[wasm_bindgen(js_name = callCounts, unchecked_return_type = "Map<string, bigint>")]
    pub fn call_counts(&self) -> Map {
        let counts = Map::new();
        for (method, count) in self.counts.all() {
            counts.set(&method.name().into(), &count.into());
        }
        counts
    }

    /// Counts from 0 again.
    #[wasm_bindgen(js_name = clearCallCounts)]
    pub fn clear_call_counts(&self) {
        self.counts.clear();
    }

    /// Takes what the page knows: whether there is a network, and whether the window is in sight.
    ///
    /// # Errors
    /// `client.closed`.
    #[wasm_bindgen(js_name = setNetwork)]
    pub fn set_network(&self, online: bool, visible: bool) -> Result<(), EdgeError> {
        let network = client::Network { online, visible };
        Ok(self.inner.client()?.set_network(network)?)
    }

    /// Tells each change of [`connection_state`](Self::connection_state). Connects, as every stream does.
    ///
    /// # Errors
    /// `argument.invalid`, `identity.not_registered`, `client.closed`.
    #[wasm_bindgen(js_name = streamConnection)]
    pub fn stream_connection(
        &self,
        #[wasm_bindgen(js_name = onState, unchecked_param_type = "(state: ConnectionState) => void")]
        on_state: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::state_only(&on_state)?;
        stream::open(&self.inner, callbacks, |_, event| match event {
            Event::Connection(state) => Ok(Some(stream::connection(*state).into())),
            _ => Ok(None),
        })
    }

    /// Encrypts the database with another key, 32 bytes.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.full`, `storage.failed`: the key is the same as before then.
    pub fn rekey(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] key: JsValue,
    ) -> Result<(), EdgeError> {
        let key = database_key(&key)?.ok_or_else(|| EdgeError::Argument("a key is missing".into()))?;
        Ok(self.inner.client()?.rekey(&key)?)
    }

    /// Ends streams and calls under way, and gives the database's files back.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self) -> Promise {
        let session = Rc::clone(&self.inner);
        future_to_promise(async move {
            session.close().await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// How often the inbox of an address is asked for again before the database that is there is believed: a page
/// without a network must not wait for long.
const LOOKUP_RETRIES: u32 = 2;

/// Finds and opens the database, and a client on it. A failure leaves nothing taken.
async fn open(options: CreateOptions) -> Result<Client, EdgeError> {
    let platform: Rc<dyn Platform> = Rc::new(WebPlatform);
    let endpoint = Endpoint::new(&options.api_url, options.app_version.as_deref())?;
    let counts = CallCounts::default();
    let transport = CountingTransport::new(FetchTransport::new(endpoint), counts.clone());
    let api = NodeApi::new(Rc::new(transport), Rc::clone(&platform));
    let mut open = options.client;
    let mut offline = None;
    let database = match options.database {
        DatabaseName::Memory => Database::Memory,
        DatabaseName::Given(name) => Database::take(&name, options.keeper.as_ref()).await?,
        DatabaseName::Default => {
            let quick = api.clone().with_policy(RetryPolicy {
                retries: LOOKUP_RETRIES,
                ..RetryPolicy::default()
            });
            let inbox_id = match open.inbox_id {
                Some(inbox_id) => inbox_id,
                None => match client::Client::inbox_id_for(&quick, &open.identifier, open.nonce).await {
                    Ok(inbox_id) => inbox_id,
                    Err(error) if is_offline(&error) => {
                        offline = Some(error);
                        derive_inbox_id(&open.identifier, open.nonce)?
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            open.inbox_id = Some(inbox_id);
            let name = format!("xmtp-{}-{inbox_id}.db3", options.env);
            Database::take(&name, options.keeper.as_ref()).await?
        }
    };
    let opened = async {
        // Without the node the inbox is a guess; only a database that is there proves it right.
        if let Some(error) = offline
            && !database.exists()?
        {
            return Err(error.into());
        }
        let store = match &options.keeper {
            Some(keeper) => database.open_kept(keeper).await?,
            None => database.open(options.key)?,
        };
        Ok(client::Client::open_or_create(open, store, api, platform).await?)
    }
    .await;
    match opened {
        Ok(client) => Ok(Client {
            inbox_id: client.inbox_id(),
            installation_id: client.installation_id(),
            protocol_version: client.protocol_version().to_owned(),
            inner: Session::new(client, database),
            counts,
        }),
        Err(error) => {
            // The first failure is the one to tell.
            let _ = database.release().await;
            Err(error)
        }
    }
}

/// Whether a failure says that there is no node, not that the node said something.
fn is_offline(error: &client::ClientError) -> bool {
    matches!(
        error.code(),
        ErrorCode::NetworkUnavailable | ErrorCode::NetworkTimeout
    )
}

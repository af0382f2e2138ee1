//! Calls, one file per service. They check requests, ask `validate` and the store, and log; they hold no state.

mod identity;
mod message;
mod mls;

use crate::clock::Clock;
use crate::contracts::{Contracts, parse_address};
use crate::error::StartError;
use crate::faults::{Faults, StreamFaults};
use crate::grpc::{
    identity::identity_api_server::IdentityApiServer, message::message_api_server::MessageApiServer,
    mls::mls_api_server::MlsApiServer,
};
use crate::store::{Database, Store, StoreError};
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::service::{Routes, RoutesBuilder};
use tonic::{Request, Response, Status};

/// The largest message taken, in bytes.
///
/// # Source
/// xmtp-node-go `pkg/api/config.go`.
pub(crate) const LARGEST_MESSAGE: usize = 52_428_800;

/// What all services share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) store: Store,
    pub(crate) contracts: Contracts,
    pub(crate) faults: Faults,
    /// Whether V2 envelopes are refused.
    pub(crate) v2_closed: bool,
}

impl Node {
    /// Opens the database and the wallets it holds.
    pub(crate) fn open(database: &Database, clock: Clock) -> Result<Self, StoreError> {
        let store = Store::open(database, clock)?;
        let contracts = Contracts::default();
        for (address, owner) in store.contract_wallets()? {
            contracts.register(address, owner);
        }
        Ok(Self {
            store,
            contracts,
            faults: Faults::default(),
            v2_closed: false,
        })
    }

    /// Deploys a contract wallet and keeps it.
    pub(crate) fn register_wallet(&self, address: &str, owner: &str) -> Result<(), StartError> {
        let (address, owner) = (parse_address(address)?, parse_address(owner)?);
        self.store.put_contract_wallet(address, owner)?;
        self.contracts.register(address, owner);
        Ok(())
    }
}

/// A node's services.
#[derive(Debug, Clone)]
pub(crate) struct Services(pub(crate) Arc<Node>);

/// Every server stream.
pub(crate) type Stream<T> = ReceiverStream<Result<T, Status>>;

impl Services {
    /// All services with their health, ready to be served.
    #[cfg(feature = "server")]
    pub(crate) async fn routes_with_health(&self) -> Routes {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_serving::<IdentityApiServer<Self>>().await;
        reporter.set_serving::<MlsApiServer<Self>>().await;
        reporter.set_serving::<MessageApiServer<Self>>().await;
        self.routes().add_service(health)
    }

    /// The services of the network.
    pub(crate) fn routes(&self) -> Routes {
        let identity = IdentityApiServer::new(self.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        let mls = MlsApiServer::new(self.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        let message = MessageApiServer::new(self.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        let mut routes = RoutesBuilder::default();
        routes.add_service(identity).add_service(mls).add_service(message);
        routes.routes()
    }
}

/// The faults that the switchboard chose for this stream.
fn stream_faults<T>(request: &Request<T>) -> StreamFaults {
    request.extensions().get().copied().unwrap_or_default()
}

/// A stream whose headers are sent at once and say that the subscription stands.
fn subscribed<T>(stream: Stream<T>) -> Response<Stream<T>> {
    let mut response = Response::new(stream);
    response
        .metadata_mut()
        .insert("subscribed", MetadataValue::from_static("true"));
    response
}

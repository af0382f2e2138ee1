//! A node without ports: whoever holds it hands it requests. What a page or a Node.js process runs as wasm.

use crate::clock::Clock;
use crate::edge::{EdgeLayer, cors};
use crate::error::StartError;
use crate::faults::{FaultLayer, Faults};
use crate::files::Files;
use crate::services::{Node, Services};
use crate::store::Database;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use std::sync::Arc;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt};

/// How a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, as native clients speak it over HTTP/2: the status comes in trailers.
    Grpc,
    /// gRPC-web with CORS, readiness and the fault endpoint, as browsers speak it.
    GrpcWeb,
}

/// What an embedded node is made with. The default is one without wallets that takes what the local node takes.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Let `/faults` change the switchboard (gRPC-web).
    pub faults_over_http: bool,
    /// Contract wallets that exist from the start: address and owner, `0x` and 40 hex digits each.
    pub contract_wallets: Vec<(String, String)>,
    /// Refuse new V2 envelopes, as public nodes do.
    pub v2_closed: bool,
    /// The time of stored rows.
    pub clock: Clock,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            faults_over_http: false,
            contract_wallets: Vec::new(),
            v2_closed: false,
            clock: Clock::system(),
        }
    }
}

/// Why a call has no answer: a fault rule broke it.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A node in memory. Its streams end with UNAVAILABLE when it is dropped.
#[derive(Debug)]
pub struct EmbeddedNode {
    node: Arc<Node>,
    grpc: BoxCloneSyncService<Request<Body>, Response<Body>, Broken>,
    web: BoxCloneSyncService<Request<Body>, Response<Body>, Broken>,
}

impl EmbeddedNode {
    /// An empty node.
    ///
    /// # Errors
    /// [`StartError`] if memory for the database is missing or a wallet is malformed.
    pub fn new(options: EmbeddedOptions) -> Result<Self, StartError> {
        let node = Arc::new(Node {
            v2_closed: options.v2_closed,
            ..Node::open(&Database::Memory, options.clock)?
        });
        for (address, owner) in &options.contract_wallets {
            node.register_wallet(address, owner)?;
        }
        let routes = Services(Arc::clone(&node)).routes().prepare();
        let grpc = FaultLayer(node.faults.clone()).layer(routes);
        let edge = EdgeLayer {
            faults: options.faults_over_http.then(|| node.faults.clone()),
            files: Files::default(),
        };
        let web = cors().layer(edge.layer(GrpcWebLayer::new().layer(grpc.clone())));
        Ok(Self {
            node,
            grpc: BoxCloneSyncService::new(grpc),
            web: BoxCloneSyncService::new(web),
        })
    }

    /// Answers one request. The future and the answer's body outlive the node's handle; dropping either gives the
    /// call up.
    ///
    /// # Errors
    /// A fault rule broke the connection.
    pub fn call(
        &self,
        protocol: Protocol,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Body>, Broken>> + Send + 'static {
        let service = match protocol {
            Protocol::Grpc => self.grpc.clone(),
            Protocol::GrpcWeb => self.web.clone(),
        };
        service.oneshot(request.map(|bytes| Body::new(Full::new(bytes))))
    }

    /// The switchboard.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.node.faults.clone()
    }

    /// Deploys a contract wallet at `address` that belongs to `owner`, or gives it to another owner.
    ///
    /// # Errors
    /// [`StartError::Wallet`] unless both are `0x` and 40 hex digits; [`StartError::Store`].
    pub fn register_contract_wallet(&self, address: &str, owner: &str) -> Result<(), StartError> {
        self.node.register_wallet(address, owner)
    }
}

impl Drop for EmbeddedNode {
    fn drop(&mut self) {
        self.node.store.close_streams();
    }
}

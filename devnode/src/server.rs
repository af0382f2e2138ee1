//! A running node: its ports, threads and end.

use crate::clock::Clock;
use crate::edge::{EdgeLayer, cors};
use crate::error::StartError;
use crate::faults::{FaultLayer, Faults};
use crate::files::Files;
use crate::services::{Node, Services};
use crate::store::Database;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;

/// How long open calls may take to end before a stopping node breaks them.
const GRACE: Duration = Duration::from_secs(5);

/// An idle HTTP/2 connection is pinged after this time.
///
/// # Source
/// xmtp-node-go `pkg/api/server.go`.
const KEEP_ALIVE: Duration = Duration::from_secs(300);

/// How often a free port is looked for that is free on both loopback addresses.
const PORT_ATTEMPTS: usize = 20;

/// What a node is started with. The default is one in memory, on free ports, without faults.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where rows are kept.
    pub database: Database,
    /// Remove the database file first.
    pub reset: bool,
    /// Port of gRPC; 0 for a free one.
    pub grpc_port: u16,
    /// Port of gRPC-web; 0 for a free one.
    pub grpc_web_port: u16,
    /// A port where the history server is found besides that of gRPC-web, as released clients look for it; 0 for a
    /// free one.
    pub history_port: Option<u16>,
    /// Let `/faults` on the gRPC-web port change the switchboard.
    pub faults_over_http: bool,
    /// Contract wallets that exist from the start: address and owner, `0x` and 40 hex digits each.
    pub contract_wallets: Vec<(String, String)>,
    /// Refuse new V2 envelopes, as public nodes do; what is stored is still read.
    pub v2_closed: bool,
    /// The time of stored rows. Lifetimes of key packages are compared with the machine's clock.
    pub clock: Clock,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            database: Database::Memory,
            reset: false,
            grpc_port: 0,
            grpc_web_port: 0,
            history_port: None,
            faults_over_http: false,
            contract_wallets: Vec::new(),
            v2_closed: false,
            clock: Clock::system(),
        }
    }
}

/// Starts nodes.
#[derive(Debug)]
pub struct Server;

/// A node that accepts calls. Dropping it kills it.
#[derive(Debug)]
pub struct RunningServer {
    /// The IPv4 address of gRPC; `[::1]` answers on the same port where the machine has IPv6.
    pub grpc_addr: SocketAddr,
    /// The address of gRPC-web, likewise.
    pub grpc_web_addr: SocketAddr,
    node: Arc<Node>,
    stop: watch::Sender<bool>,
    stopped: Option<oneshot::Receiver<()>>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts a node on threads of its own. When this returns, both ports accept connections.
    ///
    /// # Errors
    /// [`StartError`] if a port is taken, the database does not open, or a wallet is malformed.
    pub async fn start(options: ServerOptions) -> Result<RunningServer, StartError> {
        if let (true, Database::File(path)) = (options.reset, &options.database) {
            remove_database(path)?;
        }
        let grpc = bind(options.grpc_port)?;
        let mut web = bind(options.grpc_web_port)?;
        if let Some(port) = options.history_port {
            // The same service: what is not asked for there does no harm.
            web.listeners.extend(bind(port)?.listeners);
        }
        let node = Arc::new(Node {
            v2_closed: options.v2_closed,
            ..Node::open(&options.database, options.clock)?
        });
        for (address, owner) in &options.contract_wallets {
            node.register_wallet(address, owner)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("devnode")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopping) = watch::channel(false);
        let (done, stopped) = oneshot::channel();
        let (grpc_addr, grpc_web_addr) = (grpc.address, web.address);
        let endpoint = options.faults_over_http.then(|| node.faults.clone());
        let served = Arc::clone(&node);
        runtime.spawn(async move {
            serve(served, endpoint, grpc, web, stopping).await;
            // nobody waits if the node is being killed
            let _ = done.send(());
        });
        let (runtime, stopped) = (Some(runtime), Some(stopped));
        Ok(RunningServer {
            grpc_addr,
            grpc_web_addr,
            node,
            stop,
            stopped,
            runtime,
        })
    }
}

impl RunningServer {
    /// The URL for native clients, `http://127.0.0.1:port`.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("http://{}", self.grpc_addr)
    }

    /// The URL for browsers, `http://localhost:port`.
    #[must_use]
    pub fn grpc_web_url(&self) -> String {
        format!("http://localhost:{}", self.grpc_web_addr.port())
    }

    /// The switchboard.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.node.faults.clone()
    }

    /// Deploys a contract wallet at `address` that belongs to `owner`, or gives it to another owner.
    /// It is kept in the database.
    ///
    /// # Errors
    /// [`StartError::Wallet`] unless both are `0x` and 40 hex digits; [`StartError::Store`].
    pub fn register_contract_wallet(&self, address: &str, owner: &str) -> Result<(), StartError> {
        self.node.register_wallet(address, owner)
    }

    /// Stops: open streams end with UNAVAILABLE, calls under way are finished (5 seconds at most), ports are
    /// closed.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(stopped) = self.stopped.take() {
            // an error means that it already ended
            let _ = stopped.await;
        }
        self.end().await;
    }

    /// Breaks every connection where it is and closes the ports, as if the process were killed.
    pub async fn kill(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let (done, ended) = oneshot::channel();
        // ending a runtime waits for its threads, which no async context may do itself
        std::thread::spawn(move || {
            runtime.shutdown_timeout(GRACE);
            let _ = done.send(());
        });
        let _ = ended.await;
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(
    node: Arc<Node>,
    endpoint: Option<Faults>,
    grpc: Port,
    web: Port,
    mut stopping: watch::Receiver<bool>,
) {
    let routes = Services(Arc::clone(&node)).routes_with_health().await;
    let grpc = async {
        let incoming = grpc.incoming()?;
        let mut server = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .layer(FaultLayer(node.faults.clone()));
        let stop = stop_requested(stopping.clone());
        Ok(server
            .add_routes(routes.clone())
            .serve_with_incoming_shutdown(incoming, stop)
            .await?)
    };
    let web = async {
        let incoming = web.incoming()?;
        let mut server = tonic::transport::Server::builder()
            .accept_http1(true)
            .layer(cors())
            .layer(EdgeLayer {
                faults: endpoint,
                files: Files::default(),
            })
            .layer(GrpcWebLayer::new())
            .layer(FaultLayer(node.faults.clone()));
        let stop = stop_requested(stopping.clone());
        Ok(server
            .add_routes(routes.clone())
            .serve_with_incoming_shutdown(incoming, stop)
            .await?)
    };
    let deadline = async {
        stop_requested(stopping.clone()).await;
        node.store.close_streams();
        tokio::time::sleep(GRACE).await;
    };
    type Served = Result<(), Box<dyn std::error::Error + Send + Sync>>;
    let both = async {
        let (grpc, web): (Served, Served) = tokio::join!(grpc, web);
        for error in [grpc.err(), web.err()].into_iter().flatten() {
            tracing::error!(%error, "a port failed");
        }
    };
    tokio::select! {
        () = both => {}
        () = deadline => tracing::warn!("calls still open were broken off"),
    }
    let _ = stopping.borrow_and_update();
}

/// Waits until the node shall stop; also if its handle is gone.
async fn stop_requested(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// One port on the loopback addresses of the machine.
struct Port {
    address: SocketAddr,
    listeners: Vec<TcpListener>,
}

impl Port {
    /// Connections of all addresses. Must run within the runtime that serves them.
    fn incoming(self) -> std::io::Result<Pin<Box<dyn Stream<Item = std::io::Result<TcpStream>> + Send>>> {
        let mut merged: Pin<Box<dyn Stream<Item = std::io::Result<TcpStream>> + Send>> =
            Box::pin(tokio_stream::empty());
        for listener in self.listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            merged = Box::pin(merged.merge(incoming));
        }
        Ok(merged)
    }
}

/// Opens a port on 127.0.0.1 and, where there is IPv6, on [::1], so that `localhost` works whichever way it
/// resolves.
fn bind(port: u16) -> Result<Port, StartError> {
    let mut attempts = PORT_ATTEMPTS;
    loop {
        attempts -= 1;
        let asked = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let refused = |address, source| StartError::Bind { address, source };
        let v4 = TcpListener::bind(asked).map_err(|e| refused(asked, e))?;
        let address = v4.local_addr().map_err(|e| refused(asked, e))?;
        let v6_address = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
        match TcpListener::bind(v6_address) {
            Ok(v6) => {
                return Ok(Port {
                    address,
                    listeners: vec![v4, v6],
                });
            }
            Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
                if port != 0 || attempts == 0 {
                    return Err(refused(v6_address, e));
                }
            }
            // no IPv6 on this machine
            Err(_) => {
                return Ok(Port {
                    address,
                    listeners: vec![v4],
                });
            }
        }
    }
}

/// Removes a database and the files SQLite keeps beside it.
fn remove_database(path: &std::path::Path) -> Result<(), StartError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        let path = PathBuf::from(file);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StartError::Reset { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

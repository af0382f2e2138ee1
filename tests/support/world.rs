//! A node in this process, and the people around it.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use prost::Message as _;
use xmtp_devnode::{Database, Faults, RunningServer, Server, ServerOptions};
use xmtp_web::identity::{InstallationKey, SignatureRequest};
use xmtp_web::ids::InboxId;
use xmtp_web::mls::{Provider, key_package};
use xmtp_web::platform::Platform as _;
use xmtp_web::proto::xmtp::identity::api::v1 as wire;
use xmtp_web::storage::{Store, StoreOptions};
use xmtp_web::transport::{ByteStream, Endpoint, HttpTransport, Method, NodeApi, Transport, TransportError};

use super::{Person, TestMachine, Wallet};

/// A node and a place for files.
pub(crate) struct World {
    node: Option<RunningServer>,
    options: ServerOptions,
    url: String,
    directory: tempfile::TempDir,
    pub(crate) machine: TestMachine,
    wallets: Cell<u8>,
}

impl World {
    /// With a node in memory.
    pub(crate) async fn new() -> Self {
        Self::with(Database::Memory, tempfile::tempdir().expect("a directory")).await
    }

    /// With a node that remembers what it was told when it is killed.
    pub(crate) async fn on_disk() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("node.db");
        Self::with(Database::File(file), directory).await
    }

    /// With a node in memory that takes no V2 envelopes any more, as public nodes.
    pub(crate) async fn with_v2_closed() -> Self {
        let options = ServerOptions {
            v2_closed: true,
            ..Default::default()
        };
        Self::with_options(options, tempfile::tempdir().expect("a directory")).await
    }

    async fn with(database: Database, directory: tempfile::TempDir) -> Self {
        let options = ServerOptions {
            database,
            ..Default::default()
        };
        Self::with_options(options, directory).await
    }

    async fn with_options(mut options: ServerOptions, directory: tempfile::TempDir) -> Self {
        let node = Server::start(options.clone()).await.expect("the node starts");
        options.grpc_port = node.grpc_addr.port();
        options.grpc_web_port = node.grpc_web_addr.port();
        Self {
            url: node.grpc_url(),
            node: Some(node),
            options,
            directory,
            machine: TestMachine::default(),
            wallets: Cell::new(0),
        }
    }

    pub(crate) fn node(&self) -> &RunningServer {
        self.node.as_ref().expect("the node runs")
    }

    pub(crate) fn faults(&self) -> Faults {
        self.node().faults()
    }

    pub(crate) async fn kill_node(&mut self) {
        self.node.take().expect("the node runs").kill().await;
    }

    /// Starts the node again, on the same ports and with the same rows.
    pub(crate) async fn restart_node(&mut self) {
        let node = Server::start(self.options.clone())
            .await
            .expect("the node starts");
        self.node = Some(node);
    }

    /// The node's calls, for what no client would do.
    pub(crate) fn api(&self) -> NodeApi {
        api(&self.url, &self.machine)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::new(self.directory.path()).join(name)
    }

    /// A wallet nobody has used.
    pub(crate) fn wallet(&self) -> Wallet {
        self.wallets.set(self.wallets.get() + 1);
        Wallet::new(self.wallets.get())
    }

    /// Time passes for everybody but the node.
    pub(crate) fn later(&self, by: Duration) {
        self.machine.advance(by);
    }

    /// Somebody who opened the app and has not signed yet; in memory.
    pub(crate) async fn visitor(&self, wallet: &Wallet) -> Person {
        Person::open(wallet, None, self.url(), &self.machine)
            .await
            .expect("the client opens")
    }

    /// The same, with a file that outlives the client.
    pub(crate) async fn visitor_with_file(&self, wallet: &Wallet, file: &str) -> Person {
        Person::open(wallet, Some(self.file(file)), self.url(), &self.machine)
            .await
            .expect("the client opens")
    }

    /// Somebody registered; in memory.
    pub(crate) async fn person(&self) -> Person {
        self.device_of(&self.wallet()).await
    }

    /// A registered installation of a wallet; in memory.
    pub(crate) async fn device_of(&self, wallet: &Wallet) -> Person {
        let person = self.visitor(wallet).await;
        person.sign_and_register().await.expect("registers");
        person
    }

    /// Somebody registered, with a file that outlives the client.
    pub(crate) async fn person_with_file(&self, file: &str) -> Person {
        let person = self.visitor_with_file(&self.wallet(), file).await;
        person.sign_and_register().await.expect("registers");
        person
    }

    /// Members that never say anything: each an inbox with one installation and its key package, and no client.
    pub(crate) async fn crowd(&self, count: usize) -> Vec<InboxId> {
        let api = self.api();
        let scrap = Store::open(StoreOptions::memory()).expect("memory");
        let mut inboxes = Vec::with_capacity(count);
        for index in 0..count {
            let number = u16::try_from(index).expect("less than a town");
            let (wallet, key) = (
                Wallet::of_crowd(number),
                InstallationKey::generate().expect("randomness"),
            );
            let made = SignatureRequest::new_inbox(wallet.identifier(), 0, key.id(), self.machine.now_ns());
            let mut request = made.expect("a request");
            request
                .add_ecdsa(&wallet.sign(request.text()))
                .expect("the wallet may");
            request.add_installation(&key).expect("its own");
            let update = request.build().expect("signed");
            let inbox_id = update.inbox_id;
            let package = key_package::generate(&Provider::new(&scrap), &key, inbox_id).expect("made");
            api.upload_key_package(package.tls).await.expect("accepted");
            api.publish_identity_update(update.to_bytes())
                .await
                .expect("accepted");
            inboxes.push(inbox_id);
        }
        inboxes
    }

    /// Somebody registered whose client is of a version, with a file that outlives the client.
    pub(crate) async fn person_of_version(&self, version: &str) -> Person {
        let wallet = self.wallet();
        let options = xmtp_web::client::ClientOptions {
            protocol_version: version.into(),
            ..xmtp_web::client::ClientOptions::new(wallet.identifier())
        };
        let file = self.file(&format!("{}.db", wallet.address().as_str()));
        let person = Person::open_with(options, &wallet, Some(file), self.url(), &self.machine)
            .await
            .expect("the client opens");
        person.sign_and_register().await.expect("registers");
        person
    }

    /// Removes an installation from an inbox, signed by its wallet.
    pub(crate) async fn revoke(&self, wallet: &Wallet, device: &Person) {
        let mut request = SignatureRequest::revoke_installations(
            device.inbox_id(),
            wallet.identifier(),
            &[device.client.installation_id()],
            self.machine.now_ns(),
        )
        .expect("a request");
        request
            .add_ecdsa(&wallet.sign(request.text()))
            .expect("the wallet may");
        let update = request.build().expect("signed").to_bytes();
        self.api()
            .publish_identity_update(update)
            .await
            .expect("accepted");
    }
}

pub(crate) fn api(url: &str, machine: &TestMachine) -> NodeApi {
    let endpoint = Endpoint::new(url, Some("tests/1.0.0")).expect("a URL");
    let transport = Node {
        http: HttpTransport::new(&endpoint).expect("a transport"),
        machine: machine.clone(),
    };
    NodeApi::new(Rc::new(transport), Rc::new(machine.clone()))
}

/// The node, which can be behind with identity updates as one of many replicas, or without its chain.
#[derive(Debug)]
struct Node {
    http: HttpTransport,
    machine: TestMachine,
}

impl Transport for Node {
    fn unary(&self, method: Method, request: Vec<u8>) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
        if method == Method::VerifyContractSignatures && self.machine.chain_is_away.get() {
            return async { Ok(without_chain()) }.boxed_local();
        }
        if method == Method::SendGroupMessages
            && let Some(hold) = self.machine.take_hold()
        {
            return async move {
                hold.pass().await;
                self.http.unary(method, request).await
            }
            .boxed_local();
        }
        if method != Method::IdentityUpdates || !self.machine.node_is_behind.get() {
            return self.http.unary(method, request);
        }
        let asked = wire::GetIdentityUpdatesRequest::decode(request.as_slice()).expect("a request");
        let nothing = |asked: wire::get_identity_updates_request::Request| {
            wire::get_identity_updates_response::Response {
                inbox_id: asked.inbox_id,
                ..Default::default()
            }
        };
        let responses = asked.requests.into_iter().map(nothing).collect();
        let answer = wire::GetIdentityUpdatesResponse { responses }.encode_to_vec();
        async move { Ok(answer) }.boxed_local()
    }

    fn server_stream(
        &self,
        method: Method,
        request: Vec<u8>,
    ) -> LocalBoxFuture<'_, Result<ByteStream, TransportError>> {
        self.http.server_stream(method, request)
    }
}

/// What nodes answer to one question about a contract wallet when they could not ask its chain.
fn without_chain() -> Vec<u8> {
    use wire::verify_smart_contract_wallet_signatures_response::ValidationResponse;
    let response = ValidationResponse {
        is_valid: false,
        block_number: None,
        error: Some("the chain does not answer".into()),
    };
    wire::VerifySmartContractWalletSignaturesResponse {
        responses: vec![response],
    }
    .encode_to_vec()
}

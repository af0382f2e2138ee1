//! What a node keeps when it ends.

mod support;

use support::*;
use tonic::Code;
use wire::SortDirection::Ascending;
use xmtp_devnode::{Database, Server, ServerOptions, StartError};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

const GROUP: &[u8] = b"a group of 16 by";

#[tokio::test]
async fn ids_go_on_after_a_restart_and_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ServerOptions {
        database: Database::File(folder.path().join("node.db")),
        ..ServerOptions::default()
    };
    for (round, killed) in [(1, false), (2, true), (3, false)] {
        let (server, client) = node_with(options.clone()).await;
        client
            .send(vec![text(GROUP, round), text(GROUP, 1)])
            .await
            .expect("stored");
        let answer = client
            .query_group(GROUP, paging(Ascending, 0, 0))
            .await
            .expect("answered");
        let rows: Vec<_> = answer.messages.into_iter().map(v1).collect();
        assert_eq!(
            rows.len() as u64,
            round,
            "equal bytes are recognised after a restart"
        );
        assert!(rows.is_sorted_by(|a, b| a.id < b.id), "ids never return");
        if killed {
            server.kill().await
        } else {
            server.shutdown().await
        }
    }
}

#[tokio::test]
async fn a_reset_begins_at_one_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::File(folder.path().join("node.db"));
    for reset in [false, true] {
        let options = ServerOptions {
            database: database.clone(),
            reset,
            ..ServerOptions::default()
        };
        let (server, client) = node_with(options).await;
        client
            .send(vec![text(GROUP, u64::from(reset))])
            .await
            .expect("stored");
        let answer = client.query_group(GROUP, None).await.expect("answered");
        assert_eq!(ids(answer.messages), [1]);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_killed_node_breaks_its_streams_and_can_start_again_on_its_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::File(folder.path().join("node.db"));
    let options = ServerOptions {
        database,
        ..ServerOptions::default()
    };
    let (server, client) = node_with(options.clone()).await;
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    let mut stream = client
        .follow(&[(GROUP, 1)])
        .await
        .expect("subscribed")
        .into_inner();
    let (grpc_port, grpc_web_port) = (server.grpc_addr.port(), server.grpc_web_addr.port());
    server.kill().await;
    stream.message().await.expect_err("the connection is gone");
    let (_server, client) = node_with(ServerOptions {
        grpc_port,
        grpc_web_port,
        ..options
    })
    .await;
    assert_eq!(
        ids(client.query_group(GROUP, None).await.expect("answered").messages),
        [1]
    );
}

#[tokio::test]
async fn a_node_does_not_start_on_what_it_cannot_use() {
    let (server, _) = node().await;
    let taken = ServerOptions {
        grpc_port: server.grpc_addr.port(),
        ..ServerOptions::default()
    };
    assert!(matches!(Server::start(taken).await, Err(StartError::Bind { .. })));
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = Database::File(folder.path().join("no/such/folder"));
    let nowhere = ServerOptions {
        database: nowhere,
        ..ServerOptions::default()
    };
    assert!(matches!(Server::start(nowhere).await, Err(StartError::Store(_))));
    let wallet = ServerOptions {
        contract_wallets: vec![("0x12".to_owned(), "0x34".to_owned())],
        ..ServerOptions::default()
    };
    assert!(matches!(Server::start(wallet).await, Err(StartError::Wallet(_))));
}

#[tokio::test]
async fn calls_nobody_implements_say_so() {
    let (_server, client) = node().await;
    for (service, method) in [
        (MLS, "RevokeInstallation"),
        (MLS, "GetIdentityUpdates"),
        (MLS, "Subscribe"),
        (MESSAGE, "SubscribeAll"),
        ("/xmtp.migration.api.v1.D14nMigrationApi/", "FetchD14nCutover"),
    ] {
        let (code, _) = refusal(client.call::<(), ()>(service, method, ()).await);
        assert_eq!(code, Code::Unimplemented, "{method}");
    }
}

#[tokio::test]
async fn health_is_answered() {
    use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus};
    let (_server, client) = node().await;
    for service in ["", "xmtp.mls.api.v1.MlsApi", "xmtp.identity.api.v1.IdentityApi"] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer: HealthCheckResponse = client
            .call("/grpc.health.v1.Health/", "Check", request)
            .await
            .expect("answered");
        assert_eq!(answer.status, ServingStatus::Serving as i32, "{service}");
    }
}

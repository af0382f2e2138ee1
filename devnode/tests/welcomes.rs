//! Sending, querying and following welcomes.

mod support;

use support::*;
use tonic::Code;
use wire::SortDirection::Ascending;
use wire::welcome_message::Version;
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

fn welcome(key: &[u8], data: &[u8], wrapper_algorithm: i32) -> wire::WelcomeMessageInput {
    let v1 = wire::welcome_message_input::V1 {
        installation_key: key.to_vec(),
        data: data.to_vec(),
        hpke_public_key: b"hpke".to_vec(),
        wrapper_algorithm,
        welcome_metadata: b"metadata".to_vec(),
    };
    wire::WelcomeMessageInput {
        version: Some(wire::welcome_message_input::Version::V1(v1)),
    }
}

fn pointer(key: &[u8], wrapper_algorithm: i32) -> wire::WelcomeMessageInput {
    let pointer = wire::welcome_message_input::WelcomePointer {
        installation_key: key.to_vec(),
        welcome_pointer: b"pointer".to_vec(),
        hpke_public_key: b"hpke".to_vec(),
        wrapper_algorithm,
    };
    wire::WelcomeMessageInput {
        version: Some(wire::welcome_message_input::Version::WelcomePointer(pointer)),
    }
}

async fn send(client: &Client, messages: Vec<wire::WelcomeMessageInput>) -> Result<(), tonic::Status> {
    client
        .call(
            MLS,
            "SendWelcomeMessages",
            wire::SendWelcomeMessagesRequest { messages },
        )
        .await
}

async fn query(client: &Client, key: &[u8]) -> wire::QueryWelcomeMessagesResponse {
    let paging_info = paging(Ascending, 0, 0);
    let request = wire::QueryWelcomeMessagesRequest {
        installation_key: key.to_vec(),
        paging_info,
    };
    client
        .call(MLS, "QueryWelcomeMessages", request)
        .await
        .expect("answered")
}

#[tokio::test]
async fn welcomes_and_pointers_come_back_as_they_were_sent() {
    let (_server, client) = node().await;
    let mut keyless = welcome(b"me", b"pointee", 3);
    if let Some(wire::welcome_message_input::Version::V1(v1)) = &mut keyless.version {
        v1.hpke_public_key.clear();
    }
    let sent = vec![
        welcome(b"me", b"one", 1),
        welcome(b"me", b"two", 2),
        keyless,
        pointer(b"me", 2),
    ];
    send(&client, sent).await.expect("stored");
    let answer = query(&client, b"me").await;
    assert_eq!(answer.paging_info, paging(Ascending, 100, 0));
    let versions: Vec<Version> = answer.messages.into_iter().filter_map(|m| m.version).collect();
    let [
        Version::V1(one),
        Version::V1(two),
        Version::V1(pointee),
        Version::WelcomePointer(pointer),
    ] = versions.as_slice()
    else {
        panic!("three welcomes and a pointer: {versions:?}");
    };
    assert_eq!(
        (one.id, one.wrapper_algorithm, one.data.as_slice()),
        (1, 1, &b"one"[..])
    );
    assert_eq!(
        (one.welcome_metadata.as_slice(), one.hpke_public_key.as_slice()),
        (&b"metadata"[..], &b"hpke"[..])
    );
    assert_eq!((two.id, two.wrapper_algorithm), (2, 2));
    assert_eq!((pointee.id, pointee.wrapper_algorithm), (3, 3));
    assert_eq!(
        (
            pointer.id,
            pointer.wrapper_algorithm,
            pointer.welcome_pointer.as_slice()
        ),
        (4, 2, &b"pointer"[..])
    );
}

#[tokio::test]
async fn unknown_wrapping_is_kept_as_curve25519() {
    let (_server, client) = node().await;
    send(&client, vec![welcome(b"me", b"a", 0), welcome(b"me", b"b", 77)])
        .await
        .expect("stored");
    for message in query(&client, b"me").await.messages {
        let Some(Version::V1(v1)) = message.version else {
            panic!("a welcome")
        };
        assert_eq!(v1.wrapper_algorithm, 1);
    }
}

#[tokio::test]
async fn the_same_welcome_is_stored_once_for_each_installation() {
    let (_server, client) = node().await;
    let twice = vec![
        welcome(b"me", b"a", 1),
        welcome(b"me", b"a", 2),
        welcome(b"you", b"a", 1),
    ];
    send(&client, twice).await.expect("a silent success");
    assert_eq!(query(&client, b"me").await.messages.len(), 1);
    assert_eq!(query(&client, b"you").await.messages.len(), 1);
    assert!(query(&client, b"them").await.messages.is_empty());
}

#[tokio::test]
async fn incomplete_welcomes_are_refused() {
    let (_server, client) = node().await;
    let mut keyless = welcome(b"me", b"a", 1);
    if let Some(wire::welcome_message_input::Version::V1(v1)) = &mut keyless.version {
        v1.hpke_public_key.clear();
    }
    for (bad, reason) in [
        (vec![], "no welcome messages to send"),
        (vec![welcome(b"me", b"", 1)], "invalid welcome message"),
        (vec![welcome(b"", b"a", 1)], "invalid welcome message"),
        (vec![keyless], "invalid welcome message"),
        (
            vec![welcome(b"me", b"fine", 1), pointer(b"", 2)],
            "invalid welcome pointer message",
        ),
        (
            vec![wire::WelcomeMessageInput::default()],
            "invalid welcome message: missing version",
        ),
        (
            vec![pointer(b"me", 1)],
            "invalid welcome pointer wrapper algorithm: 1",
        ),
    ] {
        let refused = refusal(send(&client, bad).await);
        assert_eq!(refused, (Code::InvalidArgument, reason.to_owned()));
    }
    assert!(query(&client, b"me").await.messages.is_empty());
    let none = wire::QueryWelcomeMessagesRequest::default();
    let answer = client
        .call::<_, wire::QueryWelcomeMessagesResponse>(MLS, "QueryWelcomeMessages", none)
        .await;
    assert_eq!(
        refusal(answer),
        (Code::Unknown, "installation is required".to_owned())
    );
}

#[tokio::test]
async fn a_stream_of_welcomes_replays_and_goes_on() {
    let (_server, client) = node().await;
    send(&client, vec![welcome(b"me", b"1", 1), welcome(b"me", b"2", 1)])
        .await
        .expect("stored");
    let filter = |key: &[u8]| wire::subscribe_welcome_messages_request::Filter {
        installation_key: key.to_vec(),
        id_cursor: 1,
    };
    let follow = async |filters| {
        let request = wire::SubscribeWelcomeMessagesRequest { filters };
        client
            .stream::<_, wire::WelcomeMessage>(MLS, "SubscribeWelcomeMessages", request)
            .await
    };
    let response = follow(vec![filter(b"me")]).await.expect("subscribed");
    assert_eq!(
        response.metadata().get("subscribed").map(|v| v.as_bytes()),
        Some(&b"true"[..])
    );
    let mut stream = response.into_inner();
    send(&client, vec![welcome(b"you", b"3", 1), pointer(b"me", 2)])
        .await
        .expect("stored");
    for expected in [2, 4] {
        let id = match stream.message().await.expect("no error").and_then(|m| m.version) {
            Some(Version::V1(v1)) => v1.id,
            Some(Version::WelcomePointer(pointer)) => pointer.id,
            None => panic!("the stream goes on"),
        };
        assert_eq!(id, expected);
    }
    let refused = refusal(follow(vec![]).await);
    assert_eq!(
        refused,
        (Code::InvalidArgument, "no valid filters provided".to_owned())
    );
    let refused = refusal(follow(vec![filter(b"me"), filter(b"")]).await);
    let text = "a filter is nil or installation key is empty".to_owned();
    assert_eq!(refused, (Code::InvalidArgument, text));
}

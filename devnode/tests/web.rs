//! gRPC-web as a browser speaks it: plain HTTP/1.1 bytes.

mod support;

use support::*;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use xmtp_devnode::{RunningServer, Server, ServerOptions};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

const GROUP: &[u8] = b"a group of 16 by";

/// A browser's connection to a node.
struct Page(BufReader<TcpStream>);

/// The first line and the headers of an answer, in lower case.
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Page {
    async fn open(server: &RunningServer) -> Self {
        Self(BufReader::new(
            TcpStream::connect(server.grpc_web_addr)
                .await
                .expect("the port is open"),
        ))
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Head {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\norigin: http://app.test\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes()).await.expect("sent");
        self.0.write_all(body).await.expect("sent");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(
                self.0.read_line(&mut line).await.expect("readable"),
                0,
                "the connection is open"
            );
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status = lines[0]
            .split(' ')
            .nth(1)
            .expect("a status line")
            .parse()
            .expect("a number");
        let headers = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Head { status, headers }
    }

    /// A call; the answer's headers.
    async fn call(&mut self, path: &str, message: &impl prost::Message) -> Head {
        let message = message.encode_to_vec();
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).expect("short").to_be_bytes());
        frame.extend(message);
        let headers = "content-type: application/grpc-web+proto\r\naccept: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";
        self.ask("POST", path, headers, &frame).await
    }

    /// The next chunk of a body; `None` at its end or when the connection breaks.
    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.0.read_line(&mut line).await.ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        self.0.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(length);
        (length > 0).then_some(chunk)
    }

    /// A whole chunked body.
    async fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await {
            body.extend(chunk);
        }
        body
    }

    /// A body of known length.
    async fn text(&mut self, head: &Head) -> String {
        let length = head
            .header("content-length")
            .expect("a length")
            .parse()
            .expect("a number");
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("readable");
        String::from_utf8(body).expect("text")
    }
}

/// The frames of a gRPC-web body: flag and content.
fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = body.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes")) as usize;
        let (content, rest) = rest.split_at_checked(length).expect("a whole frame");
        frames.push((head[0], content.to_vec()));
        body = rest;
    }
    assert!(body.is_empty());
    frames
}

#[tokio::test]
async fn a_unary_call_answers_with_a_message_and_trailers() {
    let (server, client) = node().await;
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    let mut page = Page::open(&server).await;
    let request = wire::QueryGroupMessagesRequest {
        group_id: GROUP.to_vec(),
        paging_info: None,
    };
    let head = page
        .call("/xmtp.mls.api.v1.MlsApi/QueryGroupMessages", &request)
        .await;
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("application/grpc-web+proto"))
    );
    assert_eq!(
        head.header("access-control-allow-origin"),
        Some("http://app.test")
    );
    assert_eq!(
        head.header("access-control-expose-headers"),
        Some("grpc-status,grpc-message,grpc-status-details-bin")
    );
    let frames = frames(&page.body().await);
    let [(0, message), (0x80, trailers)] = frames.as_slice() else {
        panic!("two frames: {frames:?}")
    };
    let answer: wire::QueryGroupMessagesResponse =
        prost::Message::decode(message.as_slice()).expect("decodes");
    assert_eq!(ids(answer.messages), [1]);
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"));
}

#[tokio::test]
async fn a_refused_call_carries_its_status() {
    let (server, _) = node().await;
    let mut page = Page::open(&server).await;
    let head = page
        .call(
            "/xmtp.mls.api.v1.MlsApi/SendGroupMessages",
            &wire::SendGroupMessagesRequest::default(),
        )
        .await;
    assert_eq!((head.status, head.header("grpc-status")), (200, Some("3")));
    assert_eq!(
        head.header("grpc-message"),
        Some("no%20group%20messages%20to%20send")
    );
    let head = Page::open(&server)
        .await
        .call("/xmtp.mls.api.v1.MlsApi/Unheard", &())
        .await;
    assert_eq!(head.header("grpc-status"), Some("12"));
}

#[tokio::test]
async fn a_stream_sends_headers_at_once_and_messages_one_by_one() {
    let (server, client) = node().await;
    let mut page = Page::open(&server).await;
    let filter = wire::subscribe_group_messages_request::Filter {
        group_id: GROUP.to_vec(),
        id_cursor: 0,
    };
    let request = wire::SubscribeGroupMessagesRequest {
        filters: vec![filter],
    };
    let head = page
        .call("/xmtp.mls.api.v1.MlsApi/SubscribeGroupMessages", &request)
        .await;
    assert_eq!((head.status, head.header("subscribed")), (200, Some("true")));
    for number in [1, 2] {
        client.send(vec![text(GROUP, number)]).await.expect("stored");
        let mut bytes = Vec::new();
        // the header of a frame may come as a chunk of its own
        while bytes.len() < 5 || frames_missing(&bytes) {
            bytes.extend(page.chunk().await.expect("the stream goes on"));
        }
        let frames = frames(&bytes);
        let [(0, message)] = frames.as_slice() else {
            panic!("one message: {frames:?}")
        };
        let message: wire::GroupMessage = prost::Message::decode(message.as_slice()).expect("decodes");
        assert_eq!(v1(message).id, number);
    }
    server.shutdown().await;
    let frames = frames(&page.body().await);
    let [(0x80, trailers)] = frames.as_slice() else {
        panic!("trailers alone: {frames:?}")
    };
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:14"));
}

fn frames_missing(bytes: &[u8]) -> bool {
    let length = bytes[1..5]
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    bytes.len() < 5 + length
}

#[tokio::test]
async fn a_preflight_allows_what_peers_send() {
    let (server, _) = node().await;
    let headers =
        "access-control-request-method: POST\r\naccess-control-request-headers: content-type,x-grpc-web\r\n";
    let head = Page::open(&server)
        .await
        .ask("OPTIONS", "/xmtp.mls.api.v1.MlsApi/Any", headers, b"")
        .await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("access-control-allow-origin"),
        Some("http://app.test")
    );
    assert_eq!(
        head.header("access-control-allow-methods"),
        Some("GET,PUT,DELETE,POST,OPTIONS")
    );
    assert_eq!(
        head.header("access-control-allow-headers"),
        Some(
            "keep-alive,user-agent,cache-control,content-type,content-transfer-encoding,\
             x-accept-content-transfer-encoding,x-accept-response-streaming,x-user-agent,x-grpc-web,\
             grpc-timeout,x-libxmtp-version,x-app-version"
        )
    );
    assert_eq!(head.header("access-control-max-age"), Some("1728000"));
}

#[tokio::test]
async fn readiness_is_answered_on_both_loopback_addresses() {
    let (server, _) = node().await;
    let mut page = Page::open(&server).await;
    let head = page.ask("GET", "/healthz", "", b"").await;
    assert_eq!((head.status, page.text(&head).await.as_str()), (200, "ok\n"));
    let port = server.grpc_web_addr.port();
    // a machine without IPv6 has nothing to show
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let mut page = Page(BufReader::new(
            TcpStream::connect(("::1", port)).await.expect("the port is open"),
        ));
        assert_eq!(page.ask("GET", "/healthz", "", b"").await.status, 200);
    }
}

#[tokio::test]
async fn faults_over_http_exist_only_if_asked_for() {
    let (server, _) = node().await;
    assert_eq!(
        Page::open(&server)
            .await
            .ask("GET", "/faults", "", b"")
            .await
            .status,
        404
    );

    let options = ServerOptions {
        faults_over_http: true,
        ..ServerOptions::default()
    };
    let server = Server::start(options).await.expect("the node starts");
    let mut page = Page::open(&server).await;
    let rules =
        br#"{"rules":[{"method":"Query*","fault":{"kind":"error","code":14,"message":"later"},"times":1}]}"#;
    let head = page
        .ask("POST", "/faults", "content-type: application/json\r\n", rules)
        .await;
    assert_eq!(head.status, 200);
    assert!(page.text(&head).await.contains("\"kind\":\"error\""));
    let request = wire::QueryGroupMessagesRequest {
        group_id: GROUP.to_vec(),
        paging_info: None,
    };
    for status in [Some("14"), None] {
        let mut page = Page::open(&server).await;
        let head = page
            .call("/xmtp.mls.api.v1.MlsApi/QueryGroupMessages", &request)
            .await;
        assert_eq!(head.header("grpc-status"), status);
    }
    let head = page.ask("POST", "/faults", "", b"{}").await;
    assert_eq!(head.status, 400);
    page.text(&head).await;
    let head = page.ask("DELETE", "/faults", "", b"").await;
    assert_eq!(
        page.text(&head).await,
        "{\"calls\":{\"QueryGroupMessages\":2},\"rules\":[]}\n"
    );
    assert_eq!(page.ask("PUT", "/faults", "", b"").await.status, 405);
}

#[tokio::test]
async fn a_cut_stream_breaks_off_without_trailers() {
    let (server, client) = node().await;
    let cut = xmtp_devnode::Fault::CutStream { after: 1 };
    server
        .faults()
        .add(xmtp_devnode::Rule::once("SubscribeGroupMessages", cut));
    client
        .send(vec![text(GROUP, 1), text(GROUP, 2)])
        .await
        .expect("stored");
    let mut page = Page::open(&server).await;
    let filter = wire::subscribe_group_messages_request::Filter {
        group_id: GROUP.to_vec(),
        id_cursor: 0,
    };
    let request = wire::SubscribeGroupMessagesRequest {
        filters: vec![filter],
    };
    page.call("/xmtp.mls.api.v1.MlsApi/SubscribeGroupMessages", &request)
        .await;
    let frames = frames(&page.body().await);
    assert_eq!(frames.iter().map(|(flag, _)| *flag).collect::<Vec<_>>(), [0]);
}

#[tokio::test]
async fn files_are_kept_for_other_installations_and_found_on_a_port_of_their_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let server = Server::start(ServerOptions {
        history_port: Some(port),
        ..ServerOptions::default()
    })
    .await
    .expect("starts");
    let mut page = Page::open(&server).await;
    let head = page.ask("POST", "/upload", "", b"an archive").await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("access-control-allow-origin"),
        Some("http://app.test")
    );
    let id = page.text(&head).await;
    let connected = TcpStream::connect(("127.0.0.1", port)).await.expect("open");
    let mut other = Page(BufReader::new(connected));
    let head = other.ask("GET", &format!("/files/{id}"), "", b"").await;
    assert_eq!(
        (head.status, other.text(&head).await),
        (200, "an archive".to_owned())
    );
    let head = other.ask("GET", "/files/other", "", b"").await;
    assert_eq!(head.status, 404);
    other.text(&head).await;
    let head = other.ask("GET", "/upload", "", b"").await;
    assert_eq!(head.status, 405);
    other.text(&head).await;
    for path in [
        "/files/",
        "/files/../healthz",
        "/files/%2e%2e",
        &format!("/files/{id}/"),
        &format!("/files/{}", &id[1..]),
    ] {
        let head = other.ask("GET", path, "", b"").await;
        assert_eq!(head.status, 404, "{path}");
        other.text(&head).await;
    }
    let head = page.ask("POST", &format!("/files/{id}"), "", b"x").await;
    assert_eq!(head.status, 405);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    const LARGEST: usize = 64 << 20;
    let server = Server::start(ServerOptions::default()).await.expect("starts");
    for (length, status) in [(LARGEST, 200), (LARGEST + 1, 413)] {
        let mut page = Page::open(&server).await;
        let head = page.ask("POST", "/upload", "", &vec![0; length]).await;
        assert_eq!(head.status, status, "{length}");
    }
}

#[tokio::test]
async fn the_history_server_too_is_not_reached_from_elsewhere() {
    // Sends nothing: only which address of this machine would be used.
    let outward = std::net::UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let _server = Server::start(ServerOptions {
        history_port: Some(port),
        ..ServerOptions::default()
    })
    .await
    .expect("starts");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    // A machine without a network has no other address.
    if let Ok(address) = outward {
        assert!(
            TcpStream::connect((address.ip(), port)).await.is_err(),
            "{address}"
        );
    }
}

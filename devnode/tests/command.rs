//! The command.
#![cfg(unix)]

use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

fn node(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmtp-devnode"));
    command
        .args(["--grpc-port", "0", "--grpc-web-port", "0"])
        .args(arguments)
        .env_remove("RUST_LOG");
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn it_says_when_it_is_ready_and_stops_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut child = node(&["--memory", "--log", "json"]).spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines.next_line().await.expect("readable").expect("a line");
        let ports: Vec<u16> = ready
            .rsplit(':')
            .take(1)
            .chain(ready.split(' ').nth(1).and_then(|w| w.rsplit(':').next()))
            .map(|p| p.parse().expect("a port"))
            .collect();
        assert!(ready.starts_with("ready grpc=http://localhost:"), "{ready}");
        for port in ports {
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .expect("the port is open");
        }
        let pid = child.id().expect("it runs").to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .await
            .expect("kill is there");
        assert!(sent.success());
        assert!(child.wait().await.expect("it ends").success());
        assert_eq!(
            lines.next_line().await.expect("readable"),
            None,
            "one line and no more"
        );
        let mut log = String::new();
        child
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut log)
            .await
            .expect("readable");
        let last = log.lines().last().expect("it logs");
        assert!(last.starts_with('{') && last.contains("stopping"), "{last}");
    }
}

#[tokio::test]
async fn it_keeps_a_file_and_takes_wallets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("node.db");
    let wallet = format!("0x{}=0x{}", "c0".repeat(20), "0a".repeat(20));
    let path = file.to_str().expect("text");
    let mut child = node(&["--db", path, "--reset", "--faults", "--contract-wallet", &wallet])
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.next_line().await.expect("readable").is_some());
    assert!(file.exists());
    child.kill().await.expect("killed");
}

#[tokio::test]
async fn it_refuses_what_it_cannot_do() {
    for arguments in [
        &["--memory", "--reset"][..],
        &["--memory", "--host", "0.0.0.0"],
        &["--memory", "--contract-wallet", "0x12"],
        &["--memory", "--contract-wallet", "0x12=0x34"],
        &["--db", "/no/such/folder/node.db"],
    ] {
        let output = node(arguments).output().await.expect("runs");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "never ready: {arguments:?}");
        assert!(!output.stderr.is_empty(), "it says why: {arguments:?}");
    }
}

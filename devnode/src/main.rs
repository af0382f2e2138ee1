//! The command `xmtp-devnode`.

use clap::{Parser, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use xmtp_devnode::{Database, Server, ServerOptions, StartError};

/// A local XMTP v3 node, on loopback only. When it accepts connections it prints one line on stdout:
/// `ready grpc=http://localhost:PORT grpc-web=http://localhost:PORT`. Logs go to stderr.
#[derive(Debug, Parser)]
#[command(name = "xmtp-devnode", version)]
struct Arguments {
    /// The database file; made if it is not there
    #[arg(long, value_name = "FILE", default_value = "xmtp-devnode.db")]
    db: PathBuf,
    /// Keep everything in memory instead of a file
    #[arg(long, conflicts_with_all = ["db", "reset"])]
    memory: bool,
    /// Remove the database file first
    #[arg(long)]
    reset: bool,
    /// Port of gRPC, for native clients; 0 for a free one
    #[arg(long, value_name = "PORT", default_value_t = 5556)]
    grpc_port: u16,
    /// Port of gRPC-web, for browsers; 0 for a free one
    #[arg(long, value_name = "PORT", default_value_t = 5557)]
    grpc_web_port: u16,
    /// Port of the history server, where released clients look for archives: 5558; it always answers on the gRPC-web
    /// port too
    #[arg(long, value_name = "PORT")]
    history_port: Option<u16>,
    /// Only loopback is served: localhost, 127.0.0.1 or ::1, which all mean both addresses
    #[arg(long, default_value = "localhost", value_parser = ["localhost", "127.0.0.1", "::1"])]
    host: String,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = Log::Text)]
    log: Log,
    /// Let POST, GET and DELETE /faults on the gRPC-web port break calls, for tests
    #[arg(long)]
    faults: bool,
    /// Refuse new V2 envelopes, as public nodes do since June 2025
    #[arg(long)]
    v2_closed: bool,
    /// A contract wallet on chain 31337 and the address that owns it; may be given more than once
    #[arg(long, value_name = "ADDRESS=OWNER", value_parser = wallet)]
    contract_wallet: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Log {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

fn wallet(text: &str) -> Result<(String, String), xmtp_devnode::InvalidWallet> {
    let (address, owner) = text.split_once('=').ok_or(xmtp_devnode::InvalidWallet)?;
    Ok((address.to_owned(), owner.to_owned()))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&StartError::Runtime(error)),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    tracing::debug!(host = arguments.host, "serving loopback");
    let stop = StopSignals::new().map_err(StartError::Runtime)?;
    let server = Server::start(ServerOptions {
        database: if arguments.memory {
            Database::Memory
        } else {
            Database::File(arguments.db)
        },
        reset: arguments.reset,
        grpc_port: arguments.grpc_port,
        grpc_web_port: arguments.grpc_web_port,
        history_port: arguments.history_port,
        faults_over_http: arguments.faults,
        contract_wallets: arguments.contract_wallet,
        v2_closed: arguments.v2_closed,
        ..ServerOptions::default()
    })
    .await?;
    let (grpc, web) = (server.grpc_addr.port(), server.grpc_web_addr.port());
    let mut stdout = std::io::stdout();
    let line = writeln!(
        stdout,
        "ready grpc=http://localhost:{grpc} grpc-web=http://localhost:{web}"
    );
    if line.and_then(|()| stdout.flush()).is_err() {
        tracing::warn!("nobody reads stdout");
    }
    stop.wait().await;
    tracing::info!("stopping");
    server.shutdown().await;
    Ok(())
}

fn failed(error: &StartError) -> ExitCode {
    tracing::error!(%error, "cannot start");
    ExitCode::FAILURE
}

fn start_log(log: Log) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log {
        Log::Text => builder.init(),
        Log::Json => builder.json().init(),
    }
}

/// The signals that end the node, caught from its making on.
#[cfg(unix)]
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The signal that ends the node.
#[cfg(not(unix))]
struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        // an error means that there is no console to wait for
        let _ = tokio::signal::ctrl_c().await;
    }
}

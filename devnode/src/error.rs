//! Why a node does not start, or refuses what it is set up with.

use crate::contracts::InvalidWallet;
use crate::store::StoreError;

/// A node could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port cannot be opened on loopback, mostly because another node runs: stop it or choose another port.
    #[error("cannot listen on {address}: {source}; is another node running?")]
    Bind {
        /// Address and port that were asked for.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A database file cannot be removed for a reset.
    #[error("cannot remove {path}: {source}")]
    Reset {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A contract wallet of the options is not valid.
    #[error(transparent)]
    Wallet(#[from] InvalidWallet),
    /// The system gives no threads or timers.
    #[error("cannot start worker threads: {0}")]
    Runtime(std::io::Error),
}

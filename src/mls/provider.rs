//! What OpenMLS works with.

use super::store::MlsStore;
use crate::storage::Db;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
use openmls_traits::types::Ciphersuite;
use std::sync::OnceLock;

/// The one ciphersuite of the network.
///
/// # Source
/// libxmtp creates and accepts groups of suite 3 only (RFC 9420 §17.1).
pub const CIPHERSUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// Cryptography and storage for one OpenMLS call or many. Cheap to make: give each call a fresh one.
///
/// Works on whatever is open: made from a [`crate::storage::Transaction`] (which derefs to [`Db`]) or
/// used while one is open, all writes belong to that transaction.
#[derive(Debug)]
pub struct Provider<'a> {
    crypto: &'static RustCrypto,
    store: MlsStore<'a>,
}

impl<'a> Provider<'a> {
    /// A provider over a database.
    #[must_use]
    pub fn new(db: &'a Db) -> Self {
        Self {
            crypto: crypto(),
            store: MlsStore::new(db),
        }
    }
}

impl<'a> OpenMlsProvider for Provider<'a> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &MlsStore<'a> {
        &self.store
    }

    fn crypto(&self) -> &RustCrypto {
        self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        self.crypto
    }
}

/// The one instance: making one draws a seed from the system for its generator of random numbers.
fn crypto() -> &'static RustCrypto {
    static CRYPTO: OnceLock<RustCrypto> = OnceLock::new();
    CRYPTO.get_or_init(RustCrypto::default)
}

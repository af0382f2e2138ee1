//! Key packages: how others add us to groups, and how we check theirs.

use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _, VLBytes};
use openmls::prelude::{ApplicationIdExtension, LastResortExtension, Lifetime};
use openmls::prelude::{
    BasicCredential, Credential, CredentialWithKey, Extension, Extensions, KeyPackage, KeyPackageIn,
    KeyPackageRef, KeyPackageVerifyError, OpenMlsCrypto, OpenMlsProvider as _, ProtocolVersion,
};
use openmls_traits::storage::StorageProvider as _;
use prost::Message as _;

use super::error::{KeyPackageFault, MlsError};
use super::extensions::{CIPHERSUITE, leaf_capabilities};
use super::provider::Provider;
use super::signer::MlsSigner;
use crate::identity::InstallationKey;
use crate::ids::{InboxId, InstallationId};
use crate::proto::xmtp::identity::MlsCredential;

/// How long a key package may be used: 84 days, the OpenMLS default that libxmtp keeps, in seconds.
pub const LIFETIME_SECONDS: u64 = 84 * 24 * 60 * 60;

/// A key package of ours whose private keys are in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeyPackage {
    /// The bare TLS `KeyPackage`, as it is uploaded.
    pub tls: Vec<u8>,
    /// The MLS KeyPackageRef under which the private keys are stored (32 bytes).
    pub hash_ref: Vec<u8>,
    /// The X25519 init key (32 bytes): what welcomes are sealed to.
    pub init_key: Vec<u8>,
}

/// A key package of somebody that passed every check that needs nothing but the package itself.
///
/// Whether its installation belongs to its inbox is for the caller to check against the identity log.
#[derive(Debug, Clone)]
pub struct VerifiedKeyPackage {
    inbox_id: InboxId,
    installation_id: InstallationId,
    pub(super) inner: KeyPackage,
}

impl VerifiedKeyPackage {
    /// The inbox its credential names (not proven by the package).
    #[must_use]
    pub fn inbox_id(&self) -> InboxId {
        self.inbox_id
    }

    /// The installation that signed it.
    #[must_use]
    pub fn installation_id(&self) -> InstallationId {
        self.installation_id
    }

    /// The X25519 key that welcomes for it are sealed to (32 bytes).
    #[must_use]
    pub fn init_key(&self) -> &[u8] {
        self.inner.hpke_init_key().as_slice()
    }

    /// First second of validity and first second after it, since the Unix epoch.
    #[must_use]
    pub fn lifetime(&self) -> (u64, u64) {
        let lifetime = self.inner.life_time();
        (lifetime.not_before(), lifetime.not_after())
    }
}

/// Makes a last-resort key package and stores its private keys.
///
/// # Errors
/// [`MlsError::Storage`]; [`MlsError::Internal`] if OpenMLS refuses.
///
/// # Source
/// RFC 9420 §10; the parts as libxmtp emits them, less the two optional welcome extensions.
pub fn generate(
    provider: &Provider<'_>,
    key: &InstallationKey,
    inbox_id: InboxId,
) -> Result<NewKeyPackage, MlsError> {
    generate_with_lifetime(provider, key, inbox_id, Lifetime::new(LIFETIME_SECONDS))
}

fn generate_with_lifetime(
    provider: &Provider<'_>,
    key: &InstallationKey,
    inbox_id: InboxId,
    lifetime: Lifetime,
) -> Result<NewKeyPackage, MlsError> {
    let internal = |error: &dyn std::fmt::Display| MlsError::Internal(error.to_string());
    let application_id =
        Extension::ApplicationId(ApplicationIdExtension::new(inbox_id.to_string().as_bytes()));
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(leaf_capabilities())
        .leaf_node_extensions(Extensions::single(application_id).map_err(|e| internal(&e))?)
        .key_package_extensions(
            Extensions::single(Extension::LastResort(LastResortExtension::new()))
                .map_err(|e| internal(&e))?,
        )
        .key_package_lifetime(lifetime)
        .build(
            CIPHERSUITE,
            provider,
            &MlsSigner(key),
            credential_with_key(key, inbox_id),
        )
        .map_err(|error| provider.failed(|| internal(&error)))?;
    let package = bundle.key_package();
    Ok(NewKeyPackage {
        tls: package.tls_serialize_detached().map_err(|e| internal(&e))?,
        hash_ref: package
            .hash_ref(provider.crypto())
            .map_err(|e| internal(&e))?
            .as_slice()
            .to_vec(),
        init_key: package.hpke_init_key().as_slice().to_vec(),
    })
}

/// Checks a key package fetched from a node or offered to one.
///
/// # Errors
/// [`MlsError::KeyPackage`] with the reason.
///
/// # Source
/// RFC 9420 §10.1 and the checks of the XMTP validation service, to which it adds what a client relies on: the
/// ciphersuite, a 32-byte signature key and a credential that holds an inbox id.
fn verify(crypto: &impl OpenMlsCrypto, tls: &[u8]) -> Result<VerifiedKeyPackage, MlsError> {
    let package = KeyPackageIn::tls_deserialize_exact(tls).map_err(|_| KeyPackageFault::Malformed)?;
    let package = package
        .validate(crypto, ProtocolVersion::Mls10)
        .map_err(|error| match error {
            KeyPackageVerifyError::LifetimeError(_) => KeyPackageFault::OutOfLifetime,
            _ => KeyPackageFault::Invalid,
        })?;
    if package.ciphersuite() != CIPHERSUITE {
        return Err(KeyPackageFault::Ciphersuite.into());
    }
    let leaf = package.leaf_node();
    let installation_id = InstallationId::try_from(leaf.signature_key().as_slice())
        .map_err(|_| KeyPackageFault::SignatureKey)?;
    let inbox_id = inbox_of(leaf.credential()).ok_or(KeyPackageFault::Credential)?;
    Ok(VerifiedKeyPackage {
        inbox_id,
        installation_id,
        inner: package,
    })
}

/// Checks a key package fetched from a node: every check that needs nothing but the package itself, and that it is
/// of the installation it was fetched for.
///
/// # Errors
/// [`MlsError::KeyPackage`] with the reason, [`KeyPackageFault::OtherInstallation`] among them.
pub fn verify_for(
    provider: &Provider<'_>,
    tls: &[u8],
    installation_id: InstallationId,
) -> Result<VerifiedKeyPackage, MlsError> {
    let package = verify(provider.crypto(), tls)?;
    if package.installation_id == installation_id {
        Ok(package)
    } else {
        Err(KeyPackageFault::OtherInstallation.into())
    }
}

/// The lifetime a key package claims, whatever else is wrong with it: first second of validity and first second
/// after it, since the Unix epoch. `None` when it does not decode.
#[must_use]
pub fn lifetime_of(tls: &[u8]) -> Option<(u64, u64)> {
    // OpenMLS shows a lifetime only of what it has verified, against its own clock. The fields before it: version,
    // ciphersuite, init key; then of the leaf encryption key, signature key, credential, capabilities, source.
    let mut rest = Fields(tls.get(4..)?);
    for _ in 0..3 {
        rest.vector()?;
    }
    if rest.number(2)? != BASIC_CREDENTIAL {
        return None;
    }
    rest.vector()?;
    for _ in 0..5 {
        rest.vector()?;
    }
    (rest.number(1)? == SOURCE_KEY_PACKAGE).then_some(())?;
    Some((rest.number(8)?, rest.number(8)?))
}

/// The number of a Basic credential. Source: RFC 9420 §17.5.
const BASIC_CREDENTIAL: u64 = 1;
/// The number of the leaf source `key_package`. Source: RFC 9420 §7.2.
const SOURCE_KEY_PACKAGE: u64 = 1;

/// What is left to read of a TLS structure.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let field = self.take(bytes)?;
        Some(
            field
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    /// A vector with a length of 1, 2 or 4 bytes. Source: RFC 9420 §2.1.2.
    fn vector(&mut self) -> Option<&'a [u8]> {
        let first = *self.0.first()?;
        let (bytes, mask) = match first >> 6 {
            0 => (1, 0x3f),
            1 => (2, 0x3fff),
            2 => (4, 0x3fff_ffff),
            _ => return None,
        };
        let length = self.number(bytes)? & mask;
        self.take(usize::try_from(length).ok()?)
    }
}

/// Checks a key package by itself, for callers that have no store: a node that is offered one.
///
/// # Errors
/// [`MlsError::KeyPackage`] with the reason.
pub fn verify_standalone(tls: &[u8]) -> Result<VerifiedKeyPackage, MlsError> {
    verify(&openmls_rust_crypto::RustCrypto::default(), tls)
}

/// Deletes the private keys of a superseded key package. Deleting one that is gone is no error.
///
/// # Errors
/// [`MlsError::Storage`].
pub fn delete(provider: &Provider<'_>, hash_ref: &[u8]) -> Result<(), MlsError> {
    provider
        .storage()
        .delete_key_package(&reference(hash_ref)?)
        .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))
}

/// A stored KeyPackageRef as OpenMLS knows it.
pub(super) fn reference(hash_ref: &[u8]) -> Result<KeyPackageRef, MlsError> {
    let bytes = VLBytes::from(hash_ref.to_vec()).tls_serialize_detached();
    bytes
        .and_then(KeyPackageRef::tls_deserialize_exact)
        .map_err(|_| MlsError::Corrupt("key package reference"))
}

/// The Basic credential of an inbox, with the installation's key.
pub(super) fn credential_with_key(key: &InstallationKey, inbox_id: InboxId) -> CredentialWithKey {
    let identity = MlsCredential {
        inbox_id: inbox_id.to_string(),
    }
    .encode_to_vec();
    CredentialWithKey {
        credential: BasicCredential::new(identity).into(),
        signature_key: key.id().as_bytes().to_vec().into(),
    }
}

/// The inbox id a credential holds, if it is a Basic one with exactly that.
pub(super) fn inbox_of(credential: &Credential) -> Option<InboxId> {
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    let decoded = MlsCredential::decode(basic.identity()).ok()?;
    let inbox_id: InboxId = decoded.inbox_id.parse().ok()?;
    (inbox_id.to_string() == decoded.inbox_id).then_some(inbox_id)
}

//! Key packages with a lifetime of one's own choosing.

use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{
    Capabilities, Ciphersuite, CredentialType, Extension, ExtensionType, Extensions, KeyPackage,
    LastResortExtension, Lifetime, OpenMlsProvider as _, ProposalType, ProtocolVersion,
};
use serde_json::{Value, json};
use xmtp_web::mls::Provider;
use xmtp_web::platform::Platform as _;
use xmtp_web::platform::native::NativePlatform;
use xmtp_web::storage::KeyPackageRow;

use crate::Failure;
use crate::hand::{Hand, credential};
use crate::person::Person;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// What every leaf in an XMTP group must list.
const EXTENSIONS: [u16; 6] = [0x0001, 0x000A, 0xF000, 0xFF00, 0xFF01, 0xFF02];

impl Person {
    /// Makes the node hand out a key package that ends in so many seconds. Answers `{ notAfter }`, seconds since the
    /// Unix epoch.
    pub(crate) async fn offer(&self, seconds: u64) -> Result<Value, Failure> {
        let made = |error: &dyn std::fmt::Display| Failure::OpenMls(error.to_string());
        let provider = Provider::new(&self.store);
        let capabilities = Capabilities::builder()
            .versions(vec![ProtocolVersion::Mls10])
            .ciphersuites(vec![SUITE])
            .extensions(EXTENSIONS.into_iter().map(ExtensionType::from).collect())
            .proposals(vec![ProposalType::GroupContextExtensions])
            .credentials(vec![CredentialType::Basic])
            .build();
        let last_resort = Extension::LastResort(LastResortExtension::new());
        let bundle = KeyPackage::builder()
            .leaf_node_capabilities(capabilities)
            .key_package_extensions(Extensions::single(last_resort).map_err(|error| made(&error))?)
            .key_package_lifetime(Lifetime::new(seconds))
            .build(
                SUITE,
                &provider,
                &Hand(&self.key),
                credential(&self.key, self.client.inbox_id()),
            )
            .map_err(|error| made(&error))?;
        let package = bundle.key_package();
        let hash_ref = package
            .hash_ref(provider.crypto())
            .map_err(|error| made(&error))?;
        self.store.insert_key_package(&KeyPackageRow {
            hash_ref: hash_ref.as_slice().to_vec(),
            init_key: package.hpke_init_key().as_slice().to_vec(),
            created_at_ns: i64::try_from(NativePlatform.now_ns()).unwrap_or(i64::MAX),
            delete_at_ns: None,
        })?;
        let not_after = package.life_time().not_after();
        let tls = package.tls_serialize_detached().map_err(|error| made(&error))?;
        self.api.upload_key_package(tls).await?;
        Ok(json!({ "notAfter": not_after }))
    }
}

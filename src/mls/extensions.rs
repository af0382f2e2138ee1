//! The extensions a group's context carries, and what our leaves say they support.
//!
//! Inside they are protobuf, which the `groups` room reads; here they are bytes under their numbers.
//!
//! # Source
//! libxmtp 1.9 to 1.12-dev; byte for byte seen with `@xmtp/node-sdk` 5.5.0, 6.0.0 and 6.1.0-nightly.

use openmls::group::GroupContext;
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _, VLBytes};
use openmls::prelude::{
    Capabilities, Ciphersuite, CredentialType, Extension, ExtensionType, Extensions, ProposalType,
    ProtocolVersion, RequiredCapabilitiesExtension, UnknownExtension,
};

use super::error::MlsError;

/// The one ciphersuite of the network: MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519 (0x0003).
pub(crate) const CIPHERSUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// Immutable metadata. Its protobuf stands behind a length prefix of its own.
const IMMUTABLE_METADATA: u16 = 0xF000;
/// Mutable metadata, a bare protobuf like the two below.
const MUTABLE_METADATA: u16 = 0xFF00;
/// Which inboxes are members, and up to which identity update.
const MEMBERSHIP: u16 = 0xFF01;
/// Who may do what.
const PERMISSIONS: u16 = 0xFF02;

/// The protobuf bodies of a group context's four XMTP extensions. `None`: the context lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContextExtensions {
    /// 0xF000, `GroupMetadataV1`, without its inner length prefix.
    pub immutable_metadata: Option<Vec<u8>>,
    /// 0xFF00, `GroupMutableMetadataV1`.
    pub mutable_metadata: Option<Vec<u8>>,
    /// 0xFF01, `GroupMembership`.
    pub membership: Option<Vec<u8>>,
    /// 0xFF02, `GroupMutablePermissionsV1`.
    pub permissions: Option<Vec<u8>>,
    /// The context carries 0x0006: a migrated group, which this client does not take part in.
    pub has_app_data_dictionary: bool,
}

impl ContextExtensions {
    /// Reads the four out of a context. A malformed inner length prefix counts as missing.
    pub(crate) fn read(extensions: &Extensions<GroupContext>) -> Self {
        let raw = |id: u16| extensions.unknown(id).map(|extension| extension.0.clone());
        Self {
            immutable_metadata: raw(IMMUTABLE_METADATA)
                .and_then(|bytes| VLBytes::tls_deserialize_exact(bytes).ok().map(Vec::from)),
            mutable_metadata: raw(MUTABLE_METADATA),
            membership: raw(MEMBERSHIP),
            permissions: raw(PERMISSIONS),
            has_app_data_dictionary: extensions.contains(ExtensionType::from(0x0006)),
        }
    }

    /// All five extensions of a new group, in the order libxmtp writes them.
    pub(crate) fn for_creation(&self) -> Result<Extensions<GroupContext>, MlsError> {
        let body = |part: &Option<Vec<u8>>| part.clone().unwrap_or_default();
        let immutable = VLBytes::new(body(&self.immutable_metadata))
            .tls_serialize_detached()
            .map_err(|_| MlsError::Internal("immutable metadata is too long".into()))?;
        Extensions::from_vec(vec![
            unknown(IMMUTABLE_METADATA, immutable),
            unknown(MUTABLE_METADATA, body(&self.mutable_metadata)),
            unknown(MEMBERSHIP, body(&self.membership)),
            unknown(PERMISSIONS, body(&self.permissions)),
            Extension::RequiredCapabilities(required_capabilities()),
        ])
        .map_err(|error| MlsError::Internal(error.to_string()))
    }
}

/// One extension that a commit replaces; the others are repeated as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextChange {
    /// 0xFF00.
    MutableMetadata(Vec<u8>),
    /// 0xFF01.
    Membership(Vec<u8>),
    /// 0xFF02.
    Permissions(Vec<u8>),
}

impl ContextChange {
    /// The whole context with this one extension replaced in its place.
    pub(crate) fn apply(
        self,
        context: &Extensions<GroupContext>,
    ) -> Result<Extensions<GroupContext>, MlsError> {
        let replacement = match self {
            ContextChange::MutableMetadata(bytes) => unknown(MUTABLE_METADATA, bytes),
            ContextChange::Membership(bytes) => unknown(MEMBERSHIP, bytes),
            ContextChange::Permissions(bytes) => unknown(PERMISSIONS, bytes),
        };
        let kind = replacement.extension_type();
        let mut replacement = Some(replacement);
        let mut list: Vec<Extension> = context
            .iter()
            .filter_map(|old| {
                if old.extension_type() == kind {
                    replacement.take()
                } else {
                    Some(old.clone())
                }
            })
            .collect();
        list.extend(replacement);
        Extensions::from_vec(list).map_err(|error| MlsError::Internal(error.to_string()))
    }
}

fn unknown(id: u16, bytes: Vec<u8>) -> Extension {
    Extension::Unknown(id, UnknownExtension(bytes))
}

/// The extension types every XMTP leaf supports, in the order libxmtp requires them of a group.
fn supported_extensions() -> Vec<ExtensionType> {
    [
        MEMBERSHIP,
        MUTABLE_METADATA,
        PERMISSIONS,
        IMMUTABLE_METADATA,
        0x000A,
        0x0001,
    ]
    .map(ExtensionType::from)
    .to_vec()
}

/// What a group demands of each leaf (libxmtp's list and order).
fn required_capabilities() -> RequiredCapabilitiesExtension {
    RequiredCapabilitiesExtension::new(
        &supported_extensions(),
        &[ProposalType::GroupContextExtensions],
        &[CredentialType::Basic],
    )
}

/// What our own leaves declare. Never 0x0006 or 0x0008: we do not process migrated groups, and a leaf that
/// lists them invites a migration. Never 0xFF03 or 0xFF04: our key packages carry neither.
pub(crate) fn leaf_capabilities() -> Capabilities {
    Capabilities::builder()
        .versions(vec![ProtocolVersion::Mls10])
        .ciphersuites(vec![CIPHERSUITE])
        .extensions(supported_extensions())
        .proposals(vec![ProposalType::GroupContextExtensions])
        .credentials(vec![CredentialType::Basic])
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> ContextExtensions {
        ContextExtensions {
            immutable_metadata: Some(vec![7; 68]),
            mutable_metadata: Some(vec![1]),
            membership: Some(vec![2, 3]),
            permissions: Some(vec![]),
            has_app_data_dictionary: false,
        }
    }

    #[test]
    fn a_context_reads_back_what_was_written() {
        let extensions = bodies().for_creation().expect("valid");
        assert_eq!(ContextExtensions::read(&extensions), bodies());
        let raw = extensions.unknown(IMMUTABLE_METADATA).expect("present");
        assert_eq!(
            raw.0[..2],
            [0x40, 68],
            "68 bytes stand behind a two-byte prefix of their own"
        );
    }

    #[test]
    fn a_change_replaces_one_extension_in_its_place() {
        let before = bodies().for_creation().expect("valid");
        let after = ContextChange::Membership(vec![9]).apply(&before).expect("valid");
        let order =
            |e: &Extensions<GroupContext>| e.iter().map(Extension::extension_type).collect::<Vec<_>>();
        assert_eq!(order(&before), order(&after));
        assert_eq!(
            ContextExtensions::read(&after),
            ContextExtensions {
                membership: Some(vec![9]),
                ..bodies()
            }
        );
    }

    #[test]
    fn a_bad_inner_prefix_counts_as_missing() {
        let list = vec![unknown(IMMUTABLE_METADATA, vec![5, 1])];
        let extensions = Extensions::from_vec(list).expect("valid");
        assert_eq!(ContextExtensions::read(&extensions).immutable_metadata, None);
    }
}

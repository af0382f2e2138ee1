//! Welcomes: sealed a second time for each recipient, opened, staged and turned into a group.

use hpke_rs::{Hpke, HpkePrivateKey, HpkePublicKey, Mode};
use hpke_rs_crypto::types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs_rust_crypto::HpkeRustCrypto;
use openmls::group::{MlsGroupJoinConfig, ProcessedWelcome, StagedWelcome, WelcomeError};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    HpkeCiphertext, KeyPackageBundle, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider as _,
};
use openmls_traits::storage::StorageProvider as _;
use prost::Message as _;
use zeroize::Zeroizing;

use super::error::{MlsError, WelcomeFault};
use super::extensions::ContextExtensions;
use super::group::{Group, Leaf, PAST_EPOCHS};
use super::key_package::{inbox_of, reference};
use super::provider::Provider;
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::proto::xmtp::mls::message_contents::{WelcomeMetadata, WelcomeWrapperAlgorithm};

/// The HPKE info string: an EncryptContext of RFC 9420 §5.1.3 with label `MLS_WELCOME` and an empty context.
const INFO: &[u8] = b"\x13MLS 1.0 MLS_WELCOME\x00";

/// A welcome wrapped for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedWelcome {
    /// TLS `HPKECiphertext` over the MLS welcome.
    pub data: Vec<u8>,
    /// The ciphertext of the second seal of the same context, over the metadata. Empty: none.
    pub metadata: Vec<u8>,
}

/// An MLS welcome out of its wrapping, with the metadata that came beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrappedWelcome {
    /// TLS `MLSMessage` holding a Welcome.
    pub welcome: Vec<u8>,
    /// Encoded `WelcomeMetadata`; empty when the sender gave none.
    pub metadata: Vec<u8>,
}

/// The number of the wrapper algorithm of [`wrap`] on the wire: Curve25519.
pub const ALGORITHM: i32 = WelcomeWrapperAlgorithm::Curve25519 as i32;

/// Whether [`unwrap`] opens what was wrapped by an algorithm; unspecified counts as Curve25519, as with peers.
#[must_use]
pub fn opens(algorithm: i32) -> bool {
    [ALGORITHM, WelcomeWrapperAlgorithm::Unspecified as i32].contains(&algorithm)
}

/// The metadata of a welcome: the node's number of the commit that added the recipient.
#[must_use]
pub fn encode_metadata(message_cursor: u64) -> Vec<u8> {
    WelcomeMetadata { message_cursor }.encode_to_vec()
}

/// Reads what [`encode_metadata`] wrote. No bytes: 0.
///
/// # Errors
/// [`WelcomeFault::Malformed`].
pub fn decode_metadata(bytes: &[u8]) -> Result<u64, MlsError> {
    Ok(WelcomeMetadata::decode(bytes)
        .map_err(|_| WelcomeFault::Malformed)?
        .message_cursor)
}

/// Seals `welcome` and then `metadata` to an X25519 key, in one HPKE context.
///
/// # Errors
/// [`MlsError::KeyPackage`] when `public_key` is no X25519 key.
///
/// # Source
/// RFC 9180 base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305; the two seals as
/// libxmtp does them, opened by `@xmtp/node-sdk` 5.5.0, 6.0.0 and 6.1.0-nightly.
pub fn wrap(welcome: &[u8], metadata: &[u8], public_key: &[u8]) -> Result<WrappedWelcome, MlsError> {
    use super::error::KeyPackageFault::Invalid;
    let (enc, mut context) = hpke()
        .setup_sender(&HpkePublicKey::new(public_key.to_vec()), INFO, None, None, None)
        .map_err(|_| Invalid)?;
    let ciphertext = context.seal(&[], welcome).map_err(|_| Invalid)?;
    let metadata = context.seal(&[], metadata).map_err(|_| Invalid)?;
    let data = HpkeCiphertext {
        kem_output: enc.into(),
        ciphertext: ciphertext.into(),
    }
    .tls_serialize_detached()
    .map_err(|error| MlsError::Internal(error.to_string()))?;
    Ok(WrappedWelcome { data, metadata })
}

/// Opens what [`wrap`] made. An empty `metadata` is passed through.
///
/// # Errors
/// [`WelcomeFault::Malformed`], [`WelcomeFault::Seal`].
pub fn unwrap(data: &[u8], metadata: &[u8], private_key: &[u8]) -> Result<UnwrappedWelcome, MlsError> {
    let sealed = HpkeCiphertext::tls_deserialize_exact(data).map_err(|_| WelcomeFault::Malformed)?;
    let mut context = hpke()
        .setup_receiver(
            sealed.kem_output.as_slice(),
            &HpkePrivateKey::new(private_key.to_vec()),
            INFO,
            None,
            None,
            None,
        )
        .map_err(|_| WelcomeFault::Seal)?;
    let welcome = context
        .open(&[], sealed.ciphertext.as_slice())
        .map_err(|_| WelcomeFault::Seal)?;
    let metadata = if metadata.is_empty() {
        Vec::new()
    } else {
        context.open(&[], metadata).map_err(|_| WelcomeFault::Seal)?
    };
    Ok(UnwrappedWelcome { welcome, metadata })
}

fn hpke() -> Hpke<HpkeRustCrypto> {
    Hpke::new(
        Mode::Base,
        KemAlgorithm::DhKem25519,
        KdfAlgorithm::HkdfSha256,
        AeadAlgorithm::ChaCha20Poly1305,
    )
}

/// The private init key of a stored key package of ours.
///
/// # Errors
/// [`WelcomeFault::UnknownKeyPackage`] when it is not (or no longer) stored.
pub fn init_private_key(provider: &Provider<'_>, hash_ref: &[u8]) -> Result<Zeroizing<Vec<u8>>, MlsError> {
    let bundle: Option<KeyPackageBundle> = provider
        .storage()
        .key_package(&reference(hash_ref)?)
        .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
    let bundle = bundle.ok_or(WelcomeFault::UnknownKeyPackage)?;
    Ok(Zeroizing::new(bundle.init_private_key().to_vec()))
}

/// A group one is invited to, before anything of it is believed or stored.
#[derive(Debug)]
pub struct Invitation {
    staged: StagedWelcome,
    group_id: GroupId,
    sender: Leaf,
}

impl Invitation {
    /// Decrypts and verifies an MLS welcome. Stores nothing.
    ///
    /// # Errors
    /// [`MlsError::Welcome`] with the reason; [`MlsError::Storage`].
    ///
    /// # Source
    /// RFC 9420 §12.4.3.1. The lifetimes of leaves are not checked: a tree holds leaves older than 84 days.
    pub fn open(provider: &Provider<'_>, welcome: &[u8]) -> Result<Self, MlsError> {
        let message = MlsMessageIn::tls_deserialize_exact(welcome).map_err(|_| WelcomeFault::Malformed)?;
        let MlsMessageBodyIn::Welcome(welcome) = message.extract() else {
            return Err(WelcomeFault::Malformed.into());
        };
        let config = MlsGroupJoinConfig::builder()
            .max_past_epochs(PAST_EPOCHS)
            .use_ratchet_tree_extension(true)
            .build();
        let refuse = |error: WelcomeError<_>| {
            provider.failed(|| match error {
                WelcomeError::NoMatchingKeyPackage | WelcomeError::JoinerSecretNotFound => {
                    WelcomeFault::UnknownKeyPackage.into()
                }
                WelcomeError::Psk(_) => WelcomeFault::PreSharedKey.into(),
                WelcomeError::MalformedWelcomeMessage | WelcomeError::NotAWelcomeMessage => {
                    WelcomeFault::Malformed.into()
                }
                _ => WelcomeFault::Invalid.into(),
            })
        };
        let processed = ProcessedWelcome::new_from_welcome(provider, &config, welcome).map_err(refuse)?;
        if !processed.psks().is_empty() {
            return Err(WelcomeFault::PreSharedKey.into());
        }
        let staged = openmls::group::JoinBuilder::new(provider, processed)
            .replace_old_group()
            .skip_lifetime_validation()
            .build()
            .map_err(refuse)?;
        let group_id = GroupId::try_from(staged.group_context().group_id().as_slice())
            .map_err(|_| WelcomeFault::GroupId)?;
        let index = staged.welcome_sender_index().u32();
        let leaf = staged.welcome_sender().map_err(|_| WelcomeFault::Sender)?;
        let sender = Leaf {
            index,
            inbox_id: inbox_of(leaf.credential()),
            installation_id: InstallationId::try_from(leaf.signature_key().as_slice())
                .map_err(|_| WelcomeFault::Sender)?,
        };
        Ok(Self {
            staged,
            group_id,
            sender,
        })
    }

    /// The group's id.
    #[must_use]
    pub fn group_id(&self) -> GroupId {
        self.group_id
    }

    /// The epoch one would join in.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.staged.group_context().epoch().as_u64()
    }

    /// Who made the welcome.
    #[must_use]
    pub fn sender(&self) -> &Leaf {
        &self.sender
    }

    /// The inbox of who made the welcome.
    ///
    /// # Errors
    /// [`WelcomeFault::Sender`] when its credential names none.
    pub fn added_by(&self) -> Result<InboxId, MlsError> {
        self.sender.inbox_id.ok_or_else(|| WelcomeFault::Sender.into())
    }

    /// The context's extensions.
    #[must_use]
    pub fn context(&self) -> ContextExtensions {
        ContextExtensions::read(self.staged.group_context().extensions())
    }

    /// Every leaf of the tree. A leaf without a readable installation id makes the welcome invalid.
    ///
    /// # Errors
    /// [`WelcomeFault::Invalid`].
    pub fn leaves(&self) -> Result<Vec<Leaf>, MlsError> {
        self.staged
            .members()
            .map(|member| Leaf::of(&member).ok_or(WelcomeFault::Invalid.into()))
            .collect()
    }

    /// Has it judged: `rules` answers the verdict that it travels on with, or why it is refused.
    ///
    /// # Errors
    /// What `rules` answers; the invitation is gone.
    pub fn judge<V, E>(self, rules: impl FnOnce(&Self) -> Result<V, E>) -> Result<AcceptedInvitation<V>, E> {
        Ok(AcceptedInvitation {
            verdict: rules(&self)?,
            invitation: self,
        })
    }
}

/// An invitation that was judged, with the verdict. Only [`Invitation::judge`] makes one, and only one of these can be
/// followed.
#[derive(Debug)]
pub struct AcceptedInvitation<V> {
    verdict: V,
    invitation: Invitation,
}

impl<V> AcceptedInvitation<V> {
    /// Stores the group, in place of an older one with the same id.
    ///
    /// # Errors
    /// [`MlsError::Storage`]; [`WelcomeFault::Invalid`].
    pub fn join(self, provider: &Provider<'_>) -> Result<(Group, V), MlsError> {
        let Invitation { staged, group_id, .. } = self.invitation;
        let group = staged
            .into_group(provider)
            .map_err(|_| provider.failed(|| WelcomeFault::Invalid.into()))?;
        Ok((Group::from_inner(group, group_id), self.verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_pair() -> (Vec<u8>, Vec<u8>) {
        let pair = hpke().generate_key_pair().expect("randomness");
        (
            pair.private_key().as_slice().to_vec(),
            pair.public_key().as_slice().to_vec(),
        )
    }

    #[test]
    fn both_seals_open_with_the_right_key_only() {
        let (private, public) = key_pair();
        let wrapped = wrap(b"welcome", b"metadata", &public).expect("sealed");
        let opened = unwrap(&wrapped.data, &wrapped.metadata, &private).expect("opens");
        assert_eq!(
            (opened.welcome.as_slice(), opened.metadata.as_slice()),
            (&b"welcome"[..], &b"metadata"[..])
        );
        let (other, _) = key_pair();
        assert_eq!(unwrap(&wrapped.data, &[], &other), Err(WelcomeFault::Seal.into()));
    }

    #[test]
    fn a_swapped_metadata_does_not_open() {
        let (private, public) = key_pair();
        let one = wrap(b"one", b"1", &public).expect("sealed");
        let two = wrap(b"two", b"2", &public).expect("sealed");
        assert_eq!(
            unwrap(&one.data, &two.metadata, &private),
            Err(WelcomeFault::Seal.into())
        );
    }

    #[test]
    fn garbage_is_refused() {
        let (private, _) = key_pair();
        assert_eq!(
            unwrap(&[0xff; 40], &[], &private),
            Err(WelcomeFault::Malformed.into())
        );
        assert_eq!(unwrap(&[], &[], &private), Err(WelcomeFault::Malformed.into()));
    }
}

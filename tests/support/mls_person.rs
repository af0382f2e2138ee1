//! A member of MLS groups with a store, for tests of what is stored: plain OpenMLS, none of the protocol
//! above it.

use ed25519_dalek::{Signer as _, SigningKey};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::*;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use xmtp_web::mls::Provider;
use xmtp_web::storage::Db;

const CIPHERSUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

pub(crate) struct Key(SigningKey);

impl Signer for Key {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_bytes().to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

pub(crate) struct Person {
    pub(crate) key: Key,
    pub(crate) credential: CredentialWithKey,
}

/// A person; the seed is the name.
pub(crate) fn person(seed: u8) -> Person {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let credential = CredentialWithKey {
        credential: BasicCredential::new(vec![seed]).into(),
        signature_key: key.verifying_key().to_bytes().to_vec().into(),
    };
    Person {
        key: Key(key),
        credential,
    }
}

impl Person {
    pub(crate) fn key_package(&self, db: &Db) -> KeyPackage {
        KeyPackage::builder()
            .build(
                CIPHERSUITE,
                &Provider::new(db),
                &self.key,
                self.credential.clone(),
            )
            .expect("a key package")
            .key_package()
            .clone()
    }

    pub(crate) fn create(&self, db: &Db) -> MlsGroup {
        MlsGroup::builder()
            .ciphersuite(CIPHERSUITE)
            .max_past_epochs(3)
            .use_ratchet_tree_extension(true)
            .build(&Provider::new(db), &self.key, self.credential.clone())
            .expect("a group")
    }

    /// Stages a commit that adds key packages; answers the commit and the welcome.
    pub(crate) fn add(&self, db: &Db, group: &mut MlsGroup, packages: &[KeyPackage]) -> (Vec<u8>, Vec<u8>) {
        let (commit, welcome, _) = group
            .add_members(&Provider::new(db), &self.key, packages)
            .expect("a commit");
        (bytes(&commit), bytes(&welcome))
    }

    pub(crate) fn send(&self, db: &Db, group: &mut MlsGroup, text: &str) -> Vec<u8> {
        let message = group.create_message(&Provider::new(db), &self.key, text.as_bytes());
        bytes(&message.expect("a message"))
    }
}

pub(crate) fn join(db: &Db, welcome: &[u8]) -> MlsGroup {
    let message = MlsMessageIn::tls_deserialize_exact(welcome).expect("a message");
    let MlsMessageBodyIn::Welcome(welcome) = message.extract() else {
        panic!("not a welcome");
    };
    let config = MlsGroupJoinConfig::builder()
        .set_past_epoch_deletion_policy(PastEpochDeletionPolicy::MaxEpochs(3))
        .use_ratchet_tree_extension(true)
        .build();
    let provider = Provider::new(db);
    StagedWelcome::new_from_welcome(&provider, &config, welcome, None)
        .expect("a readable welcome")
        .into_group(&provider)
        .expect("a group")
}

pub(crate) fn load(db: &Db, id: &GroupId) -> MlsGroup {
    MlsGroup::load(Provider::new(db).storage(), id)
        .expect("readable")
        .expect("stored")
}

/// Processes a message; `None` when it does not decrypt.
pub(crate) fn process(db: &Db, group: &mut MlsGroup, message: &[u8]) -> Option<ProcessedMessageContent> {
    let message = MlsMessageIn::tls_deserialize_exact(message).expect("a message");
    let message = message.try_into_protocol_message().expect("a protocol message");
    let processed = group.process_message(&Provider::new(db), message).ok()?;
    Some(processed.into_content())
}

/// The text of an application message.
pub(crate) fn text(content: Option<ProcessedMessageContent>) -> String {
    match content {
        Some(ProcessedMessageContent::ApplicationMessage(message)) => {
            String::from_utf8(message.into_bytes()).expect("text")
        }
        _ => panic!("not an application message"),
    }
}

/// The commit in a processed message.
pub(crate) fn commit(content: Option<ProcessedMessageContent>) -> StagedCommit {
    match content {
        Some(ProcessedMessageContent::StagedCommitMessage(commit)) => *commit,
        _ => panic!("not a commit"),
    }
}

pub(crate) fn bytes(message: &MlsMessageOut) -> Vec<u8> {
    message.tls_serialize_detached().expect("serializes")
}

/// What two members of the same epoch have in common and no other epoch has.
pub(crate) fn authenticator(group: &MlsGroup) -> Vec<u8> {
    group.epoch_authenticator().as_slice().to_vec()
}

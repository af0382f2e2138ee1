//! Signers with fixed keys, and logs made of what they sign.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use sha3::Keccak256;
use xmtp_web::identity::{
    AccountId, Action, Address, AssociationState, ContractAnswers, ContractSignature, Identifier,
    IdentityError, IdentityUpdate, InstallationKey, LegacySignature, Member, Passkey, PasskeySignature,
    Signature, VerifiedUpdate, derive_inbox_id, eip191_hash, verify,
};
use xmtp_web::ids::{InboxId, InstallationId};
use xmtp_web::proto::xmtp::message_contents as legacy;

/// Somebody who can sign; the number picks the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Wallet(u8),
    /// The same address as the wallet of that number, signing as a contract of a chain.
    Contract(u8, u64),
    Installation(u8),
    Passkey(u8),
    /// A V2 key of its own, to which the wallet of that number delegated.
    Legacy(u8),
}

pub(crate) use Signer::{Contract, Installation, Legacy, Passkey as PasskeyOf, Wallet};

impl Signer {
    pub(crate) fn member(self) -> Member {
        match self {
            Wallet(n) | Contract(n, _) | Legacy(n) => Member::Ethereum(address(n)),
            Installation(n) => Member::Installation(installation(n).id()),
            PasskeyOf(n) => Member::Passkey(Passkey {
                key: passkey_bytes(n),
                relying_party: None,
            }),
        }
    }

    pub(crate) fn identifier(self) -> Identifier {
        self.member()
            .identifier()
            .expect("no installation is asked for its identifier")
    }

    pub(crate) fn sign(self, text: &str) -> Signature {
        match self {
            Wallet(n) => Signature::Ecdsa(personal_sign(&wallet_key(n), text)),
            Contract(n, chain) => Signature::Contract(ContractSignature {
                account: AccountId::new(chain, &address(n)),
                block_number: 7,
                signature: Sha256::digest(text).to_vec(),
            }),
            Installation(n) => {
                let key = installation(n);
                Signature::Installation {
                    key: key.id(),
                    signature: key.sign_identity_text(text).to_vec(),
                }
            }
            PasskeyOf(n) => Signature::Passkey(assertion(n, text)),
            Legacy(n) => Signature::Legacy(delegated(n, text)),
        }
    }
}

pub(crate) fn wallet_key(n: u8) -> k256::ecdsa::SigningKey {
    k256::ecdsa::SigningKey::from_slice(&[n; 32]).expect("a scalar below the order")
}

pub(crate) fn address(n: u8) -> Address {
    let point = wallet_key(n).verifying_key().to_encoded_point(false);
    let hash = Keccak256::digest(&point.as_bytes()[1..]);
    Address::parse(&format!("0x{}", hex::encode(&hash[12..]))).expect("an address")
}

pub(crate) fn installation(n: u8) -> InstallationKey {
    InstallationKey::from_seed(&[n; 32])
}

pub(crate) fn installation_id(n: u8) -> InstallationId {
    installation(n).id()
}

/// r, s, v with v 27 or 28.
pub(crate) fn personal_sign(key: &k256::ecdsa::SigningKey, text: &str) -> Vec<u8> {
    let (signature, recovery) = key
        .sign_prehash_recoverable(&eip191_hash(text.as_bytes()))
        .expect("the hash is long enough");
    [signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat()
}

fn passkey_key(n: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[n; 32]).expect("a scalar below the order")
}

fn passkey_bytes(n: u8) -> Vec<u8> {
    passkey_key(n)
        .verifying_key()
        .to_encoded_point(true)
        .as_bytes()
        .to_vec()
}

pub(crate) fn assertion(n: u8, text: &str) -> PasskeySignature {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(text);
    let client_data = format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://example.org","crossOrigin":false}}"#
    );
    assertion_about(n, client_data.into_bytes())
}

/// An assertion that is properly signed, over any client data.
pub(crate) fn assertion_about(n: u8, client_data_json: Vec<u8>) -> PasskeySignature {
    use p256::ecdsa::signature::Signer as _;
    let authenticator_data = vec![0x49; 37];
    let signed = [authenticator_data.as_slice(), &Sha256::digest(&client_data_json)].concat();
    let signature: p256::ecdsa::DerSignature = passkey_key(n).sign(&signed);
    PasskeySignature {
        public_key: passkey_bytes(n),
        signature: signature.as_bytes().to_vec(),
        authenticator_data,
        client_data_json,
    }
}

pub(crate) fn delegated(n: u8, text: &str) -> LegacySignature {
    let v2_key = wallet_key(0x80 | n);
    let point = v2_key.verifying_key().to_encoded_point(false).as_bytes().to_vec();
    let unsigned = legacy::UnsignedPublicKey {
        created_ns: 1,
        union: Some(legacy::unsigned_public_key::Union::Secp256k1Uncompressed(
            legacy::unsigned_public_key::Secp256k1Uncompressed { bytes: point },
        )),
    };
    let key_bytes = unsigned.encode_to_vec();
    let wallet_signature = personal_sign(
        &wallet_key(n),
        &format!(
            "XMTP : Create Identity\n{}\n\nFor more info: https://xmtp.org/signatures/",
            hex::encode(&key_bytes)
        ),
    );
    let compact = legacy::signature::WalletEcdsaCompact {
        bytes: wallet_signature[..64].to_vec(),
        recovery: u32::from(wallet_signature[64] - 27),
    };
    let signature = legacy::Signature {
        union: Some(legacy::signature::Union::WalletEcdsaCompact(compact)),
    };
    LegacySignature {
        delegated_key: legacy::SignedPublicKey {
            key_bytes,
            signature: Some(signature),
        },
        signature: personal_sign(&v2_key, text),
    }
}

pub(crate) fn create(signer: Signer, nonce: u64) -> Action<Signer> {
    Action::CreateInbox {
        identifier: signer.identifier(),
        nonce,
        signature: signer,
    }
}

pub(crate) fn add(new: Signer, existing: Signer) -> Action<Signer> {
    Action::Add {
        new_member: new.member(),
        existing_signature: existing,
        new_signature: new,
    }
}

pub(crate) fn revoke(member: Signer, recovery: Signer) -> Action<Signer> {
    Action::Revoke {
        target: member.member().into(),
        signature: recovery,
    }
}

pub(crate) fn change_recovery(new: Signer, recovery: Signer) -> Action<Signer> {
    Action::ChangeRecovery {
        new_recovery: new.identifier(),
        signature: recovery,
    }
}

/// An update made in the given second, signed by everybody it names.
pub(crate) fn signed(inbox_id: InboxId, second: u64, actions: Vec<Action<Signer>>) -> IdentityUpdate {
    let client_timestamp_ns = second * 1_000_000_000;
    let unsigned = IdentityUpdate {
        inbox_id,
        client_timestamp_ns,
        actions,
    };
    let text = unsigned.signature_text();
    let actions = unsigned
        .actions
        .into_iter()
        .map(|action| match action {
            Action::CreateInbox {
                identifier,
                nonce,
                signature,
            } => Action::CreateInbox {
                identifier,
                nonce,
                signature: signature.sign(&text),
            },
            Action::Add {
                new_member,
                existing_signature,
                new_signature,
            } => Action::Add {
                new_member,
                existing_signature: existing_signature.sign(&text),
                new_signature: new_signature.sign(&text),
            },
            Action::Revoke { target, signature } => Action::Revoke {
                target,
                signature: signature.sign(&text),
            },
            Action::ChangeRecovery {
                new_recovery,
                signature,
            } => Action::ChangeRecovery {
                new_recovery,
                signature: signature.sign(&text),
            },
        })
        .collect();
    IdentityUpdate {
        inbox_id,
        client_timestamp_ns,
        actions,
    }
}

/// Verifies with chains that say yes to everything.
pub(crate) fn verified(update: &IdentityUpdate) -> VerifiedUpdate {
    let answers: ContractAnswers = update
        .contract_questions()
        .into_iter()
        .map(|question| (question, true))
        .collect();
    verify(update, &answers).expect("every signature holds")
}

/// A log that grows second by second.
pub(crate) struct Log {
    pub(crate) state: AssociationState,
    pub(crate) second: u64,
}

impl Log {
    /// An inbox of `owner` with this nonce, and nothing else in it.
    pub(crate) fn of(owner: Signer, nonce: u64) -> Self {
        let inbox_id = inbox_of(owner, nonce);
        let update = verified(&signed(inbox_id, 1, vec![create(owner, nonce)]));
        Self {
            state: AssociationState::replay([&update]).expect("a creation"),
            second: 1,
        }
    }

    /// An inbox of `Wallet(1)`, nonce 1, with `Installation(1)`.
    pub(crate) fn usual() -> Self {
        let mut log = Self::of(Wallet(1), 1);
        log.push(vec![add(Installation(1), Wallet(1))])
            .expect("the owner adds an installation");
        log
    }

    /// Applies actions in the next second; a refusal changes nothing.
    pub(crate) fn push(&mut self, actions: Vec<Action<Signer>>) -> Result<(), IdentityError> {
        self.second += 1;
        let update = signed(self.state.inbox_id(), self.second, actions);
        self.state = self.state.apply(&verified(&update))?;
        Ok(())
    }

    pub(crate) fn has(&self, signer: Signer) -> bool {
        self.state.is_member(&signer.member())
    }
}

pub(crate) fn inbox_of(owner: Signer, nonce: u64) -> InboxId {
    derive_inbox_id(&owner.identifier(), nonce).expect("well formed")
}

//! Wallets with fixed keys, and the identity updates they sign.

use sha3::{Digest as _, Keccak256};
use xmtp_web::identity::{
    Address, Identifier, IdentityUpdate, InstallationKey, SignatureRequest, eip191_hash,
};

/// The bytes of a secret key; the number, from 1 to 20,000, picks them.
pub(crate) fn seed(number: u16) -> [u8; 32] {
    match u8::try_from(number) {
        Ok(byte) => [byte; 32],
        // never the same byte throughout, which is the key of a small number
        Err(_) => {
            std::array::from_fn(|index| [0x5a, number.to_be_bytes()[0], number.to_be_bytes()[1]][index % 3])
        }
    }
}

/// An Ethereum wallet; the number picks the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wallet(pub(crate) u16);

impl Wallet {
    fn key(self) -> k256::ecdsa::SigningKey {
        k256::ecdsa::SigningKey::from_slice(&seed(self.0)).expect("a scalar below the order")
    }

    pub(crate) fn identifier(self) -> Identifier {
        let point = self.key().verifying_key().to_encoded_point(false);
        let hash = Keccak256::digest(&point.as_bytes()[1..]);
        Identifier::Ethereum(Address::parse(&format!("0x{}", hex::encode(&hash[12..]))).expect("an address"))
    }

    /// `personal_sign`: r, s, v.
    fn sign(self, text: &str) -> Vec<u8> {
        let (signature, recovery) = self
            .key()
            .sign_prehash_recoverable(&eip191_hash(text.as_bytes()))
            .expect("the hash is long enough");
        [signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat()
    }

    /// Signs a request that waits for this wallet, and for an installation if one is given.
    pub(crate) fn complete(
        self,
        mut request: SignatureRequest,
        installation: Option<&InstallationKey>,
    ) -> IdentityUpdate {
        let signature = self.sign(request.text());
        request.add_ecdsa(&signature).expect("it waits for the wallet");
        if let Some(key) = installation {
            request
                .add_installation(key)
                .expect("it waits for the installation");
        }
        request.build().expect("everybody has signed")
    }

    /// A new inbox of this wallet with one installation.
    pub(crate) fn new_inbox(self, installation: &InstallationKey) -> IdentityUpdate {
        let request = SignatureRequest::new_inbox(self.identifier(), 1, installation.id(), 1_000_000_000)
            .expect("a well-formed owner");
        self.complete(request, Some(installation))
    }
}

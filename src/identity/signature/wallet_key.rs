//! A wallet's private key, for accounts that nobody minds to lose: tests, and pages that try things out.

use k256::ecdsa::{RecoveryId, Signature, SigningKey};

use super::ecdsa::eip191_hash;
use crate::identity::identifier::Address;

/// A secp256k1 key that signs as wallets do. Wiped when it is dropped, and never shown by `Debug`.
pub struct WalletKey(SigningKey);

impl WalletKey {
    /// The key of these 32 bytes; `None` for another length, for 0 and for what is not below the curve's order.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // by itself the crate takes shorter ones, too
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        SigningKey::from_slice(bytes).ok().map(Self)
    }

    /// The address that the key has.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::of_key(self.0.verifying_key())
    }

    /// The EIP-191 (`personal_sign`) signature of `text`: r, low s, v of 27 or 28 (65 bytes). The same each time (RFC 6979).
    /// `None` cannot happen with a hash of this length.
    #[must_use]
    pub fn sign(&self, text: &str) -> Option<[u8; 65]> {
        let hash = eip191_hash(text.as_bytes());
        let (signature, recovery): (Signature, RecoveryId) = self.0.sign_prehash_recoverable(&hash).ok()?;
        let mut bytes = [27 + recovery.to_byte(); 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        Some(bytes)
    }
}

impl std::fmt::Debug for WalletKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WalletKey({})", self.address().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{normalise_ecdsa, recover_address};

    /// The first account of Hardhat and Anvil, published with its address.
    const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

    fn key() -> WalletKey {
        WalletKey::from_bytes(&hex::decode(KEY).expect("hex")).expect("a key")
    }

    #[test]
    fn a_key_signs_for_its_address_in_the_form_that_peers_accept() {
        assert_eq!(key().address().as_str(), ADDRESS);
        for text in ["", "XMTP : Authenticate to inbox", "ünïcödé"] {
            let signature = key().sign(text).expect("signs");
            assert_eq!(
                recover_address(text, &signature).expect("recovers").as_str(),
                ADDRESS
            );
            assert_eq!(normalise_ecdsa(&signature), Ok(signature));
            assert_eq!(key().sign(text), Some(signature));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        let cases: [&[u8]; 4] = [&[], &[1; 31], &[0; 32], &hex::decode(order).expect("hex")];
        for bytes in cases {
            assert!(WalletKey::from_bytes(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn debug_output_shows_no_key() {
        assert_eq!(format!("{:?}", key()), format!("WalletKey({ADDRESS})"));
    }
}

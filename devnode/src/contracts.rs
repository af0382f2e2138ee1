//! Smart-contract wallets without a chain.
//!
//! The public node asks a chain whether a contract accepts a signature (ERC-6492, ERC-1271). Here a registry
//! stands for the chain: an address is a contract if it was registered with the address of its owner, and the
//! contract accepts a 65-byte ECDSA signature of the hash by that owner. An address that was not registered
//! has no code; as the universal validator of ERC-6492 does, its own ECDSA signature is then valid.
//! Wallets are kept in the node's database, since signatures of a log are checked again with every update.
//! ERC-6492 wrapped signatures (contracts not yet deployed) are not unwrapped and count as invalid.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sha3::{Digest, Keccak256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The only chain there is: the id of a local development chain (CAIP-2 `eip155:31337`).
pub const LOCAL_CHAIN_ID: u64 = 31_337;

/// The chain's newest block, and never another one: no block is ever added.
pub const LOCAL_CHAIN_HEIGHT: u64 = 1_000;

/// Text that is not an address, or not `ADDRESS=OWNER`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a contract wallet is given as ADDRESS=OWNER, each 0x and 40 hex digits")]
pub struct InvalidWallet;

/// An answer to one question about a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether the wallet accepts the signature.
    pub(crate) valid: bool,
    /// The block at which it was asked.
    pub(crate) block: u64,
}

/// A question that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ContractError {
    /// The account is on a chain without a verifier.
    #[error("verifier not present for chain ID {0}")]
    UnknownChain(String),
    /// The account id is not CAIP-10 with an Ethereum address.
    #[error("invalid account id")]
    InvalidAccount,
    /// The hash does not have 32 bytes.
    #[error("invalid hash length")]
    InvalidHash,
    /// The block is above the newest one.
    #[error("block {0} not found")]
    UnknownBlock(u64),
}

/// An Ethereum address.
pub(crate) type Address = [u8; 20];

/// The registry.
#[derive(Debug, Default)]
pub(crate) struct Contracts {
    owners: Mutex<HashMap<Address, Address>>,
}

impl Contracts {
    /// Deploys a wallet at `address` that belongs to `owner`; a later call replaces the owner.
    pub(crate) fn register(&self, address: Address, owner: Address) {
        self.owners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(address, owner);
    }

    /// Whether the wallet `account` (CAIP-10) accepts `signature` for `hash` at `block` (newest if absent).
    pub(crate) fn verify(
        &self,
        account: &str,
        block: Option<u64>,
        signature: &[u8],
        hash: &[u8],
    ) -> Result<Verdict, ContractError> {
        let mut parts = account.split(':');
        let (Some(namespace), Some(chain), Some(address), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ContractError::InvalidAccount);
        };
        let address = parse_address(address).map_err(|_| ContractError::InvalidAccount)?;
        if namespace != "eip155" || chain.parse() != Ok(LOCAL_CHAIN_ID) {
            return Err(ContractError::UnknownChain(format!("{namespace}:{chain}")));
        }
        let hash: &[u8; 32] = hash.try_into().map_err(|_| ContractError::InvalidHash)?;
        let block = block.unwrap_or(LOCAL_CHAIN_HEIGHT);
        if block > LOCAL_CHAIN_HEIGHT {
            return Err(ContractError::UnknownBlock(block));
        }
        let owner = self
            .owners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&address)
            .copied();
        let valid = recover(hash, signature) == Some(owner.unwrap_or(address));
        Ok(Verdict { valid, block })
    }
}

/// The 20 bytes of 40 hex digits, with or without `0x` as in CAIP-10 accounts.
pub(crate) fn parse_address(text: &str) -> Result<Address, InvalidWallet> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut address = [0; 20];
    hex::decode_to_slice(digits, &mut address).map_err(|_| InvalidWallet)?;
    Ok(address)
}

/// The address whose key made `signature` (r, s, v; v is 0, 1, 27 or 28) over `hash`.
fn recover(hash: &[u8; 32], signature: &[u8]) -> Option<Address> {
    let (v, rs) = signature.split_last()?;
    let id = RecoveryId::try_from(if *v >= 27 { v - 27 } else { *v }).ok()?;
    if id.is_x_reduced() {
        return None;
    }
    let signature = Signature::from_slice(rs).ok()?;
    let key = VerifyingKey::recover_from_prehash(hash, &signature, id).ok()?;
    address_of(&key)
}

fn address_of(key: &VerifyingKey) -> Option<Address> {
    let point = key.to_encoded_point(false);
    let digest = Keccak256::digest(point.as_bytes().get(1..)?);
    digest.get(12..)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::ecdsa::SigningKey;

    const CONTRACT: &str = "0x00000000000000000000000000000000000000c0";

    fn key(byte: u8) -> (SigningKey, String) {
        let key = SigningKey::from_slice(&[byte; 32]).expect("a valid scalar");
        let address = address_of(key.verifying_key()).expect("a point has an address");
        (key, format!("0x{}", hex::encode(address)))
    }

    fn sign(key: &SigningKey, hash: &[u8; 32]) -> Vec<u8> {
        let (signature, id) = key.sign_prehash_recoverable(hash).expect("signs");
        let mut bytes = signature.to_bytes().to_vec();
        bytes.push(27 + id.to_byte());
        bytes
    }

    #[test]
    fn known_address_of_a_known_key() {
        let mut scalar = [0; 32];
        scalar[31] = 1;
        let key = SigningKey::from_slice(&scalar).expect("a valid scalar");
        let address = address_of(key.verifying_key()).expect("a point has an address");
        assert_eq!(hex::encode(address), "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    }

    #[test]
    fn a_registered_wallet_accepts_its_owner_alone() {
        let contracts = Contracts::default();
        let (owner, owner_address) = key(1);
        let (other, _) = key(2);
        let address = |text| parse_address(text).expect("a valid address");
        contracts.register(address(CONTRACT), address(&owner_address));
        let account = format!("eip155:31337:{CONTRACT}");
        let hash = [7; 32];
        let verdict = contracts.verify(&account, None, &sign(&owner, &hash), &hash);
        assert_eq!(
            verdict,
            Ok(Verdict {
                valid: true,
                block: LOCAL_CHAIN_HEIGHT
            })
        );
        let verdict = contracts.verify(&account, Some(3), &sign(&other, &hash), &hash);
        assert_eq!(
            verdict,
            Ok(Verdict {
                valid: false,
                block: 3
            })
        );
        let verdict = contracts.verify(&account, Some(3), b"short", &hash);
        assert_eq!(
            verdict,
            Ok(Verdict {
                valid: false,
                block: 3
            })
        );
    }

    #[test]
    fn an_address_without_code_accepts_its_own_signature() {
        let (own, address) = key(5);
        let hash = [9; 32];
        let verdict = Contracts::default().verify(
            &format!("eip155:31337:{address}"),
            None,
            &sign(&own, &hash),
            &hash,
        );
        assert_eq!(verdict.map(|v| v.valid), Ok(true));
    }

    #[test]
    fn questions_without_an_answer_are_errors() {
        let contracts = Contracts::default();
        let account = format!("eip155:31337:{CONTRACT}");
        let refused =
            |account: &str, block, hash: &[u8]| contracts.verify(account, block, &[0; 65], hash).err();
        assert_eq!(
            refused(&format!("eip155:1:{CONTRACT}"), None, &[0; 32]).map(|e| e.to_string()),
            Some("verifier not present for chain ID eip155:1".to_owned())
        );
        assert_eq!(
            refused("eip155:31337", None, &[0; 32]),
            Some(ContractError::InvalidAccount)
        );
        assert_eq!(
            refused("eip155:31337:0x12", None, &[0; 32]),
            Some(ContractError::InvalidAccount)
        );
        assert_eq!(
            refused(&account, None, &[0; 31]),
            Some(ContractError::InvalidHash)
        );
        assert_eq!(
            refused(&account, Some(LOCAL_CHAIN_HEIGHT + 1), &[0; 32]),
            Some(ContractError::UnknownBlock(LOCAL_CHAIN_HEIGHT + 1))
        );
        assert_eq!(parse_address("0x12"), Err(InvalidWallet));
    }
}

//! Wallet signatures: EIP-191 `personal_sign` over secp256k1, signer by recovery.

use crate::identity::error::IdentityError;
use crate::identity::identifier::Address;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sha3::{Digest, Keccak256};

/// Hashes a message as wallets do before they sign it (32 bytes).
///
/// # Source
/// EIP-191 version `0x45` (`personal_sign`).
#[must_use]
pub fn eip191_hash(message: &[u8]) -> [u8; 32] {
    let mut hash = Keccak256::new();
    hash.update(format!("\x19Ethereum Signed Message:\n{}", message.len()));
    hash.update(message);
    hash.finalize().into()
}

/// Tells which address signed `text`, by the rule of the identity log.
///
/// `signature`: r, s, v (65 bytes, v 0, 1, 27 or 28). A high s is replaced by the low one while v stays, as
/// peers do, so that it recovers to an address nobody has: pass wallet output through [`normalise_ecdsa`].
///
/// # Errors
/// [`IdentityError::UnrecoverableSignature`] for another shape or values no key can have signed with.
pub fn recover_address(text: &str, signature: &[u8]) -> Result<Address, IdentityError> {
    recover(text, signature).map(|(address, _)| address)
}

/// Brings a wallet's signature into the one form that peers accept: low s, with v flipped along with it.
///
/// v keeps its base (0 and 1, or 27 and 28), r is untouched. A signature in that form comes back unchanged.
///
/// # Errors
/// [`IdentityError::UnrecoverableSignature`] for another shape than r, s, v (65 bytes).
pub fn normalise_ecdsa(signature: &[u8]) -> Result<[u8; 65], IdentityError> {
    let (parsed, v) = parse(signature)?;
    match parsed.normalize_s() {
        // 0 ↔ 1, 27 ↔ 28
        Some(low) => Ok(join(&low, if v < 27 { v ^ 1 } else { 55 - v })),
        None => Ok(join(&parsed, v)),
    }
}

/// The signer, and the bytes that count as this signature in the replay set: r, low s, v as supplied.
pub(super) fn recover(text: &str, signature: &[u8]) -> Result<(Address, [u8; 65]), IdentityError> {
    let (parsed, v) = parse(signature)?;
    let low = parsed.normalize_s().unwrap_or(parsed);
    let odd = if v < 27 { v == 1 } else { v == 28 };
    let key =
        VerifyingKey::recover_from_prehash(&eip191_hash(text.as_bytes()), &low, RecoveryId::new(odd, false))
            .map_err(|_| IdentityError::UnrecoverableSignature)?;
    Ok((Address::of_key(&key), join(&low, v)))
}

/// r and s as scalars, and v, which is 0, 1, 27 or 28.
fn parse(signature: &[u8]) -> Result<(Signature, u8), IdentityError> {
    match signature.split_last() {
        Some((&v @ (0 | 1 | 27 | 28), rs)) => Signature::from_slice(rs)
            .map(|parsed| (parsed, v))
            .map_err(|_| IdentityError::UnrecoverableSignature),
        _ => Err(IdentityError::UnrecoverableSignature),
    }
}

fn join(signature: &Signature, v: u8) -> [u8; 65] {
    let mut bytes = [v; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "5e1d8f641cba4c69f42ab90bdea33840032ed12df3213a0339d2d446dbb96e3e7be5567b86e8b8a518a8e04260380bf90cf2f1ec44ade6084465c2cc3abb827d1b";
    const TEXT: &str = "XMTP : Authenticate to inbox\n\nInbox ID: f2dc4b90b67487658e6fc1d4759c148fac797ea24fadee18c9d511787e04ea1a\nCurrent time: 2025-01-01T00:00:00Z\n\n- Create inbox\n  (Owner: 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266)\n- Grant messaging access to app\n  (ID: 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8)\n\nFor more info: https://xmtp.org/signatures";

    fn low() -> Vec<u8> {
        hex::decode(SIGNATURE).expect("hex")
    }

    /// The same signature with the other s, and v flipped along.
    fn high() -> Vec<u8> {
        let parsed = Signature::from_slice(&low()[..64]).expect("a signature");
        let s = -*parsed.s();
        let mut bytes = low();
        bytes[32..64].copy_from_slice(&s.to_bytes());
        bytes[64] = 28;
        bytes
    }

    #[test]
    fn the_signer_is_recovered_with_either_base_of_v() {
        assert_eq!(
            hex::encode(eip191_hash(TEXT.as_bytes())),
            "8cb5b8b4140834515a76dc994b846d18d1db42005565c02252a2100b448d8f87"
        );
        let mut zero_based = low();
        zero_based[64] = 0;
        for signature in [low(), zero_based] {
            assert_eq!(
                recover_address(TEXT, &signature).expect("recovers").as_str(),
                "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
            );
        }
    }

    #[test]
    fn high_s_recovers_to_nobody_unless_normalised() {
        let owner = recover_address(TEXT, &low()).expect("recovers");
        assert_ne!(recover_address(TEXT, &high()), Ok(owner.clone()));
        let normal = normalise_ecdsa(&high()).expect("a signature");
        assert_eq!(normal.as_slice(), low());
        assert_eq!(recover_address(TEXT, &normal), Ok(owner));
        assert_eq!(normalise_ecdsa(&normal), Ok(normal));
        let mut zero_based = high();
        zero_based[64] = 1;
        assert_eq!(normalise_ecdsa(&zero_based).expect("a signature")[64], 0);
    }

    #[test]
    fn other_shapes_are_refused() {
        let wrong_v = [&low()[..64], &[29]].concat();
        let cases: [&[u8]; 5] = [&[], &low()[..64], &[low(), vec![0]].concat(), &wrong_v, &[0; 65]];
        for signature in cases {
            assert_eq!(
                recover_address(TEXT, signature),
                Err(IdentityError::UnrecoverableSignature)
            );
            assert_eq!(
                normalise_ecdsa(signature),
                Err(IdentityError::UnrecoverableSignature)
            );
        }
    }
}

//! The HMAC by which a push server knows the sender's own devices, and the keys it is made with.
//!
//! # Source
//! libxmtp; `hmacKeys()` of `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly reproduces it.

use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::GroupError;
use crate::ids::GroupId;
use crate::storage::HmacKey;

/// How long one key serves, in seconds: 30 days.
const EPOCH_SECONDS: i64 = 2_592_000;

/// The key's window: 30 days, counted from the Unix epoch. Unrelated to MLS epochs.
#[must_use]
pub fn epoch(now_ns: i64) -> i64 {
    now_ns.div_euclid(1_000_000_000).div_euclid(EPOCH_SECONDS)
}

/// A group's key for one window (42 bytes).
#[must_use]
pub fn key(root: &HmacKey, group_id: GroupId, epoch: i64) -> Zeroizing<[u8; 42]> {
    let mut material = Zeroizing::new(root.as_bytes().to_vec());
    material.extend_from_slice(group_id.as_bytes());
    let mut info = group_id.to_vec();
    info.extend_from_slice(&epoch.to_le_bytes());
    let mut output = Zeroizing::new([0u8; 42]);
    Hkdf::<Sha256>::new(Some(b"libXMTP HKDF salt!"), &material)
        .expand(&info, output.as_mut_slice())
        .expect("42 bytes are fewer than HKDF-SHA256 can give");
    output
}

/// The `sender_hmac` of a payload: HMAC-SHA-256 with the key of the current window.
///
/// # Errors
/// Only a defect can cause one.
pub fn sender_hmac(
    root: &HmacKey,
    group_id: GroupId,
    now_ns: i64,
    payload: &[u8],
) -> Result<Vec<u8>, GroupError> {
    authenticate(&key(root, group_id, epoch(now_ns)), payload)
}

/// HMAC-SHA-256 of a payload with a key of [`key`].
///
/// # Errors
/// Only a defect can cause one.
pub fn authenticate(key: &[u8; 42], payload: &[u8]) -> Result<Vec<u8>, GroupError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_slice()).map_err(|_| GroupError::Corrupt("HMAC key"))?;
    mac.update(payload);
    Ok(mac.finalize().into_bytes().to_vec())
}

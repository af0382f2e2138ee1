//! The key a database is encrypted with.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 32 secret bytes. Wiped when dropped; never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DatabaseKey([u8; 32]);

impl DatabaseKey {
    /// The key with these bytes. They are used as they are: no derivation, so they must be random.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key if `bytes` are exactly 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The value of `PRAGMA key` that sets a raw key: `raw:` and 64 hex digits. Wiped when dropped.
    #[must_use]
    pub fn pragma_value(&self) -> Zeroizing<String> {
        // Written into one allocation of the final size, so that no shorter copy is left behind unwiped.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Zeroizing::new(String::with_capacity(4 + 64));
        text.push_str("raw:");
        for byte in self.0 {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::DatabaseKey;

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", DatabaseKey::new([0xab; 32])), "DatabaseKey(…)");
    }

    #[test]
    fn the_pragma_value_is_raw_and_64_hex_digits() {
        let key = DatabaseKey::new([0x0f; 32]);
        assert_eq!(*key.pragma_value(), format!("raw:{}", "0f".repeat(32)));
    }

    #[test]
    fn only_32_bytes_make_a_key() {
        assert!(DatabaseKey::from_slice(&[1; 31]).is_none());
        assert!(DatabaseKey::from_slice(&[1; 32]).is_some());
    }
}

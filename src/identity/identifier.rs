//! The kinds of members of an inbox, and the two of them that can own one.

use super::error::IdentityError;
use crate::ids::InstallationId;
use sha3::{Digest, Keccak256};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// An Ethereum address as text, `0x` and 40 lower-case hex digits.
///
/// An address that came in an identity update is kept as it was written there, for signature texts and
/// equality are over the written form. One with capitals therefore equals no signer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(String);

impl Address {
    /// Parses `0x` and 40 hex digits of either case; the result is lower-case.
    ///
    /// # Errors
    /// [`IdentityError::InvalidAddress`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let address = Self(text.to_ascii_lowercase());
        if address.is_well_formed() {
            Ok(address)
        } else {
            Err(IdentityError::InvalidAddress)
        }
    }

    /// An address as it stands on the wire, unchecked.
    pub(in crate::identity) fn verbatim(text: String) -> Self {
        Self(text)
    }

    /// The address of a secp256k1 key: the end of the Keccak-256 of its uncompressed point.
    pub(in crate::identity) fn of_key(key: &k256::ecdsa::VerifyingKey) -> Self {
        let point = key.to_encoded_point(false);
        // the first byte only says that the point is uncompressed
        let hash = Keccak256::digest(point.as_bytes().get(1..).unwrap_or_default());
        Self(format!("0x{}", hex::encode(&hash[12..])))
    }

    /// Whether this is `0x` and 40 hex digits, of either case.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.0
            .strip_prefix("0x")
            .is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = IdentityError;
    fn from_str(text: &str) -> Result<Self, IdentityError> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first characters only: logs hold no full ids.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.0.chars().take(10).collect();
        write!(f, "Address({start}…)")
    }
}

/// A passkey. Two are equal when their keys are; the relying party is only told along.
#[derive(Clone)]
pub struct Passkey {
    /// The public key as the authenticator gave it (SEC1, usually 33 or 65 bytes).
    pub key: Vec<u8>,
    /// The origin it belongs to, if known.
    pub relying_party: Option<String>,
}

impl PartialEq for Passkey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Passkey {}

impl Hash for Passkey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for Passkey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Passkey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// The first four bytes of the key only.
impl fmt::Debug for Passkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.key.get(..4).unwrap_or(&self.key);
        write!(f, "Passkey({}…)", hex::encode(start))
    }
}

/// A member that can own or recover an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identifier {
    /// An Ethereum wallet, of either a key or a contract.
    Ethereum(Address),
    /// A passkey.
    Passkey(Passkey),
}

/// The text that inbox ids are derived from: the address, or the lower-case hex of the passkey.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ethereum(address) => address.fmt(f),
            Self::Passkey(passkey) => f.write_str(&hex::encode(&passkey.key)),
        }
    }
}

/// Any member of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Member {
    /// An Ethereum wallet.
    Ethereum(Address),
    /// A passkey.
    Passkey(Passkey),
    /// A device.
    Installation(InstallationId),
}

impl Member {
    /// Which kind of member it is.
    #[must_use]
    pub const fn kind(&self) -> MemberKind {
        match self {
            Self::Ethereum(_) => MemberKind::Ethereum,
            Self::Passkey(_) => MemberKind::Passkey,
            Self::Installation(_) => MemberKind::Installation,
        }
    }

    /// The identifier, unless it is an installation.
    #[must_use]
    pub fn identifier(&self) -> Option<Identifier> {
        match self {
            Self::Ethereum(address) => Some(Identifier::Ethereum(address.clone())),
            Self::Passkey(passkey) => Some(Identifier::Passkey(passkey.clone())),
            Self::Installation(_) => None,
        }
    }

    /// The installation, if it is one.
    #[must_use]
    pub const fn installation(&self) -> Option<InstallationId> {
        match self {
            Self::Installation(id) => Some(*id),
            _ => None,
        }
    }
}

impl From<Identifier> for Member {
    fn from(identifier: Identifier) -> Self {
        match identifier {
            Identifier::Ethereum(address) => Self::Ethereum(address),
            Identifier::Passkey(passkey) => Self::Passkey(passkey),
        }
    }
}

impl From<InstallationId> for Member {
    fn from(id: InstallationId) -> Self {
        Self::Installation(id)
    }
}

/// The address, or lower-case hex of the key.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ethereum(address) => address.fmt(f),
            Self::Passkey(passkey) => f.write_str(&hex::encode(&passkey.key)),
            Self::Installation(id) => id.fmt(f),
        }
    }
}

/// Which kind of member something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberKind {
    /// An Ethereum wallet.
    Ethereum,
    /// A passkey.
    Passkey,
    /// A device.
    Installation,
}

impl fmt::Display for MemberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ethereum => "an Ethereum address",
            Self::Passkey => "a passkey",
            Self::Installation => "an installation",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_checked() {
        let address = Address::parse("0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266").expect("an address");
        assert_eq!(address.as_str(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
        for wrong in [
            "",
            "0x",
            "f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "0xé9fd6e51aad88f6f4ce6ab8827279cfffb92266",
        ] {
            assert_eq!(
                Address::parse(wrong),
                Err(IdentityError::InvalidAddress),
                "{wrong}"
            );
        }
    }

    #[test]
    fn passkeys_are_equal_by_key_alone() {
        let with = Passkey {
            key: vec![2; 33],
            relying_party: Some("a".into()),
        };
        let without = Passkey {
            key: vec![2; 33],
            relying_party: None,
        };
        assert_eq!(with, without);
        assert_eq!(with.cmp(&without), Ordering::Equal);
        assert_ne!(
            with,
            Passkey {
                key: vec![3; 33],
                relying_party: Some("a".into())
            }
        );
    }

    #[test]
    fn debug_shows_no_full_identifiers() {
        let address = Address::verbatim("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266".into());
        assert_eq!(format!("{address:?}"), "Address(0xf39fd6e5…)");
        assert_eq!(
            format!(
                "{:?}",
                Passkey {
                    key: vec![2, 1],
                    relying_party: None
                }
            ),
            "Passkey(0201…)"
        );
    }
}

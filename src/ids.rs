//! The ids of the protocol as validated types. Bytes of the wrong length never become one.

use std::fmt;
use std::str::FromStr;

/// Text or bytes that are not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {expected} bytes (given as {} hex characters in text)", .expected * 2)]
pub struct InvalidId {
    /// What kind of id was asked for.
    pub kind: &'static str,
    /// How many bytes it has.
    pub expected: usize,
}

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident, $len:literal, $kind:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub struct $name([u8; $len]);

        impl $name {
            /// How many bytes the id has.
            pub const LEN: usize = $len;

            /// The id with exactly these bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The raw bytes, owned.
            #[must_use]
            pub fn to_vec(self) -> Vec<u8> {
                self.0.to_vec()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidId;
            fn try_from(bytes: &[u8]) -> Result<Self, InvalidId> {
                bytes.try_into().map(Self).map_err(|_| InvalidId { kind: $kind, expected: $len })
            }
        }

        /// Parses hex of either case; ids are written in lower case.
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0u8; $len];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| InvalidId { kind: $kind, expected: $len })?;
                Ok(Self(bytes))
            }
        }

        /// Lower-case hex.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0u8; 2 * $len];
                hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
                f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        /// The first four bytes only: logs hold no full ids.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}…)"), hex::encode(&self.0[..4]))
            }
        }
    };
}

id! {
    /// A person: the SHA-256 of the first identifier and a nonce (32 bytes, in text 64 lower-case hex characters).
    InboxId, 32, "an inbox id"
}
id! {
    /// A device: its Ed25519 public key, which is also its MLS signature key and welcome topic (32 bytes).
    InstallationId, 32, "an installation id"
}
id! {
    /// A conversation: the MLS group id (16 bytes; peers refuse other lengths).
    GroupId, 16, "a group id"
}
id! {
    /// A message: the SHA-256 of group, idempotency key and content (32 bytes).
    MessageId, 32, "a message id"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_in_lower_case() {
        let id: GroupId = "00112233445566778899AABBCCDDEEFF".parse().expect("valid");
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let refused = InvalidId {
            kind: "a group id",
            expected: 16,
        };
        assert_eq!("00".parse::<GroupId>(), Err(refused));
        assert_eq!(
            "zz112233445566778899aabbccddeeff".parse::<GroupId>(),
            Err(refused)
        );
        assert_eq!(GroupId::try_from([0u8; 17].as_slice()), Err(refused));
    }

    #[test]
    fn debug_shows_only_a_prefix() {
        assert_eq!(format!("{:?}", GroupId::new([0xab; 16])), "GroupId(abababab…)");
    }
}

//! How an inbox gets its id.

use super::error::IdentityError;
use super::identifier::Identifier;
use crate::ids::InboxId;
use sha2::{Digest, Sha256};

/// Derives the id of the inbox that `identifier` creates with `nonce`.
///
/// It is the SHA-256 of the identifier's text (lower-case address, or lower-case hex of the passkey) directly
/// followed by the nonce in decimal. Browser and Node SDKs use nonce 1 for a new inbox, mobile SDKs 0; an
/// inbox that exists is looked up, never derived anew.
///
/// # Errors
/// [`IdentityError::InvalidAddress`] for an address taken verbatim from the wire that is not `0x` and 40 hex
/// digits; never for one made by [`super::Address::parse`].
///
/// # Source
/// libxmtp `xmtp_id`, `associations/member.rs`.
pub fn derive_inbox_id(identifier: &Identifier, nonce: u64) -> Result<InboxId, IdentityError> {
    if let Identifier::Ethereum(address) = identifier
        && !address.is_well_formed()
    {
        return Err(IdentityError::InvalidAddress);
    }
    let hash = Sha256::digest(format!("{identifier}{nonce}"));
    Ok(InboxId::new(hash.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Address, Passkey};

    #[test]
    fn inbox_ids_match_the_known_answers() {
        let low = "0x1234567890abcdef1234567890abcdef12345678";
        let hardhat = "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266";
        let cases = [
            (
                low,
                0,
                "fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9",
            ),
            (
                low,
                1,
                "a38db5b39c536ce8cda4a67ce2a2d2fee6360dd0935875f26138e7899d6c15f7",
            ),
            (
                hardhat,
                0,
                "41ff994ea1f9462295cee1ad48c270f6fe3e6307cd9a062e9320cf43a724e348",
            ),
            (
                hardhat,
                1,
                "f2dc4b90b67487658e6fc1d4759c148fac797ea24fadee18c9d511787e04ea1a",
            ),
        ];
        for (address, nonce, expected) in cases {
            let identifier = Identifier::Ethereum(Address::parse(address).expect("an address"));
            let id = derive_inbox_id(&identifier, nonce).expect("well formed");
            assert_eq!(id.to_string(), expected, "{address} {nonce}");
        }
    }

    #[test]
    fn a_passkeys_inbox_id_is_of_its_key_alone() {
        let key =
            hex::decode("02000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").expect("hex");
        for relying_party in [None, Some("https://example.org".to_owned())] {
            let identifier = Identifier::Passkey(Passkey {
                key: key.clone(),
                relying_party,
            });
            assert_eq!(
                derive_inbox_id(&identifier, 0)
                    .expect("passkeys always derive")
                    .to_string(),
                "8f7cf638c05c34f9a3dce5842313d788ccbccaeba177c7253a77fb3fb4280391"
            );
        }
    }

    #[test]
    fn an_address_without_its_prefix_derives_nothing() {
        for text in [
            "1234567890abcdef1234567890abcdef12345678",
            "0x12",
            "",
            "0xzz34567890abcdef1234567890abcdef12345678",
        ] {
            let identifier = Identifier::Ethereum(Address::verbatim(text.to_owned()));
            assert_eq!(
                derive_inbox_id(&identifier, 0),
                Err(IdentityError::InvalidAddress)
            );
        }
    }
}

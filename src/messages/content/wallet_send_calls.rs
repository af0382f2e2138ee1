//! `xmtp.org/walletSendCalls:1.0` (XIP-59): a request to sign transactions. Never run one that the person has not
//! confirmed in their wallet.

use std::collections::BTreeMap;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("walletSendCalls", true);

/// A request. Its form in JSON is the one on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletSendCalls {
    /// Such as `1.0`.
    pub version: String,
    /// Hex.
    pub chain_id: String,
    /// Whose wallet.
    pub from: String,
    /// What to sign.
    pub calls: Vec<WalletCall>,
    /// What the wallet must be able to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<BTreeMap<String, String>>,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletCall {
    /// The receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The call's data, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<CallMetadata>,
}

/// What a call is for: `description` and `transactionType` are required by peers, the rest is the app's. In the
/// order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallMetadata(pub Vec<(String, String)>);

impl CallMetadata {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

impl Serialize for CallMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for CallMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = CallMetadata;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CallMetadata, A::Error> {
                let mut pairs: Vec<(String, String)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    // of a repeated name the last counts, as everywhere in JSON
                    pairs.retain(|(known, _)| *known != key);
                    pairs.push((key, value));
                }
                Ok(CallMetadata(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl WalletSendCalls {
    /// Encodes the request.
    ///
    /// # Errors
    /// [`ContentError::Rule`] when a call's metadata lack what peers require.
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        let mut described = self.calls.iter().filter_map(|call| call.metadata.as_ref());
        if !described.all(|metadata| metadata.has("description") && metadata.has("transactionType")) {
            return Err(ContentError::Rule(
                "the metadata of a wallet call must have a description and a transactionType",
            ));
        }
        let json = serde_json::to_string(self).map_err(|_| ContentError::Malformed)?;
        let fallback = format!("[Transaction request generated]: {json}");
        Ok(TYPE.content(json.into_bytes(), Some(fallback)))
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        serde_json::from_slice(&content.content).map_err(|_| ContentError::Malformed)
    }
}

//! `xmtp.org/transactionReference:1.0` (XIP-21): a transaction on some chain. A claim of the sender.

use serde::{Deserialize, Deserializer, Serialize};

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("transactionReference", true);

/// A transaction. Its form in JSON is the one on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionReference {
    /// Such as `eip155`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The chain. Some write a number.
    #[serde(deserialize_with = "text_or_number")]
    pub network_id: String,
    /// The transaction's hash.
    pub reference: String,
    /// What the sender says it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TransactionMetadata>,
}

/// What a sender says about a transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionMetadata {
    /// Such as `transfer`.
    pub transaction_type: String,
    /// Such as `USDC`.
    pub currency: String,
    /// In the smallest unit.
    pub amount: f64,
    /// How many of its digits are behind the point.
    pub decimals: u32,
    /// From whom.
    pub from_address: String,
    /// To whom.
    pub to_address: String,
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

impl TransactionReference {
    /// Encodes the reference.
    ///
    /// # Errors
    /// [`ContentError::Field`] when the amount is not a number.
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        if self
            .metadata
            .as_ref()
            .is_some_and(|metadata| !metadata.amount.is_finite())
        {
            return Err(ContentError::Field("amount"));
        }
        let body = serde_json::to_vec(self).map_err(|_| ContentError::Malformed)?;
        let fallback = if self.reference.is_empty() {
            "Crypto transaction".to_owned()
        } else {
            format!(
                "[Crypto transaction] Use a blockchain explorer to learn more using the transaction hash: {}",
                self.reference
            )
        };
        Ok(TYPE.content(body, Some(fallback)))
    }

    /// Decodes a reference.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        serde_json::from_slice(&content.content).map_err(|_| ContentError::Malformed)
    }
}

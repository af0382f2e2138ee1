//! Smart-contract wallets: only their chain can judge their signatures, so somebody outside has to be asked.

use super::ecdsa::eip191_hash;
use crate::identity::error::IdentityError;
use crate::identity::identifier::Address;
use std::collections::HashMap;
use std::fmt;

/// An account of a chain, `eip155:<chain id>:<address>` (CAIP-10), kept as written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccountId {
    text: String,
    chain_id: u64,
    address_at: usize,
}

impl AccountId {
    /// The account of `address` on the EVM chain `chain_id`.
    #[must_use]
    pub fn new(chain_id: u64, address: &Address) -> Self {
        let prefix = format!("eip155:{chain_id}:");
        Self {
            address_at: prefix.len(),
            text: prefix + address.as_str(),
            chain_id,
        }
    }

    /// Parses the written form.
    ///
    /// # Errors
    /// [`IdentityError::InvalidAccountId`] unless it is three parts between `:`, `eip155`, a number of up to
    /// 64 bits and 32 characters, and 40 hex digits of either case, with or without `0x`.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        Self::parts(text).ok_or(IdentityError::InvalidAccountId)
    }

    fn parts(text: &str) -> Option<Self> {
        let (namespace, rest) = text.split_once(':')?;
        let (reference, address) = rest.split_once(':')?;
        // the number parser alone would let a sign pass
        let number = reference.len() <= 32 && reference.bytes().all(|b| b.is_ascii_digit());
        let digits = address.strip_prefix("0x").unwrap_or(address);
        let hex = digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        (namespace == "eip155" && number && hex).then_some(())?;
        Some(Self {
            chain_id: reference.parse().ok()?,
            address_at: text.len() - address.len(),
            text: text.to_owned(),
        })
    }

    /// The written form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The chain.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Who signs with this account: the address part in lower case. Without `0x` it stays so, as with peers.
    #[must_use]
    pub fn signer(&self) -> Address {
        Address::verbatim(self.text[self.address_at..].to_ascii_lowercase())
    }
}

/// The chain only.
impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId(eip155:{}:…)", self.chain_id)
    }
}

/// A contract wallet's signature and where it holds.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ContractSignature {
    /// Whose.
    pub account: AccountId,
    /// The block at which every verifier asks the contract.
    pub block_number: u64,
    /// What the wallet gave: ERC-1271 data, or wrapped as ERC-6492 says.
    pub signature: Vec<u8>,
}

impl ContractSignature {
    /// What to ask the chain, given the signed text.
    #[must_use]
    pub fn question(&self, text: &str) -> ContractQuestion {
        ContractQuestion {
            account_id: self.account.text.clone(),
            chain_id: self.account.chain_id,
            address: self.account.signer(),
            block_number: self.block_number,
            signature: self.signature.clone(),
            hash: eip191_hash(text.as_bytes()),
        }
    }

    pub(super) fn verify(&self, text: &str, answers: &ContractAnswers) -> Result<(), IdentityError> {
        let question = self.question(text);
        match answers.answer(&question) {
            Some(true) => Ok(()),
            Some(false) => Err(IdentityError::ContractRefused),
            None => Err(IdentityError::ContractUnanswered(Box::new(question))),
        }
    }
}

/// The account's chain and the block.
impl fmt::Debug for ContractSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ContractSignature({:?} at {})",
            self.account, self.block_number
        )
    }
}

/// Is this the contract wallet's signature? To be put to a node (`VerifySmartContractWalletSignatures`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ContractQuestion {
    /// The account as written in the update (CAIP-10).
    pub account_id: String,
    /// Its chain.
    pub chain_id: u64,
    /// Its address in lower case.
    pub address: Address,
    /// The block at which to ask.
    pub block_number: u64,
    /// The signature.
    pub signature: Vec<u8>,
    /// The signed hash: EIP-191 of the signature text.
    pub hash: [u8; 32],
}

/// The chain, the start of the address and the block.
impl fmt::Debug for ContractQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ContractQuestion({:?} of chain {} at {})",
            self.address, self.chain_id, self.block_number
        )
    }
}

/// What the chains said, by question. Answers hold for ever, since a question names its block.
#[derive(Debug, Clone, Default)]
pub struct ContractAnswers(HashMap<ContractQuestion, bool>);

impl ContractAnswers {
    /// No answers: enough for updates without contract wallets.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Notes whether the signature in `question` is valid.
    pub fn insert(&mut self, question: ContractQuestion, valid: bool) {
        self.0.insert(question, valid);
    }

    /// What was answered, if it was asked.
    #[must_use]
    pub fn answer(&self, question: &ContractQuestion) -> Option<bool> {
        self.0.get(question).copied()
    }
}

impl FromIterator<(ContractQuestion, bool)> for ContractAnswers {
    fn from_iter<I: IntoIterator<Item = (ContractQuestion, bool)>>(answers: I) -> Self {
        Self(answers.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_kept_as_written_and_sign_in_lower_case() {
        let text = "eip155:1:0xAB16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb";
        let account = AccountId::parse(text).expect("an account");
        assert_eq!(account.as_str(), text);
        assert_eq!(account.chain_id(), 1);
        assert_eq!(
            account.signer().as_str(),
            "0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"
        );
        let same = AccountId::new(1, &account.signer());
        assert_eq!(AccountId::parse(same.as_str()), Ok(same));
    }

    #[test]
    fn anything_but_three_good_parts_is_no_account() {
        let address = "0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb";
        let wrong = [
            String::new(),
            address.to_owned(),
            format!("eip155:{address}"),
            format!("eip155:1:{address}:"),
            format!("eip155::{address}"),
            format!("eip155:+1:{address}"),
            format!("eip155:18446744073709551616:{address}"),
            format!("eip155:{}1:{address}", "0".repeat(32)),
            format!("EIP155:1:{address}"),
            format!("cosmos:1:{address}"),
            "eip155:1:0x12".to_owned(),
            "eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdé".to_owned(),
        ];
        for text in wrong {
            assert_eq!(
                AccountId::parse(&text),
                Err(IdentityError::InvalidAccountId),
                "{text}"
            );
        }
    }
}

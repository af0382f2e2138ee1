//! Changes of an inbox that wait for signatures.

use std::cell::RefCell;
use std::rc::Rc;

use super::ClientError;
use crate::identity::{
    AccountId, Address, IdentityError, Member, PasskeySignature, SignatureRequest, eip191_hash,
};
use crate::ids::InboxId;
use crate::transport::calls::{ContractSignature, ContractVerdict, NodeApi};

/// A change of an inbox that waits for the signatures of wallets or passkeys. Clones share it.
///
/// Give it the signatures of its [`text`](Self::text), then apply it with the client or the
/// [`Directory`](super::Directory) that made it.
#[derive(Debug, Clone)]
pub struct PendingUpdate {
    request: Rc<RefCell<SignatureRequest>>,
    api: NodeApi,
}

impl PendingUpdate {
    pub(super) fn new(request: SignatureRequest, api: NodeApi) -> Self {
        Self {
            request: Rc::new(RefCell::new(request)),
            api,
        }
    }

    /// The text that everybody asked must sign.
    #[must_use]
    pub fn text(&self) -> String {
        self.request.borrow().text().to_owned()
    }

    /// The inbox that is to be changed.
    #[must_use]
    pub fn inbox_id(&self) -> InboxId {
        self.request.borrow().inbox_id()
    }

    /// Who still has to sign.
    #[must_use]
    pub fn missing_signers(&self) -> Vec<Member> {
        self.request.borrow().missing_signers()
    }

    /// Adds a wallet's `personal_sign` signature of the text (65 bytes: r, s, v).
    ///
    /// # Errors
    /// [`ClientError::Identity`]: wrong-signer when another wallet signed, or it signed another text.
    pub fn add_ecdsa(&self, signature: &[u8]) -> Result<(), ClientError> {
        Ok(self.request.borrow_mut().add_ecdsa(signature)?)
    }

    /// Adds a passkey's assertion over the text.
    ///
    /// # Errors
    /// [`ClientError::Identity`]: invalid-passkey-signature or wrong-signer.
    pub fn add_passkey(&self, assertion: PasskeySignature) -> Result<(), ClientError> {
        Ok(self.request.borrow_mut().add_passkey(assertion)?)
    }

    /// Adds a smart-contract wallet's signature, once the node has confirmed it. Without a block number the node
    /// picks one.
    ///
    /// # Errors
    /// [`ClientError::Identity`]: contract-refused or wrong-signer; [`ClientError::Transport`].
    pub async fn add_contract(
        &self,
        address: &Address,
        chain_id: u64,
        block_number: Option<u64>,
        signature: &[u8],
    ) -> Result<(), ClientError> {
        let account = AccountId::new(chain_id, address);
        let text = self.text();
        let block = confirm_contract(&self.api, &text, &account, block_number, signature).await?;
        Ok(self
            .request
            .borrow_mut()
            .add_contract(account, block, signature)?)
    }

    pub(super) fn request(&self) -> SignatureRequest {
        self.request.borrow().clone()
    }
}

/// Has the node ask a contract wallet whether a signature of `text` is its own. Answers the block at which it is.
///
/// # Errors
/// [`IdentityError::ContractRefused`]; [`ClientError::WalletNotAsked`] when the node could not ask;
/// [`ClientError::Transport`].
pub(super) async fn confirm_contract(
    api: &NodeApi,
    text: &str,
    account: &AccountId,
    block_number: Option<u64>,
    signature: &[u8],
) -> Result<u64, ClientError> {
    let asked = ContractSignature {
        account_id: account.as_str().to_owned(),
        block_number,
        signature: signature.to_vec(),
        hash: eip191_hash(text.as_bytes()),
    };
    let verdict = api
        .verify_contract_signatures(vec![asked])
        .await?
        .into_iter()
        .next();
    match verdict {
        Some(verdict) if verdict.is_valid => {
            Ok(verdict.block_number.ok_or(IdentityError::ContractRefused)?)
        }
        Some(ContractVerdict {
            error: Some(reason), ..
        }) => Err(ClientError::WalletNotAsked { reason }),
        _ => Err(IdentityError::ContractRefused.into()),
    }
}

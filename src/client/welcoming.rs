//! Welcomes after our commits.
//!
//! A node refuses a request as a whole, and does not say which of its welcomes it means: so those who were refused
//! together are asked for in halves. Who is refused alone is given up. What is left is stored after each part; a part
//! that is sent a second time, since its answer was lost, is a welcome that comes twice, which changes nothing.

use super::{ClientError, Inner};
use crate::error::Coded as _;
use crate::groups::intent::{self, PostCommit, Recipient};
use crate::ids::GroupId;
use crate::mls::welcome;
use crate::storage::IntentId;
use crate::transport::calls::{OutgoingWelcome, WelcomeBody};
use crate::transport::{GrpcCode, TransportError};

impl Inner {
    /// Sends the welcomes of accepted commits. What fails stays, and is sent by the next sync; what the node
    /// refuses keeps neither the rest of the group waiting nor those who were added with it.
    pub(super) async fn send_welcomes(&self, group_id: GroupId) -> Result<(), ClientError> {
        for (id, sequence_id, action) in intent::to_complete(&self.context(), group_id)? {
            self.welcome(id, sequence_id, action).await?;
        }
        Ok(())
    }

    async fn welcome(
        &self,
        id: IntentId,
        sequence_id: u64,
        PostCommit { welcome, recipients }: PostCommit,
    ) -> Result<(), ClientError> {
        let metadata = welcome::encode_metadata(sequence_id);
        // From the end of those who are left, so many at once.
        let mut left = recipients;
        let mut size = left.len();
        while !left.is_empty() {
            size = size.min(left.len());
            let kept = left.len() - size;
            let part = left.get(kept..).unwrap_or_default();
            let welcomes = part
                .iter()
                .filter_map(|recipient| wrapped(&welcome, &metadata, recipient));
            match self.api.send_welcome_messages(welcomes.collect()).await {
                // The others may be fine together.
                Ok(()) => size = size.saturating_mul(2),
                Err(error) if error.is_retryable() => return Err(error.into()),
                Err(error) if !is_of_what_was_sent(&error) => {
                    tracing::warn!(%error, "welcomes cannot be sent");
                    return Ok(());
                }
                Err(_) if size > 1 => {
                    size = size.div_ceil(2);
                    continue;
                }
                Err(error) => {
                    let installation = part.first().map(|recipient| recipient.installation_id);
                    tracing::warn!(?installation, %error, "somebody is not welcomed: the node refuses it");
                }
            }
            left.truncate(kept);
            if !left.is_empty() {
                let rest = PostCommit {
                    welcome: welcome.clone(),
                    recipients: left.clone(),
                };
                intent::left_to_welcome(&self.context(), id, sequence_id, &rest)?;
            }
        }
        intent::complete(&self.context(), id)?;
        Ok(())
    }
}

/// Whether the same would be refused whoever sends it and however: not by a proxy on the way, or a node that is
/// of another version for a while.
fn is_of_what_was_sent(error: &TransportError) -> bool {
    match error {
        TransportError::Rejected { code, .. } => {
            !matches!(code, GrpcCode::PermissionDenied | GrpcCode::Unauthenticated)
        }
        TransportError::TooLarge { .. } => true,
        _ => false,
    }
}

fn wrapped(welcome: &[u8], metadata: &[u8], recipient: &Recipient) -> Option<OutgoingWelcome> {
    let wrapped = welcome::wrap(welcome, metadata, &recipient.init_key)
        .inspect_err(|error| tracing::warn!(%error, "somebody cannot be welcomed"))
        .ok()?;
    Some(OutgoingWelcome {
        topic: recipient.installation_id,
        hpke_public_key: recipient.init_key.clone(),
        body: WelcomeBody::V1 {
            data: wrapped.data,
            wrapper_algorithm: welcome::ALGORITHM,
            welcome_metadata: wrapped.metadata,
        },
    })
}

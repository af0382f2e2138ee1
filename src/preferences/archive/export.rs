//! Making an archive.

use super::format::Writer;
use super::{ArchiveElement, ArchiveKey, ArchiveMetadata, ArchiveOptions, wire};
use crate::groups::{Context, view};
use crate::preferences::PreferenceError;
use crate::storage::{ArchiveQuery, ConsentEntity, ConversationType, GroupQuery};

/// How many messages are held at a time.
const PAGE: u32 = 200;

/// Makes an archive: what it says of itself, then decisions, conversations and messages. `nonce` is random.
///
/// Conversations that cannot be read and messages that are not on the network are left out.
///
/// # Errors
/// [`PreferenceError::Storage`], [`PreferenceError::Archive`].
pub fn export(
    context: &Context<'_>,
    key: &ArchiveKey,
    options: &ArchiveOptions,
    nonce: [u8; 12],
) -> Result<Vec<u8>, PreferenceError> {
    let mut writer = Writer::new(key, nonce);
    writer.push(&wire::metadata(&ArchiveMetadata::of(options, context.now_ns)))?;
    if options.elements.contains(&ArchiveElement::Consent) {
        for row in context.db.consent_records()? {
            // An address is nothing that peers read.
            if row.entity_type == ConsentEntity::Address {
                continue;
            }
            let is_late = options.start_ns.is_none_or(|start| row.consented_at_ns > start);
            let is_early = options.end_ns.is_none_or(|end| row.consented_at_ns < end);
            if is_late && is_early {
                writer.push(&wire::consent(&row))?;
            }
        }
    }
    if options.elements.contains(&ArchiveElement::Messages) {
        let conversations = context.db.groups(&GroupQuery {
            conversation_types: vec![ConversationType::Group, ConversationType::Dm],
            include_duplicate_dms: true,
            ..Default::default()
        })?;
        for known in view::groups(context, conversations, |_| None)? {
            writer.push(&wire::conversation(&known.view))?;
        }
        let mut query = ArchiveQuery {
            start_ns: options.start_ns,
            end_ns: options.end_ns,
            exclude_disappearing: options.exclude_disappearing_messages,
            after: 0,
            limit: PAGE,
        };
        loop {
            let page = context.db.messages_to_archive(&query, context.now_ns)?;
            let Some((last, _)) = page.last() else { break };
            query.after = *last;
            for (_, row) in &page {
                writer.push(&wire::message(row))?;
            }
        }
    }
    Ok(writer.finish())
}

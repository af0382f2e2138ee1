//! Taking an archive into the database.

use std::collections::{BTreeMap, BTreeSet};

use super::format::Reader;
use super::wire::{self, Conversation, Element};
use super::{ArchiveError, ArchiveKey, ArchiveMetadata};
use crate::groups::{Context, removal, restore};
use crate::ids::GroupId;
use crate::preferences::consent::{Consent, Entity};
use crate::preferences::{PreferenceError, PreferenceUpdate};
use crate::storage::{ConversationType, GroupRow, MessageKind, MessageRow};

/// An archive that was opened: the key is right, and it begins as it must.
pub struct Import<'a> {
    reader: Reader<'a>,
    metadata: ArchiveMetadata,
}

/// What an archive brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Decisions that changed something.
    pub updates: Vec<PreferenceUpdate>,
    /// Messages that were not known.
    pub messages: usize,
    /// Conversations that were not known.
    pub restored: BTreeSet<GroupId>,
    /// Conversations that got messages.
    pub touched: BTreeSet<GroupId>,
    /// Messages of conversations that are neither known nor in the archive.
    pub passed_over: usize,
}

impl std::fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import")
            .field("metadata", &self.metadata)
            .finish()
    }
}

impl<'a> Import<'a> {
    /// Opens an archive.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(file: &'a [u8], key: &ArchiveKey) -> Result<Self, ArchiveError> {
        let mut reader = Reader::open(file, key)?;
        let first = reader
            .next()?
            .ok_or(ArchiveError::Malformed("nothing is in it"))?;
        match wire::decode(&first, 0, 0)? {
            Element::Metadata(metadata) => Ok(Self { reader, metadata }),
            _ => Err(ArchiveError::Element(
                "the first one must say what the archive is",
            )),
        }
    }

    /// What it says of itself.
    #[must_use]
    pub fn metadata(&self) -> &ArchiveMetadata {
        &self.metadata
    }

    /// Takes everything into the database. Run it inside of a transaction: an archive that is not right to its end
    /// leaves nothing behind. A decision counts if it is later than what is known, a message if it is not known.
    ///
    /// # Errors
    /// [`PreferenceError::Archive`], [`PreferenceError::Storage`].
    pub fn run(mut self, context: &Context<'_>) -> Result<Imported, PreferenceError> {
        let mut imported = Imported::default();
        let mut settings = Settings::new();
        while let Some(element) = self.reader.next()? {
            match wire::decode(&element, self.metadata.version, context.now_ns)? {
                Element::Consent(row) => {
                    if context.db.apply_synced_consent(&row)? {
                        let entity = Entity::parse(row.entity_type, &row.entity)?;
                        let state = row.state;
                        imported
                            .updates
                            .push(PreferenceUpdate::Consent(Consent { entity, state }));
                    }
                }
                Element::Conversation(conversation) => {
                    let Conversation {
                        row,
                        dm_members,
                        metadata,
                    } = &*conversation;
                    if let Some(setting) = setting(row) {
                        settings.insert(row.id, setting);
                    }
                    if context.db.group(&row.id)?.is_none() {
                        restore::restore(context, row, *dm_members, metadata)?;
                        imported.restored.insert(row.id);
                    } else if let Some(at_ns) = row.last_message_ns {
                        context.db.advance_last_message(&row.id, at_ns)?;
                    }
                }
                Element::Message(row) => insert(context, *row, &settings, &mut imported)?,
                Element::Metadata(_) | Element::Other => {}
            }
        }
        Ok(imported)
    }
}

fn insert(
    context: &Context<'_>,
    row: MessageRow,
    settings: &Settings,
    imported: &mut Imported,
) -> Result<(), PreferenceError> {
    let known = context.db.group(&row.group_id)?;
    // Nobody may put words into the conversation of the own installations.
    let Some(group) = known.filter(|group| {
        matches!(
            group.conversation_type,
            ConversationType::Group | ConversationType::Dm
        )
    }) else {
        imported.passed_over += 1;
        return Ok(());
    };
    let row = MessageRow {
        expire_at_ns: [setting(&group).as_ref(), settings.get(&group.id)]
            .into_iter()
            .flatten()
            .filter_map(|setting| expiry(setting, &row))
            .min(),
        ..row
    };
    if row.expire_at_ns.is_some_and(|at_ns| at_ns <= context.now_ns) {
        return Ok(());
    }
    if context.db.insert_message(&row)? {
        removal::imported(context, &row)?;
        imported.messages += 1;
        imported.touched.insert(row.group_id);
    }
    Ok(())
}

/// Since when and after how long messages of a conversation disappear.
type Setting = (i64, i64);

/// Those that the archive's conversations had when it was made. Conversations come before their messages.
type Settings = BTreeMap<GroupId, Setting>;

fn setting(group: &GroupRow) -> Option<Setting> {
    let (from, after) = (group.message_disappear_from_ns?, group.message_disappear_in_ns?);
    (from > 0 && after > 0).then_some((from, after))
}

/// When a message disappears: an archive does not say, but since when its conversation's messages do. Also a setting
/// that has been changed since counts: what has disappeared by it is not to come back.
fn expiry(&(from, after): &Setting, row: &MessageRow) -> Option<i64> {
    let disappears = row.sent_at_ns >= from && row.kind == MessageKind::Application;
    disappears.then(|| row.sent_at_ns.saturating_add(after))
}

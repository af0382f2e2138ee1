//! Archives: what this installation knows, in one encrypted file.

use super::{Client, ClientError, Event, Inner};
use crate::preferences::archive::{self, ArchiveKey, ArchiveMetadata, ArchiveOptions, Import, Imported};

impl Client {
    /// Makes an archive. It is as long as what it holds, and nothing else of it is held in memory.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn create_archive(&self, key: &ArchiveKey, options: &ArchiveOptions) -> Result<Vec<u8>, ClientError> {
        let inner = self.open()?;
        let mut nonce = [0u8; 12];
        inner.platform.random(&mut nonce);
        Ok(archive::export(&inner.context(), key, options, nonce)?)
    }

    /// Takes an archive in, all of it or nothing: later decisions, and messages that are not known of conversations
    /// that are.
    ///
    /// # Errors
    /// [`ClientError::Preferences`] with what is not right about the file; [`ClientError::Storage`],
    /// [`ClientError::Closed`].
    pub fn import_archive(&self, file: &[u8], key: &ArchiveKey) -> Result<Imported, ClientError> {
        self.open()?.import(file, key)
    }

    /// What an archive says of itself.
    ///
    /// # Errors
    /// As [`import_archive`](Self::import_archive).
    pub fn archive_metadata(&self, file: &[u8], key: &ArchiveKey) -> Result<ArchiveMetadata, ClientError> {
        self.open()?;
        let import = Import::open(file, key).map_err(crate::preferences::PreferenceError::from)?;
        Ok(import.metadata().clone())
    }
}

impl Inner {
    /// [`Client::import_archive`].
    pub(super) fn import(&self, file: &[u8], key: &ArchiveKey) -> Result<Imported, ClientError> {
        let context = self.context();
        let import = Import::open(file, key).map_err(crate::preferences::PreferenceError::from)?;
        let imported = self.store.transaction(|tx| import.run(&context.with(tx)))?;
        // Some of it may disappear before everything that was here.
        self.alarm.ring();
        for group_id in &imported.restored {
            self.events.tell(&Event::Conversation(*group_id));
        }
        for group_id in imported.touched.difference(&imported.restored) {
            self.events.tell(&Event::Group(*group_id));
        }
        self.tell_preferences(imported.updates.clone());
        Ok(imported)
    }
}

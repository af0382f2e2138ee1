//! The history server: files that installations of an inbox leave for each other.
//!
//! # Source
//! libxmtp: `POST /upload` answers an id, `GET /files/{id}` the file.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest file that is taken, bytes.
pub(crate) const LARGEST_FILE: usize = 64 << 20;
/// How much is kept, bytes; the oldest files go first.
const LARGEST_SHELF: usize = 256 << 20;

/// Files in memory, by the hash of what is in them. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(Arc<Mutex<VecDeque<(String, Bytes)>>>);

impl Files {
    /// Keeps a file; answers its id.
    pub(crate) fn keep(&self, file: Bytes) -> String {
        let id = hex::encode(Sha256::digest(&file));
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.retain(|(known, _)| *known != id);
        shelf.push_back((id.clone(), file));
        let mut kept: usize = shelf.iter().map(|(_, file)| file.len()).sum();
        while kept > LARGEST_SHELF {
            let Some((_, oldest)) = shelf.pop_front() else {
                break;
            };
            kept -= oldest.len();
        }
        id
    }

    /// A file that was kept.
    pub(crate) fn get(&self, id: &str) -> Option<Bytes> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, file)| file.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_by_its_id_until_there_is_too_much() {
        let files = Files::default();
        let first = files.keep(Bytes::from_static(b"one"));
        assert_eq!(files.get(&first).as_deref(), Some(&b"one"[..]));
        assert_eq!(files.get("other"), None);
        for byte in 0..=4u8 {
            files.keep(Bytes::from(vec![byte; LARGEST_FILE]));
        }
        assert_eq!(files.get(&first), None);
    }
}

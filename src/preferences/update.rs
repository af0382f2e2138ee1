//! What changed in the preferences.

use super::consent::Consent;
use crate::storage::HmacKey;

/// One change, made here or by another installation of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreferenceUpdate {
    /// Something was decided.
    Consent(Consent),
    /// The root key of push notifications was replaced.
    HmacKey(HmacKey),
}

//! Which version of the protocol this library speaks.

/// The libxmtp version whose protocol is implemented in full.
///
/// It is *not* the version of this package. Groups can demand a minimum protocol version (XIP-72), and
/// peers compare that demand with this number; nodes get it in the header `x-libxmtp-version` and may
/// refuse what is below 1.1.5. Raise it only when everything the named libxmtp release does on the wire is
/// supported: a group pauses for members that claim less, and breaks for members that claim too much.
pub const PROTOCOL_VERSION: &str = "1.10.0";

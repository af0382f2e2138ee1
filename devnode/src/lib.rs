//! A local XMTP v3 node.

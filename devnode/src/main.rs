//! The command `xmtp-devnode`.
fn main() {}

//! Tests every store must pass, wherever its bytes lie.

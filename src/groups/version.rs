//! Comparing protocol versions (XIP-72).

use semver::Version;

/// Whether a group's minimum version lies above the own one. Text that is no version is `None`.
///
/// # Source
/// Semantic Versioning 2.0 §11, as libxmtp ≥ 1.11 compares: `1.11.0-dev` < `1.11.0`.
#[must_use]
pub fn exceeds(minimum: &str, own: &str) -> Option<bool> {
    Some(
        Version::parse(minimum)
            .ok()?
            .cmp_precedence(&Version::parse(own).ok()?)
            .is_gt(),
    )
}

#[cfg(test)]
mod tests {
    use super::exceeds;

    #[test]
    fn versions_compare_as_the_peers_do() {
        for (minimum, own, expected) in [
            ("1.8.0", "1.10.0", Some(false)),
            ("1.10.0", "1.10.0", Some(false)),
            ("1.10.1", "1.10.0", Some(true)),
            ("1.11.0-dev", "1.10.0", Some(true)),
            ("1.11.0-dev", "1.11.0", Some(false)),
            ("1.9.0", "1.10.0", Some(false)),
            ("1.10", "1.10.0", None),
            ("", "1.10.0", None),
        ] {
            assert_eq!(exceeds(minimum, own), expected, "{minimum} against {own}");
        }
    }
}

//! Comparing protocol versions (XIP-72).

use semver::Version;

use super::error::GroupError;

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

/// Whether a version may become the minimum of a group that has `current`.
///
/// Only forms that every release can read are let through: three numbers, and a suffix without further dots.
/// libxmtp up to 1.10 rejects a commit with any other, and would fork itself off.
///
/// # Errors
/// [`GroupError::InvalidVersion`]; [`GroupError::VersionAboveOwn`], which would pause ourselves;
/// [`GroupError::VersionLowered`], which would let those back in who were kept out for a reason.
///
/// # Source
/// XIP-72; the checks of libxmtp from 1.11 on.
pub fn check_minimum_version(asked: &str, current: Option<&str>, own: &str) -> Result<(), GroupError> {
    let invalid = || GroupError::InvalidVersion {
        asked: asked.to_owned(),
    };
    let is_readable = asked.matches('.').count() == 2 && !asked.contains('+');
    match exceeds(asked, own).filter(|_| is_readable).ok_or_else(invalid)? {
        true => Err(GroupError::VersionAboveOwn {
            asked: asked.to_owned(),
            own: own.to_owned(),
        }),
        // A current value that is no version binds nobody.
        false => match current {
            Some(current) if exceeds(current, asked) == Some(true) => Err(GroupError::VersionLowered {
                asked: asked.to_owned(),
                current: current.to_owned(),
            }),
            _ => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{check_minimum_version, exceeds};
    use crate::groups::GroupError;

    #[test]
    fn a_minimum_version_is_readable_by_all_not_above_ours_and_never_lowered() {
        let check = |asked, current| check_minimum_version(asked, current, "1.10.0");
        for (asked, current) in [
            ("1.10.0", None),
            ("1.9.0", None),
            ("1.10.0", Some("1.10.0")),
            ("1.10.0", Some("1.9.9")),
            ("1.10.0-dev", None),
            ("1.8.0", Some("no version")),
        ] {
            assert_eq!(check(asked, current), Ok(()), "{asked} over {current:?}");
        }
        for asked in [
            "",
            "1",
            "1.10",
            "1.10.0.1",
            "v1.10.0",
            "1.9.0-rc.1",
            "1.9.0+build",
            "1.09.0",
            " 1.9.0",
        ] {
            let invalid = GroupError::InvalidVersion { asked: asked.into() };
            assert_eq!(check(asked, None), Err(invalid), "{asked:?}");
        }
        assert_eq!(
            check("1.10.1", None),
            Err(GroupError::VersionAboveOwn {
                asked: "1.10.1".into(),
                own: "1.10.0".into()
            })
        );
        assert_eq!(
            check("1.8.0", Some("1.9.0")),
            Err(GroupError::VersionLowered {
                asked: "1.8.0".into(),
                current: "1.9.0".into()
            })
        );
        assert_eq!(
            check("1.9.0-dev", Some("1.9.0")),
            Err(GroupError::VersionLowered {
                asked: "1.9.0-dev".into(),
                current: "1.9.0".into()
            })
        );
    }

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

//! The text that every signer of an update signs.

use crate::identity::association::{Action, IdentityUpdate, RevokeTarget};
use crate::identity::identifier::Member;
use std::fmt::Write as _;

/// Writes the text of a whole update: one text, whoever signs.
///
/// LF line ends, none after the last line; time in whole seconds of UTC; identifiers as they stand in the
/// update. The nonce of a creation is covered only through the inbox id, nanoseconds not at all.
///
/// # Source
/// libxmtp `xmtp_id`, `associations/unsigned_actions.rs`.
pub(in crate::identity) fn signature_text<S>(update: &IdentityUpdate<S>) -> String {
    let mut text = format!(
        "XMTP : Authenticate to inbox\n\nInbox ID: {}\nCurrent time: {}\n\n",
        update.inbox_id,
        utc_seconds(update.client_timestamp_ns)
    );
    for (index, action) in update.actions.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let (what, label, detail) = describe(action);
        // writing to a String cannot fail
        let _ = write!(text, "- {what}\n  ({label}: {detail})");
    }
    text.push_str("\n\nFor more info: https://xmtp.org/signatures");
    text
}

/// First line, label of the second line and its value.
fn describe<S>(action: &Action<S>) -> (&'static str, &'static str, String) {
    match action {
        Action::CreateInbox { identifier, .. } => ("Create inbox", "Owner", identifier.to_string()),
        Action::Add { new_member, .. } => {
            let (what, label) = match new_member {
                Member::Ethereum(_) => ("Link address to inbox", "Address"),
                Member::Installation(_) => ("Grant messaging access to app", "ID"),
                Member::Passkey(_) => ("Link passkey to inbox", "Passkey"),
            };
            (what, label, new_member.to_string())
        }
        Action::Revoke { target, .. } => {
            let (what, label) = match target {
                RevokeTarget::Member(Member::Ethereum(_)) => ("Unlink address from inbox", "Address"),
                RevokeTarget::Member(Member::Passkey(_)) => ("Unlink passkey from inbox", "Passkey"),
                RevokeTarget::Member(Member::Installation(_)) | RevokeTarget::MalformedInstallation(_) => {
                    ("Revoke messaging access from app", "ID")
                }
            };
            (what, label, target.to_string())
        }
        // the label is `Address` even for a passkey
        Action::ChangeRecovery { new_recovery, .. } => (
            "Change inbox recovery address",
            "Address",
            new_recovery.to_string(),
        ),
    }
}

/// RFC 3339 in UTC, whole seconds, `Z`. `ns` is read as signed, as peers do.
fn utc_seconds(ns: u64) -> String {
    let seconds = ns.cast_signed().div_euclid(1_000_000_000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a civil date, in years that begin in March and eras of 400 years.
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Address, Identifier, Passkey};
    use crate::ids::{InboxId, InstallationId};

    #[test]
    fn time_is_utc_in_whole_seconds() {
        let cases: [(u64, &str); 8] = [
            (0, "1970-01-01T00:00:00Z"),
            (1_735_689_600_123_456_789, "2025-01-01T00:00:00Z"),
            (1_735_689_599_999_999_999, "2024-12-31T23:59:59Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_000_000_000, "2024-02-29T23:59:59Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00Z"),
            (u64::MAX, "1969-12-31T23:59:59Z"),
            (i64::MAX.cast_unsigned(), "2262-04-11T23:47:16Z"),
        ];
        for (ns, expected) in cases {
            assert_eq!(utc_seconds(ns), expected, "{ns}");
        }
        assert_eq!(utc_seconds(i64::MIN.cast_unsigned()), "1677-09-21T00:12:43Z");
    }

    #[test]
    fn every_action_has_its_two_lines() {
        let address = Address::parse("0x1234567890abcdef1234567890abcdef12345678").expect("an address");
        let passkey = Passkey {
            key: vec![2, 0xab],
            relying_party: None,
        };
        let id = InstallationId::new([7; 32]);
        let revoke = |target| Action::Revoke {
            target,
            signature: (),
        };
        let add = |new_member| Action::Add {
            new_member,
            existing_signature: (),
            new_signature: (),
        };
        let actions = vec![
            Action::CreateInbox {
                identifier: Identifier::Passkey(passkey.clone()),
                nonce: 5,
                signature: (),
            },
            add(Member::Ethereum(address.clone())),
            add(Member::Installation(id)),
            add(Member::Passkey(passkey.clone())),
            revoke(RevokeTarget::Member(Member::Ethereum(address.clone()))),
            revoke(RevokeTarget::Member(Member::Installation(id))),
            revoke(RevokeTarget::Member(Member::Passkey(passkey.clone()))),
            revoke(RevokeTarget::MalformedInstallation(vec![1, 2])),
            Action::ChangeRecovery {
                new_recovery: Identifier::Passkey(passkey),
                signature: (),
            },
        ];
        let update = IdentityUpdate {
            inbox_id: InboxId::new([0x11; 32]),
            client_timestamp_ns: 1,
            actions,
        };
        let seven = "07".repeat(32);
        let expected = format!(
            "XMTP : Authenticate to inbox\n\nInbox ID: {}\nCurrent time: 1970-01-01T00:00:00Z\n\n\
             - Create inbox\n  (Owner: 02ab)\n\
             - Link address to inbox\n  (Address: {address})\n\
             - Grant messaging access to app\n  (ID: {seven})\n\
             - Link passkey to inbox\n  (Passkey: 02ab)\n\
             - Unlink address from inbox\n  (Address: {address})\n\
             - Revoke messaging access from app\n  (ID: {seven})\n\
             - Unlink passkey from inbox\n  (Passkey: 02ab)\n\
             - Revoke messaging access from app\n  (ID: 0102)\n\
             - Change inbox recovery address\n  (Address: 02ab)\n\n\
             For more info: https://xmtp.org/signatures",
            "11".repeat(32)
        );
        assert_eq!(signature_text(&update), expected);
    }
}

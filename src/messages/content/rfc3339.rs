//! Times in text, as RFC 3339 writes them.

const NS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// UTC with three decimals, as peers write it. What is below a millisecond is cut off.
pub(super) fn format(ns: i64) -> String {
    let (seconds, milliseconds) = (ns.div_euclid(NS), ns.rem_euclid(NS) / 1_000_000);
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Nanoseconds since the Unix epoch. `None` for what is no such time or lies beyond 64 bits.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = (rest.get(..8)?, rest.get(8..)?);
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    // the last second of a day may be a leap second
    let in_range = (1..=12).contains(&month) && hour < 24 && minute < 60 && second <= 60;
    if !in_range || day < 1 || day > days_of(year, month) || (rest.starts_with('.') && fraction.is_empty()) {
        return None;
    }
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = if zone.starts_with('+') { 1 } else { -1 };
            let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?, ':')?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 3600 + minutes * 60)
        }
    };
    let nanoseconds: i64 = format!("{:0<9}", fraction.get(..fraction.len().min(9))?)
        .parse()
        .ok()?;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let ns = i128::from(seconds) * i128::from(NS) + i128::from(nanoseconds);
    i64::try_from(ns).ok()
}

/// Numbers of two digits (the first of a date has four) with a separator between them.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (index, number) in found.iter_mut().enumerate() {
        let part = parts.next()?;
        let digits = if N == 3 && separator == '-' && index == 0 {
            4
        } else {
            2
        };
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Years begin in March here, so that a leap day is
/// the last of its year; 400 years are 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The opposite of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        let times = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_225_600_123_000_000, "2026-01-01T00:00:00.123Z"),
            (951_827_696_789_000_000, "2000-02-29T12:34:56.789Z"),
            (-1_000_000, "1969-12-31T23:59:59.999Z"),
        ];
        for (ns, text) in times {
            assert_eq!(format(ns), text);
            assert_eq!(parse(text), Some(ns));
        }
        assert_eq!(parse("1969-12-31t19:00:00.5-05:00"), Some(500_000_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        let wrong = [
            "",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "26-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
            "2026-01-01T00:00:00Zx",
            "+026-01-01T00:00:00Z",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_survive_to_the_millisecond(ns: i64) {
            let cut = i128::from(ns).div_euclid(1_000_000) * 1_000_000;
            prop_assert_eq!(parse(&format(ns)).map(i128::from), i64::try_from(cut).ok().map(i128::from));
        }

        #[test]
        fn random_text_never_panics(text: String, tail in "[0-9TZ:.+-]{0,30}") {
            let _ = parse(&text);
            let _ = parse(&format!("2026-01-01{tail}"));
        }
    }
}

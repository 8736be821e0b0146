//! RFC 3339 times, as people and programs write them, to milliseconds since 1970 and back.
//!
//! [`Rfc3339`] is a time as it is written, before 1970 and finer than a millisecond too; [`parse_time`] is what a
//! record can hold of it.

use crate::LineError;

const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_DAY: i64 = 24 * 60 * MS_PER_MINUTE;
/// No place on earth is further from UTC.
const MOST_OFFSET_MINUTES: i32 = 14 * 60;

/// A time as it is written, before or after 1970, to any fraction of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc3339<'a> {
    /// Whole seconds since 1970 in UTC, in milliseconds; negative before.
    pub seconds_ms: i64,
    /// Digits after the decimal point, as they stand; empty without one.
    pub fraction: &'a str,
    /// The offset, minutes east of UTC; at most 23:59 either way.
    pub offset_minutes: i32,
}

impl<'a> Rfc3339<'a> {
    /// Reads a time, with a `T`, a `t` or a space before the hour. None: it is no RFC 3339 time.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (local_ms, rest) = date_and_time(text)?;
        let (fraction, rest) = fraction(rest)?;
        let offset_minutes = zone_offset(rest)?;
        let seconds_ms = local_ms - i64::from(offset_minutes) * MS_PER_MINUTE;
        Some(Self { seconds_ms, fraction, offset_minutes })
    }
}

/// Reads an RFC 3339 time: milliseconds since 1970 and the offset in minutes east of UTC.
///
/// # Errors
/// [`LineError`] when the text is no such time, is before 1970, is finer than a millisecond, or more than 14 hours
/// from UTC.
pub fn parse_time(text: &str) -> Result<(u64, i32), LineError> {
    let read = || {
        let time = Rfc3339::read(text).filter(|time| time.offset_minutes.abs() <= MOST_OFFSET_MINUTES)?;
        let digits = time.fraction.trim_end_matches('0');
        if digits.len() > 3 {
            return None;
        }
        let fraction_ms: i64 = format!("{digits:0<3}").parse().ok()?;
        Some((u64::try_from(time.seconds_ms + fraction_ms).ok()?, time.offset_minutes))
    };
    read().ok_or_else(|| {
        LineError::new(
            "",
            format!("{} is not a time", crate::error::quote(text)),
            "write date, time and offset as in 2026-11-22T17:30:00+02:00",
        )
    })
}

/// "2026-11-22T17:30:00" at the front, as if it were UTC.
fn date_and_time(text: &str) -> Option<(i64, &str)> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if bytes.len() < 20 || !text.is_ascii() || separators.iter().any(|(at, byte)| bytes[*at] != *byte) {
        return None;
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        bytes[from..to].iter().all(u8::is_ascii_digit).then(|| text[from..to].parse().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in(year, month)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let ms = days(year, month, day) * MS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1_000;
    Some((ms, &text[19..]))
}

/// ".123" at the front: its digits, at least one.
fn fraction(rest: &str) -> Option<(&str, &str)> {
    let Some(digits) = rest.strip_prefix('.') else { return Some(("", rest)) };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then(|| digits.split_at(length))
}

/// Reads an offset from UTC as RFC 3339 writes it, "Z" or "+02:00": minutes east of UTC.
#[must_use]
pub fn zone_offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let digits = [1, 2, 4, 5];
    if bytes.len() != 6 || bytes[3] != b':' || digits.iter().any(|at| !bytes[*at].is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (text[1..3].parse().ok()?, text[4..6].parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    match bytes[0] {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

/// Writes a time in RFC 3339 with an offset in minutes east of UTC. Times after the year 9999, which the
/// format cannot write, come out as the number of milliseconds.
#[must_use]
pub fn write_time(ms: u64, offset_minutes: i32) -> String {
    let offset_minutes = offset_minutes.clamp(-MOST_OFFSET_MINUTES, MOST_OFFSET_MINUTES);
    let local =
        i64::try_from(ms).ok().and_then(|ms| ms.checked_add(i64::from(offset_minutes) * MS_PER_MINUTE));
    // 2,932,896 days from 1970 end with the year 9999.
    let Some(local) = local.filter(|local| (0..2_932_897 * MS_PER_DAY).contains(local)) else {
        return ms.to_string();
    };
    let (year, month, day) = date(local / MS_PER_DAY);
    let of_day = local % MS_PER_DAY;
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if of_day % 1_000 != 0 {
        text.push_str(&format!(".{:03}", of_day % 1_000));
    }
    if offset_minutes == 0 {
        text.push('Z');
    } else {
        let sign = if offset_minutes < 0 { '-' } else { '+' };
        text.push_str(&format!("{sign}{:02}:{:02}", offset_minutes.abs() / 60, offset_minutes.abs() % 60));
    }
    text
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date: years counted from March, so that the leap day comes last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let from_march = (month + 9) % 12;
    let year = if month <= 2 { year - 1 } else { year };
    // (153 m + 2) / 5 days stand before month m of a year that starts in March; 719,468 from 0000-03-01 to 1970.
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * from_march + 2) / 5
        + day
        - 1
        - 719_468
}

/// The date of a day number from 1970 on, the inverse of [`days`].
fn date(day_number: i64) -> (i64, i64, i64) {
    // A first guess of the year is at most one too large.
    let mut year = 1970 + day_number / 365;
    while days(year, 1, 1) > day_number {
        year -= 1;
    }
    let mut month = 12;
    while days(year, month, 1) > day_number {
        month -= 1;
    }
    (year, month, day_number - days(year, month, 1) + 1)
}

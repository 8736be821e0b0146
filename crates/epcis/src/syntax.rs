//! The formats that the schema asserts: URIs of RFC 3986, times of RFC 3339, zone offsets, units.

use ore_exchange::{Rfc3339, zone_offset};

/// Whether a text is an absolute URI: a scheme, and after it only what RFC 3986 allows.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    if !letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        || !letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return false;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match path.strip_prefix("//") {
        Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
        None => ("", path),
    };
    is_authority(authority) && allowed(path, b":@/") && allowed(query, b":@/?") && allowed(fragment, b":@/?")
}

fn is_authority(text: &str) -> bool {
    let host =
        text.rsplit_once('@').map_or(text, |(user, host)| if allowed(user, b":") { host } else { "@" });
    if let Some(literal) = host.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        let digits = address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        return digits && address.contains(':') && is_port(port);
    }
    let (name, port) = host.find(':').map_or((host, ""), |at| host.split_at(at));
    allowed(name, b"") && is_port(port)
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

/// Unreserved characters, sub-delimiters, percent escapes, and these.
fn allowed(text: &str, also: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let fine = match byte {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3);
                at += 2;
                digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            }
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
            | b';' | b'=' => true,
            byte => byte.is_ascii_alphanumeric() || also.contains(&byte),
        };
        if !fine {
            return false;
        }
        at += 1;
    }
    true
}

/// An instant, rounded to the millisecond as CBV's hash does, halves up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i64);

impl Instant {
    /// Milliseconds since 1970, if it is not before.
    #[must_use]
    pub fn since_1970_ms(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }

    /// An instant.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// In UTC with milliseconds: `2026-01-10T06:00:00.000Z`.
    #[must_use]
    pub fn utc(self) -> String {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let (seconds, ms) = (ms / 1_000, ms % 1_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// Reads an RFC 3339 time, with the `T` that the schema's `date-time` asks for.
pub(crate) fn instant(text: &str) -> Option<Instant> {
    let time = Rfc3339::read(text).filter(|_| matches!(text.as_bytes()[10], b'T' | b't'))?;
    let digit = |at: usize| time.fraction.as_bytes().get(at).map_or(0, |byte| i64::from(byte - b'0'));
    let fraction_ms = digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5);
    Some(Instant(time.seconds_ms + fraction_ms))
}

/// `eventTimeZoneOffset`: `+02:00`, at most 14 hours either way. Minutes east of UTC.
pub(crate) fn offset_minutes(text: &str) -> Option<i32> {
    zone_offset(text).filter(|minutes| text.starts_with(['+', '-']) && minutes.abs() <= 14 * 60)
}

/// The date of a day counted from 1970, before it too (the usual era arithmetic, years from March).
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + (month <= 2) as i64, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Instant, instant, is_uri, offset_minutes};

    #[test]
    fn uris_are_absolute_and_hold_only_what_the_rfc_allows() {
        for text in [
            "urn:epc:id:sgtin:0614141.812345.6789%2F%26%25%22!%3F()",
            "https://id.gs1.org/01/09521234000013/10/A-0001?x=1#y",
            "example:myField",
            "ni:///sha-256;03?ver=CBV2.0",
            "http://[2001:db8::1]:80/",
            "a:",
        ] {
            assert!(is_uri(text), "{text}");
        }
        for text in
            ["materialType", "1a:b", "http://a b", "a:%2", "a:é", "a:#b#c", "http://[x]/", ":a", "a:[b]", ""]
        {
            assert!(!is_uri(text), "{text}");
        }
    }

    #[test]
    fn times_are_read_and_written_to_the_millisecond() {
        let same = [
            ("2020-03-04T11:00:30.000+01:00", "2020-03-04T10:00:30.000Z"),
            ("2023-02-02T11:04:03.1415Z", "2023-02-02T11:04:03.142Z"),
            ("2023-02-02T11:04:03.1414Z", "2023-02-02T11:04:03.141Z"),
            ("2023-12-31T23:59:59.9999Z", "2024-01-01T00:00:00.000Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"),
            ("2024-02-29T00:00:00-06:00", "2024-02-29T06:00:00.000Z"),
            ("0000-02-29T12:00:00Z", "0000-02-29T12:00:00.000Z"),
            ("1600-03-01T00:00:00Z", "1600-03-01T00:00:00.000Z"),
        ];
        for (text, utc) in same {
            assert_eq!(instant(text).map(Instant::utc).as_deref(), Some(utc), "{text}");
        }
        for text in [
            "22-07-2026",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00.Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_have_a_sign_and_at_most_fourteen_hours() {
        assert_eq!(offset_minutes("+05:30"), Some(330));
        assert_eq!(offset_minutes("-03:00"), Some(-180));
        assert_eq!(offset_minutes("+14:00"), Some(840));
        for text in ["+14:01", "Z", "05:30", "+5:30", "+05:60"] {
            assert_eq!(offset_minutes(text), None, "{text}");
        }
    }
}

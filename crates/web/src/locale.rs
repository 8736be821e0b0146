//! Numbers, masses, shares and times as people of each language write them. Exact where it is short, rounded in words.

pub use ore_exchange::words::thousands;

use crate::words::{EN, JA, Words};

/// A language that the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language, as its own speakers call it.
    pub const ALL: [(Self, &'static str); 2] = [(Self::English, "English"), (Self::Japanese, "日本語")];

    /// BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// The language of a tag, "ja" or "ja-JP" for example.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', ';']).next().unwrap_or_default();
        Self::ALL.iter().find(|(language, _)| language.tag().eq_ignore_ascii_case(primary)).map(|(it, _)| *it)
    }

    /// The first language of an Accept-Language header that is known here; browsers write them in order.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        header.split(',').take(16).find_map(Self::of_tag)
    }

    /// Its texts.
    #[must_use]
    pub const fn words(self) -> &'static Words {
        match self {
            Self::English => &EN,
            Self::Japanese => &JA,
        }
    }
}

/// Milligrams in the unit in which they are short to read, four significant places at least.
#[must_use]
pub fn mass(mg: u64) -> String {
    // (unit, milligrams in it, milligrams in its thousandth)
    let (unit, thousandth) = match mg {
        10_000_000_000.. => ("t", 1_000_000),
        1_000_000.. => ("kg", 1_000),
        1_000.. => ("g", 1),
        _ => return format!("{mg} mg"),
    };
    let thousandths = mg.saturating_add(thousandth / 2) / thousandth;
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    let places = match whole {
        1_000.. => 0,
        100.. => 1,
        10.. => 2,
        _ => 3,
    };
    decimal(whole, part, places, unit)
}

/// `part` in thousandths, cut to so many places after rounding.
fn decimal(whole: u64, part: u64, places: u32, unit: &str) -> String {
    let step = 10_u64.pow(3 - places);
    let rounded = (whole * 1_000 + part + step / 2) / step * step;
    let (whole, part) = (rounded / 1_000, format!("{:03}", rounded % 1_000));
    let part = part.get(..places as usize).unwrap_or_default().trim_end_matches('0');
    let point = if part.is_empty() { "" } else { "." };
    format!("{}{point}{part} {unit}", thousands(whole))
}

/// Milligrams with a sign.
#[must_use]
pub fn signed_mass(mg: i64) -> String {
    let sign = if mg < 0 { "−" } else { "" };
    format!("{sign}{}", mass(mg.unsigned_abs()))
}

/// A share in units of 10^-18 as a percentage with one or two decimals; never zero for something.
#[must_use]
pub fn percent(e18: u64) -> String {
    let hundredths = (u128::from(e18) * 10_000 + 500_000_000_000_000_000) / 1_000_000_000_000_000_000;
    match hundredths {
        0 if e18 > 0 => "<0.01 %".to_owned(),
        10_000 if e18 < 1_000_000_000_000_000_000 => ">99.99 %".to_owned(),
        10_000 => "100 %".to_owned(),
        _ => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
    }
}

/// Parts per million as a percentage, with a sign.
#[must_use]
pub fn ppm(ppm: i64) -> String {
    let hundredths = ppm.unsigned_abs() / 100;
    let sign = if ppm < 0 { "−" } else { "" };
    format!("{sign}{}.{:02} %", thousands(hundredths / 100), hundredths % 100)
}

/// Parts per billion of dry mass, in the unit that a laboratory would print.
#[must_use]
pub fn grade(ppb: u32) -> String {
    match ppb {
        1_000_000.. => format!("{}.{:02} %", ppb / 10_000_000, ppb % 10_000_000 / 100_000),
        1_000.. => format!("{} ppm", ppb / 1_000),
        _ => format!("{ppb} ppb"),
    }
}

/// Year, month, day, hour, minute of milliseconds since 1970, UTC (days to civil, Howard Hinnant).
#[must_use]
pub fn civil(ms: u64) -> (i64, u32, u32, u32, u32) {
    let seconds = ms / 1_000;
    let days = i64::try_from(seconds / 86_400).unwrap_or(i64::MAX / 2) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let minutes = seconds % 86_400 / 60;
    (year, month as u32, day as u32, (minutes / 60) as u32, (minutes % 60) as u32)
}

/// A day; ISO 8601 in both languages, so that nobody mistakes day and month.
#[must_use]
pub fn day(ms: u64) -> String {
    let (year, month, day, ..) = civil(ms);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A day and a time, UTC.
#[must_use]
pub fn moment(ms: u64) -> String {
    let (year, month, day, hour, minute) = civil(ms);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// A duration in the largest unit that tells it.
#[must_use]
pub fn duration(ms: u64, language: Language) -> String {
    let (number, en, ja) = match ms / 60_000 {
        minutes @ 0..=119 => (minutes, "min", "分"),
        minutes @ 120..=2_879 => (minutes / 60, "h", "時間"),
        minutes => (minutes / 1_440, "days", "日"),
    };
    match language {
        Language::English => format!("{} {en}", thousands(number)),
        Language::Japanese => format!("{}{ja}", thousands(number)),
    }
}

/// A text with its places `{0}`, `{1}` filled. In one pass: a value is text from outside and may hold braces itself.
#[must_use]
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').unwrap_or(("", after));
        out.push_str(before);
        out.push_str(place.parse().ok().and_then(|at: usize| values.get(at).copied()).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first digits of an id, for people.
#[must_use]
pub fn short(bytes: &[u8]) -> String {
    hex(bytes.get(..4).unwrap_or(bytes))
}

/// Cut to so many characters, with an ellipsis where something is missing.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_short_and_in_their_unit() {
        let cases = [
            (0, "0 mg"),
            (999, "999 mg"),
            (1_000, "1 g"),
            (1_234_567, "1.235 kg"),
            (45_000_000, "45 kg"),
            (45_678_900, "45.68 kg"),
            (999_999_999, "1,000 kg"),
            (12_345_678_900, "12.35 t"),
        ];
        for (mg, text) in cases {
            assert_eq!(mass(mg), text, "{mg} mg");
        }
        assert_eq!(signed_mass(-1_500), "−1.5 g");
        assert!(mass(u64::MAX).ends_with(" t"));
    }

    #[test]
    fn a_value_is_put_in_as_it_is() {
        assert_eq!(fill("{0} to {1}, {0}", &["{1}", "b"]), "{1} to b, {1}");
        assert_eq!(fill("nothing", &["a"]), "nothing");
    }

    #[test]
    fn shares_never_round_to_nothing_or_to_everything() {
        assert_eq!(percent(1), "<0.01 %");
        assert_eq!(percent(999_999_999_999_999_999), ">99.99 %");
        assert_eq!(percent(1_000_000_000_000_000_000), "100 %");
        assert_eq!(percent(123_400_000_000_000_000), "12.34 %");
        assert_eq!(percent(0), "0.00 %");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(moment(0), "1970-01-01 00:00 UTC");
        assert_eq!(day(951_782_400_000), "2000-02-29");
        assert_eq!(day(1_790_000_000_000), "2026-09-21");
        assert!(!day(u64::MAX).is_empty());
    }

    #[test]
    fn languages_are_found_in_headers() {
        assert_eq!(Language::accepted("fr-FR, ja-JP;q=0.9, en;q=0.8"), Some(Language::Japanese));
        assert_eq!(Language::accepted("de"), None);
        assert_eq!(Language::of_tag("EN-gb"), Some(Language::English));
    }
}

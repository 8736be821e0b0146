//! Times are RFC 3339, to the millisecond, with the local offset kept.

use ore_exchange::{parse_time, write_time};
use proptest::prelude::*;

#[test]
fn known_times_are_read_and_written() {
    let known = [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("2000-02-29T23:59:59Z", 951_868_799_000, 0),
        ("2026-11-22T17:30:00+02:00", 1_795_361_400_000, 120),
        ("2026-11-22T15:30:00.125Z", 1_795_361_400_125, 0),
        ("2100-03-01T00:00:00-05:30", 4_107_562_200_000, -330),
    ];
    for (text, ms, offset) in known {
        assert_eq!(parse_time(text), Ok((ms, offset)), "{text}");
        assert_eq!(write_time(ms, offset), text);
    }
    assert_eq!(parse_time("2026-11-22 17:30:00.5000+02:00"), Ok((1_795_361_400_500, 120)));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "2026-11-22",
        "2026-11-22T17:30:00",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T17:60:00Z",
        "2026-11-22T17:30:60Z",
        "2026-11-22T17:30:00+15:00",
        "2026-11-22T17:30:00.Z",
        "2026-11-22T17:30:00.0001Z",
        "1969-12-31T23:59:59Z",
        "22/11/2026 17:30",
        "2026-11-22T17:30:00Z ",
        "２026-11-22T17:30:00Z",
        "1970-01-01T00:00:00+01:00",
    ] {
        assert!(parse_time(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_time_until_9998_survives_being_written_and_read(ms in 0u64..253_370_764_800_000, offset in 0i32..=840) {
        prop_assert_eq!(parse_time(&write_time(ms, offset)), Ok((ms, offset)));
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,40}", near in "[-0-9T:.+Zé]{18,32}", ms: u64, offset: i32) {
        let _ = (parse_time(&text), parse_time(&near), write_time(ms, offset));
    }
}

//! The profile's terms: thresholds and dated lists.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use ore_record::v1::{self, Process, TransportMode};

/// What the profile in force says, defaults filled in.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Thresholds, none of them zero but the credit's lifetime.
    pub thresholds: v1::Thresholds,
    /// Rule M2, parts per million by process.
    balance_ppm: Vec<u32>,
    /// Rule T1: clocks may differ by this.
    pub clock_tolerance_ms: u64,
    lists: Vec<List>,
}

#[derive(Clone, Debug)]
struct List {
    name: String,
    from_ms: u64,
    until_ms: u64,
    values: BTreeSet<String>,
}

impl List {
    const fn speaks(&self, at_ms: u64) -> bool {
        self.from_ms <= at_ms && at_ms < self.until_ms
    }
}

const DAY_MS: u64 = 86_400_000;

impl Terms {
    /// The terms of a profile; the defaults without one.
    #[must_use]
    pub fn of(profile: Option<&v1::Profile>) -> Self {
        let mut thresholds = profile.and_then(|profile| profile.thresholds.clone()).unwrap_or_default();
        let fill = |value: &mut u32, default: u32| {
            if *value == 0 {
                *value = default;
            }
        };
        fill(&mut thresholds.transfer_tolerance_ppm, 5_000);
        fill(&mut thresholds.stocktake_tolerance_ppm, 5_000);
        fill(&mut thresholds.recovery_band_floor_ppm, 10_000);
        fill(&mut thresholds.recovery_campaigns, 8);
        fill(&mut thresholds.digit_weighings, 200);
        fill(&mut thresholds.offer_days, 30);
        fill(&mut thresholds.transit_days, 60);
        fill(&mut thresholds.splitting_limit_ppb, 4_000_000);
        fill(&mut thresholds.pattern_tolerance_ppm, 200_000);
        fill(&mut thresholds.recycled_tolerance_ppm, 10_000);
        fill(&mut thresholds.export_certificate_days, 90);
        fill(&mut thresholds.origin_ratio_milli, 100);
        let speeds = &mut thresholds.speed_kmh;
        for (place, default) in [100, 160, 60, 1_000, 40].into_iter().enumerate() {
            match speeds.get_mut(place) {
                Some(speed) => fill(speed, default),
                None => speeds.push(default),
            }
        }
        let lists = profile.map_or(&[][..], |profile| &profile.lists);
        let lists = lists.iter().map(|list| List {
            name: list.name.clone(),
            from_ms: list.valid_from_ms,
            until_ms: if list.valid_until_ms == 0 { u64::MAX } else { list.valid_until_ms },
            values: list.values.iter().cloned().collect(),
        });
        Self {
            thresholds,
            balance_ppm: profile.map(|profile| profile.balance_tolerance_ppm.clone()).unwrap_or_default(),
            clock_tolerance_ms: profile.map_or(0, |profile| profile.clock_tolerance_ms),
            lists: lists.collect(),
        }
    }

    /// Tolerance of the element balance of a process, parts per million.
    #[must_use]
    pub fn balance_ppm(&self, process: Process) -> u32 {
        match self.balance_ppm.as_slice() {
            [] => 20_000,
            [one] => *one,
            each => each.get((process as usize).saturating_sub(1)).copied().unwrap_or(20_000),
        }
    }

    /// Kilometres an hour of a means of transport.
    #[must_use]
    pub fn speed_kmh(&self, mode: TransportMode) -> u32 {
        let place = (mode as usize).checked_sub(1);
        // Nobody said how it travelled: by air at most.
        let named = place.and_then(|place| self.thresholds.speed_kmh.get(place));
        named.or(self.thresholds.speed_kmh.get(3)).copied().unwrap_or(1_000)
    }

    /// Days as milliseconds.
    #[must_use]
    pub fn days_ms(days: u32) -> u64 {
        u64::from(days) * DAY_MS
    }

    fn named(&self, name: &str, at_ms: u64) -> impl Iterator<Item = &List> {
        self.lists.iter().filter(move |list| list.name == name && list.speaks(at_ms))
    }

    /// Whether a list of that name speaks about that time, and if so whether it names the value.
    #[must_use]
    pub fn listed(&self, name: &str, value: &str, at_ms: u64) -> Option<bool> {
        let mut lists = self.named(name, at_ms).peekable();
        lists.peek()?;
        Some(lists.any(|list| list.values.contains(value)))
    }

    /// The same for a list whose name has two parts: `<family><member>`.
    #[must_use]
    pub fn listed_in(&self, family: &str, member: &str, value: &str, at_ms: u64) -> Option<bool> {
        let named = |list: &&List| list.name.strip_prefix(family) == Some(member);
        let mut lists = self.lists.iter().filter(named).filter(|list| list.speaks(at_ms)).peekable();
        lists.peek()?;
        Some(lists.any(|list| list.values.contains(value)))
    }

    /// Whether any list of that name holds the value, whenever it speaks.
    #[must_use]
    pub fn ever_listed(&self, name: &str, value: &str) -> bool {
        self.lists.iter().any(|list| list.name == name && list.values.contains(value))
    }

    /// Whether any list `<family><member>` lacks the value, whenever it speaks, for a member that matters.
    pub(crate) fn ever_without(&self, family: &str, matters: impl Fn(&str) -> bool, value: &str) -> bool {
        let of_family = |list: &&List| list.name.strip_prefix(family).is_some_and(&matters);
        self.lists.iter().filter(of_family).any(|list| !list.values.contains(value))
    }

    /// Whether the profile asks for a kind of evidence in a country: list `required:<kind>`.
    #[must_use]
    pub fn required(&self, kind: &str, country: &str, at_ms: u64) -> bool {
        self.listed_in("required:", kind, country, at_ms).unwrap_or(false)
    }

    /// The same at some date or other.
    pub(crate) fn ever_required(&self, kind: &str, country: &str) -> bool {
        let named = |list: &&List| list.name.strip_prefix("required:") == Some(kind);
        self.lists.iter().filter(named).any(|list| list.values.contains(country))
    }

    /// The part after the colon of a value `key:…` in a list.
    #[must_use]
    pub fn keyed(&self, name: &str, key: &str, at_ms: u64) -> Option<&str> {
        self.named(name, at_ms)
            .flat_map(|list| &list.values)
            .find_map(|value| value.split_once(':').filter(|(known, _)| *known == key).map(|(_, rest)| rest))
    }

    /// Lists of these names that no profile provides: the rules behind them cannot be judged.
    pub fn missing<'a>(&'a self, names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
        let known =
            |name: &str| self.lists.iter().any(|list| list.name == name || list.name.starts_with(name));
        names.iter().copied().filter(move |name| !known(name))
    }
}

//! Durations such as `5m` (spec logs-insights.md 2.4).

use std::fmt;

/// A length of time in calendar-aware units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Duration {
    /// As typed, not capped, at least 1.
    pub count: u32,
    pub unit: DurationUnit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DurationUnit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Duration {
    pub const fn new(count: u32, unit: DurationUnit) -> Self {
        Self { count, unit }
    }

    /// What `bin`, `datefloor` and `dateceil` work with: a count above the unit's cap is the cap,
    /// so `300s` is `60s`.
    pub fn capped(self) -> Self {
        let count = match self.unit.cap() {
            Some(cap) => self.count.min(cap),
            None => self.count,
        };
        Self { count, ..self }
    }

    /// The length, if the unit has one: months, quarters and years have none, see
    /// [`Duration::months`].
    pub fn millis(self) -> Option<i64> {
        let unit: i64 = match self.unit {
            DurationUnit::Millisecond => 1,
            DurationUnit::Second => 1_000,
            DurationUnit::Minute => 60_000,
            DurationUnit::Hour => 3_600_000,
            DurationUnit::Day => 86_400_000,
            DurationUnit::Week => 604_800_000,
            DurationUnit::Month | DurationUnit::Quarter | DurationUnit::Year => return None,
        };
        i64::from(self.count).checked_mul(unit)
    }

    /// Calendar months of a duration in months, quarters or years.
    pub fn months(self) -> Option<i64> {
        let unit: i64 = match self.unit {
            DurationUnit::Month => 1,
            DurationUnit::Quarter => 3,
            DurationUnit::Year => 12,
            _ => return None,
        };
        i64::from(self.count).checked_mul(unit)
    }
}

impl DurationUnit {
    /// The largest count in `bin` and its kin (documented).
    pub const fn cap(self) -> Option<u32> {
        match self {
            Self::Millisecond => Some(1000),
            Self::Second | Self::Minute => Some(60),
            Self::Hour => Some(24),
            Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year => None,
        }
    }

    /// Any documented spelling, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        // Only spellings longer than one letter take a plural.
        let singular = match name.strip_suffix('s') {
            Some(stem) if stem.len() > 1 => stem,
            _ => &name,
        };
        Some(match singular {
            "ms" | "msec" | "millisecond" => Self::Millisecond,
            "s" | "sec" | "second" => Self::Second,
            "m" | "min" | "minute" => Self::Minute,
            "h" | "hr" | "hour" => Self::Hour,
            "d" | "day" => Self::Day,
            "w" | "week" => Self::Week,
            "mo" | "mon" | "month" => Self::Month,
            "q" | "qtr" | "quarter" => Self::Quarter,
            "y" | "yr" | "year" => Self::Year,
            _ => return None,
        })
    }

    /// The shortest spelling.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Week => "w",
            Self::Month => "mo",
            Self::Quarter => "q",
            Self::Year => "y",
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        use DurationUnit::*;
        for (name, unit) in [
            ("ms", Millisecond),
            ("msecs", Millisecond),
            ("MilliSeconds", Millisecond),
            ("S", Second),
            ("secs", Second),
            ("mins", Minute),
            ("hrs", Hour),
            ("days", Day),
            ("w", Week),
            ("mos", Month),
            ("mons", Month),
            ("qtrs", Quarter),
            ("yrs", Year),
        ] {
            assert_eq!(DurationUnit::by_name(name), Some(unit), "{name}");
        }
        for name in ["", "ss", "hs", "ds", "fortnight"] {
            assert_eq!(
                DurationUnit::by_name(name).map(DurationUnit::symbol),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn caps_and_lengths() {
        let five_minutes = Duration::new(300, DurationUnit::Second);
        assert_eq!(five_minutes.millis(), Some(300_000));
        assert_eq!(five_minutes.capped().millis(), Some(60_000));
        assert_eq!(Duration::new(400, DurationUnit::Day).capped().count, 400);
        assert_eq!(Duration::new(2, DurationUnit::Quarter).months(), Some(6));
        assert_eq!(Duration::new(2, DurationUnit::Quarter).millis(), None);
    }
}

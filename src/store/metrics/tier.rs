//! The ladder of resolutions (spec metrics.md 6): each has blocks of its own, and data that
//! outlives one is merged into the next.

use belfry_model::TimestampMs;
use belfry_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// One rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    S1,
    S60,
    S300,
    S3600,
}

impl Tier {
    pub const ALL: [Self; 4] = [Self::S1, Self::S60, Self::S300, Self::S3600];

    /// Timestamps in the tier are multiples of this.
    pub const fn resolution_ms(self) -> i64 {
        match self {
            Self::S1 => SECOND_MS,
            Self::S60 => MINUTE_MS,
            Self::S300 => 5 * MINUTE_MS,
            Self::S3600 => HOUR_MS,
        }
    }

    /// The retention class in the catalog.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S1 => "1s",
            Self::S60 => "60s",
            Self::S300 => "300s",
            Self::S3600 => "3600s",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == text)
    }

    /// The tier that data moves to when it outlives this one.
    pub const fn coarser(self) -> Option<Self> {
        match self {
            Self::S1 => Some(Self::S60),
            Self::S60 => Some(Self::S300),
            Self::S300 => Some(Self::S3600),
            Self::S3600 => None,
        }
    }
}

/// How long each tier keeps data, by the datapoint's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub s1_ms: i64,
    pub s60_ms: i64,
    pub s300_ms: i64,
    pub s3600_ms: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            s1_ms: 3 * HOUR_MS,
            s60_ms: 15 * DAY_MS,
            s300_ms: 63 * DAY_MS,
            s3600_ms: 455 * DAY_MS,
        }
    }
}

impl Retention {
    pub const fn of(&self, tier: Tier) -> i64 {
        match tier {
            Tier::S1 => self.s1_ms,
            Tier::S60 => self.s60_ms,
            Tier::S300 => self.s300_ms,
            Tier::S3600 => self.s3600_ms,
        }
    }

    /// Blocks of a tier span one partition of time at most, so that data leaves the tier at
    /// most a third of its retention late.
    pub fn partition_ms(&self, tier: Tier) -> i64 {
        const LENGTHS: [i64; 3] = [32 * DAY_MS, 8 * DAY_MS, DAY_MS];
        LENGTHS
            .into_iter()
            .find(|length| *length <= self.of(tier) / 3)
            .unwrap_or(HOUR_MS)
    }

    /// The start of the partition of a time.
    pub fn partition_of(&self, tier: Tier, at: TimestampMs) -> TimestampMs {
        at.floor_to(self.partition_ms(tier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_retention() {
        let retention = Retention::default();
        let lengths = Tier::ALL.map(|t| retention.partition_ms(t));
        assert_eq!(lengths, [HOUR_MS, DAY_MS, 8 * DAY_MS, 32 * DAY_MS]);
    }

    #[test]
    fn names_read_back() {
        for tier in Tier::ALL {
            assert_eq!(Tier::parse(tier.as_str()), Some(tier));
        }
    }
}

//! Percentiles with too few samples (spec alarms.md 5), in exact decimal arithmetic.

/// Fractional digits of a percentile that are kept; more are not accepted by the service
/// (spec metrics.md 4), and further ones could not change a sample count that matters.
const FRACTION_DIGITS: usize = 10;
/// 100 % in units of 10^-FRACTION_DIGITS.
const HUNDRED: u128 = 100 * 10u128.pow(10);

/// The number of samples below which a percentile is not to be trusted:
/// `10·100/(100−X)` for X ≥ 50, `10·100/X` below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The share of samples on the thin side, in units of 10^-10 per cent; never 0.
    thin_share: u128,
}

impl Limit {
    /// `None` if `statistic` (as written in the request, `p99.9`) is no percentile: other
    /// statistics have no such limit. Nor have `p0` and `p100` (assumed): the formula has no
    /// value there, and the extremes of any number of samples are known, so an alarm on them
    /// must not stay silent for ever.
    pub fn of(statistic: &str) -> Option<Self> {
        let digits = statistic.strip_prefix('p')?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mut scaled = whole.to_owned();
        scaled.extend(
            fraction
                .chars()
                .chain(std::iter::repeat('0'))
                .take(FRACTION_DIGITS),
        );
        let percentile = scaled.parse::<u128>().ok().filter(|p| *p <= HUNDRED)?;
        let thin_share = if percentile * 2 >= HUNDRED {
            HUNDRED - percentile
        } else {
            percentile
        };
        (thin_share > 0).then_some(Self { thin_share })
    }

    /// Whether `samples < 10·100 / thin share`, without dividing.
    pub fn is_low(&self, samples: f64) -> bool {
        // A cast saturates: negative and NaN to 0, which is low, infinite to the largest.
        let whole = samples as u128;
        whole.saturating_mul(self.thin_share) < 10 * HUNDRED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn smallest_enough(statistic: &str) -> u32 {
        let limit = Limit::of(statistic).expect("a percentile");
        (0..2_000_000)
            .find(|samples| !limit.is_low(f64::from(*samples)))
            .expect("some number is enough")
    }

    #[test]
    fn documented_limits_are_exact() {
        for (statistic, samples) in [
            ("p99", 1_000),
            ("p90", 100),
            ("p50", 20),
            ("p10", 100),
            ("p99.9", 10_000),
            ("p0.1", 10_000),
            ("p49", 21), // 1000/49 = 20.4
            ("p99.99", 100_000),
        ] {
            assert_eq!(smallest_enough(statistic), samples, "{statistic}");
        }
    }

    #[test]
    fn only_percentiles_have_one() {
        for other in [
            "Average",
            "tm90",
            "p",
            "px",
            "p1000",
            "p101",
            "p-1",
            "p5.5.5",
            "TM(10%:90%)",
        ] {
            assert_eq!(Limit::of(other), None, "{other}");
        }
    }

    #[test]
    fn odd_counts_and_extremes_are_settled() {
        assert_eq!(Limit::of("p100"), None);
        assert_eq!(Limit::of("p0"), None);
        assert_eq!(Limit::of("p0.00000000001"), None);
        assert!(
            !Limit::of("p99")
                .expect("a percentile")
                .is_low(f64::INFINITY)
        );
        assert!(Limit::of("p99").expect("a percentile").is_low(-5.0));
        assert!(Limit::of("p99").expect("a percentile").is_low(f64::NAN));
    }

    proptest! {
        #[test]
        fn agrees_with_the_rule_in_integers(percent in 1u32..=99, samples in 0u32..2_000) {
            let thin = if percent >= 50 { 100 - percent } else { percent };
            let low = samples * thin < 1_000;
            let limit = Limit::of(&format!("p{percent}")).expect("a percentile");
            prop_assert_eq!(limit.is_low(f64::from(samples)), low);
        }
    }
}

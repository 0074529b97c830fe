//! When the retries of a delivery happen (spec notifications.md 9).

use belfry_model::time::SECOND_MS;
use serde::Serialize;

/// How delays grow in the backoff phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackoffFunction {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

impl BackoffFunction {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "linear" => Some(Self::Linear),
            "arithmetic" => Some(Self::Arithmetic),
            "geometric" => Some(Self::Geometric),
            "exponential" => Some(Self::Exponential),
            _ => None,
        }
    }
}

/// The retries of one delivery: immediate, pre-backoff, backoff, post-backoff. Serialises as
/// AWS prints a `healthyRetryPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// Seconds.
    pub min_delay_target: u32,
    /// Seconds.
    pub max_delay_target: u32,
    /// Of all phases together.
    pub num_retries: u32,
    pub num_max_delay_retries: u32,
    pub num_no_delay_retries: u32,
    pub num_min_delay_retries: u32,
    pub backoff_function: BackoffFunction,
}

impl RetryPolicy {
    /// http and https with nothing configured.
    pub const HTTP: Self = Self {
        min_delay_target: 20,
        max_delay_target: 20,
        num_retries: 3,
        num_max_delay_retries: 0,
        num_no_delay_retries: 0,
        num_min_delay_retries: 0,
        backoff_function: BackoffFunction::Linear,
    };

    /// E-mail, text messages, push: 50 retries over more than six hours.
    pub const EMAIL: Self = Self {
        min_delay_target: 10,
        max_delay_target: 600,
        num_retries: 50,
        num_max_delay_retries: 38,
        num_no_delay_retries: 0,
        num_min_delay_retries: 2,
        backoff_function: BackoffFunction::Exponential,
    };

    /// The delay before retry number `retry` (0 is the first), in milliseconds; `None` when
    /// there is no such retry.
    pub fn delay_ms(&self, retry: u32) -> Option<i64> {
        if retry >= self.num_retries {
            return None;
        }
        let seconds = |s: u32| i64::from(s).saturating_mul(SECOND_MS);
        let immediate_end = self.num_no_delay_retries;
        let pre_end = immediate_end.saturating_add(self.num_min_delay_retries);
        let post_start = self.num_retries.saturating_sub(self.num_max_delay_retries);
        if retry < immediate_end {
            return Some(0);
        }
        if retry < pre_end {
            return Some(seconds(self.min_delay_target));
        }
        if retry >= post_start {
            return Some(seconds(self.max_delay_target));
        }
        Some(self.backoff_ms(
            retry.saturating_sub(pre_end),
            post_start.saturating_sub(pre_end),
        ))
    }

    /// All delays added up, in milliseconds.
    pub fn total_delay_ms(&self) -> i64 {
        (0..self.num_retries)
            .filter_map(|retry| self.delay_ms(retry))
            .fold(0, i64::saturating_add)
    }

    /// Delay `i` of `n` in the backoff phase.
    fn backoff_ms(&self, i: u32, n: u32) -> i64 {
        let min = f64::from(self.min_delay_target);
        let max = f64::from(self.max_delay_target);
        if n <= 1 {
            return i64::from(self.min_delay_target).saturating_mul(SECOND_MS);
        }
        let (at, last) = (f64::from(i), f64::from(n - 1));
        let seconds = match self.backoff_function {
            BackoffFunction::Linear => min + (max - min) * at / last,
            BackoffFunction::Arithmetic => {
                min + (max - min) * at * (at + 1.0) / (f64::from(n) * last)
            }
            BackoffFunction::Geometric => min * (max / min).powf(at / last),
            BackoffFunction::Exponential => {
                min + (max - min) * (at.exp2() - 1.0) / (last.exp2() - 1.0)
            }
        };
        // Delays are at most an hour: far inside of i64. A NaN becomes 0.
        (seconds * SECOND_MS as f64).round() as i64
    }
}

/// `delay_ms` a tenth shorter or longer, by `position` in 0..1.
pub fn with_jitter(delay_ms: i64, position: f64) -> i64 {
    let factor = 0.9 + 0.2 * position.clamp(0.0, 1.0);
    (delay_ms as f64 * factor).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(function: BackoffFunction) -> RetryPolicy {
        RetryPolicy {
            min_delay_target: 1,
            max_delay_target: 4,
            num_retries: 3,
            backoff_function: function,
            ..RetryPolicy::HTTP
        }
    }

    fn delays(policy: &RetryPolicy) -> Vec<i64> {
        (0..).map_while(|i| policy.delay_ms(i)).collect()
    }

    /// Checklist item 2 of spec notifications.md 16.
    #[test]
    fn each_function_grows_as_specified() {
        use BackoffFunction::*;
        assert_eq!(delays(&policy(Linear)), [1_000, 2_500, 4_000]);
        assert_eq!(delays(&policy(Arithmetic)), [1_000, 2_000, 4_000]);
        assert_eq!(delays(&policy(Geometric)), [1_000, 2_000, 4_000]);
        assert_eq!(delays(&policy(Exponential)), [1_000, 2_000, 4_000]);
    }

    #[test]
    fn phases_follow_each_other() {
        let policy = RetryPolicy {
            min_delay_target: 2,
            max_delay_target: 8,
            num_retries: 8,
            num_no_delay_retries: 1,
            num_min_delay_retries: 2,
            num_max_delay_retries: 2,
            backoff_function: BackoffFunction::Linear,
        };
        assert_eq!(
            delays(&policy),
            [0, 2_000, 2_000, 2_000, 5_000, 8_000, 8_000, 8_000]
        );
    }

    #[test]
    fn defaults_match_the_table() {
        assert_eq!(delays(&RetryPolicy::HTTP), [20_000, 20_000, 20_000]);
        let email = delays(&RetryPolicy::EMAIL);
        assert_eq!(email.len(), 50);
        assert_eq!(email[..3], [10_000, 10_000, 10_000]);
        assert_eq!(email[11..], vec![600_000; 39]);
        assert!(RetryPolicy::EMAIL.total_delay_ms() > 6 * 3_600_000);
    }

    proptest! {
        #[test]
        fn backoff_stays_between_its_targets_and_never_shrinks(
            min in 1u32..3_600, span in 0u32..3_600, n in 1u32..101, function in 0usize..4,
        ) {
            let functions = [
                BackoffFunction::Linear,
                BackoffFunction::Arithmetic,
                BackoffFunction::Geometric,
                BackoffFunction::Exponential,
            ];
            let policy = RetryPolicy {
                min_delay_target: min,
                max_delay_target: min + span,
                num_retries: n,
                backoff_function: functions[function],
                ..RetryPolicy::HTTP
            };
            let all = delays(&policy);
            prop_assert_eq!(all.len(), n as usize);
            prop_assert!(all.windows(2).all(|w| w[0] <= w[1]));
            prop_assert!(all.iter().all(|d| (i64::from(min) * 1_000..=i64::from(min + span) * 1_000).contains(d)));
        }
    }
}

//! Statistics by name: parsing `Average`, `p99.9`, `TM(10%:90%)`, and computing them from a
//! [`StatisticSet`] (spec metrics.md 4 and 4.1).

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::distribution::{StatisticSet, Weighted};

/// Longer texts are refused before they are looked at. The longest sensible one, with two
/// absolute bounds, stays below 80 characters.
const TEXT_BYTES_MAX: usize = 255;

/// Why a text names no statistic. The texts of AWS's answers differ by operation: `api` words them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is not a statistic")]
pub struct StatisticError {
    pub text: String,
}

/// A statistic. Its text is kept as it was written: `p99` and `p99.0` compute the same but are
/// not equal, since answers repeat the text of the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    SampleCount,
    Sum,
    Average,
    Minimum,
    Maximum,
    Extended(Arc<ExtendedStatistic>),
}

/// A statistic that needs the distribution of the values.
#[derive(Clone, Debug)]
pub struct ExtendedStatistic {
    text: Box<str>,
    function: Function,
}

impl PartialEq for ExtendedStatistic {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ExtendedStatistic {}

impl std::hash::Hash for ExtendedStatistic {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for ExtendedStatistic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ExtendedStatistic {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl ExtendedStatistic {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn function(&self) -> Function {
        self.function
    }
}

/// What an [`ExtendedStatistic`] computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Percentile(Percent),
    TrimmedMean(Bounds),
    WinsorizedMean(Bounds),
    TrimmedCount(Bounds),
    TrimmedSum(Bounds),
    PercentileRank(AbsoluteBounds),
}

/// Which part of the distribution counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds {
    /// Of the samples in ascending order, laid end to end.
    Percent {
        low: Percent,
        high: Percent,
    },
    Absolute(AbsoluteBounds),
}

/// Values above `low` up to and including `high`. Unbounded where absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AbsoluteBounds {
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl AbsoluteBounds {
    fn keeps(&self, value: f64) -> bool {
        self.low.is_none_or(|low| value > low) && self.high.is_none_or(|high| value <= high)
    }
}

/// A percentage from 0 to 100 with ten decimals, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u64);

impl Percent {
    const UNITS_PER_PERCENT: u64 = 10_000_000_000;
    const ZERO: Self = Self(0);
    const HUNDRED: Self = Self(100 * Self::UNITS_PER_PERCENT);

    /// Spec metrics.md 4, `pct`: one or two digits with up to ten decimals, or 100; with
    /// `zeros_after_100` also `100.00`.
    fn parse(text: &str, zeros_after_100: bool) -> Option<Self> {
        let (whole, decimals) = split_decimals(text)?;
        if whole == "100" {
            let plain = text == "100";
            let zeros = decimals.bytes().all(|b| b == b'0');
            return (plain || (zeros_after_100 && zeros)).then_some(Self::HUNDRED);
        }
        if !(1..=2).contains(&whole.len()) {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let fraction: u64 = format!("{decimals:0<10}").parse().ok()?;
        Some(Self(whole * Self::UNITS_PER_PERCENT + fraction))
    }

    /// This percentage of `total`, rounded once or twice.
    fn of(self, total: f64) -> f64 {
        self.0 as f64 * total / Self::HUNDRED.0 as f64
    }

    /// Compares `part` with this percentage of `total` without any rounding. Neither is negative.
    fn compare_part(self, part: f64, total: f64) -> Ordering {
        let (part, part_exponent) = mantissa_and_exponent(part);
        let (total, total_exponent) = mantissa_and_exponent(total);
        compare_scaled(
            u128::from(part) * u128::from(Self::HUNDRED.0),
            part_exponent,
            u128::from(total) * u128::from(self.0),
            total_exponent,
        )
    }
}

/// A number that is not negative as `m * 2^e`.
fn mantissa_and_exponent(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as i32 {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent - 1075),
    }
}

/// Compares `a * 2^a_exponent` with `b * 2^b_exponent`; both mantissas are below 2^94.
fn compare_scaled(a: u128, a_exponent: i32, b: u128, b_exponent: i32) -> Ordering {
    if a == 0 || b == 0 {
        return a.cmp(&b);
    }
    let top = |m: u128, exponent: i32| 128 - m.leading_zeros() as i32 + exponent;
    top(a, a_exponent)
        .cmp(&top(b, b_exponent))
        .then_with(|| (a << a.leading_zeros()).cmp(&(b << b.leading_zeros())))
}

/// Digits before and after the point; up to ten after it.
fn split_decimals(text: &str) -> Option<(&str, &str)> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    (!whole.is_empty() && digits(whole) && digits(decimals) && decimals.len() <= 10)
        .then_some((whole, decimals))
}

/// Spec metrics.md 4, `num`: a decimal, perhaps in E notation.
fn parse_number(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, "0"),
    };
    split_decimals(mantissa)?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

impl Bounds {
    /// What stands between the parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (low, high) = text.split_once(':')?;
        if !text.contains('%') {
            return AbsoluteBounds::parse(text).map(Self::Absolute);
        }
        let bound = |t: &str, absent: Percent| match t {
            "" => Some(absent),
            t => Percent::parse(t.strip_suffix('%')?, true),
        };
        let bounds = (bound(low, Percent::ZERO)?, bound(high, Percent::HUNDRED)?);
        let reversed = !low.is_empty() && !high.is_empty() && bounds.0 >= bounds.1;
        (!reversed).then_some(Self::Percent {
            low: bounds.0,
            high: bounds.1,
        })
    }

    fn up_to(high: Percent) -> Self {
        Self::Percent {
            low: Percent::ZERO,
            high,
        }
    }
}

impl AbsoluteBounds {
    fn parse(text: &str) -> Option<Self> {
        let (low, high) = text.split_once(':')?;
        if low.is_empty() && high.is_empty() {
            return None;
        }
        let bound = |t: &str| match t {
            "" => Some(None),
            t => parse_number(t).map(Some),
        };
        let bounds = Self {
            low: bound(low)?,
            high: bound(high)?,
        };
        let reversed = matches!((bounds.low, bounds.high), (Some(a), Some(b)) if a >= b);
        (!reversed).then_some(bounds)
    }
}

impl Function {
    fn parse(text: &str) -> Option<Self> {
        if text == "IQM" {
            return Some(Self::TrimmedMean(Bounds::Percent {
                low: Percent(25 * Percent::UNITS_PER_PERCENT),
                high: Percent(75 * Percent::UNITS_PER_PERCENT),
            }));
        }
        if let Some((name, rest)) = text.split_once('(') {
            let inner = rest.strip_suffix(')')?;
            return match name {
                "TM" => Bounds::parse(inner).map(Self::TrimmedMean),
                "WM" => Bounds::parse(inner).map(Self::WinsorizedMean),
                "TC" => Bounds::parse(inner).map(Self::TrimmedCount),
                "TS" => Bounds::parse(inner).map(Self::TrimmedSum),
                "PR" => AbsoluteBounds::parse(inner).map(Self::PercentileRank),
                _ => None,
            };
        }
        let bare = |prefix: &str| Percent::parse(text.strip_prefix(prefix)?, false);
        None.or_else(|| bare("p").map(Self::Percentile))
            .or_else(|| bare("tm").map(Bounds::up_to).map(Self::TrimmedMean))
            .or_else(|| bare("wm").map(Bounds::up_to).map(Self::WinsorizedMean))
            .or_else(|| bare("tc").map(Bounds::up_to).map(Self::TrimmedCount))
            .or_else(|| bare("ts").map(Bounds::up_to).map(Self::TrimmedSum))
    }

    /// `None` where there is no datapoint. `set` is not empty; `values` are its distribution.
    fn compute(self, set: &StatisticSet, values: &[Weighted]) -> Option<f64> {
        match self {
            Self::Percentile(percent) => Some(percentile(percent, set, values)),
            Self::TrimmedMean(bounds) => {
                let kept = Kept::of(bounds, set, values);
                (kept.weight > 0.0).then(|| kept.sum / kept.weight)
            }
            Self::TrimmedCount(bounds) => Some(Kept::of(bounds, set, values).weight),
            Self::TrimmedSum(bounds) => Some(Kept::of(bounds, set, values).sum),
            Self::WinsorizedMean(Bounds::Percent { low, high }) => {
                let kept = Kept::of(Bounds::Percent { low, high }, set, values);
                let (smallest, largest) = kept.extremes?;
                let below = low.of(set.count);
                let above = (set.count - high.of(set.count)).max(0.0);
                Some((kept.sum + below * smallest + above * largest) / set.count)
            }
            Self::WinsorizedMean(Bounds::Absolute(bounds)) => {
                let low = bounds.low.unwrap_or(f64::NEG_INFINITY);
                let high = bounds.high.unwrap_or(f64::INFINITY);
                let sum: f64 = values.iter().map(|(v, w)| v.max(low).min(high) * w).sum();
                Some(sum / set.count)
            }
            Self::PercentileRank(bounds) => {
                let kept = Kept::of(Bounds::Absolute(bounds), set, values);
                Some(100.0 * kept.weight / set.count)
            }
        }
    }
}

/// Nearest rank: the smallest value whose cumulative weight reaches the percentage of the whole.
fn percentile(percent: Percent, set: &StatisticSet, values: &[Weighted]) -> f64 {
    if percent == Percent::ZERO {
        return set.min;
    }
    let mut cumulative = 0.0;
    values
        .iter()
        .find(|(_, weight)| {
            cumulative += weight;
            percent.compare_part(cumulative, set.count) != Ordering::Less
        })
        .filter(|_| percent != Percent::HUNDRED)
        .map_or(set.max, |(value, _)| *value)
}

/// The part of a distribution inside of bounds.
struct Kept {
    weight: f64,
    sum: f64,
    /// Smallest and largest value of which a part is kept.
    extremes: Option<(f64, f64)>,
}

impl Kept {
    fn of(bounds: Bounds, set: &StatisticSet, values: &[Weighted]) -> Self {
        let mut kept = Self {
            weight: 0.0,
            sum: 0.0,
            extremes: None,
        };
        let mut end = 0.0;
        for &(value, weight) in values {
            let start = end;
            end += weight;
            let weight = match bounds {
                Bounds::Absolute(bounds) if bounds.keeps(value) => weight,
                Bounds::Absolute(_) => continue,
                Bounds::Percent { low, high } => {
                    // Whether anything is kept is decided exactly, how much is rounded.
                    let outside = low.compare_part(end, set.count) != Ordering::Greater
                        || high.compare_part(start, set.count) != Ordering::Less;
                    if outside {
                        continue;
                    }
                    let from = low.of(set.count).max(start);
                    let to = high.of(set.count).min(end);
                    (to - from).clamp(0.0, weight)
                }
            };
            kept.weight += weight;
            kept.sum += value * weight;
            let smallest = kept.extremes.map_or(value, |(smallest, _)| smallest);
            kept.extremes = Some((smallest, value));
        }
        kept
    }
}

impl Statistic {
    /// Reads a statistic as requests write it.
    pub fn parse(text: &str) -> Result<Self, StatisticError> {
        let error = || StatisticError {
            text: text.chars().take(TEXT_BYTES_MAX).collect(),
        };
        match text {
            "SampleCount" => Ok(Self::SampleCount),
            "Sum" => Ok(Self::Sum),
            "Average" => Ok(Self::Average),
            "Minimum" => Ok(Self::Minimum),
            "Maximum" => Ok(Self::Maximum),
            _ if text.len() > TEXT_BYTES_MAX => Err(error()),
            _ => {
                let function = Function::parse(text).ok_or_else(error)?;
                Ok(Self::Extended(Arc::new(ExtendedStatistic {
                    text: text.into(),
                    function,
                })))
            }
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::SampleCount => "SampleCount",
            Self::Sum => "Sum",
            Self::Average => "Average",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
            Self::Extended(extended) => extended.text(),
        }
    }

    /// One of the five that `Statistics` takes; the others belong into `ExtendedStatistics`.
    pub const fn is_simple(&self) -> bool {
        !matches!(self, Self::Extended(_))
    }

    /// `p` with a number: the kind that EvaluateLowSampleCountPercentile is about.
    pub fn is_percentile(&self) -> bool {
        matches!(self, Self::Extended(e) if matches!(e.function, Function::Percentile(_)))
    }

    /// Whether a read must keep the distribution.
    pub const fn needs_distribution(&self) -> bool {
        !self.is_simple()
    }

    /// The statistic of a bucket; `None` where it has no datapoint (spec metrics.md 4.1, 4.2).
    pub fn compute(&self, set: &StatisticSet) -> Option<f64> {
        if set.is_empty() {
            return None;
        }
        match self {
            Self::SampleCount => Some(set.count),
            Self::Sum => Some(set.sum),
            Self::Average => Some(set.sum / set.count),
            Self::Minimum => Some(set.min),
            Self::Maximum => Some(set.max),
            Self::Extended(extended) => {
                let values = set.weighted_values()?;
                extended.function.compute(set, &values)
            }
        }
    }
}

impl std::str::FromStr for Statistic {
    type Err = StatisticError;

    fn from_str(text: &str) -> Result<Self, StatisticError> {
        Self::parse(text)
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Statistic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Statistic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn golden_cases_pass() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/examples/metric-statistics.jsonl"
        );
        let cases = std::fs::read_to_string(path).unwrap();
        let mut count = 0;
        for line in cases.lines().filter(|l| !l.trim().is_empty()) {
            let case: Value = serde_json::from_str(line).unwrap();
            let name = &case["name"];
            let text = case["statistic"].as_str().unwrap();
            count += 1;
            if case["expect"].get("error").is_some() {
                assert!(Statistic::parse(text).is_err(), "{name}");
                continue;
            }
            let mut set = StatisticSet::EMPTY;
            for sample in case["samples"].as_array().unwrap() {
                set.merge(&sample_set(sample));
            }
            let got = Statistic::parse(text).unwrap().compute(&set);
            match (got, case["expect"]["value"].as_f64()) {
                (None, None) => {}
                (Some(got), Some(want)) => assert!(
                    (got - want).abs() <= 1e-9 * want.abs().max(1.0),
                    "{name}: {got}, not {want}"
                ),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(count >= 60, "only {count} cases");
    }

    fn sample_set(sample: &Value) -> StatisticSet {
        let numbers = |key: &str| -> Option<Vec<f64>> {
            let list = sample.get(key)?.as_array()?;
            Some(list.iter().map(|n| n.as_f64().unwrap()).collect())
        };
        if let Some(set) = sample.get("StatisticValues") {
            let n = |key: &str| set[key].as_f64().unwrap();
            StatisticSet::from_aggregate(n("SampleCount"), n("Sum"), n("Minimum"), n("Maximum"))
        } else if let Some(values) = numbers("Values") {
            StatisticSet::from_values(&values, numbers("Counts").as_deref())
        } else {
            StatisticSet::from_value(sample["Value"].as_f64().unwrap())
        }
    }

    #[test]
    fn the_grammar_is_kept() {
        for good in [
            "p0",
            "p5",
            "p99.9",
            "p100",
            "p99.",
            "p00",
            "tm99.1234567890",
            "wm98",
            "tc90",
            "ts1",
            "IQM",
            "TM(10%:90%)",
            "TM(:100.00%)",
            "TM(2%:)",
            "WM(:99.9%)",
            "TC(0.5:1E3)",
            "TS(1e-2:)",
            "PR(:300)",
            "PR(0:1e+5)",
            "TM(100%:)",
        ] {
            let parsed = Statistic::parse(good).unwrap();
            assert_eq!(parsed.to_string(), good);
            let json = serde_json::to_string(&parsed).unwrap();
            assert_eq!(serde_json::from_str::<Statistic>(&json).unwrap(), parsed);
        }
        for bad in [
            "",
            "average",
            "p",
            "p101",
            "p100.0",
            "p-1",
            "p1.12345678901",
            "p 9",
            "P99",
            "TM99",
            "tm(1%:2%)",
            "TM()",
            "TM(:)",
            "TM(%:)",
            "TM(1%:2)",
            "TM(5:5)",
            "TM(90%:10%)",
            "PR(1%:2%)",
            "PR(:)",
            "PR(-1:0)",
            "PR(1:2:3)",
            "TM(1e400:)",
            "TM(.5:)",
            "TM(1e:)",
            "TM(inf:)",
            "o99",
            "p99_E",
            "IQM(1:2)",
            "TM(1:2) ",
            "ＴＭ(1:2)",
            "p١",
        ] {
            assert!(Statistic::parse(bad).is_err(), "{bad}");
        }
        assert!(Statistic::parse(&"9".repeat(10_000)).is_err());
    }

    #[test]
    fn kinds_are_told_apart() {
        let statistic = |t| Statistic::parse(t).unwrap();
        assert!(statistic("p99").is_percentile() && statistic("p99").needs_distribution());
        assert!(!statistic("tm99").is_percentile() && statistic("tm99").needs_distribution());
        assert!(statistic("Sum").is_simple() && !statistic("Sum").needs_distribution());
    }

    #[test]
    fn ranks_are_exact_where_floating_point_is_not() {
        // 0.999 * 1000 and the like are not whole in floating point.
        let thousand: Vec<f64> = (1..=1000).map(f64::from).collect();
        let set = StatisticSet::from_values(&thousand, None);
        for tenths in 1..1000u32 {
            let text = format!("p{}.{}", tenths / 10, tenths % 10);
            let got = Statistic::parse(&text).unwrap().compute(&set);
            assert_eq!(got, Some(f64::from(tenths)), "{text}");
        }
        // 29 % of 100 is 28.999999999999996 in floating point, 14 % of 50 is 7.000000000000001.
        let fifty = StatisticSet::from_values(&thousand[..50], None);
        let p14 = Statistic::parse("p14").unwrap().compute(&fifty);
        assert_eq!(p14, Some(7.0));
    }

    #[test]
    fn an_edge_cut_to_nothing_does_not_lend_its_value() {
        // The lower cut of 10 % lies between the first and the second value.
        let set = StatisticSet::from_values(&[1.0, 2.0], Some(&[0.1, 0.9]));
        let wm = Statistic::parse("WM(10%:)").unwrap().compute(&set);
        // 0.1 is a little more than a tenth, so a sliver of the value 1 is kept.
        assert_eq!(wm.map(|v| (v * 1e9).round()), Some(1.9e9));
        let set = StatisticSet::from_values(&[1.0, 2.0], Some(&[1.0, 9.0]));
        assert_eq!(
            Statistic::parse("WM(10%:)").unwrap().compute(&set),
            Some(2.0)
        );
    }

    proptest! {
        #[test]
        fn parts_are_compared_without_rounding(part in 0u64..1 << 53, total in 1u64..1 << 53, units in 0u64..=1_000_000_000_000) {
            let exact = (u128::from(part) * 1_000_000_000_000).cmp(&(u128::from(total) * u128::from(units)));
            let scaled = |n: u64| n as f64 / 1024.0;
            prop_assert_eq!(Percent(units).compare_part(part as f64, total as f64), exact);
            prop_assert_eq!(Percent(units).compare_part(scaled(part), scaled(total)), exact);
        }

        #[test]
        fn trims_agree_with_an_enumeration(values in proptest::collection::vec(0u32..40, 1..80), low in 0u32..50, width in 1u32..50) {
            // Each sample split into 100 equal slices makes percent bounds fall between slices.
            let mut slices: Vec<u32> = values.iter().flat_map(|v| [*v; 100]).collect();
            slices.sort_unstable();
            let n = values.len();
            let high = low + width;
            let kept = &slices[low as usize * n..high as usize * n];
            let sum = kept.iter().map(|v| f64::from(*v)).sum::<f64>() / 100.0;
            let count = kept.len() as f64 / 100.0;
            let mut set = StatisticSet::EMPTY;
            for v in &values {
                set.merge(&StatisticSet::from_value(f64::from(*v)));
            }
            let compute = |name: &str| {
                Statistic::parse(&format!("{name}({low}%:{high}%)")).unwrap().compute(&set).unwrap()
            };
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
            prop_assert!(close(compute("TC"), count));
            prop_assert!(close(compute("TS"), sum));
            prop_assert!(close(compute("TM"), sum / count));
            let below = f64::from(low) * n as f64 / 100.0;
            let above = f64::from(100 - high) * n as f64 / 100.0;
            let winsorized = (sum
                + below * f64::from(kept[0])
                + above * f64::from(kept[kept.len() - 1])) / n as f64;
            prop_assert!(close(compute("WM"), winsorized));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,40}") {
            if let Ok(statistic) = Statistic::parse(&text) {
                prop_assert_eq!(statistic.to_string(), text);
            }
        }
    }
}

//! Numeric functions (spec logs-insights.md 7.1). Results that are not finite are missing.

use std::net::Ipv4Addr;

use crate::values::Value;

/// Mean radius of the Earth, in km.
const EARTH_RADIUS_KM: f64 = 6371.0088;

fn one(arguments: &[Value<'_>], f: impl Fn(f64) -> f64) -> Value<'static> {
    let number = arguments.first().and_then(Value::to_number);
    Value::from_number(number.map(f))
}

pub fn abs<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    one(arguments, f64::abs)
}

pub fn ceil<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    one(arguments, f64::ceil)
}

pub fn floor<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    one(arguments, f64::floor)
}

/// Natural; of numbers ≤ 0: missing.
pub fn log<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    one(arguments, f64::ln)
}

pub fn sqrt<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    one(arguments, f64::sqrt)
}

/// Missing and non-numeric arguments are ignored.
pub fn greatest<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let numbers = arguments.iter().filter_map(Value::to_number);
    Value::from_number(numbers.reduce(f64::max))
}

pub fn least<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let numbers = arguments.iter().filter_map(Value::to_number);
    Value::from_number(numbers.reduce(f64::min))
}

/// Half away from zero; the number of decimals may be negative.
pub fn round<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [value] => one(std::slice::from_ref(value), f64::round),
        [value, decimals] => {
            let (Some(value), Some(decimals)) = (value.to_number(), decimals.to_number()) else {
                return Value::Missing;
            };
            Value::number(round_to(value, decimals))
        }
        _ => Value::Missing,
    }
}

fn round_to(value: f64, decimals: f64) -> f64 {
    // 64-bit floats have at most 17 significant digits and reach to 10^308.
    if decimals > 17.0 {
        return value;
    }
    if decimals < -308.0 {
        return 0.0;
    }
    let decimals = decimals as i32;
    if decimals <= 0 {
        let unit = 10_f64.powi(-decimals);
        return (value / unit).round() * unit;
    }
    // The shortest decimal form decides, so that 1.005 rounds as it reads.
    round_decimal_text(value, decimals as usize).unwrap_or(value)
}

fn round_decimal_text(value: f64, decimals: usize) -> Option<f64> {
    let text = format!("{}", value.abs());
    let Some((whole, fraction)) = text.split_once('.') else {
        return Some(value);
    };
    let kept = fraction.get(..decimals).unwrap_or(fraction);
    let round_up = fraction
        .as_bytes()
        .get(decimals)
        .is_some_and(|d| *d >= b'5');
    let scaled: u128 = format!("{whole}{kept}").parse().ok()?;
    let scaled = scaled.checked_add(u128::from(round_up))?;
    let rounded: f64 = format!("{scaled}e-{}", kept.len()).parse().ok()?;
    Some(rounded.copysign(value))
}

pub fn haversine<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let degrees: Option<Vec<f64>> = arguments.iter().map(Value::to_number).collect();
    let Some([lat1, lon1, lat2, lon2]) = degrees.as_deref() else {
        return Value::Missing;
    };
    let half_chord = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let cosines = lat1.to_radians().cos() * lat2.to_radians().cos();
    let h = half_chord(*lat1, *lat2) + cosines * half_chord(*lon1, *lon2);
    Value::number(2.0 * EARTH_RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin())
}

pub fn to_number<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    one(arguments, |v| v)
}

/// Towards zero; outside of 32 bits: missing.
pub fn to_int<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    truncated(arguments, -2_147_483_648.0, 2_147_483_648.0)
}

/// Towards zero; outside of 64 bits: missing.
pub fn to_long<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    truncated(
        arguments,
        -9_223_372_036_854_775_808.0,
        9_223_372_036_854_775_808.0,
    )
}

fn truncated(arguments: &[Value<'_>], min: f64, beyond_max: f64) -> Value<'static> {
    let number = arguments.first().and_then(Value::to_number).map(f64::trunc);
    Value::from_number(number.filter(|v| *v >= min && *v < beyond_max))
}

/// Optional sign and `0x`, any case.
pub fn hex_to_dec<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let text = arguments.first().and_then(Value::to_text);
    Value::from_number(text.and_then(|t| parse_hex(t.trim())))
}

fn parse_hex(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u128::from_str_radix(digits, 16).ok()? as f64;
    Some(if negative { -value } else { value })
}

/// `0x` and lower case, `-0x` for negatives, without the fraction.
pub fn dec_to_hex<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let Some(value) = arguments.first().and_then(Value::to_number).map(f64::trunc) else {
        return Value::Missing;
    };
    if value.abs() >= 3.4e38 {
        return Value::Missing;
    }
    let sign = if value < 0.0 { "-" } else { "" };
    Value::text(format!("{sign}{:#x}", value.abs() as u128))
}

pub fn ipv4_to_number<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let text = arguments.first().and_then(Value::to_text);
    let address: Option<Ipv4Addr> = text.and_then(|t| t.trim().parse().ok());
    Value::from_number(address.map(|a| f64::from(u32::from(a))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(value: f64) -> Value<'static> {
        Value::Number(value)
    }

    #[test]
    fn rounding() {
        for (value, decimals, expected) in [
            (1.005, 2.0, 1.01),
            (-2.5, 0.0, -3.0),
            (1234.0, -2.0, 1200.0),
            (0.125, 2.0, 0.13),
            (7.0, 3.0, 7.0),
            (1e300, 2.0, 1e300),
        ] {
            assert_eq!(
                round(&[n(value), n(decimals)]),
                n(expected),
                "{value} {decimals}"
            );
        }
        assert_eq!(round(&[n(-0.5)]), n(-1.0));
    }

    #[test]
    fn hexadecimal() {
        let text = |t: &'static str| [Value::text(t)];
        assert_eq!(hex_to_dec(&text("0xFF")), n(255.0));
        assert_eq!(hex_to_dec(&text("-ff")), n(-255.0));
        assert_eq!(hex_to_dec(&text("0x")), Value::Missing);
        assert_eq!(dec_to_hex(&[n(-255.9)]), Value::text("-0xff"));
        assert_eq!(dec_to_hex(&[n(0.0)]), Value::text("0x0"));
    }

    #[test]
    fn undefined_is_missing() {
        assert_eq!(log(&[n(0.0)]), Value::Missing);
        assert_eq!(sqrt(&[n(-1.0)]), Value::Missing);
        assert_eq!(greatest(&[Value::Missing, n(0.0)]), n(0.0));
        assert_eq!(
            greatest(&[Value::Missing, Value::text("x")]),
            Value::Missing
        );
        assert_eq!(to_int(&[n(2_147_483_648.0)]), Value::Missing);
        assert_eq!(to_int(&[n(-1.9)]), n(-1.0));
        assert_eq!(ipv4_to_number(&[Value::text("10.0.0.1")]), n(167_772_161.0));
    }

    #[test]
    fn distance_between_two_cities() {
        // London to Paris is about 343.5 km.
        let km = haversine(&[n(51.5074), n(-0.1278), n(48.8566), n(2.3522)]).to_number();
        assert!((km.unwrap() - 343.56).abs() < 0.1, "{km:?}");
    }
}

//! IP functions (spec logs-insights.md 7.6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::values::Value;

/// A block of addresses. Host bits are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cidr {
    V4 { network: u32, mask: u32 },
    V6 { network: u128, mask: u128 },
}

impl Cidr {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.trim().split_once('/')?;
        let length: u32 = length.parse().ok()?;
        match address.parse().ok()? {
            IpAddr::V4(address) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                Some(Self::V4 {
                    network: u32::from(address) & mask,
                    mask,
                })
            }
            IpAddr::V6(address) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                Some(Self::V6 {
                    network: u128::from(address) & mask,
                    mask,
                })
            }
            _ => None,
        }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { network, mask }, IpAddr::V4(a)) => u32::from(a) & mask == *network,
            (Self::V6 { network, mask }, IpAddr::V6(a)) => u128::from(a) & mask == *network,
            _ => false,
        }
    }
}

fn address(arguments: &[Value<'_>]) -> Option<IpAddr> {
    arguments.first()?.to_text()?.trim().parse().ok()
}

pub fn is_valid_ip<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(address(arguments).is_some())
}

pub fn is_valid_ip_v4<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(address(arguments).is_some_and(|a| a.is_ipv4()))
}

pub fn is_valid_ip_v6<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(address(arguments).is_some_and(|a| a.is_ipv6()))
}

fn in_subnet(arguments: &[Value<'_>], family: fn(&Cidr) -> bool) -> Value<'static> {
    let cidr = arguments
        .get(1)
        .and_then(Value::to_cow)
        .and_then(|text| Cidr::parse(&text))
        .filter(family);
    Value::Bool(
        address(arguments)
            .zip(cidr)
            .is_some_and(|(address, cidr)| cidr.contains(address)),
    )
}

pub fn is_ip_in_subnet<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    in_subnet(arguments, |_| true)
}

pub fn is_ipv4_in_subnet<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    in_subnet(arguments, |cidr| matches!(cidr, Cidr::V4 { .. }))
}

pub fn is_ipv6_in_subnet<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    in_subnet(arguments, |cidr| matches!(cidr, Cidr::V6 { .. }))
}

/// RFC 1918, and fc00::/7.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private(),
        IpAddr::V6(a) => (a.segments()[0] & 0xfe00) == 0xfc00,
    }
}

/// First address and prefix length of the IANA special-purpose blocks that are neither private nor
/// public.
const RESERVED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

const RESERVED_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::LOCALHOST, 128),
    // IPv4-mapped
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    // discard only
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    // IETF protocol assignments, benchmarking and ORCHID within
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // documentation
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // link-local
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    // multicast
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => RESERVED_V4.iter().any(|(network, length)| {
            let shift = 32 - length;
            u32::from(a) >> shift == u32::from(*network) >> shift
        }),
        IpAddr::V6(a) => RESERVED_V6.iter().any(|(network, length)| {
            let shift = 128 - length;
            u128::from(a) >> shift == u128::from(*network) >> shift
        }),
    }
}

pub fn is_private_ip<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(address(arguments).is_some_and(is_private))
}

pub fn is_reserved_ip<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(address(arguments).is_some_and(is_reserved))
}

/// Valid, neither private nor reserved.
pub fn is_public_ip<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(address(arguments).is_some_and(|a| !is_private(a) && !is_reserved(a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let inside = |cidr: &str, address: &str| {
            Cidr::parse(cidr)
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(inside("10.0.0.7/16", "10.0.255.1") && !inside("10.0.0.0/16", "10.1.0.0"));
        assert!(inside("0.0.0.0/0", "8.8.8.8") && inside("1.2.3.4/32", "1.2.3.4"));
        assert!(inside("2001:db8::/32", "2001:db8:1::1") && !inside("::/0", "1.2.3.4"));
        for text in ["10.0.0.0", "10.0.0.0/33", "x/8", "::/129", "10.0.0.0/"] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_valid_address_is_of_exactly_one_sort() {
        for (text, sort) in [
            ("10.1.2.3", "private"),
            ("172.31.0.1", "private"),
            ("fd00::1", "private"),
            ("127.0.0.1", "reserved"),
            ("203.0.113.77", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::1", "reserved"),
            ("fe80::1", "reserved"),
            ("8.8.8.8", "public"),
            ("2606:4700::1111", "public"),
        ] {
            let value = [Value::text(text)];
            for (name, f) in [
                (
                    "private",
                    is_private_ip as for<'a> fn(&[Value<'a>]) -> Value<'a>,
                ),
                ("reserved", is_reserved_ip),
                ("public", is_public_ip),
            ] {
                assert_eq!(f(&value), Value::Bool(name == sort), "{name}({text})");
            }
        }
        assert_eq!(is_public_ip(&[Value::text("nonsense")]), Value::Bool(false));
    }
}

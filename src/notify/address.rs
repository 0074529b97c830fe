//! Where deliveries may connect to (spec notifications.md 8).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Addresses that no delivery connects to: link-local and cloud metadata services always,
/// and what the operator adds. Loopback and private networks are open by default because
/// self-hosted receivers live there.
#[derive(Clone, Debug, Default)]
pub struct DenyList {
    cidrs: Vec<IpNet>,
}

impl DenyList {
    /// # Errors
    /// The first text that is no `address/bits`.
    pub fn parse<'a>(cidrs: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let cidrs = cidrs
            .into_iter()
            .map(|text| text.parse::<IpNet>().map_err(|_| text.to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self { cidrs })
    }

    pub fn denies(&self, address: IpAddr) -> bool {
        // An IPv4 address in IPv6 clothes reaches the same host.
        let address = address.to_canonical();
        is_link_local(address)
            || is_metadata(address)
            || self.cidrs.iter().any(|net| net.contains(&address))
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// Metadata services outside of the link-local networks: Alibaba, Oracle, AWS over IPv6.
fn is_metadata(address: IpAddr) -> bool {
    const ALIBABA: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200));
    const ORACLE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192));
    const AWS: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254));
    [ALIBABA, ORACLE, AWS].contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_out_of_reach_and_private_networks_are_not() {
        let deny = DenyList::default();
        for text in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
        ] {
            assert!(deny.denies(text.parse().expect("address")), "{text}");
        }
        for text in ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.2", "8.8.8.8"] {
            assert!(!deny.denies(text.parse().expect("address")), "{text}");
        }
    }

    #[test]
    fn operators_add_networks() {
        let deny = DenyList::parse(["10.0.0.0/8", "fd00::/8"]).expect("two networks");
        assert!(deny.denies("10.9.8.7".parse().expect("address")));
        assert!(deny.denies("::ffff:10.9.8.7".parse().expect("address")));
        assert!(!deny.denies("127.0.0.1".parse().expect("address")));
        assert_eq!(
            DenyList::parse(["10.0.0.0"]).err(),
            Some("10.0.0.0".to_owned())
        );
    }
}

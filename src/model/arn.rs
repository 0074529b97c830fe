//! ARNs: building those we hand out, taking apart those we receive (spec wire-protocols.md 11).

use crate::tenant::Tenant;

pub const PARTITION: &str = "aws";

/// `arn:partition:service:region:account:resource`, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    /// All after the fifth colon, colons included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// # Errors
    /// The number of colon-separated elements found, when there are fewer than six or the
    /// first is not `arn`.
    pub fn parse(text: &'a str) -> Result<Self, usize> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource] => Ok(Self {
                partition,
                service,
                region,
                account,
                resource,
            }),
            _ => Err(parts.len()),
        }
    }

    pub fn belongs_to(&self, tenant: &Tenant) -> bool {
        self.region == &*tenant.region && self.account == &*tenant.account
    }
}

fn regional(service: &str, tenant: &Tenant, resource: &str) -> String {
    let Tenant { account, region } = tenant;
    format!("arn:{PARTITION}:{service}:{region}:{account}:{resource}")
}

pub fn alarm(tenant: &Tenant, name: &str) -> String {
    regional("cloudwatch", tenant, &format!("alarm:{name}"))
}

/// Dashboards are global: the ARN has no region.
pub fn dashboard(tenant: &Tenant, name: &str) -> String {
    format!(
        "arn:{PARTITION}:cloudwatch::{}:dashboard/{name}",
        tenant.account
    )
}

/// Without the trailing `:*` (the field `logGroupArn`); the field `arn` appends it.
pub fn log_group(tenant: &Tenant, name: &str) -> String {
    regional("logs", tenant, &format!("log-group:{name}"))
}

pub fn log_stream(tenant: &Tenant, group: &str, stream: &str) -> String {
    regional(
        "logs",
        tenant,
        &format!("log-group:{group}:log-stream:{stream}"),
    )
}

pub fn topic(tenant: &Tenant, name: &str) -> String {
    regional("sns", tenant, name)
}

pub fn subscription(topic_arn: &str, id: &str) -> String {
    format!("{topic_arn}:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart_what_it_builds() {
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let text = alarm(&tenant, "a:b");
        let arn = Arn::parse(&text).expect("six elements");
        assert_eq!(arn.service, "cloudwatch");
        assert_eq!(arn.resource, "alarm:a:b");
        assert!(arn.belongs_to(&tenant));
        assert_eq!(Arn::parse("foo"), Err(1));
    }
}

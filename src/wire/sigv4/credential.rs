//! The credential scope: who asks, for which region and service.

use percent_encoding::percent_decode_str;

use crate::RequestHead;

/// `AK/yyyymmdd/region/service/aws4_request`, not verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credential {
    pub access_key: String,
    /// `yyyymmdd`.
    pub date: String,
    pub region: String,
    /// The service's name in scopes, such as `monitoring`.
    pub service: String,
}

impl Credential {
    /// Reads `AK/yyyymmdd/region/service/aws4_request`.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [access_key, date, region, service, "aws4_request"]
                if !access_key.is_empty() && !region.is_empty() =>
            {
                Some(Self {
                    access_key: access_key.to_owned(),
                    date: date.to_owned(),
                    region: region.to_owned(),
                    service: service.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// The credential a request claims, in its `Authorization` header or, presigned, in its
    /// query string.
    pub fn of(head: &RequestHead) -> Option<Self> {
        if let Some(authorization) = head.header("authorization") {
            let (_, rest) = authorization.split_once("Credential=")?;
            let end = rest
                .find(|c: char| c == ',' || c.is_whitespace())
                .unwrap_or(rest.len());
            return Self::parse(rest.get(..end)?);
        }
        let value = head
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?;
        let decoded = percent_decode_str(value).decode_utf8().ok()?;
        Self::parse(&decoded)
    }

    /// The account that the access key names when keys are not checked: with `auth none`, an
    /// access key of 12 digits is an account, so that tests get tenants of their own.
    pub fn account_of_key(&self) -> Option<&str> {
        belfry_model::tenant::is_account_id(&self.access_key).then_some(&*self.access_key)
    }
}

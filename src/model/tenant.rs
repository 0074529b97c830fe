//! A tenant is (account, region): the first part of every key, limit and query.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The account used when nothing else names one.
pub const DEFAULT_ACCOUNT: &str = "000000000000";

/// Whose data: a 12-digit account and a region name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenant {
    pub account: Arc<str>,
    pub region: Arc<str>,
}

impl Tenant {
    pub fn new(account: impl Into<Arc<str>>, region: impl Into<Arc<str>>) -> Self {
        Self {
            account: account.into(),
            region: region.into(),
        }
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// Whether `text` is an AWS account id: exactly 12 ASCII digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

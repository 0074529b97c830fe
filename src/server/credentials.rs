//! Access keys, as an AWS shared-credentials file holds them.

use std::collections::HashMap;
use std::fmt;

use belfry_model::tenant::{DEFAULT_ACCOUNT, is_account_id};

/// One access key. The secret never reaches a log: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// The account that the key's owner works in.
    pub account: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("access_key_id", &self.access_key_id)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// All keys of an installation.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    by_id: HashMap<String, Key>,
    default_id: Option<String>,
}

impl Credentials {
    /// Reads `[profile]` sections with `aws_access_key_id`, `aws_secret_access_key` and
    /// optionally `aws_account_id` (else `default_account`). Other settings are left alone.
    ///
    /// # Errors
    /// A text that names the profile and what is wrong with it.
    pub fn parse(text: &str, default_account: &str) -> Result<Self, String> {
        let mut keys = Self::default();
        for (profile, settings) in sections(text)? {
            let get = |name: &str| settings.get(name).map(String::as_str);
            let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key"))
            else {
                return Err(format!(
                    "profile {profile} needs aws_access_key_id and aws_secret_access_key"
                ));
            };
            let account = get("aws_account_id").unwrap_or(default_account);
            if !is_account_id(account) {
                return Err(format!(
                    "profile {profile}: aws_account_id is not 12 digits"
                ));
            }
            if profile == "default" {
                keys.default_id = Some(id.to_owned());
            }
            keys.by_id.insert(
                id.to_owned(),
                Key {
                    access_key_id: id.to_owned(),
                    secret_access_key: secret.to_owned(),
                    account: account.to_owned(),
                },
            );
        }
        Ok(keys)
    }

    pub fn key(&self, access_key_id: &str) -> Option<&Key> {
        self.by_id.get(access_key_id)
    }

    /// The account of the root key, or of those who have none.
    pub fn root_account(&self) -> &str {
        self.default_key()
            .map_or(DEFAULT_ACCOUNT, |key| key.account.as_str())
    }

    /// The key of profile `default`: the root key.
    pub fn default_key(&self) -> Option<&Key> {
        self.default_id.as_deref().and_then(|id| self.key(id))
    }
}

type Section = (String, HashMap<String, String>);

fn sections(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            sections.push((name.trim().to_owned(), HashMap::new()));
            continue;
        }
        let (Some((_, settings)), Some((name, value))) =
            (sections.last_mut(), line.split_once('='))
        else {
            return Err(format!("line {} is not `name = value`", number + 1));
        };
        settings.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_profiles() {
        let text = "# comment\n[default]\naws_access_key_id = A\naws_secret_access_key=s=1\n\n\
                    [other]\naws_access_key_id=B\naws_secret_access_key=t\naws_account_id=111122223333\n";
        let keys = Credentials::parse(text, "000000000000").unwrap();
        assert_eq!(keys.default_key().unwrap().secret_access_key, "s=1");
        assert_eq!(keys.key("B").unwrap().account, "111122223333");
        assert!(keys.key("C").is_none());
        assert!(!format!("{keys:?}").contains("s=1"));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = Credentials::parse("[x]\naws_access_key_id=A\n", "000000000000").unwrap_err();
        assert!(error.contains("profile x"), "{error}");
        assert!(Credentials::parse("nonsense", "000000000000").is_err());
    }
}

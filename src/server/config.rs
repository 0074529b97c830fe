//! The configuration file of `belfry serve --config FILE` (TOML). Every key is optional.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use belfry_notify::address::DenyList;
use belfry_notify::{SmtpConfig, SmtpTls};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Unknown keys are refused: a misspelt limit must not be ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The region that the root key's file names, and that unsigned requests work in.
    pub region: String,
    /// Whether PutMetricData may write to namespaces that begin with `AWS/`.
    pub allow_aws_namespaces: bool,
    /// What receivers of notifications reach this server by, e.g. `https://belfry.example.net`.
    /// Default: `http://` and the listen address.
    pub public_url: Option<String>,
    /// A path in front of every request's path, e.g. `/tenant-a`.
    pub base_path: String,
    /// How far a request's signing time may be off, in minutes.
    pub clock_skew_minutes: i64,
    /// Without it, notifications by mail fail with `no transport configured`.
    pub smtp: Option<SmtpSection>,
    /// Hosts whose http(s) subscriptions need no handshake.
    pub auto_confirm_hosts: Vec<String>,
    pub webhook: WebhookConfig,
    pub sns: SnsConfig,
    pub limits: LimitsConfig,
    pub signing: SigningConfig,
    pub memory: MemoryConfig,
    pub flush: FlushConfig,
    pub wal: WalSection,
    pub maintenance: MaintenanceConfig,
    pub metrics_retention: MetricsRetentionConfig,
}

/// The mail relay.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSection {
    pub host: String,
    /// Default: 465 with `tls`, 587 with `starttls`, 25 with `none`.
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: TlsSection,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// The sender's address.
    pub from: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsSection {
    None,
    #[default]
    StartTls,
    Tls,
}

/// A text that never shows itself.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl From<SmtpSection> for SmtpConfig {
    fn from(section: SmtpSection) -> Self {
        let (tls, default_port) = match section.tls {
            TlsSection::None => (SmtpTls::None, 25),
            TlsSection::StartTls => (SmtpTls::StartTls, 587),
            TlsSection::Tls => (SmtpTls::Implicit, 465),
        };
        Self {
            host: section.host,
            port: section.port.unwrap_or(default_port),
            tls,
            username: section.username,
            password: section.password.map(|Secret(password)| password),
            from: section.from,
        }
    }
}

/// Deliveries.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Networks (`address/bits`) that deliveries never connect to, besides link-local ones and
    /// metadata services.
    #[serde(deserialize_with = "networks")]
    pub deny_cidrs: DenyList,
    /// Deliveries under way at one time, at least one.
    pub concurrency: NonZeroUsize,
}

/// Topics and subscriptions.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnsConfig {
    /// Accepts in filter policies the matchers that EventBridge has and SNS refuses.
    pub filter_extensions: bool,
}

/// Limits of AWS's that an operator may lift.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Lets http(s) subscriptions receive messages of more than 256 KiB.
    pub relaxed: bool,
}

/// Signatures of notifications.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningConfig {
    /// The host, with a port if it needs one, in SigningCertURL. Default: `public_url`'s.
    pub cert_url_host: Option<String>,
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DenyList, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    DenyList::parse(texts.iter().map(String::as_str))
        .map_err(|text| D::Error::custom(format!("{text:?} is no network (address/bits)")))
}

/// Hard limits, in bytes. Above them callers get AWS's throttling errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryConfig {
    /// Bodies of requests being worked on.
    pub requests: usize,
    /// Metrics not flushed yet.
    pub metrics_head: usize,
    /// Log events not flushed yet.
    pub logs_head: usize,
    /// Running queries, together.
    pub queries: usize,
}

/// When a head becomes an object. Smaller and sooner means more objects to compact.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlushConfig {
    /// Bytes of metrics in memory that start a flush.
    pub metrics_bytes: usize,
    /// Bytes of log events in memory that start a flush.
    pub logs_bytes: usize,
    /// Seconds after which even a small head is flushed.
    pub age_s: u64,
}

/// The write-ahead logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WalSection {
    /// Bytes after which a segment is closed. Whole segments are deleted once they are in objects.
    pub segment_bytes: u64,
}

/// Compaction, retention and the sweep of what they replaced.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceConfig {
    /// Milliseconds between two rounds for metrics.
    pub metrics_every_ms: u32,
    /// Milliseconds between two rounds for logs.
    pub logs_every_ms: u32,
    /// Small log segments of one day and retention that are worth joining, at least 2.
    pub log_segments_min: usize,
}

/// How long metrics are kept at each resolution: then they are merged into the next one, and dropped
/// after the last. The defaults are CloudWatch's (spec metrics.md 6).
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsRetentionConfig {
    pub one_second_hours: NonZeroU32,
    pub one_minute_days: NonZeroU32,
    pub five_minutes_days: NonZeroU32,
    pub one_hour_days: NonZeroU32,
}

impl Default for WalSection {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1_048_576,
        }
    }
}

impl Default for MetricsRetentionConfig {
    fn default() -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            one_second_hours: at_least_one(3),
            one_minute_days: at_least_one(15),
            five_minutes_days: at_least_one(63),
            one_hour_days: at_least_one(455),
        }
    }
}

impl Default for MaintenanceConfig {
    fn default() -> Self {
        Self {
            metrics_every_ms: 60_000,
            logs_every_ms: 30_000,
            log_segments_min: 8,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            allow_aws_namespaces: true,
            public_url: None,
            base_path: String::new(),
            clock_skew_minutes: 15,
            smtp: None,
            auto_confirm_hosts: Vec::new(),
            webhook: WebhookConfig::default(),
            sns: SnsConfig::default(),
            limits: LimitsConfig::default(),
            signing: SigningConfig::default(),
            memory: MemoryConfig::default(),
            flush: FlushConfig::default(),
            wal: WalSection::default(),
            maintenance: MaintenanceConfig::default(),
            metrics_retention: MetricsRetentionConfig::default(),
        }
    }
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            deny_cidrs: DenyList::default(),
            concurrency: NonZeroUsize::MIN.saturating_add(31),
        }
    }
}

impl Default for MemoryConfig {
    fn default() -> Self {
        const MIB: usize = 1_048_576;
        Self {
            requests: 128 * MIB,
            metrics_head: 128 * MIB,
            logs_head: 128 * MIB,
            queries: 256 * MIB,
        }
    }
}

impl Default for FlushConfig {
    fn default() -> Self {
        const MIB: usize = 1_048_576;
        Self {
            metrics_bytes: 32 * MIB,
            logs_bytes: 64 * MIB,
            age_s: 60,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    Toml {
        path: String,
        source: Box<toml::de::Error>,
    },
}

impl Config {
    /// # Errors
    /// When the file cannot be read, is not TOML, or has a key that does not exist.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: name.clone(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Toml {
            path: name,
            source: Box::new(source),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_optional_and_checked() {
        let config: Config =
            toml::from_str("region = \"eu-west-1\"\n[memory]\nqueries = 1").unwrap();
        assert_eq!(config.region, "eu-west-1");
        assert_eq!(config.memory.queries, 1);
        assert_eq!(config.clock_skew_minutes, 15);
        assert_eq!(config.metrics_retention.one_hour_days.get(), 455);
        let none = "[metrics_retention]\none_second_hours = 0";
        assert!(toml::from_str::<Config>(none).is_err());
        assert!(toml::from_str::<Config>("regoin = \"x\"").is_err());
    }

    #[test]
    fn networks_are_read_and_checked() {
        let config: Config = toml::from_str("[webhook]\ndeny_cidrs = [\"10.0.0.0/8\"]").unwrap();
        let denies = |address: &str| config.webhook.deny_cidrs.denies(address.parse().unwrap());
        assert!(denies("10.1.2.3"));
        assert!(!denies("192.168.1.2"));
        assert_eq!(config.webhook.concurrency.get(), 32);
        let wrong = toml::from_str::<Config>("[webhook]\ndeny_cidrs = [\"10.0.0.0\"]");
        let text = wrong.unwrap_err().to_string();
        assert!(text.contains("\"10.0.0.0\" is no network"), "{text}");
        assert!(toml::from_str::<Config>("[webhook]\nconcurrency = 0").is_err());
    }
}

//! What an operator decides about notifications.

use std::sync::Arc;

use crate::address::DenyList;
use crate::email::SmtpConfig;

/// Settings of topics and deliveries. `Default` is a node on loopback without a mail relay.
#[derive(Clone, Debug)]
pub struct NotifyConfig {
    /// Where receivers and readers of mails reach this node, without a trailing slash:
    /// the base of SubscribeURL, UnsubscribeURL and SigningCertURL (spec notifications.md 2.4).
    pub public_url: Arc<str>,
    /// Another base for SigningCertURL alone (`signing.cert_url_host`, spec notifications.md 6).
    pub signing_cert_url_base: Option<Arc<str>>,
    /// No relay: deliveries by mail fail with `no transport configured`.
    pub smtp: Option<SmtpConfig>,
    /// Hosts whose http(s) subscriptions need no handshake (spec notifications.md 4).
    pub auto_confirm_hosts: Vec<String>,
    /// Addresses that deliveries never connect to, besides link-local and metadata ones.
    pub deny: DenyList,
    /// Accepts the matchers that EventBridge has and SNS refuses (spec notifications.md 7).
    pub filter_extensions: bool,
    /// Lets http subscriptions receive more than 256 KiB (spec notifications.md 5.5).
    pub relaxed_limits: bool,
    /// Spreads retries by a tenth each way. Off under a test clock (spec notifications.md 9).
    pub jitter: bool,
    /// Deliveries under way at one time.
    pub concurrency: usize,
    /// This node's name, the same after a restart: what it was doing when it died is taken up
    /// at once by whoever comes back under its name. No two living nodes may share one.
    pub node_name: Arc<str>,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self {
            public_url: Arc::from("http://127.0.0.1:2355"),
            signing_cert_url_base: None,
            smtp: None,
            auto_confirm_hosts: Vec::new(),
            deny: DenyList::default(),
            filter_extensions: false,
            relaxed_limits: false,
            jitter: true,
            concurrency: 32,
            node_name: Arc::from("node"),
        }
    }
}

impl NotifyConfig {
    pub(crate) fn cert_url_base(&self) -> Arc<str> {
        let base = self.signing_cert_url_base.as_ref();
        Arc::clone(base.unwrap_or(&self.public_url))
    }
}

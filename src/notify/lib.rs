//! Topics, subscriptions and the delivery of messages, compatible with Amazon SNS.
//!
//! Guarantees: a message is in the catalog's outbox before its publisher gets an answer; each
//! confirmed subscription that wants it gets it at least once, or its delivery policy ran out
//! and that is on record; no endpoint hears anything but a confirmation request before it
//! confirmed.
//!
//! A node opens [`Notifications`] once: `topics` answers the API, `worker` delivers.
//!
//! | file | what |
//! |---|---|
//! | `config` | what an operator decides |
//! | `error` | what can go wrong, in AWS's words |
//! | `message` | what outbox rows carry |
//! | `topic/` | topics, subscriptions, publishing: every rule of the API |
//! | `filter/` | filter policies |
//! | `policy/` | access, delivery and redrive policies |
//! | `fan_out` | from a message to deliveries |
//! | `worker`, `delivery` | the outbox worker, and what it does with each kind of row |
//! | `lanes` | rows for one receiver in order |
//! | `attempt` | how an attempt ended |
//! | `http`, `address` | http(s) requests, and where they may go |
//! | `email` | mails |
//! | `envelope` | the JSON that endpoints receive |
//! | `signature`, `certificate` | who signed it |
//! | `token`, `pages` | confirmation tokens, signed links, and the pages behind them |
//! | `throttle` | receivers that want few requests a second |
//! | `history` | what an alarm's history says about its actions |
//! | `observer` | what happens to messages, told as it happens |

pub mod address;
pub mod attempt;
pub mod certificate;
pub mod config;
mod delivery;
pub mod email;
pub mod envelope;
pub mod error;
mod fan_out;
pub mod filter;
pub mod history;
pub mod http;
mod lanes;
pub mod message;
pub mod observer;
pub mod pages;
pub mod policy;
pub mod signature;
mod throttle;
pub mod token;
pub mod topic;
pub mod worker;

use std::sync::Arc;

use belfry_catalog::Catalog;
use belfry_model::{Clock, TimestampMs};
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use config::NotifyConfig;
pub use email::{SmtpConfig, SmtpTls};
pub use error::{Error, Result};
pub use observer::{NoObserver, NotifyObserver};
pub use signature::Signer;
pub use topic::{Caller, TopicService};
pub use worker::DeliveryWorker;

use delivery::Transports;
use throttle::Throttles;
use token::TokenMint;

/// Everything about notifications that a node has.
pub struct Notifications {
    /// Answers the API.
    pub topics: TopicService,
    /// Delivers; drive it by [`DeliveryWorker::run_due`].
    pub worker: Arc<DeliveryWorker>,
    /// Serves certificates; warm it up in the background with [`Signer::identity`].
    pub signer: Arc<Signer>,
}

impl Notifications {
    /// Reads, or creates, the installation's token key, and takes up the deliveries that this
    /// node was making when it died. Nothing slow happens here: the
    /// signing key and the TLS client are made on first use.
    ///
    /// # Errors
    /// Of the catalog; mail settings that cannot work.
    pub async fn open(
        catalog: Arc<dyn Catalog>,
        clock: Arc<dyn Clock>,
        config: NotifyConfig,
        observer: Arc<dyn NotifyObserver>,
    ) -> Result<Self> {
        let config = Arc::new(NotifyConfig {
            public_url: config.public_url.trim_end_matches('/').into(),
            ..config
        });
        let mint = TokenMint::open(&*catalog).await?;
        let owner = format!("notify@{}", config.node_name);
        let released = catalog.release_outbox_claims(&owner).await?;
        if released > 0 {
            tracing::info!(released, "deliveries that were cut short are due again");
        }
        let wake = Arc::new(Notify::new());
        let signer = Arc::new(Signer::new(
            Arc::clone(&catalog),
            Arc::clone(&clock),
            config.cert_url_base(),
        ));
        let transports = Transports::new(&config, Arc::clone(&signer)).map_err(Error::Internal)?;
        let topics = TopicService {
            catalog: Arc::clone(&catalog),
            clock: Arc::clone(&clock),
            config: Arc::clone(&config),
            mint: mint.clone(),
            observer: Arc::clone(&observer),
            wake: Arc::clone(&wake),
        };
        let worker = DeliveryWorker {
            catalog,
            clock,
            config,
            mint,
            observer,
            transports,
            throttles: Throttles::default(),
            wake,
            owner,
            expiry_due: Mutex::new(TimestampMs::MIN),
        };
        Ok(Self {
            topics,
            worker: Arc::new(worker),
            signer,
        })
    }
}

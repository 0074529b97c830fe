//! A node: the stores, the engines and the server of one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use belfry_alarm::{AlarmRunner, AlarmService, OffsetRule, RunnerConfig, StoreSource};
use belfry_api::page_token::PageTokens;
use belfry_api::{Services, Settings};
use belfry_catalog::{Catalog, ObjectCatalog, SqliteCatalog};
use belfry_model::time::{DAY_MS, HOUR_MS};
use belfry_model::{Clock, ManualClock, SystemClock, Tenant, TimestampMs};
use belfry_notify::{Notifications, NotifyConfig};
use belfry_query::insights::{EngineConfig, InsightsEngine, InsightsService};
use belfry_server::admission::Admission;
use belfry_server::auth::{AuthMode, Authority};
use belfry_server::config::{Config, MetricsRetentionConfig};
use belfry_server::data_dir::{DataDir, DataDirError};
use belfry_server::gateway::Gateway;
use belfry_server::jobs::{
    AlarmTurns, Deliveries, LogsMaintenance, MetricsMaintenance, Queries, SelfObservation,
};
use belfry_server::listener;
use belfry_server::notification_pages::NotificationPages;
use belfry_server::own_metrics::{OwnMetrics, Sources};
use belfry_server::routes::{self, Parts};
use belfry_server::schedule::{Job, Schedule};
use belfry_server::test_clock::TestClock;
use belfry_store::Objects;
use belfry_store::logs::{LogsConfig, LogsStore};
use belfry_store::metrics::{MetricsConfig, MetricsStore, Retention};
use belfry_store::wal::WalConfig;
use belfry_wire::sigv4::Verifier;
use rand::RngCore;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long background work may take to end after the listener has closed.
const JOBS_STOP_TIMEOUT: Duration = Duration::from_millis(1_000);

/// How long the last flush may take.
const FLUSH_STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How to start a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub auth: AuthMode,
    /// 12 digits; by default that of the data directory's root key.
    pub account: Option<String>,
    pub config: Config,
    /// Starts on a virtual clock that stands at this time.
    pub test_clock: Option<TimestampMs>,
    /// Starts although a write-ahead log lacks records.
    pub accept_lost_records: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("--auth none is accepted on loopback addresses only, not on {0}")]
    UnsignedNotOnLoopback(SocketAddr),
    #[error("--test-clock is accepted on loopback addresses only, not on {0}")]
    TestClockNotOnLoopback(SocketAddr),
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        addr: SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Catalog(#[from] belfry_catalog::Error),
    #[error(transparent)]
    Store(#[from] belfry_store::Error),
    #[error("queries: {0}")]
    Query(#[from] belfry_query::Error),
    #[error("notifications: {0}")]
    Notify(#[from] belfry_notify::Error),
}

/// A running node. Stop it with [`Node::stop`]; dropping it stops nothing.
pub struct Node {
    local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    jobs: Vec<JoinHandle<()>>,
    metrics: MetricsStore,
    logs: LogsStore,
    alarms: Arc<AlarmRunner<dyn Catalog>>,
    _data_dir: DataDir,
}

impl Node {
    /// Opens everything, replays what was not flushed, and listens. The node answers as soon as
    /// this returns.
    ///
    /// # Errors
    /// When an address, a directory or stored data cannot be used.
    pub async fn start(options: NodeOptions) -> Result<Self, StartError> {
        let started = Instant::now();
        check_loopback(&options)?;
        // Bound before anything is written, so that a start on a taken port leaves nothing behind;
        // served once all is open.
        let listen_failed = |source| StartError::Listen {
            addr: options.listen,
            source,
        };
        let listener = listener::bind(options.listen).map_err(listen_failed)?;
        let local_addr = listener.local_addr().map_err(listen_failed)?;
        let data_dir = DataDir::open(&options.data_dir)?;
        let credentials =
            data_dir.credentials(options.account.as_deref(), &options.config.region)?;
        let account = credentials.root_account().to_owned();

        let manual = options.test_clock.map(ManualClock::new);
        let clock: Arc<dyn Clock> = match &manual {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        let catalog = SqliteCatalog::open(&data_dir.catalog_path()).await?;
        let page_tokens = PageTokens::new(page_token_key(&catalog).await?);
        let catalog: Arc<dyn Catalog> = Arc::new(catalog);
        // The data directory is locked: whoever held leases in this catalog is gone.
        catalog.void_leases().await?;
        let objects_path = data_dir.objects_path();
        let objects = Objects::open_local(&objects_path)?;
        let metrics_store = MetricsStore::open(
            &data_dir.wal_path("metrics"),
            objects.clone(),
            catalog.clone(),
            clock.clone(),
            metrics_config(&options),
        )
        .await?;
        let logs = LogsStore::open(
            &data_dir.wal_path("logs"),
            objects.clone(),
            catalog.clone(),
            clock.clone(),
            logs_config(&options),
        )
        .await?;
        let own = OwnMetrics::shared();
        let engine = InsightsEngine::new(EngineConfig {
            memory_bytes: options.config.memory.queries,
            ..EngineConfig::default()
        })?;
        let insights =
            InsightsService::open(engine, logs.clone(), catalog.clone(), clock.clone()).await?;
        let notifications = Notifications::open(
            catalog.clone(),
            clock.clone(),
            notify_config(&options.config, local_addr, manual.is_some()),
            own.clone(),
        )
        .await?;
        let topics = Arc::new(notifications.topics);
        let alarms = AlarmService::new(catalog.clone(), clock.clone(), Default::default());
        let alarm_runner = Arc::new(AlarmRunner::new(
            catalog.clone(),
            Arc::new(StoreSource::new(metrics_store.clone())),
            alarms.changes(),
            RunnerConfig {
                offsets: match &manual {
                    Some(_) => OffsetRule::None,
                    None => OffsetRule::Hashed,
                },
                ..RunnerConfig::default()
            },
        ));

        let admission = Admission::new(options.config.memory.requests);
        let sources = Arc::new(Sources {
            admission: admission.clone(),
            metrics: metrics_store.clone(),
            logs: logs.clone(),
            insights: insights.clone(),
            catalog: catalog.clone(),
        });
        let self_observation = SelfObservation::new(
            Tenant::new(account.as_str(), options.config.region.as_str()),
            own.clone(),
            sources.clone(),
            clock.now(),
        );
        let mut jobs: Vec<Arc<dyn Job>> = vec![
            Arc::new(MetricsMaintenance(metrics_store.clone())),
            Arc::new(LogsMaintenance(logs.clone())),
            Arc::new(AlarmTurns {
                runner: alarm_runner.clone(),
                own: own.clone(),
            }),
            Arc::new(Queries(insights.clone())),
            Arc::new(Deliveries(notifications.worker)),
        ];
        if manual.is_none() {
            // On a test clock a jump over months would mean a write for each of their minutes.
            jobs.push(Arc::new(self_observation));
        }
        let schedule = Arc::new(Schedule::new(clock.clone(), jobs));
        let services = Services {
            clock: clock.clone(),
            catalog: catalog.clone(),
            metrics: metrics_store.clone(),
            logs: logs.clone(),
            insights,
            alarms: Arc::new(alarms),
            topics: topics.clone(),
            page_tokens,
            settings: Settings {
                allow_aws_namespaces: options.config.allow_aws_namespaces,
            },
        };
        // Callers of a node on the test clock sign with the time of day.
        let skew_minutes = manual
            .is_none()
            .then_some(options.config.clock_skew_minutes);
        let gateway = Gateway {
            services,
            authority: Authority {
                mode: options.auth,
                credentials: Arc::new(credentials),
                default_account: account.into(),
                default_region: options.config.region.as_str().into(),
                verifier: Verifier::new(skew_minutes),
            },
            admission,
            metrics: own.clone(),
            base_path: options.config.base_path.clone(),
        };
        let router = routes::router(Parts {
            gateway: Arc::new(gateway),
            catalog,
            metrics: own,
            sources,
            signer: notifications.signer,
            pages: Arc::new(NotificationPages {
                topics,
                base_path: options.config.base_path.clone(),
            }),
            test_clock: manual.map(|clock| Arc::new(TestClock::new(clock, schedule.clone()))),
        });

        let (stop, stopping) = watch::channel(false);
        let jobs = schedule.spawn(&stopping);
        let server = tokio::spawn(listener::serve(listener, router, stopping));
        tracing::info!(
            addr = %local_addr,
            ms = started.elapsed().as_millis() as u64,
            "ready"
        );
        Ok(Self {
            local_addr,
            stop,
            server,
            jobs,
            metrics: metrics_store,
            logs,
            alarms: alarm_runner,
            _data_dir: data_dir,
        })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Lets open requests and running jobs finish, within bounds.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.server.await.is_err() {
            tracing::error!("the listener had died");
        }
        let jobs = futures::future::join_all(self.jobs);
        if tokio::time::timeout(JOBS_STOP_TIMEOUT, jobs).await.is_err() {
            tracing::warn!("periodic work was cut off at shutdown");
        }
        if let Err(error) = self.alarms.release().await {
            tracing::warn!(%error, "leases of alarms were not released, they run out");
        }
        // Only spares the next start the replay: everything is in the write-ahead logs.
        let flushes = async { tokio::join!(self.metrics.flush(), self.logs.flush()) };
        match tokio::time::timeout(FLUSH_STOP_TIMEOUT, flushes).await {
            Ok((metrics, logs)) => {
                if let Err(error) = metrics.and(logs) {
                    tracing::error!(%error, "the heads were not flushed at shutdown");
                }
            }
            Err(_) => tracing::warn!("the heads were not flushed in time at shutdown"),
        }
    }
}

fn check_loopback(options: &NodeOptions) -> Result<(), StartError> {
    if options.listen.ip().is_loopback() {
        return Ok(());
    }
    if options.auth == AuthMode::None {
        return Err(StartError::UnsignedNotOnLoopback(options.listen));
    }
    if options.test_clock.is_some() {
        return Err(StartError::TestClockNotOnLoopback(options.listen));
    }
    Ok(())
}

async fn page_token_key(catalog: &SqliteCatalog) -> Result<[u8; 32], belfry_catalog::Error> {
    let mut fresh = [0; 32];
    rand::rng().fill_bytes(&mut fresh);
    let stored = catalog.init_setting("page_token_key", &fresh).await?;
    // A key of another length would be a foreign hand's work: tokens then end with the process.
    Ok(stored.try_into().unwrap_or(fresh))
}

fn wal_config(options: &NodeOptions) -> WalConfig {
    WalConfig {
        segment_bytes: options.config.wal.segment_bytes,
        accept_lost_records: options.accept_lost_records,
        ..WalConfig::default()
    }
}

fn metrics_config(options: &NodeOptions) -> MetricsConfig {
    let config = &options.config;
    MetricsConfig {
        wal: wal_config(options),
        head_bytes_max: config.memory.metrics_head,
        flush_bytes: config.flush.metrics_bytes,
        flush_age_ms: flush_age_ms(config),
        maintenance_every_ms: config.maintenance.metrics_every_ms.into(),
        retention: metrics_retention(&config.metrics_retention),
        ..MetricsConfig::default()
    }
}

fn metrics_retention(kept: &MetricsRetentionConfig) -> Retention {
    Retention {
        s1_ms: i64::from(kept.one_second_hours.get()) * HOUR_MS,
        s60_ms: i64::from(kept.one_minute_days.get()) * DAY_MS,
        s300_ms: i64::from(kept.five_minutes_days.get()) * DAY_MS,
        s3600_ms: i64::from(kept.one_hour_days.get()) * DAY_MS,
    }
}

fn logs_config(options: &NodeOptions) -> LogsConfig {
    let config = &options.config;
    LogsConfig {
        wal: wal_config(options),
        head_bytes_max: config.memory.logs_head as u64,
        flush_bytes: config.flush.logs_bytes as u64,
        flush_age_ms: flush_age_ms(config),
        maintenance_period_ms: config.maintenance.logs_every_ms.into(),
        compact_segments_min: config.maintenance.log_segments_min.max(2),
        ..LogsConfig::default()
    }
}

fn flush_age_ms(config: &Config) -> i64 {
    i64::try_from(config.flush.age_s).map_or(i64::MAX, |s| s.saturating_mul(1_000))
}

fn notify_config(config: &Config, local_addr: SocketAddr, on_test_clock: bool) -> NotifyConfig {
    let public_url = config
        .public_url
        .as_deref()
        .map(|url| url.trim_end_matches('/').to_owned())
        .unwrap_or_else(|| format!("http://{local_addr}"));
    let signing_cert_url_base = config.signing.cert_url_host.as_ref().map(|host| {
        let scheme = public_url.split_once("://").map_or("http", |(s, _)| s);
        format!("{scheme}://{host}").into()
    });
    NotifyConfig {
        public_url: public_url.into(),
        signing_cert_url_base,
        smtp: config.smtp.clone().map(Into::into),
        auto_confirm_hosts: config.auto_confirm_hosts.clone(),
        deny: config.webhook.deny_cidrs.clone(),
        filter_extensions: config.sns.filter_extensions,
        relaxed_limits: config.limits.relaxed,
        concurrency: config.webhook.concurrency.get(),
        jitter: !on_test_clock,
        ..NotifyConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify(file: &str) -> NotifyConfig {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("belfry.toml");
        std::fs::write(&path, file).expect("written");
        let config = Config::read(&path).expect("a configuration");
        notify_config(
            &config,
            "127.0.0.1:2355".parse().expect("an address"),
            false,
        )
    }

    #[test]
    fn what_the_operator_decides_reaches_notifications() {
        let default = notify("");
        assert_eq!(&*default.public_url, "http://127.0.0.1:2355");
        assert_eq!(default.signing_cert_url_base, None);
        assert!(!default.filter_extensions && !default.relaxed_limits);

        let decided = notify(
            r#"
            public_url = "https://belfry.example.net/"
            webhook = { deny_cidrs = ["10.0.0.0/8"], concurrency = 7 }
            sns = { filter_extensions = true }
            limits = { relaxed = true }
            signing = { cert_url_host = "certs.example.net:8443" }
            "#,
        );
        assert_eq!(
            decided.signing_cert_url_base.as_deref(),
            Some("https://certs.example.net:8443")
        );
        assert!(decided.filter_extensions && decided.relaxed_limits);
        assert_eq!(decided.concurrency, 7);
        assert!(decided.deny.denies("10.0.0.1".parse().expect("an address")));
    }
}

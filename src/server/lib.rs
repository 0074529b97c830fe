//! The server: listeners, request routing, authentication, limits, health, own metrics, the test
//! clock and the schedule of periodic work.
//!
//! The only package that knows HTTP. What a request means is decided in `belfry-wire` (how it is
//! written) and `belfry-api` (what it does).
//!
//! | file | what |
//! |---|---|
//! | `listener` | accepts connections, stops gracefully |
//! | `gateway` | an AWS request: size, signature, route, operation, answer |
//! | `request_body` | a body from the connection into memory, within the budget |
//! | `admission` | how many bytes of bodies are in memory at once |
//! | `invocation` | what a retried call is known by |
//! | `auth`, `credentials` | whose request it is, by which key |
//! | `data_dir` | the data directory, its lock, its root key |
//! | `config` | the configuration file |
//! | `schedule` | periodic work, by the clock of the day or a test's |
//! | `test_clock` | `/_belfry/clock` |
//! | `routes` | which path goes where |
//! | `notification_pages` | the links in notifications, for people |
//! | `jobs` | what is periodic: alarms, deliveries, flushes |
//! | `health`, `own_metrics/` | `/health`, `/metrics` |

pub mod admission;
pub mod auth;
pub mod config;
pub mod credentials;
pub mod data_dir;
pub mod gateway;
pub mod health;
pub mod invocation;
pub mod jobs;
pub mod listener;
pub mod notification_pages;
pub mod own_metrics;
pub mod request_body;
pub mod routes;
pub mod schedule;
pub mod test_clock;

//! Topics, subscriptions and the delivery of messages, compatible with Amazon SNS.
//!
//! Guarantees: a message is in the catalog's outbox before its publisher gets an answer; each
//! confirmed subscription that wants it gets it at least once, or its delivery policy ran out
//! and that is on record; no endpoint hears anything but a confirmation request before it
//! confirmed.
//!
//! | file | what |
//! |---|---|
//! | `message` | what outbox rows carry |

pub mod message;

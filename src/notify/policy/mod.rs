//! Policies that topics and subscriptions carry as JSON text.
//!
//! | file | what |
//! |---|---|
//! | `access` | who may do what with a topic: the default, adding and removing statements |
//! | `backoff` | when the retries of a delivery happen |
//! | `delivery` | delivery policies: parsing, defaults, merging, effective forms |
//! | `redrive` | where exhausted deliveries go |

pub mod access;
pub mod backoff;
pub mod delivery;
pub mod redrive;

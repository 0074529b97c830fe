//! Counting by the index alone.

use super::flush::blocking;
use super::part::PartCount;
use super::scan::LogScan;
use super::snapshot::LogSnapshot;
use crate::error::Result;

impl LogSnapshot {
    /// How many events a scan's condition meets, without reading messages: from the index of
    /// segments, and by scanning the head. `None` where the index cannot be exact.
    pub async fn count(&self, scan: &LogScan) -> Result<Option<u64>> {
        let parts = self.parts(scan).await?;
        blocking(move || {
            let mut total = 0u64;
            for part in parts {
                match part.count()? {
                    PartCount::Exact(rows) => total = total.saturating_add(rows),
                    PartCount::Unknown => return Ok(None),
                }
            }
            Ok(Some(total))
        })
        .await
    }
}

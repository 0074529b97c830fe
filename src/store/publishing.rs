//! What a store knows of its last publication.

use belfry_catalog::objects::WalCheckpoint;

use crate::wal::Lsn;

/// Kept behind a lock that is held from a publication until reads see it, so that none is
/// overwritten by an older one.
#[derive(Debug)]
pub(crate) struct Publishing {
    /// The catalog's checkpoint, as far as is known.
    pub checkpoint: Lsn,
    /// A publication was begun whose outcome nobody has seen: the catalog must be asked before
    /// anything else is published. Stays set when the one who published goes away.
    pub unsure: bool,
}

impl Publishing {
    pub fn new(checkpoint: Lsn) -> Self {
        Self {
            checkpoint,
            unsure: false,
        }
    }

    /// The checkpoint to publish together with everything below `lsn`.
    pub fn advance(&self, wal: &str, lsn: Lsn) -> WalCheckpoint {
        WalCheckpoint {
            wal: wal.to_owned(),
            before: self.checkpoint.0,
            lsn: lsn.0,
        }
    }
}

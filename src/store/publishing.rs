//! What a store knows of its last publication.

use std::collections::HashSet;

use belfry_catalog::objects::WalCheckpoint;
use ulid::Ulid;

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

/// What became of a publication whose caller was told of an error.
#[derive(Debug, PartialEq)]
pub(crate) struct Aftermath {
    pub happened: bool,
    /// Its objects that are in no publication.
    pub dead: Vec<Ulid>,
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

    /// What became of a publication, by what the catalog was found to hold after it: `live`, and
    /// the checkpoint that is known here. `flushed` is the one that was published with it.
    pub fn aftermath(
        &self,
        inserted: impl Iterator<Item = Ulid>,
        removed: &[Ulid],
        flushed: Option<Lsn>,
        live: &HashSet<Ulid>,
    ) -> Aftermath {
        let dead: Vec<Ulid> = inserted.filter(|id| !live.contains(id)).collect();
        let happened = match flushed {
            // Also when an earlier attempt did it, with objects of its own.
            Some(lsn) => self.checkpoint >= lsn,
            None => dead.is_empty() && !removed.iter().any(|id| live.contains(id)),
        };
        Aftermath { happened, dead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_tells_what_became_of_a_publication() {
        let publishing = Publishing::new(Lsn(5));
        let (old, new) = (Ulid::from_parts(1, 1), Ulid::from_parts(2, 2));
        let aftermath = |flushed, live: &[Ulid]| {
            let live = live.iter().copied().collect();
            let found = publishing.aftermath(std::iter::once(new), &[old], flushed, &live);
            (found.happened, found.dead)
        };
        assert_eq!(aftermath(None, &[new]), (true, vec![]));
        assert_eq!(aftermath(None, &[old]), (false, vec![new]));
        assert_eq!(aftermath(None, &[old, new]), (false, vec![]));
        assert_eq!(aftermath(Some(Lsn(5)), &[new]), (true, vec![]));
        // An earlier attempt did it.
        assert_eq!(aftermath(Some(Lsn(5)), &[]), (true, vec![new]));
        assert_eq!(aftermath(Some(Lsn(6)), &[old]), (false, vec![new]));
    }
}

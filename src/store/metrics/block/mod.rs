//! Metrics blocks: immutable objects with the samples of one tenant, tier and partition of time.
//! The bytes are described in `docs/formats/metrics-block.md`.
//!
//! | file | what |
//! |---|---|
//! | `layout` | header, footer, sections, checksums |
//! | `series_table` | the sorted keys, front-coded |
//! | `clocks` | lists of timestamps, each stored once |
//! | `values` | plain samples: groups of pages that share one `pco` model |
//! | `sets` | samples that are more than a lone value |
//! | `chunks` | the directory of chunks |
//! | `dictionary` | dimensions and the rows that have them |
//! | `writer` | builds a block from series in order |
//! | `reader` | the index of a block in memory, reading chunks |
//! | `verify` | checks every byte of a block |
//! | `parts` | the decoders by themselves, for fuzzing |

mod chunks;
mod clocks;
mod dictionary;
mod layout;
mod parts;
mod reader;
mod series_table;
mod sets;
mod values;
mod verify;
mod writer;

pub(super) use chunks::Chunk;
pub use layout::BlockSummary;
pub use parts::BlockPart;
pub(super) use reader::{BlockIndex, BlockSource, ChunkSamples, SampleValues, Wanted};
pub(super) use values::Coding;
pub use verify::{VerifiedBlock, verify_object};
pub use writer::{BlockWriter, BuiltBlock, Effort};

#[cfg(test)]
mod tests;

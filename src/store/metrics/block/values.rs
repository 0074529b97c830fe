//! Plain samples. Each chunk is a page of its own, so that one series can be read alone; the
//! pages of a group share one `pco` model, which would otherwise outweigh a short page.
//!
//! Why `pco`: `docs/decisions/metric-value-codec.md`.

use bytes::Bytes;
use pco::data_types::Number;
use pco::wrapped::{ChunkDecompressor, FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use crate::metrics::column;

/// A group is closed when it has so many samples: models and pages are then in balance, and
/// what one read of a single series has to fetch stays small.
const GROUP_SAMPLES: usize = 1 << 16;
/// A group that has so many is closed when the next metric name begins: its values are likely
/// of another kind.
const GROUP_SAMPLES_PER_NAME: usize = 1 << 13;

/// How the values of a group are typed. The numbers are stored: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupType {
    I32 = 1,
    I64 = 2,
    F64 = 3,
}

impl GroupType {
    pub(super) const ALL: [Self; 3] = [Self::I32, Self::I64, Self::F64];

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| *t as u8 == code)
    }
}

/// How a chunk's values are made from numbers. One byte on disk: the exponent, or a code above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Whole numbers, to be divided by `10^exponent`.
    Decimals(u8),
    Floats,
    /// Statistic sets, not in a group.
    Sets,
}

impl Coding {
    const FLOATS: u8 = 254;
    const SETS: u8 = 255;

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Decimals(exponent) => exponent,
            Self::Floats => Self::FLOATS,
            Self::Sets => Self::SETS,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        match code {
            Self::FLOATS => Some(Self::Floats),
            Self::SETS => Some(Self::Sets),
            exponent => column::power_of(exponent).map(|_| Self::Decimals(exponent)),
        }
    }
}

/// The effort of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Deltas, for flushes.
    Flush,
    /// The best of what pco finds, for compactions.
    Compaction,
}

impl Effort {
    fn config(self) -> ChunkConfig {
        let config = ChunkConfig::default();
        match self {
            Self::Flush => config.with_delta_spec(DeltaSpec::TryConsecutive(1)),
            Self::Compaction => config,
        }
    }
}

/// A closed group.
pub(super) struct PackedGroup {
    pub kind: GroupType,
    pub meta: Vec<u8>,
    /// The number of the chunk in the directory, and its page.
    pub pages: Vec<(usize, Vec<u8>)>,
}

/// Collects chunks into groups, by type.
pub(super) struct Groups {
    effort: Effort,
    whole32: OpenGroup<i32>,
    whole64: OpenGroup<i64>,
    floats: OpenGroup<f64>,
    scratch: Vec<i64>,
}

#[derive(Default)]
struct OpenGroup<T> {
    values: Vec<T>,
    chunks: Vec<(usize, usize)>,
}

impl Groups {
    pub(super) fn new(effort: Effort) -> Self {
        Self {
            effort,
            whole32: OpenGroup::default(),
            whole64: OpenGroup::default(),
            floats: OpenGroup::default(),
            scratch: Vec::new(),
        }
    }

    /// Adds the values of a chunk.
    pub(super) fn push(&mut self, chunk: usize, values: &[f64]) -> (GroupType, Coding) {
        self.scratch.clear();
        let Some(exponent) = column::to_decimals(values, &mut self.scratch) else {
            self.floats.values.extend_from_slice(values);
            self.floats.chunks.push((chunk, values.len()));
            return (GroupType::F64, Coding::Floats);
        };
        let coding = Coding::Decimals(exponent);
        let before = self.whole32.values.len();
        for &whole in &self.scratch {
            let Ok(whole) = i32::try_from(whole) else {
                self.whole32.values.truncate(before);
                self.whole64.values.extend_from_slice(&self.scratch);
                self.whole64.chunks.push((chunk, values.len()));
                return (GroupType::I64, coding);
            };
            self.whole32.values.push(whole);
        }
        self.whole32.chunks.push((chunk, values.len()));
        (GroupType::I32, coding)
    }

    /// Closes the group of a type if it is large enough.
    pub(super) fn close_if_full(
        &mut self,
        kind: GroupType,
        name_ends: bool,
    ) -> Result<Option<PackedGroup>, pco::errors::PcoError> {
        let limit = if name_ends {
            GROUP_SAMPLES_PER_NAME
        } else {
            GROUP_SAMPLES
        };
        let samples = match kind {
            GroupType::I32 => self.whole32.values.len(),
            GroupType::I64 => self.whole64.values.len(),
            GroupType::F64 => self.floats.values.len(),
        };
        if samples < limit {
            return Ok(None);
        }
        self.close(kind)
    }

    /// Closes the group of a type unless it is empty.
    pub(super) fn close(
        &mut self,
        kind: GroupType,
    ) -> Result<Option<PackedGroup>, pco::errors::PcoError> {
        let config = self.effort.config();
        // Whole numbers made from decimals gain nothing from pco's search for multiples.
        let whole = config.clone().with_mode_spec(ModeSpec::Classic);
        match kind {
            GroupType::I32 => self.whole32.close(kind, whole),
            GroupType::I64 => self.whole64.close(kind, whole),
            GroupType::F64 => self.floats.close(kind, config),
        }
    }
}

impl<T: Number> OpenGroup<T> {
    fn close(
        &mut self,
        kind: GroupType,
        config: ChunkConfig,
    ) -> Result<Option<PackedGroup>, pco::errors::PcoError> {
        if self.chunks.is_empty() {
            return Ok(None);
        }
        let lengths = self.chunks.iter().map(|(_, n)| *n).collect();
        let config = config.with_paging_spec(PagingSpec::Exact(lengths));
        let file = FileCompressor::default();
        let mut compressor = file.chunk_compressor(&self.values, &config)?;
        let mut meta = Vec::new();
        file.write_header(&mut meta)?;
        compressor.write_meta(&mut meta)?;
        let mut pages = Vec::with_capacity(self.chunks.len());
        for (page, (chunk, _)) in self.chunks.iter().enumerate() {
            let mut bytes = Vec::with_capacity(compressor.page_size_hint(page));
            compressor.write_page(page, &mut bytes)?;
            pages.push((*chunk, bytes));
        }
        self.values.clear();
        self.chunks.clear();
        Ok(Some(PackedGroup { kind, meta, pages }))
    }
}

/// Reads pages of one group.
pub(super) enum GroupDecoder {
    I32(Box<ChunkDecompressor<i32>>, Vec<i32>),
    I64(Box<ChunkDecompressor<i64>>, Vec<i64>),
    F64(Box<ChunkDecompressor<f64>>),
}

impl GroupDecoder {
    /// Reads a group's meta data; the checksum was right.
    pub(super) fn new(kind: GroupType, meta: &Bytes) -> Result<Self, String> {
        fn chunk<T: Number>(meta: &[u8]) -> Result<Box<ChunkDecompressor<T>>, String> {
            let (file, rest) = FileDecompressor::new(meta).map_err(|e| e.to_string())?;
            let (chunk, _) = file
                .chunk_decompressor::<T, _>(rest)
                .map_err(|e| e.to_string())?;
            Ok(Box::new(chunk))
        }
        Ok(match kind {
            GroupType::I32 => Self::I32(chunk(meta)?, Vec::new()),
            GroupType::I64 => Self::I64(chunk(meta)?, Vec::new()),
            GroupType::F64 => Self::F64(chunk(meta)?),
        })
    }

    /// Replaces `out` by the `count` values of a page.
    pub(super) fn read(
        &mut self,
        page: &[u8],
        coding: Coding,
        count: usize,
        out: &mut Vec<f64>,
    ) -> Result<(), String> {
        out.clear();
        match (self, coding) {
            (Self::I32(chunk, scratch), Coding::Decimals(exponent)) => {
                read_page(chunk, page, count, scratch)?;
                unscale(scratch.iter().map(|w| f64::from(*w)), exponent, out)
            }
            (Self::I64(chunk, scratch), Coding::Decimals(exponent)) => {
                read_page(chunk, page, count, scratch)?;
                unscale(scratch.iter().map(|w| *w as f64), exponent, out)
            }
            (Self::F64(chunk), Coding::Floats) => read_page(chunk, page, count, out),
            _ => Err("coding of a chunk does not fit its group".to_owned()),
        }
    }
}

fn unscale(
    whole: impl Iterator<Item = f64>,
    exponent: u8,
    out: &mut Vec<f64>,
) -> Result<(), String> {
    if exponent == 0 {
        out.extend(whole);
    } else {
        let power = column::power_of(exponent).ok_or("exponent of a chunk is too large")?;
        out.extend(whole.map(|w| w / power));
    }
    Ok(())
}

fn read_page<T: Number + Default>(
    chunk: &mut ChunkDecompressor<T>,
    page: &[u8],
    count: usize,
    out: &mut Vec<T>,
) -> Result<(), String> {
    out.clear();
    out.resize(count, T::default());
    let mut decompressor = chunk
        .page_decompressor(page, count)
        .map_err(|e| e.to_string())?;
    let progress = decompressor.read(out).map_err(|e| e.to_string())?;
    if progress.n_processed == count {
        Ok(())
    } else {
        Err(format!(
            "page holds {} of {count} values",
            progress.n_processed
        ))
    }
}

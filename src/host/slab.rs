//! Memory for long texts, apart from the heap.
//!
//! One thread fills it and another releases it. The heap of the C library keeps such memory: after a burst it would stay
//! beside the rows that the texts became. The system takes back that of a slab at once.

use std::ops::Range;

use memmap2::MmapMut;

/// The bytes of a slab, unless a text needs more. Only the pages that were written take memory.
const SLAB: usize = 256 * 1024;

/// Texts as UTF-16 units, one after the other.
pub struct Slab {
  memory: MmapMut,
  /// The number of units.
  length: usize,
}

impl Slab {
  /// A slab without a text, with room for so many units; `None` if the system has no memory.
  pub fn new(units: usize) -> Option<Self> {
    let bytes = (units * size_of::<u16>()).max(SLAB);
    Some(Self { memory: MmapMut::map_anon(bytes).ok()?, length: 0 })
  }

  /// Whether it has room for so many units more.
  pub fn has_room(&self, units: usize) -> bool {
    (self.length + units) * size_of::<u16>() <= self.memory.len()
  }

  /// The number of units of all texts.
  pub fn len(&self) -> usize {
    self.length
  }

  /// Appends a text that `write` writes. Returns the number of its units.
  pub fn append(&mut self, write: impl FnOnce(&mut [u16]) -> usize) -> usize {
    let all: &mut [u16] = bytemuck::try_cast_slice_mut(&mut self.memory).unwrap_or_default();
    let place = all.get_mut(self.length..).unwrap_or_default();
    let units = write(place).min(place.len());
    self.length += units;
    units
  }

  /// The units of a text.
  pub fn text(&self, range: Range<usize>) -> &[u16] {
    let all: &[u16] = bytemuck::try_cast_slice(&self.memory).unwrap_or_default();
    all.get(range).unwrap_or_default()
  }

  /// Forgets the texts. False for one of another size, which is not used again: it takes too much memory.
  pub fn clear(&mut self) -> bool {
    self.length = 0;
    self.memory.len() == SLAB
  }
}

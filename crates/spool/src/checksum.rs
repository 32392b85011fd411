//! The checksum of files: CRC-32 of IEEE 802.3.

#[cfg(not(target_family = "wasm"))]
pub use crc32fast::hash;
#[cfg(target_family = "wasm")]
pub use small::hash;

/// A version without the tables of `crc32fast`, which are 16 KiB that do not compress, for a module of limited size.
#[cfg(any(target_family = "wasm", test))]
mod small {
  /// The polynomial, with its bits in reverse.
  const POLYNOMIAL: u32 = 0xEDB8_8320;

  /// The remainder of each half of a byte.
  static REMAINDERS: [u32; 16] = remainders();

  #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
  const fn remainders() -> [u32; 16] {
    let mut all = [0; 16];
    let mut half = 0;
    while half < 16 {
      let mut remainder = half as u32;
      let mut bit = 0;
      while bit < 4 {
        let is_odd = remainder & 1 == 1;
        remainder = (remainder >> 1) ^ if is_odd { POLYNOMIAL } else { 0 };
        bit += 1;
      }
      all[half] = remainder;
      half += 1;
    }
    all
  }

  /// The checksum of bytes.
  pub fn hash(bytes: &[u8]) -> u32 {
    let step = |sum: u32| {
      let remainder = REMAINDERS.get((sum & 15) as usize).copied().unwrap_or_default();
      (sum >> 4) ^ remainder
    };
    !bytes.iter().fold(u32::MAX, |sum, byte| step(step(sum ^ u32::from(*byte))))
  }
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  proptest! {
    #[test]
    fn the_checksum_is_the_same_on_every_platform(bytes: Vec<u8>) {
      prop_assert_eq!(super::hash(&bytes), super::small::hash(&bytes));
    }
  }
}

//! Sorting by numbers. Each type that the standard library sorts takes kilobytes of the WebAssembly module: here, all
//! share one.

/// The first and the second number that a value is sorted by.
pub type Key = (u64, u64);

/// Sorts values by their keys. Those with the same key keep their order.
pub fn sort_by_key<T>(values: &mut Vec<T>, key: impl Fn(&T) -> Key) {
  if values.is_sorted_by_key(&key) {
    return;
  }
  let mut order: Vec<(Key, usize)> = values.iter().map(key).zip(0..).collect();
  order.sort_unstable();
  let mut unsorted: Vec<Option<T>> = values.drain(..).map(Some).collect();
  values.extend(order.into_iter().filter_map(|(_, at)| unsorted.get_mut(at)?.take()));
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn values_are_sorted_by_both_numbers_and_keep_their_order_otherwise() {
    let mut values = vec![(2, 1, 'a'), (1, 9, 'b'), (2, 0, 'c'), (1, 9, 'd'), (0, 5, 'e')];
    sort_by_key(&mut values, |(first, second, _)| (*first, *second));
    let letters: String = values.iter().map(|(_, _, letter)| letter).collect();
    assert_eq!(letters, "ebdca");
  }
}

use proptest::{collection::vec, prelude::*};

use super::*;

fn attachment(content: u8, length: usize) -> Attachment {
  let mut hash = [content; 32];
  hash[31] = content;
  Attachment::new(&hash, vec![content; length], Some("image/png"), "image")
}

fn key(content: u8) -> AttachmentKey {
  attachment(content, 1).key
}

fn row(content: u8) -> Vec<u8> {
  format!(r#"{{"id":"a-b","input":"{{\"key\":\"{}\"}}"}}"#, key(content)).into_bytes()
}

#[test]
fn a_key_is_found_in_any_text_and_nothing_else_is() {
  assert_eq!(keys(&row(7)).collect::<Vec<_>>(), [key(7)]);
  let upper = key(0xab).to_string().to_uppercase();
  assert_eq!(
    keys(format!("{}-{upper}", key(1)).as_bytes()).collect::<Vec<_>>(),
    [key(1), key(0xab)]
  );
  for text in ["", "-", "----", "0198a1b2-c3d4-7e5f-8a9b", "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5"] {
    assert_eq!(keys(text.as_bytes()).count(), 0, "{text}");
  }
}

#[test]
fn a_candidate_waits_for_its_row_and_is_withheld_when_all_are_encoded_without_it() {
  let mut attachments = Attachments::new(10_000);
  for content in [1, 2] {
    assert_eq!(attachments.offer(attachment(content, 100), usize::MAX), Offer::Taken);
  }
  attachments.event_ended(5);
  attachments.withhold(Some(4), 0, None);
  assert_eq!(attachments.find(&row(1)), References { wanted: 1, lost: 0 });
  attachments.withhold(None, 9, Some(8));
  assert_eq!(attachments.memory_bytes(), 2 * (100 + ENTRY_BYTES), "a row is being masked");
  attachments.withhold(None, 9, Some(9));
  assert_eq!(attachments.memory_bytes(), 100 + ENTRY_BYTES);
  assert_eq!(attachments.find(&row(1)), References { wanted: 0, lost: 0 }, "once");
  assert_eq!(
    attachments.find(&row(2)),
    References { wanted: 0, lost: 1 },
    "a row that comes too late"
  );
  assert_eq!(attachments.offer(attachment(2, 100), usize::MAX), Offer::Lost);
}

#[test]
fn a_content_without_room_is_refused_until_there_is_room() {
  let mut attachments = Attachments::new(1_000);
  attachments.offer(attachment(1, 600), usize::MAX);
  attachments.event_ended(0);
  assert_eq!(attachments.offer(attachment(2, 600), usize::MAX), Offer::Full);
  assert_eq!(attachments.offer(attachment(2, 600), usize::MAX), Offer::Lost, "counted once");
  attachments.withhold(None, 0, None);
  assert_eq!(attachments.offer(attachment(2, 600), usize::MAX), Offer::Taken);
}

proptest! {
  #[test]
  fn each_content_is_begun_once_at_a_time_and_the_memory_is_bounded(
    steps in vec((0..7_u8, 0..12_u8, 0..400_usize), 0..200),
  ) {
    let mut attachments = Attachments::new(2_000);
    let mut in_flight: Vec<AttachmentKey> = Vec::new();
    let mut uploaded: Vec<AttachmentKey> = Vec::new();
    let (mut wanted, mut settled, mut sequence) = (0, 0, 0);
    for (step, content, number) in steps {
      match step {
        0 => { attachments.offer(attachment(content, number + 1), usize::MAX); }
        1 => { sequence += 1; attachments.event_ended(sequence); }
        2 => { wanted += attachments.find(&row(content)).wanted; }
        3 => if let Some((content, _)) = attachments.start(Duration::ZERO) {
          prop_assert!(!in_flight.contains(&content.key) && !uploaded.contains(&content.key));
          in_flight.push(content.key);
        },
        4 => if let Some(key) = in_flight.pop() { attachments.put_back(key, Duration::ZERO); },
        5 => if let Some(key) = in_flight.pop() {
          settled += 1;
          if number % 2 == 0 { attachments.uploaded(key); uploaded.push(key); } else { attachments.lost(key); }
        },
        _ => attachments.withhold(Some(sequence.saturating_sub(number as u64 % 3)), 0, None),
      }
      prop_assert!(attachments.memory_bytes() <= 2_000);
      prop_assert!(in_flight.len() <= MAX_UPLOADS);
      prop_assert_eq!(attachments.unsettled(), wanted - settled);
    }
    prop_assert_eq!(attachments.clear(), wanted - settled);
    prop_assert_eq!(attachments.memory_bytes(), 0);
  }
}

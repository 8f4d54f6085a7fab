//! Replies of writes that may be sent again, as many as fit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bson::raw::RawDocumentBuf;

/// The most replies that are kept, and their bytes. The oldest ones go first: the log has what they said for a while.
const MOST: usize = 100_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The replies that are kept, of all sessions.
#[derive(Clone, Default)]
pub(crate) struct Replies(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    next: u64,
    bytes: usize,
    by_age: BTreeMap<u64, RawDocumentBuf>,
}

/// A reply, which is kept until this is dropped, or for others.
pub(crate) struct KeptReply {
    number: u64,
    replies: Replies,
}

impl Replies {
    /// Keeps a reply.
    pub(crate) fn keep(&self, body: RawDocumentBuf) -> KeptReply {
        let mut kept = self.kept();
        let number = kept.next;
        kept.next += 1;
        kept.bytes += body.as_bytes().len();
        kept.by_age.insert(number, body);
        while kept.by_age.len() > MOST || kept.bytes > MOST_BYTES {
            let Some((_, oldest)) = kept.by_age.pop_first() else { break };
            kept.bytes -= oldest.as_bytes().len();
        }
        KeptReply { number, replies: self.clone() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptReply {
    /// The reply, if it is still kept.
    pub(crate) fn body(&self) -> Option<RawDocumentBuf> {
        self.replies.kept().by_age.get(&self.number).cloned()
    }
}

impl Drop for KeptReply {
    fn drop(&mut self) {
        let mut kept = self.replies.kept();
        if let Some(body) = kept.by_age.remove(&self.number) {
            kept.bytes -= body.as_bytes().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn the_oldest_replies_go_first_and_those_that_are_dropped_make_room() {
        let replies = Replies::default();
        let small = replies.keep(rawdoc! { "n": 1 });
        let large = || rawdoc! { "x": "x".repeat(MOST_BYTES / 4) };
        for _ in 0..10 {
            drop(replies.keep(large()));
        }
        assert_eq!(small.body(), Some(rawdoc! { "n": 1 }));
        let kept: Vec<KeptReply> = (0..4).map(|_| replies.keep(large())).collect();
        assert_eq!(small.body(), None);
        assert_eq!(kept.iter().filter(|reply| reply.body().is_some()).count(), 3);
        drop((kept, small));
        let all: Vec<KeptReply> = (0..=MOST).map(|_| replies.keep(rawdoc! {})).collect();
        assert!(all[0].body().is_none() && all[1].body().is_some());
        drop(all);
        let kept = replies.kept();
        assert_eq!((kept.bytes, kept.by_age.len()), (0, 0));
    }
}

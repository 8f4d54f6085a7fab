//! Names with dots, which another tool may have meant as paths: all readings of a name.

use super::{Pattern, PatternPosition, PatternStep};

impl Pattern {
    /// The position after one more name, however its dots are read: as part of the name, or as
    /// separators, including indexes of elements. If a part of the name already matches, the whole
    /// name does, for a pattern that also applies below a match.
    pub(crate) fn next_in_any_reading(
        &self,
        place: PatternPosition,
        name: &str,
    ) -> PatternPosition {
        let mut after = self.next(place, name).0;
        if name.contains('.') {
            let parts: Vec<&str> = name.split('.').collect();
            let mut sets = vec![0; parts.len() + 1];
            sets[0] = place.0;
            // The stars that have started: each matches one name, which may contain dots.
            let mut open = 0;
            for at in 0..parts.len() {
                sets[at] = self.closed(sets[at]).0;
                open |= sets[at] & self.stars();
                sets[at + 1] |= open << 1;
                self.read_part(&mut sets, at, &parts);
                if at > 0 {
                    after |= sets[at] & self.matched();
                }
            }
            after |= sets[parts.len()];
        }
        self.closed(after)
    }

    /// Continues from a cut in a name: `sets` has for each cut the steps that may come next there.
    fn read_part(&self, sets: &mut [u128], at: usize, parts: &[&str]) {
        let from = sets[at];
        let may_come = |(step, _): &(usize, &PatternStep)| from & (1 << step) != 0;
        for (step, wanted) in self.steps.iter().enumerate().filter(may_come) {
            match wanted {
                PatternStep::Name(wanted) => {
                    let wanted = wanted.as_str();
                    let end = at + wanted.split('.').count();
                    let read = parts.get(at..end).unwrap_or_default();
                    if wanted.split('.').eq(read.iter().copied()) {
                        sets[end] |= 1 << (step + 1);
                    }
                }
                PatternStep::Any => {}
                PatternStep::AnyNumber => sets[at + 1] |= 1 << step,
            }
        }
        if parts[at].parse::<u32>().is_ok() {
            sets[at + 1] |= from;
        }
    }

    /// The bits of the steps that match any one name.
    fn stars(&self) -> u128 {
        let stars = self.steps.iter().enumerate().filter(|(_, step)| **step == PatternStep::Any);
        stars.fold(0, |stars, (at, _)| stars | 1 << at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_dots_is_read_in_every_way() {
        let hit = |pattern: &str, names: &[&str]| {
            let pattern: Pattern = pattern.parse().unwrap();
            let step = |place, name: &&str| pattern.next_in_any_reading(place, name);
            pattern.ends_at(names.iter().fold(pattern.start(), step))
        };
        for (pattern, names) in [
            ("a.b", &["a.b"][..]),
            ("a.b", &["a.b.c"]),
            ("a", &["a."]),
            ("a\\.b", &["a.b"]),
            ("a.b.c", &["a", "b.c"]),
            ("a.b.c", &["a.b", "c"]),
            ("a\\.b.c", &["a.b.c"]),
            ("*.c", &["a.b.c"]),
            ("**.c", &["x.c"]),
            ("items.price", &["items.0.price"]),
        ] {
            assert!(hit(pattern, names), "{pattern} {names:?}");
        }
        for (pattern, names) in [
            ("a\\.b", &["a", "b"][..]),
            ("a.b", &["a.c"]),
            ("a.b", &["x.a.b"]),
            ("b", &["a.b"]),
            ("a.*", &["a"]),
            ("*.c", &["a", "b", "c"]),
        ] {
            assert!(!hit(pattern, names), "{pattern} {names:?}");
        }
    }
}

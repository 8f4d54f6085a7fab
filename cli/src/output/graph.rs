//! Draws a graph of commits beside their texts, as `git log --graph` does.

/// The lanes of a graph, in which each commit comes before its parents.
pub(crate) struct Graph<N> {
    /// The commit that each lane leads to.
    lanes: Vec<Option<N>>,
}

impl<N: Clone + PartialEq> Graph<N> {
    pub(crate) fn new() -> Self {
        Self { lanes: Vec::new() }
    }

    /// The rows of a commit, with its text beside them, each line of which is printed.
    pub(crate) fn rows(&mut self, node: &N, parents: &[N], text: &[String]) -> String {
        let at = self.lane_of(node);
        let mut rows = Vec::new();
        // Lanes that lead to this commit too end above it.
        for lane in at + 1..self.lanes.len() {
            if self.lanes[lane].as_ref() == Some(node) {
                rows.push(self.link(at, lane, '╯'));
                self.lanes[lane] = None;
            }
        }
        let above = rows.len();
        rows.push(self.row(Some(at)));
        self.lanes[at] = parents.first().cloned();
        for parent in parents.iter().skip(1) {
            rows.push(self.fork(at, parent));
        }
        while self.lanes.last().is_some_and(Option::is_none) {
            self.lanes.pop();
        }
        while rows.len() - above < text.len() {
            rows.push(self.row(None));
        }
        beside(&rows, above, text)
    }

    /// The lane of a commit: the first that leads to it, or a new one.
    fn lane_of(&mut self, node: &N) -> usize {
        let known = self.lanes.iter().position(|lane| lane.as_ref() == Some(node));
        known.unwrap_or_else(|| self.add(0, node))
    }

    /// Adds a lane that leads to a commit, in the first free place from `from` on.
    fn add(&mut self, from: usize, node: &N) -> usize {
        let free = (from..self.lanes.len()).find(|lane| self.lanes[*lane].is_none());
        let lane = free.unwrap_or_else(|| {
            self.lanes.push(None);
            self.lanes.len() - 1
        });
        self.lanes[lane] = Some(node.clone());
        lane
    }

    /// The row in which another parent leaves the lane of its commit.
    fn fork(&mut self, at: usize, parent: &N) -> String {
        let is_there = |lane: &usize| *lane != at && self.lanes[*lane].as_ref() == Some(parent);
        match (0..self.lanes.len()).find(is_there) {
            Some(lane) => self.link(at, lane, if lane > at { '┤' } else { '├' }),
            None => {
                let lane = self.add(at + 1, parent);
                self.link(at, lane, '╮')
            }
        }
    }

    /// A row with a line from one lane to another, which ends with `end`.
    fn link(&self, at: usize, to: usize, end: char) -> String {
        let between = at.min(to)..at.max(to);
        let mut row = String::new();
        for (lane, leads) in self.lanes.iter().enumerate() {
            row.push(match leads {
                _ if lane == at => {
                    if to > at {
                        '├'
                    } else {
                        '┤'
                    }
                }
                _ if lane == to => end,
                Some(_) => '│',
                None if between.contains(&lane) => '─',
                None => ' ',
            });
            row.push(if between.contains(&lane) { '─' } else { ' ' });
        }
        row.trim_end().to_owned()
    }

    /// The row of the commit in a lane, or one that leads on.
    fn row(&self, node: Option<usize>) -> String {
        let glyphs = self.lanes.iter().enumerate().map(|(lane, leads)| match leads {
            Some(_) if Some(lane) == node => '*',
            Some(_) => '│',
            None => ' ',
        });
        let row: String = glyphs.flat_map(|glyph| [glyph, ' ']).collect();
        row.trim_end().to_owned()
    }
}

/// Rows with the lines of a text beside them, from the row `from` on.
fn beside(rows: &[String], from: usize, text: &[String]) -> String {
    let width = rows[from..].iter().map(|row| row.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| match at.checked_sub(from).and_then(|line| text.get(line)) {
            Some(line) => format!("{row:<width$}  {line}").trim_end().to_owned(),
            None => row.clone(),
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(commits: &[(&str, &[&str])]) -> String {
        let mut graph = Graph::new();
        let rows =
            commits.iter().map(|(node, parents)| graph.rows(node, parents, &[(*node).to_owned()]));
        rows.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_chain_is_one_lane() {
        assert_eq!(drawn(&[("c", &["b"]), ("b", &["a"]), ("a", &[])]), "*  c\n*  b\n*  a");
    }

    #[test]
    fn a_merged_branch_leaves_and_returns() {
        let commits: &[(&str, &[&str])] =
            &[("m", &["b", "t"]), ("t", &["a"]), ("b", &["a"]), ("a", &[])];
        let expected = "\
*    m
├─╮
│ *  t
* │  b
├─╯
*  a";
        assert_eq!(drawn(commits), expected);
    }

    #[test]
    fn a_lane_passes_between_two_others() {
        let commits: &[(&str, &[&str])] = &[
            ("m", &["b", "t", "u"]),
            ("u", &["a"]),
            ("b", &["a"]),
            ("a", &["z"]),
            ("t", &["z"]),
            ("z", &[]),
        ];
        let expected = "\
*      m
├─╮
├─│─╮
│ │ *  u
* │ │  b
├─│─╯
* │  a
│ *  t
├─╯
*  z";
        assert_eq!(drawn(commits), expected);
    }

    #[test]
    fn a_merge_of_a_commit_that_a_lane_leads_to_joins_the_lanes() {
        let commits: &[(&str, &[&str])] =
            &[("m", &["b", "t"]), ("b", &["a", "t"]), ("t", &["a"]), ("a", &[])];
        let expected = "\
*    m
├─╮
* │  b
├─┤
│ *  t
├─╯
*  a";
        assert_eq!(drawn(commits), expected);
    }

    #[test]
    fn further_lines_stand_beside_the_lanes() {
        let mut graph = Graph::new();
        let text = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
        assert_eq!(graph.rows(&"m", &["b", "t"], &text), "*    one\n├─╮  two\n│ │  three");
    }
}

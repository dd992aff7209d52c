//! Matchings in a general graph: as many pairs as can be made at once. Who is paired is not known here.

/// Who may be paired with whom.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    len: usize,
    joined: Vec<bool>,
}

impl Graph {
    /// A graph of `len` vertices in which all are joined.
    pub(super) fn complete(len: usize) -> Self {
        Self { len, joined: (0..len * len).map(|cell| cell / len != cell % len).collect() }
    }

    /// Joins two vertices or parts them.
    pub(super) fn set(&mut self, a: usize, b: usize, joined: bool) {
        if a != b {
            self.joined[a * self.len + b] = joined;
            self.joined[b * self.len + a] = joined;
        }
    }

    pub(super) fn joins(&self, a: usize, b: usize) -> bool {
        self.joined[a * self.len + b]
    }
}

/// A largest matching among some vertices, kept so while pairs are taken out.
#[derive(Debug, Clone)]
pub(super) struct Matching<'g> {
    graph: &'g Graph,
    alive: Vec<bool>,
    mate: Vec<Option<usize>>,
}

/// What one search knows: the tree's parents, and the base of the blossom that each vertex shrank into.
struct Search {
    parent: Vec<Option<usize>>,
    base: Vec<usize>,
    reached: Vec<bool>,
    queue: Vec<usize>,
}

impl<'g> Matching<'g> {
    /// A largest matching among `members`, by Edmonds' algorithm ("Paths, trees, and flowers", 1965) from a
    /// greedy start: O(n^3) at worst, and near O(n^2) in graphs that miss few edges.
    pub(super) fn new(graph: &'g Graph, members: &[usize]) -> Self {
        let mut matching = Self { graph, alive: vec![false; graph.len], mate: vec![None; graph.len] };
        for member in members {
            matching.alive[*member] = true;
        }
        for (place, a) in members.iter().enumerate() {
            if matching.mate[*a].is_none() {
                let mut later = members[place + 1..].iter();
                if let Some(b) = later.find(|b| matching.mate[**b].is_none() && graph.joins(*a, **b)) {
                    matching.mate[*a] = Some(*b);
                    matching.mate[*b] = Some(*a);
                }
            }
        }
        for member in members {
            if matching.mate[*member].is_none() {
                matching.augment(*member);
            }
        }
        matching
    }

    /// The vertices left alone, in order.
    pub(super) fn alone(&self) -> Vec<usize> {
        (0..self.graph.len).filter(|v| self.alive[*v] && self.mate[*v].is_none()).collect()
    }

    /// Whether nobody is left alone.
    pub(super) fn is_perfect(&self) -> bool {
        self.alive.iter().zip(&self.mate).all(|(alive, mate)| !alive || mate.is_some())
    }

    /// Takes two out of a perfect matching if the rest can then still be matched perfectly.
    pub(super) fn take(&mut self, a: usize, b: usize) -> bool {
        if !self.graph.joins(a, b) || !self.alive[a] || !self.alive[b] {
            return false;
        }
        let (Some(c), Some(d)) = (self.mate[a], self.mate[b]) else { return false };
        (self.alive[a], self.alive[b]) = (false, false);
        if c == b {
            return true;
        }
        (self.mate[c], self.mate[d]) = (None, None);
        // Those two are the only ones alone, so a path can only lead from the one to the other.
        if self.augment(c) {
            return true;
        }
        (self.alive[a], self.alive[b]) = (true, true);
        (self.mate[c], self.mate[d]) = (Some(a), Some(b));
        false
    }

    /// Matches `root` too, if that is possible without leaving alone anybody who is matched.
    fn augment(&mut self, root: usize) -> bool {
        let mut search = Search {
            parent: vec![None; self.graph.len],
            base: (0..self.graph.len).collect(),
            reached: vec![false; self.graph.len],
            queue: vec![root],
        };
        search.reached[root] = true;
        let Some(end) = self.find_path(root, &mut search) else { return false };
        let mut next = Some(end);
        while let Some(v) = next {
            let before = search.parent[v].expect("every second vertex of the path has a parent");
            next = self.mate[before];
            self.mate[v] = Some(before);
            self.mate[before] = Some(v);
        }
        true
    }

    /// Searches in breadth for a vertex that is alone, shrinking every odd cycle (blossom) on the way.
    fn find_path(&self, root: usize, search: &mut Search) -> Option<usize> {
        let mut head = 0;
        while let Some(v) = search.queue.get(head).copied() {
            head += 1;
            for to in 0..self.graph.len {
                let foreign = !self.alive[to] || !self.graph.joins(v, to);
                if foreign || search.base[v] == search.base[to] || self.mate[v] == Some(to) {
                    continue;
                }
                let even = to == root || self.mate[to].is_some_and(|mate| search.parent[mate].is_some());
                if even {
                    self.shrink(v, to, search);
                } else if search.parent[to].is_none() {
                    search.parent[to] = Some(v);
                    let Some(mate) = self.mate[to] else { return Some(to) };
                    search.reached[mate] = true;
                    search.queue.push(mate);
                }
            }
        }
        None
    }

    fn shrink(&self, v: usize, to: usize, search: &mut Search) {
        let base = self.common_base(v, to, search);
        let mut blossom = vec![false; self.graph.len];
        for (from, child) in [(v, to), (to, v)] {
            let (mut from, mut child) = (from, child);
            while search.base[from] != base {
                let mate = self.mate[from].expect("inside the tree all but the root are matched");
                blossom[search.base[from]] = true;
                blossom[search.base[mate]] = true;
                search.parent[from] = Some(child);
                child = mate;
                from = search.parent[mate].expect("odd vertices of the tree have parents");
            }
        }
        for vertex in 0..self.graph.len {
            if blossom[search.base[vertex]] {
                search.base[vertex] = base;
                if !search.reached[vertex] {
                    search.reached[vertex] = true;
                    search.queue.push(vertex);
                }
            }
        }
    }

    /// Where the ways of two even vertices to the root first meet.
    fn common_base(&self, a: usize, b: usize, search: &Search) -> usize {
        let up = |vertex: usize| self.mate[vertex].and_then(|mate| search.parent[mate]);
        let mut seen = vec![false; self.graph.len];
        let mut next = Some(a);
        while let Some(vertex) = next {
            let base = search.base[vertex];
            seen[base] = true;
            next = up(base);
        }
        let mut base = search.base[b];
        while !seen[base] {
            base = search.base[up(base).expect("both ways end at the root")];
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Random;

    use super::*;

    /// The most pairs, by trying everything: for each set of vertices that is still free.
    fn most_pairs(graph: &Graph, free: usize, known: &mut Vec<Option<usize>>) -> usize {
        if free == 0 {
            return 0;
        }
        if let Some(pairs) = known[free] {
            return pairs;
        }
        let a = usize::try_from(free.trailing_zeros()).expect("a small number");
        let rest = free & !(1 << a);
        let mut best = most_pairs(graph, rest, known);
        for b in (a + 1..graph.len).filter(|b| rest >> b & 1 == 1 && graph.joins(a, *b)) {
            best = best.max(1 + most_pairs(graph, rest & !(1 << b), known));
        }
        known[free] = Some(best);
        best
    }

    #[test]
    fn matchings_are_the_largest() {
        for seed in 0..2_000 {
            let mut random = Random::new(seed);
            let len = usize::try_from(2 + random.below(9)).expect("small");
            let dense = 10 + random.below(80);
            let mut graph = Graph::complete(len);
            for a in 0..len {
                for b in a + 1..len {
                    graph.set(a, b, random.below(100) < dense);
                }
            }
            let members: Vec<usize> = (0..len).collect();
            let matching = Matching::new(&graph, &members);
            for a in 0..len {
                if let Some(b) = matching.mate[a] {
                    assert!(graph.joins(a, b) && matching.mate[b] == Some(a), "seed {seed}");
                }
            }
            let most = most_pairs(&graph, (1 << len) - 1, &mut vec![None; 1 << len]);
            assert_eq!(len - matching.alone().len(), 2 * most, "seed {seed}");
            if matching.is_perfect() {
                check_taking(&graph, &members, seed);
            }
        }
    }

    fn check_taking(graph: &Graph, members: &[usize], seed: u64) {
        for a in members {
            for b in members.iter().filter(|b| *b > a && graph.joins(*a, **b)) {
                let rest: Vec<usize> = members.iter().copied().filter(|v| v != a && v != b).collect();
                let mut matching = Matching::new(graph, members);
                let taken = matching.take(*a, *b);
                assert_eq!(taken, Matching::new(graph, &rest).is_perfect(), "seed {seed}: {a} {b}");
                assert!(matching.is_perfect(), "seed {seed}: {a} {b}");
            }
        }
    }
}

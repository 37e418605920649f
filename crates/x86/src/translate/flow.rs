//! Structured control flow: which nodes are loops, which are joined by several branches, and
//! in what order code is written.
//!
//! The dominator-tree method (Ramsey, "Beyond Relooper", ICFP 2022) handles reducible graphs.
//! What is not reducible is made so by a *dispatcher*, node 0: a loop around everything that
//! jumps by a number. Entries of the region and returns go through it anyway; so does whoever
//! branches to the entry of a loop that has several.

use alloc::vec::Vec;

/// A graph with its dispatcher. Node `n + 1` is block `n`.
pub(super) struct Flow {
    /// Blocks that are reached through the dispatcher, in the order of their numbers there.
    pub dispatched: Vec<usize>,
    /// By node: whether a branch leads back to it.
    pub is_loop: Vec<bool>,
    /// By node: whether it is in a loop other than the dispatcher's.
    pub in_loop: Vec<bool>,
    /// By node: whether code for it is written behind a label.
    pub is_join: Vec<bool>,
    /// By node: its children in the dominator tree, in reverse postorder.
    pub children: Vec<Vec<usize>>,
}

impl Flow {
    /// `successors` by block; `dispatched` are those that must be.
    #[inline(never)]
    pub fn new(successors: &[Vec<usize>], dispatched: Vec<usize>) -> Flow {
        let count = successors.len() + 1;
        let mut through = alloc::vec![false; count];
        let mut list = Vec::new();
        for block in dispatched {
            if !through[block + 1] {
                through[block + 1] = true;
                list.push(block);
            }
        }
        loop {
            let edges = edges(successors, &through, &list);
            let (sequence, order) = postorder(&edges);
            let parents = dominators(&edges, &sequence, &order);
            let dominates = |above: usize, mut node: usize| {
                while order[node] > order[above] {
                    node = parents[node];
                }
                node == above
            };
            let mut is_loop = alloc::vec![false; count];
            let mut forward = alloc::vec![0; count];
            let (mut bad, mut backward) = (None, Vec::new());
            for &node in &sequence {
                for &to in &edges[node] {
                    if order[to] > order[node] {
                        forward[to] += 1;
                    } else if dominates(to, node) {
                        is_loop[to] = true;
                        if to != 0 {
                            backward.push((node, to));
                        }
                    } else {
                        bad = Some(to);
                    }
                }
            }
            if let Some(node) = bad {
                through[node] = true;
                list.push(node - 1);
                continue;
            }
            let mut children = alloc::vec![Vec::new(); count];
            for &node in sequence.iter().skip(1) {
                children[parents[node]].push(node);
            }
            let is_join = (0..count).map(|node| forward[node] > 1 || through[node]).collect();
            let in_loop = in_loops(&edges, &sequence, backward);
            return Flow { dispatched: list, is_loop, in_loop, is_join, children };
        }
    }

    /// A dispatched block's number.
    pub fn number(&self, block: usize) -> Option<usize> {
        self.dispatched.iter().position(|&other| other == block)
    }
}

/// By node: whether it is in the loop of one of some branches back, each from a node to the
/// loop's first.
fn in_loops(edges: &[Vec<usize>], sequence: &[usize], backward: Vec<(usize, usize)>) -> Vec<bool> {
    let before = predecessors(edges, sequence);
    let mut inside = alloc::vec![false; edges.len()];
    // By node: the last branch that was followed to it.
    let mut followed = alloc::vec![usize::MAX; edges.len()];
    for (number, &(from, first)) in backward.iter().enumerate() {
        followed[first] = number;
        inside[first] = true;
        let mut work = Vec::from([from]);
        while let Some(node) = work.pop() {
            if core::mem::replace(&mut followed[node], number) != number {
                inside[node] = true;
                work.extend(&before[node]);
            }
        }
    }
    inside
}

fn edges(successors: &[Vec<usize>], through: &[bool], list: &[usize]) -> Vec<Vec<usize>> {
    let mut edges = Vec::with_capacity(through.len());
    edges.push(list.iter().map(|block| block + 1).collect());
    for list in successors {
        edges.push(
            list.iter().map(|&to| if through[to + 1] { 0 } else { to + 1 }).collect::<Vec<_>>(),
        );
    }
    edges
}

/// Reachable nodes in reverse postorder, and each node's place there.
fn postorder(edges: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut sequence = Vec::new();
    let mut seen = alloc::vec![false; edges.len()];
    let mut stack = Vec::from([(0, 0)]);
    seen[0] = true;
    while let Some((node, next)) = stack.last_mut() {
        match edges[*node].get(*next) {
            Some(&to) => {
                *next += 1;
                if !seen[to] {
                    seen[to] = true;
                    stack.push((to, 0));
                }
            }
            None => {
                sequence.push(*node);
                stack.pop();
            }
        }
    }
    sequence.reverse();
    let mut order = alloc::vec![usize::MAX; edges.len()];
    for (place, &node) in sequence.iter().enumerate() {
        order[node] = place;
    }
    (sequence, order)
}

fn predecessors(edges: &[Vec<usize>], sequence: &[usize]) -> Vec<Vec<usize>> {
    let mut before = alloc::vec![Vec::new(); edges.len()];
    for &node in sequence {
        for &to in &edges[node] {
            before[to].push(node);
        }
    }
    before
}

/// Immediate dominators (Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm").
fn dominators(edges: &[Vec<usize>], sequence: &[usize], order: &[usize]) -> Vec<usize> {
    let before = predecessors(edges, sequence);
    let mut parents = alloc::vec![usize::MAX; edges.len()];
    parents[0] = 0;
    let mut changed = true;
    while changed {
        changed = false;
        for &node in &sequence[1..] {
            let mut parent = usize::MAX;
            for &other in &before[node] {
                if parents[other] == usize::MAX {
                    continue;
                }
                if parent == usize::MAX {
                    parent = other;
                    continue;
                }
                let mut other = other;
                while parent != other {
                    while order[parent] > order[other] {
                        parent = parents[parent];
                    }
                    while order[other] > order[parent] {
                        other = parents[other];
                    }
                }
            }
            if parents[node] != parent {
                parents[node] = parent;
                changed = true;
            }
        }
    }
    parents
}

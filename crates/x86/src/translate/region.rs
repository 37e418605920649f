//! A region: the code that becomes one WebAssembly function.
//!
//! From a hot address control flow is followed along everything that the interpreter has
//! executed so far, into direct calls too, up to a limit. So cold paths stay outside, and a
//! loop that calls small functions is one region with all of them. Instructions that the
//! translator does not know end a block: the interpreter executes them.

use super::effects::{self, Flow};
use crate::exit::Access;
use crate::{AddressSpace, Mode};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};

/// Instructions of a region at most. Compiling takes more than twice as long for twice as many,
/// and what comes later waits for it.
const MAX_INSTRUCTIONS: usize = 400;
/// Blocks of a region at most.
const MAX_BLOCKS: usize = 240;
/// With so many instructions a region takes no more functions in: what many call would be
/// compiled with each of them.
const ENOUGH: usize = 150;

/// What is translated already, from where on others need not translate it again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    No,
    /// It can be entered there; its region is small, so that functions take it in nevertheless.
    Small,
    /// It can be entered there.
    Large,
}

/// Functions that a call may have led to for them to be taken in.
const FEW: usize = 2;

const LONGEST: usize = 15;

/// A block: entered at its start only.
pub(super) struct Block {
    pub start: u32,
    /// Its instructions, the branch at its end included.
    pub code: Vec<Instruction>,
    pub end: End,
}

/// How a block ends. Numbers are those of blocks, addresses lead out of the region.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// Goes on there.
    Jump(Target),
    /// By the condition of the last instruction.
    Branch { taken: Target, fall: Target },
    /// Pushes the address of the next instruction, and goes on there.
    Call(Target),
    /// To an address that is computed: the last instruction's operand.
    Computed,
    /// Pops an address.
    Return,
    /// At an instruction that the interpreter must execute.
    Stop(u64),
}

/// Where a branch leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Inside(usize),
    Outside(u64),
}

pub(super) struct Region {
    pub blocks: Vec<Block>,
    /// Blocks behind calls, by address: where a return may lead.
    pub returns: Vec<(u64, usize)>,
    /// Blocks to which jumps have led that compute their target, and beginnings of functions.
    pub computed: Vec<usize>,
    /// Blocks behind instructions that the interpreter executes.
    pub resumed: Vec<usize>,
    /// First and last byte of the code, by page and in order; for invalidation.
    pub spans: Vec<(u32, u32)>,
    /// The addresses of its instructions, in order.
    pub addresses: Vec<u32>,
}

/// What the interpreter has seen of the program.
pub(crate) trait Seen {
    /// Whether it has been somewhere.
    fn knows(&self, at: u32) -> bool;
    /// Where an indirect jump has led.
    fn targets(&self, jump: u32) -> &[u32];
}

/// Grows a region from an address.
/// `None` if not even the first instruction can be translated.
#[inline(never)]
pub(super) fn grow(
    mode: Mode,
    seed: u32,
    space: &AddressSpace,
    seen: &dyn Seen,
    before: &dyn Fn(u32) -> Before,
) -> Option<Region> {
    let known = |at: u32| seen.knows(at);
    let (mut stops, mut resumed) = (BTreeSet::new(), BTreeSet::new());
    let mut computed = BTreeSet::new();
    let mut code: BTreeMap<u32, Instruction> = BTreeMap::new();
    let mut leaders = BTreeSet::from([seed]);
    let mut after_calls = BTreeSet::new();
    let mut work = Vec::from([seed]);
    // Functions that are called, for when the ones that call them are complete.
    let mut called = VecDeque::new();
    let mut next = 0;
    loop {
        let Some(&start) = work.get(next) else {
            let Some(function) = called.pop_front() else { break };
            if code.len() < ENOUGH && leaders.len() < MAX_BLOCKS && leaders.insert(function) {
                computed.insert(function);
                work.push(function);
            }
            continue;
        };
        next += 1;
        let mut at = start;
        while !code.contains_key(&at) && code.len() < MAX_INSTRUCTIONS {
            let i = decode(mode, at, space);
            let mut lead = |to: u64, worth: bool| {
                if let Ok(to) = u32::try_from(to)
                    && worth
                    && before(to) == Before::No
                    && leaders.len() < MAX_BLOCKS
                    && leaders.insert(to)
                {
                    work.push(to);
                }
            };
            if !is_plain(&i) || effects::of(&i).is_none() {
                stops.insert(at);
                if comes_back(&i) {
                    lead(i.next_ip(), true);
                    resumed.insert(i.next_ip() as u32);
                }
                break;
            }
            code.insert(at, i);
            match effects::flow(&i) {
                Flow::Next => {}
                Flow::Branch => {
                    for to in [i.near_branch_target(), i.next_ip()] {
                        lead(to, known(to as u32));
                    }
                    break;
                }
                Flow::Jump => {
                    lead(i.near_branch_target(), true);
                    break;
                }
                Flow::Call => {
                    if let Ok(function) = u32::try_from(i.near_branch_target())
                        && known(function)
                        && before(function) != Before::Large
                    {
                        called.push_back(function);
                    }
                    if known(i.next_ip() as u32) {
                        lead(i.next_ip(), true);
                        after_calls.insert(i.next_ip() as u32);
                    }
                    break;
                }
                Flow::Computed if i.mnemonic() == Mnemonic::Jmp => {
                    for &to in seen.targets(at) {
                        lead(to.into(), true);
                        computed.insert(to);
                    }
                    break;
                }
                Flow::Computed => {
                    let functions = seen.targets(at);
                    if functions.len() <= FEW {
                        let more = functions.iter().filter(|&&to| before(to) != Before::Large);
                        called.extend(more);
                    }
                    if known(i.next_ip() as u32) {
                        lead(i.next_ip(), true);
                        after_calls.insert(i.next_ip() as u32);
                    }
                    break;
                }
                _ => break,
            }
            match u32::try_from(i.next_ip()) {
                Ok(next) => at = next,
                Err(_) => break,
            }
        }
    }
    if !code.contains_key(&seed) {
        return None;
    }
    leaders.retain(|at| code.contains_key(at));
    let starts: Vec<u32> =
        core::iter::once(seed).chain(leaders.iter().copied().filter(|&at| at != seed)).collect();
    let number: BTreeMap<u32, usize> =
        starts.iter().enumerate().map(|(number, &at)| (at, number)).collect();
    let target = |to: u64| match u32::try_from(to).ok().and_then(|to| number.get(&to)) {
        Some(&number) => Target::Inside(number),
        None => Target::Outside(to),
    };
    let mut blocks = Vec::with_capacity(starts.len());
    for &start in &starts {
        let mut list = Vec::new();
        let mut at = start;
        let end = loop {
            let Some(&i) = code.get(&at) else {
                // Or there were enough instructions before it.
                let stops = stops.contains(&at);
                let at = u64::from(at);
                break if stops { End::Stop(at) } else { End::Jump(Target::Outside(at)) };
            };
            list.push(i);
            match effects::flow(&i) {
                Flow::Branch => {
                    let (taken, fall) = (target(i.near_branch_target()), target(i.next_ip()));
                    break End::Branch { taken, fall };
                }
                Flow::Jump => break End::Jump(target(i.near_branch_target())),
                Flow::Call => break End::Call(target(i.near_branch_target())),
                Flow::Return => break End::Return,
                Flow::Computed => break End::Computed,
                _ => {}
            }
            match u32::try_from(i.next_ip()) {
                Ok(next) => at = next,
                Err(_) => break End::Jump(Target::Outside(i.next_ip())),
            }
            if let Some(&number) = number.get(&at) {
                break End::Jump(Target::Inside(number));
            }
        };
        blocks.push(Block { start, code: list, end });
    }
    let returns =
        after_calls.iter().filter_map(|at| Some((u64::from(*at), *number.get(at)?))).collect();
    let numbers =
        |set: &BTreeSet<u32>| set.iter().filter_map(|at| number.get(at).copied()).collect();
    let (computed, resumed) = (numbers(&computed), numbers(&resumed));
    let addresses = code.keys().copied().collect();
    Some(Region { spans: spans(&code), addresses, blocks, returns, computed, resumed })
}

#[inline(never)]
fn decode(mode: Mode, at: u32, space: &AddressSpace) -> Instruction {
    let len = space.accessible(u64::from(at), LONGEST as u64, Access::Execute);
    let bytes = space.content(u64::from(at), len);
    let bits = if mode == Mode::Amd64 { 64 } else { 32 };
    Decoder::with_ip(bits, bytes, u64::from(at), DecoderOptions::NONE).decode()
}

/// Whether an instruction has no prefix that changes what it does.
fn is_plain(i: &Instruction) -> bool {
    let plain = !i.has_rep_prefix() || i.mnemonic() == Mnemonic::Ret;
    !i.is_invalid() && plain && !i.has_repne_prefix()
}

/// Whether execution goes on behind an instruction that is left to the interpreter.
fn comes_back(i: &Instruction) -> bool {
    use Mnemonic as N;
    let branches = matches!(
        i.op0_kind(),
        OpKind::NearBranch16
            | OpKind::NearBranch32
            | OpKind::NearBranch64
            | OpKind::FarBranch16
            | OpKind::FarBranch32
    );
    let ends = matches!(
        i.mnemonic(),
        N::Jmp | N::Call | N::Ret | N::Retf | N::Iret | N::Iretd | N::Iretq | N::Hlt | N::Int3
    );
    !i.is_invalid() && !branches && !ends && !matches!(i.mnemonic(), N::Ud0 | N::Ud1 | N::Ud2)
}

#[inline(never)]
fn spans(code: &BTreeMap<u32, Instruction>) -> Vec<(u32, u32)> {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for (&at, i) in code {
        let last = at.saturating_add(i.len() as u32 - 1);
        match spans.last_mut() {
            Some((_, end)) if *end >= at.saturating_sub(1) => *end = last,
            _ => spans.push((at, last)),
        }
    }
    spans
}

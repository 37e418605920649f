//! Code that is being put together, and references in it that are resolved when all is there.

mod linked;

use crate::cranelift::{Compiled, Symbol};
use cranelift_codegen::binemit::Reloc;
use linked::Lists;
pub(crate) use linked::{Image, Tables, merge};
use sampan_engine::native::{Place, TrapCode};
use std::collections::{BTreeMap, BTreeSet};

/// The code of a module, or of a part of it. [`Draft::link`] makes an [`Image`] of it.
#[derive(Debug)]
pub(crate) struct Draft {
    code: Vec<u8>,
    lists: Lists,
    symbols: BTreeMap<Symbol, u32>,
    relocs: Vec<(u32, Reloc, Symbol, i64)>,
}

/// Cranelift's number of a trap as the engine's.
fn trap_number(code: u8) -> u8 {
    use cranelift_codegen::ir::TrapCode as C;
    let known = [
        (C::STACK_OVERFLOW, TrapCode::StackOverflow),
        (C::INTEGER_OVERFLOW, TrapCode::IntegerOverflow),
        (C::HEAP_OUT_OF_BOUNDS, TrapCode::MemoryOutOfBounds),
        (C::INTEGER_DIVISION_BY_ZERO, TrapCode::IntegerDivideByZero),
        (C::BAD_CONVERSION_TO_INTEGER, TrapCode::InvalidConversionToInteger),
    ];
    match known.into_iter().find(|(c, _)| c.as_raw().get() == code) {
        Some((_, trap)) => trap as u8,
        // The builder adds one, as zero is not among Cranelift's.
        None => code - 1,
    }
}

impl Draft {
    pub fn new(bodies: usize) -> Draft {
        Draft {
            code: Vec::new(),
            lists: Lists { bodies: vec![u32::MAX; bodies], ..Lists::default() },
            symbols: BTreeMap::new(),
            relocs: Vec::new(),
        }
    }

    /// Appends the code of a body.
    pub fn add_body(&mut self, body: u32, compiled: Compiled) {
        self.lists.bodies[body as usize] = self.add(Symbol::Body(body), body, compiled);
    }

    /// Appends the code of a place, and that of the entry for it.
    pub fn add_place(&mut self, place: Place, code: Compiled, ty: u32, through: Compiled) {
        // Calls of the function from its loop begin at its start.
        let (symbol, entry) = match place.at {
            0 => (Symbol::Body(place.body), Symbol::Entry(ty)),
            _ => (Symbol::Loop(place.body), Symbol::LoopEntry(ty)),
        };
        let code = self.add(symbol, place.body, code);
        let through = self.add(entry, u32::MAX, through);
        self.lists.places.push((place, code, through));
    }

    /// Appends code that is not a body's own.
    pub fn add_glue(&mut self, symbol: Symbol, compiled: Compiled) {
        let at = self.add(symbol, u32::MAX, compiled);
        if let Symbol::Entry(ty) = symbol {
            self.lists.entries.insert(ty, at);
        }
    }

    fn add(&mut self, symbol: Symbol, body: u32, compiled: Compiled) -> u32 {
        let at = self.code.len().next_multiple_of(compiled.align as usize);
        self.code.resize(at, 0);
        let start = at as u32;
        self.symbols.insert(symbol, start);
        self.lists.ranges.push((start, body));
        self.code.extend(compiled.code);
        let relocs = compiled.relocs.into_iter();
        self.relocs.extend(relocs.map(|(at, kind, to, plus)| (start + at, kind, to, plus)));
        let traps = compiled.traps.into_iter();
        self.lists.traps.extend(traps.map(|(at, code)| (start + at, trap_number(code).into())));
        // What comes before the first instruction counts as part of it.
        let first = compiled.offsets.first().map_or(0, |&(_, offset)| offset);
        self.lists.offsets.push((start, first));
        let offsets = compiled.offsets.into_iter();
        self.lists.offsets.extend(offsets.map(|(at, offset)| (start + at, offset)));
        start
    }

    pub fn has(&self, symbol: Symbol) -> bool {
        self.symbols.contains_key(&symbol)
    }

    /// What is referred to but not there.
    pub fn wanted(&self) -> BTreeSet<Symbol> {
        self.relocs.iter().map(|reloc| reloc.2).filter(|&symbol| !self.has(symbol)).collect()
    }

    /// Resolves what refers to other parts of the image.
    ///
    /// # Errors
    /// A kind of reference that is not known, or too far.
    pub fn link(mut self) -> Result<Image, String> {
        for (at, kind, symbol, plus) in std::mem::take(&mut self.relocs) {
            let to = *self.symbols.get(&symbol).ok_or("a part of the code is missing")?;
            let distance = i64::from(to) + plus - i64::from(at);
            let (place, rest) = self
                .code
                .get_mut(at as usize..)
                .and_then(|code| code.split_first_chunk_mut::<4>())
                .ok_or("a reference beyond the code")?;
            match kind {
                Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => {
                    let distance = i32::try_from(distance).map_err(|_| "code beyond 2 GiB")?;
                    *place = distance.to_le_bytes();
                }
                Reloc::Arm64Call => {
                    let words = distance >> 2;
                    if !(-(1 << 25)..1 << 25).contains(&words) {
                        return Err("code beyond 128 MiB".into());
                    }
                    let old = u32::from_le_bytes(*place) & 0xfc00_0000;
                    *place = (old | words as u32 & 0x03ff_ffff).to_le_bytes();
                }
                // The distance of pages of 4096 bytes: the code's memory begins at one.
                Reloc::Aarch64AdrPrelPgHi21 => {
                    let target = i64::from(to) + plus;
                    let pages = (target >> 12) - (i64::from(at) >> 12);
                    if !(-(1 << 20)..1 << 20).contains(&pages) {
                        return Err("code beyond 4 GiB".into());
                    }
                    let (low, high) = (pages as u32 & 3, pages as u32 >> 2 & 0x7_ffff);
                    let old = u32::from_le_bytes(*place) & 0x9f00_001f;
                    *place = (old | low << 29 | high << 5).to_le_bytes();
                }
                Reloc::Aarch64AddAbsLo12Nc => {
                    let within = (i64::from(to) + plus) as u32 & 0xfff;
                    let old = u32::from_le_bytes(*place) & 0xffc0_03ff;
                    *place = (old | within << 10).to_le_bytes();
                }
                // A pair: one half in the first instruction, the other in the next.
                Reloc::RiscvCallPlt => {
                    let distance = i32::try_from(distance).map_err(|_| "code beyond 2 GiB")?;
                    let next = rest.first_chunk_mut::<4>().ok_or("a reference beyond the code")?;
                    riscv_upper(place, distance);
                    riscv_lower(next, distance);
                }
                // The two halves of such a pair apart; the second refers to the first.
                Reloc::RiscvPCRelHi20 => {
                    let distance = i32::try_from(distance).map_err(|_| "code beyond 2 GiB")?;
                    riscv_upper(place, distance);
                }
                Reloc::RiscvPCRelLo12I => {
                    let distance = i32::try_from(distance).map_err(|_| "code beyond 2 GiB")?;
                    riscv_lower(place, distance);
                }
                other => return Err(format!("the reference {other:?} is not known")),
            }
        }
        let tables = self.lists.tables(self.code.len() as u32);
        Ok(Image { code: self.code.into(), tables })
    }
}

/// Puts the upper 20 bits of a distance into an instruction, rounded for a lower half with a sign.
fn riscv_upper(instruction: &mut [u8; 4], distance: i32) {
    let upper = distance.wrapping_add(0x800) as u32 & 0xffff_f000;
    let rest = u32::from_le_bytes(*instruction) & 0xfff;
    *instruction = (rest | upper).to_le_bytes();
}

/// Puts the lower 12 bits of a distance into an instruction.
fn riscv_lower(instruction: &mut [u8; 4], distance: i32) {
    let rest = u32::from_le_bytes(*instruction) & 0xf_ffff;
    *instruction = (rest | (distance as u32) << 20).to_le_bytes();
}
